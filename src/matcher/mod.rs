//! All patterns of a taxonomy at once: the words of a sentence → the numbers of the patterns that match.
//!
//! A pattern is looked at only where the word stands that is rarest of all that it needs, and only if the words beside that
//! may be its neighbours. Masks of symbols tell it at once; some symbols share a bit, so a mask may say yes too often, never
//! no. What is left is matched exactly: from the set of places where it may begin to the set of those where it may end, one
//! bit a place, by shifts and intersections.
//!
//! Compiled patterns are numbers (see [`Matcher::parts`]), so that a model file holds them ready for use.

mod anchors;
mod code;
mod places;

use crate::pattern::{MAX_WIDTH, Pattern};
use anchors::{ANYTHING, Anchor, Anchors, Around, FAR, Mask, OWN, WITHIN, bits_of, elements};
use code::{ARGUMENT, Classes, GAP, OPTIONAL, SHIFT, WORD, check, encode};
use hashbrown::HashMap;
use places::Bits;

/// Many patterns, compiled. A pattern's number is its place in the list given.
#[derive(Debug, Clone, Default)]
pub struct Matcher {
    parts: Parts,
    /// Where each program begins; the terms' first, then those of exclusions.
    programs: Vec<Program>,
    n_patterns: usize,
    /// The programs of exclusions of each pattern: `exclusions[exclusion_starts[p]..exclusion_starts[p + 1]]`.
    exclusion_starts: Vec<u32>,
    exclusions: Vec<u32>,
    /// The symbols of each class, in the same form.
    class_starts: Vec<u32>,
    class_symbols: Vec<u32>,
    /// A bit for each symbol of a class, many symbols sharing one.
    class_masks: Vec<Mask>,
    bits: Vec<Mask>,
    /// The patterns to look at when a symbol occurs, in the same form.
    anchor_starts: Vec<u32>,
    anchors: Vec<Anchor>,
    /// The same of patterns that are bound to the start, for the first words of a sentence.
    opening_starts: Vec<u32>,
    openings: Vec<Anchor>,
    /// The last place where an anchor of these may stand.
    opening_reach: usize,
}

/// What a matcher is made of, as numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Parts {
    /// The classes: for each, how many symbols it has, then the symbols, increasing.
    pub classes: Vec<u32>,
    /// The patterns: for each, 1 if it is bound to the start plus 2 if to the end, how many programs it has, and for each of
    /// these its length and its code; the first is what must match, the others what must not.
    pub patterns: Vec<u32>,
    /// How often each symbol occurs in text like that to be read. It decides in which order things are looked at, never what
    /// matches. Empty where it is not known.
    pub counts: Vec<u32>,
}

/// Why numbers make no matcher.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the compiled patterns are broken at number {0}")]
pub struct BadParts(pub usize);

#[derive(Debug, Clone, Copy)]
struct Program {
    begin: u32,
    end: u32,
    at_start: bool,
    at_end: bool,
}

/// A list of lists, end to end.
fn flatten<T: Copy>(lists: &[Vec<T>]) -> (Vec<u32>, Vec<T>) {
    let mut starts = vec![0];
    starts.extend(lists.iter().scan(0, |end, list| {
        *end += list.len() as u32;
        Some(*end)
    }));
    (starts, lists.concat())
}

impl Matcher {
    /// Compiles patterns over `n_symbols` symbols; a match reports a pattern's place in this list.
    pub fn new(patterns: &[Pattern], n_symbols: usize) -> Self {
        let mut classes = Classes::default();
        let mut flat = Vec::new();
        for pattern in patterns {
            flat.push(u32::from(pattern.at_start) | u32::from(pattern.at_end) << 1);
            flat.push(1 + pattern.excluded.len() as u32);
            for items in std::iter::once(&pattern.items).chain(&pattern.excluded) {
                let nodes = classes.sequence(items);
                let at = flat.len();
                flat.push(0);
                encode(&nodes, &mut flat);
                flat[at] = (flat.len() - at - 1) as u32;
            }
        }
        let parts = Parts { classes: classes.flat, patterns: flat, counts: Vec::new() };
        // What was just compiled is well formed.
        Self::from_parts(parts, n_symbols).unwrap_or_default()
    }

    /// The same matcher, made fast for text in which each symbol occurs as often as this; what matches does not change.
    pub fn with_counts(self, counts: Vec<u32>) -> Self {
        let n_symbols = counts.len();
        Self::from_parts(Parts { counts, ..self.parts.clone() }, n_symbols).unwrap_or(self)
    }

    /// How many patterns there are.
    pub fn n_patterns(&self) -> usize {
        self.n_patterns
    }

    /// The matcher as numbers, for the model file.
    pub fn parts(&self) -> &Parts {
        &self.parts
    }

    /// Puts stored numbers together again, after checking them.
    ///
    /// # Errors
    /// Numbers that no compiled patterns over `n_symbols` symbols have.
    pub fn from_parts(parts: Parts, n_symbols: usize) -> Result<Self, BadParts> {
        let matcher = Self::of_parts(&parts, n_symbols)?;
        Ok(Self { parts, ..matcher })
    }

    /// The matcher but for its parts.
    fn of_parts(parts: &Parts, n_symbols: usize) -> Result<Self, BadParts> {
        let (mut classes, mut at) = (Vec::new(), 0);
        while let Some(&n) = parts.classes.get(at) {
            let symbols = parts.classes.get(at + 1..at + 1 + n as usize).ok_or(BadParts(at))?;
            if !symbols.is_sorted_by(|a, b| a < b) || symbols.last().is_none_or(|&s| s as usize >= n_symbols) {
                return Err(BadParts(at));
            }
            classes.push(symbols);
            at += 1 + n as usize;
        }
        let flat = &parts.patterns;
        let (mut terms, mut hidden, mut exclusions) = (Vec::new(), Vec::new(), Vec::new());
        let mut known: HashMap<&[u32], u32, foldhash::fast::FixedState> = HashMap::default();
        let mut at = 0;
        while at < flat.len() {
            let head = flat.get(at..at + 2).ok_or(BadParts(at))?;
            let (bound, n_programs) = (head[0], head[1]);
            if bound > 3 || n_programs == 0 {
                return Err(BadParts(at));
            }
            at += 2;
            let mut own = Vec::new();
            for program in 0..n_programs {
                let begin = at + 1;
                let end = begin + *flat.get(at).ok_or(BadParts(at))? as usize;
                let code = flat.get(begin..end).ok_or(BadParts(at))?;
                check(code, classes.len(), 0).filter(|&width| width > 0).ok_or(BadParts(begin))?;
                let place = Program { begin: begin as u32, end: end as u32, at_start: false, at_end: false };
                if program == 0 {
                    terms.push(Program { at_start: bound & 1 == 1, at_end: bound & 2 == 2, ..place });
                } else {
                    own.push(*known.entry(code).or_insert_with(|| {
                        hidden.push(place);
                        hidden.len() as u32 - 1
                    }));
                }
                at = end;
            }
            exclusions.push(own);
        }
        let n_patterns = terms.len();
        exclusions.iter_mut().flatten().for_each(|x| *x += n_patterns as u32);

        let mut counts = vec![1; n_symbols];
        match parts.counts.len() {
            // How often patterns use a symbol tells a little of how common it is.
            0 => terms
                .iter()
                .flat_map(|p| &flat[p.begin as usize..p.end as usize])
                .filter(|&&word| word >> SHIFT == WORD)
                .flat_map(|&class| classes[class as usize])
                .for_each(|&symbol| counts[symbol as usize] += 1),
            n if n == n_symbols => counts.iter_mut().zip(&parts.counts).for_each(|(sum, &n)| *sum += u64::from(n)),
            n => return Err(BadParts(n)),
        }
        let bits = bits_of(&counts);
        let mask = |symbols: &&[u32]| Mask::all(symbols.iter().map(|&s| bits[s as usize]));
        let class_masks: Vec<Mask> = classes.iter().map(mask).collect();
        let lists = || vec![Vec::new(); n_symbols];
        let mut laid = Anchors { counts: &counts, classes: &classes, of_symbol: lists(), openings: lists() };
        for (pattern, &Program { begin, end, at_start, at_end }) in terms.iter().enumerate() {
            let elements = elements(&flat[begin as usize..end as usize], &class_masks);
            let around = Around { before: None, after: None, least: 0, most: 0, alone: !at_start && !at_end, at_start };
            if !laid.lay(pattern as u32, &elements, around) {
                return Err(BadParts(begin as usize));
            }
        }
        let (class_starts, class_symbols) = flatten(&classes.iter().map(|c| c.to_vec()).collect::<Vec<_>>());
        terms.extend(hidden);
        let (exclusion_starts, exclusions) = flatten(&exclusions);
        let (anchor_starts, anchors) = flatten(&laid.of_symbol);
        let (opening_starts, openings) = flatten(&laid.openings);
        let opening_reach = openings.iter().map(|anchor| usize::from(anchor.most)).max().unwrap_or(0);
        Ok(Self {
            programs: terms,
            n_patterns,
            exclusion_starts,
            exclusions,
            class_starts,
            class_symbols,
            class_masks,
            bits,
            anchor_starts,
            anchors,
            opening_starts,
            openings,
            opening_reach,
            parts: Parts::default(),
        })
    }

    /// Room to match sentences in; keep one a thread.
    pub fn scratch(&self) -> MatchScratch {
        MatchScratch {
            numbers: HashMap::default(),
            profiles: vec![Profile::default()],
            symbols: Vec::new(),
            words: Vec::new(),
            masks: Vec::new(),
            all: Mask::EMPTY,
            within: Default::default(),
            window: 0,
            matched: vec![0; self.n_patterns],
        }
    }

    /// The number of the profile of a word that fulfils these symbols; words alike share it. 0 fulfils nothing.
    pub fn profile(&self, symbols: &[u32], scratch: &mut MatchScratch) -> u32 {
        if symbols.is_empty() {
            return 0;
        }
        if let Some(&number) = scratch.numbers.get(symbols) {
            return number;
        }
        let number = scratch.profiles.len() as u32;
        let begin = scratch.symbols.len() as u32;
        scratch.symbols.extend_from_slice(symbols);
        let end = scratch.symbols.len() as u32;
        let mask = Mask::all(symbols.iter().map(|&s| self.bits[s as usize]));
        scratch.profiles.push(Profile { symbols: (begin, end), mask });
        scratch.numbers.insert(symbols.into(), number);
        number
    }

    /// Writes to `hits` (cleared first) the numbers of the patterns that match a sentence, increasing, each once.
    ///
    /// The sentence is given as the profiles of its words, in order, each made by [`Matcher::profile`] with this scratch.
    pub fn find(&self, profiles: &[u32], scratch: &mut MatchScratch, hits: &mut Vec<u32>) {
        hits.clear();
        // Longer sentences are read through windows that overlap by what a pattern may span.
        const STEP: usize = WINDOW - MAX_WIDTH;
        let n_windows = profiles.len().saturating_sub(MAX_WIDTH).div_ceil(STEP).max(1);
        let window = |number: usize| &profiles[number * STEP..(number * STEP + WINDOW).min(profiles.len())];
        for number in 0..n_windows {
            let words = window(number);
            scratch.open(words);
            let (first, last) = (number == 0, number + 1 == n_windows);
            if words.len() < 64 {
                self.find_in_window::<u64>(first, last, scratch, hits);
            } else {
                self.find_in_window::<u128>(first, last, scratch, hits);
            }
        }
        if n_windows > 1 {
            hits.sort_unstable();
            hits.dedup();
        }
        for number in 0..n_windows {
            if n_windows > 1 {
                scratch.open(window(number));
            }
            hits.retain(|&pattern| !self.is_excluded(pattern, scratch));
        }
        hits.sort_unstable();
    }

    /// Appends the patterns that match the open window, whatever they exclude.
    fn find_in_window<B: Bits>(&self, first: bool, last: bool, scratch: &mut MatchScratch, hits: &mut Vec<u32>) {
        for place in 0..scratch.words.len() {
            let (begin, end) = scratch.profiles[scratch.words[place] as usize].symbols;
            for at in begin as usize..end as usize {
                let symbol = scratch.symbols[at] as usize;
                let of_symbol = |starts: &[u32]| starts[symbol] as usize..starts[symbol + 1] as usize;
                self.try_anchors::<B>(&self.anchors[of_symbol(&self.anchor_starts)], place, last, scratch, hits);
                if first && place <= self.opening_reach {
                    self.try_anchors::<B>(&self.openings[of_symbol(&self.opening_starts)], place, last, scratch, hits);
                }
            }
        }
    }

    #[inline(always)]
    fn try_anchors<B: Bits>(
        &self,
        anchors: &[Anchor],
        place: usize,
        last: bool,
        scratch: &mut MatchScratch,
        hits: &mut Vec<u32>,
    ) {
        for anchor in anchors {
            if scratch.may_fit(anchor, place) && self.fits::<B>(anchor, place, last, scratch) {
                scratch.matched[anchor.pattern as usize] = scratch.window;
                hits.push(anchor.pattern);
            }
        }
    }

    /// The anchor's pattern matches with its word at this place, and has not matched in this window yet.
    fn fits<B: Bits>(&self, anchor: &Anchor, place: usize, last: bool, scratch: &MatchScratch) -> bool {
        let n = scratch.words.len();
        if scratch.matched[anchor.pattern as usize] == scratch.window {
            return false;
        }
        if anchor.alone {
            return true;
        }
        let program = self.programs[anchor.pattern as usize];
        let earliest = place.saturating_sub(usize::from(anchor.most));
        if (program.at_start && earliest > 0) || (program.at_end && !last) {
            return false;
        }
        let latest = if program.at_start { 0 } else { place - usize::from(anchor.least) };
        let from = B::up_to(latest).and(B::up_to(n).shifted(earliest as u32));
        let to = if program.at_end { B::place(n) } else { B::up_to(n) };
        !self.run(self.code(program), from, scratch).and(to).is_empty()
    }

    fn code(&self, program: Program) -> &[u32] {
        &self.parts.patterns[program.begin as usize..program.end as usize]
    }

    /// The open window shows what the pattern excludes.
    fn is_excluded(&self, pattern: u32, scratch: &MatchScratch) -> bool {
        let range =
            self.exclusion_starts[pattern as usize] as usize..self.exclusion_starts[pattern as usize + 1] as usize;
        let from = u128::up_to(scratch.words.len());
        self.exclusions[range].iter().any(|&hidden| {
            let code = self.code(self.programs[hidden as usize]);
            self.may_begin(code, scratch.all) && self.run(code, from, scratch) != 0
        })
    }

    /// Code may match where words with these masks stand; if it begins with a word, one must be of its class.
    #[inline]
    fn may_begin(&self, code: &[u32], masks: Mask) -> bool {
        match code.first() {
            Some(&word) if word >> SHIFT == WORD => self.class_masks[word as usize].meets(masks),
            _ => true,
        }
    }

    /// Of some places, those where a word of a class stands.
    fn those_of<B: Bits>(&self, class: u32, mut places: B, scratch: &MatchScratch) -> B {
        let range = self.class_starts[class as usize] as usize..self.class_starts[class as usize + 1] as usize;
        let (mask, of_class) = (self.class_masks[class as usize], &self.class_symbols[range]);
        let mut found = B::EMPTY;
        while let Some(place) = places.take_first() {
            let Some(&word) = scratch.words.get(place) else { break };
            let shared = scratch.masks[place].and(mask);
            if shared.meets(OWN) {
                found = found.or(B::place(place));
            } else if shared != Mask::EMPTY {
                let Profile { symbols, .. } = scratch.profiles[word as usize];
                let own = &scratch.symbols[symbols.0 as usize..symbols.1 as usize];
                let is_of = |symbol: &u32| match of_class.len() {
                    ..=16 => of_class.contains(symbol),
                    _ => of_class.binary_search(symbol).is_ok(),
                };
                if own.iter().any(is_of) {
                    found = found.or(B::place(place));
                }
            }
        }
        found
    }

    /// From the places where code may begin to those where it may end.
    fn run<B: Bits>(&self, code: &[u32], mut places: B, scratch: &MatchScratch) -> B {
        let mut at = 0;
        while at < code.len() && !places.is_empty() {
            let (operation, argument) = (code[at] >> SHIFT, code[at] & ARGUMENT);
            at += 1;
            match operation {
                WORD => places = self.those_of(argument, places, scratch).shifted(1),
                GAP => (0..argument).for_each(|_| places = places.or(places.shifted(1))),
                OPTIONAL => {
                    let body = &code[at..at + argument as usize];
                    at += argument as usize;
                    if self.may_begin(body, scratch.masks_at(places)) {
                        places = places.or(self.run(body, places, scratch));
                    }
                }
                _ => {
                    let mut any = B::EMPTY;
                    let mut body = &code[at..at + argument as usize];
                    // What may begin here; most alternatives do not.
                    let there = scratch.masks_at(places);
                    while let Some((&head, rest)) = body.split_first() {
                        let (alternative, rest) = rest.split_at((head & ARGUMENT) as usize);
                        if self.may_begin(alternative, there) {
                            any = any.or(self.run(alternative, places, scratch));
                        }
                        body = rest;
                    }
                    places = any;
                    at += argument as usize;
                }
            }
        }
        places
    }
}

/// Words that are looked at together, at most; one bit more is needed for the place behind the last.
const WINDOW: usize = 127;
const _: () = assert!(MAX_WIDTH < WINDOW);

/// A matcher's room to work in, and what it has learned of words; of use to that matcher alone.
#[derive(Debug, Clone)]
pub struct MatchScratch {
    /// Profiles by the symbols of their words.
    numbers: HashMap<Box<[u32]>, u32, foldhash::fast::FixedState>,
    profiles: Vec<Profile>,
    symbols: Vec<u32>,
    /// The profiles of the open window's words.
    words: Vec<u32>,
    /// The mask of each word.
    masks: Vec<Mask>,
    /// The masks of all of them together.
    all: Mask,
    /// For each of [`WITHIN`], the masks of so many words together, by the first one's place plus [`FAR`].
    within: [Vec<Mask>; 4],
    /// The number of the open window, counted over all sentences.
    window: u32,
    /// The window in which a pattern matched last.
    matched: Vec<u32>,
}

/// What a word fulfils: where its symbols stand in the scratch, and their bits.
#[derive(Debug, Clone, Copy, Default)]
struct Profile {
    symbols: (u32, u32),
    mask: Mask,
}

impl MatchScratch {
    /// The neighbours of a place allow the anchor's word there.
    #[inline(always)]
    fn may_fit(&self, anchor: &Anchor, place: usize) -> bool {
        let (before, after) = (usize::from(anchor.near_before), usize::from(anchor.near_after));
        let before = self.within[before][place + FAR - WITHIN[before]];
        let after = self.within[after][place + FAR + 1];
        anchor.before.meets(before) & anchor.after.meets(after) & (place >= usize::from(anchor.least))
    }

    /// The masks of the words at some places together.
    #[inline]
    fn masks_at<B: Bits>(&self, mut places: B) -> Mask {
        let mut together = Mask::EMPTY;
        while let Some(place) = places.take_first() {
            // A gap may lead beyond the end.
            let Some(&mask) = self.masks.get(place) else { break };
            together = together.or(mask);
        }
        together
    }

    /// Turns to a window.
    fn open(&mut self, words: &[u32]) {
        if self.window == u32::MAX {
            self.matched.fill(0);
            self.window = 0;
        }
        self.window += 1;
        let Self { profiles, words: own, masks, all, within, .. } = self;
        own.clear();
        own.extend_from_slice(words);
        masks.clear();
        masks.extend(words.iter().map(|&w| profiles[w as usize].mask));
        *all = Mask::all(masks.iter().copied());
        // There is nothing beyond the ends, as far as anybody looks.
        let [one, two, four, eight] = within;
        one.clear();
        one.resize(FAR, ANYTHING);
        one.extend(masks.iter().map(|mask| mask.or(ANYTHING)));
        one.resize(one.len() + 2 * FAR, ANYTHING);
        double(one, 1, two);
        double(two, 2, four);
        double(four, 4, eight);
    }
}

/// Of masks of some words together, those of twice as many.
fn double(masks: &[Mask], words: usize, out: &mut Vec<Mask>) {
    out.clear();
    out.extend(masks.iter().zip(&masks[words..]).map(|(mask, next)| mask.or(*next)));
}

#[cfg(test)]
mod tests {
    use super::code::ALTERNATIVE;
    use super::*;
    use crate::pattern::{Item, Lists, PatternReader, SymbolTable};
    use crate::stem::{Stemmer, for_each_raw_word, normalise};
    use proptest::prelude::*;

    fn hits(patterns: &[&str], sentence: &str) -> Vec<u32> {
        let (stemmer, mut symbols, lists) = (Stemmer::default(), SymbolTable::default(), Lists::new());
        let mut reader = PatternReader { stemmer: &stemmer, symbols: &mut symbols, lists: &lists };
        let parsed: Vec<_> = patterns.iter().map(|p| reader.read(p).expect("well formed")).collect();
        let matcher = Matcher::new(&parsed, symbols.len());
        let mut scratch = matcher.scratch();
        let (mut profiles, mut normal) = (Vec::new(), String::new());
        for_each_raw_word(sentence, |raw| {
            normalise(raw, &mut normal);
            let mut of_word = Vec::new();
            symbols.of_word(&normal, &stemmer.stem(&normal), &mut of_word);
            profiles.push(matcher.profile(&of_word, &mut scratch));
        });
        let mut found = Vec::new();
        matcher.find(&profiles, &mut scratch, &mut found);
        found
    }

    #[test]
    fn matches_what_the_notation_says() {
        for (pattern, sentence, expected) in [
            ("chokehold", "Ban chokeholds now", true),
            ("=chokehold", "Ban chokeholds now", false),
            ("duty to intervene", "a Duty to Intervene policy", true),
            ("duty to intervene", "a duty not to intervene", false),
            ("ban .. chokehold", "ban the use of chokeholds", true),
            ("ban .. chokehold", "ban chokeholds", true),
            ("ban .. chokehold", "ban one two three four chokeholds", false),
            ("ban ..4 chokehold", "ban one two three four chokeholds", true),
            ("(review | oversight) board", "an oversight board", true),
            ("(civilian (review | oversight) | citizen) board", "a civilian review board", true),
            ("(a | b c)? board", "board", true),
            ("the (independent)? monitor", "the monitor", true),
            ("decertif*", "decertification of officers", true),
            ("^ ban", "Ban it", true),
            ("^ ban", "We ban it", false),
            ("pending $", "a decision is pending.", true),
            ("pending $", "a pending decision", false),
            ("^ stop $", "Stop!", true),
            ("union -teachers", "the police union", true),
            ("union -teachers", "the teachers’ union", false),
            ("union -(credit union | student)", "the credit union", false),
            ("a a b", "a a a b", true),
            ("a .. b", "a a x x x b", true),
        ] {
            assert_eq!(hits(&[pattern], sentence) == [0], expected, "`{pattern}` in “{sentence}”");
        }
    }

    #[test]
    fn reports_each_pattern_once_and_in_order() {
        let patterns = ["police union", "police (union | guild) contract", "union", "(police | cop) union"];
        assert_eq!(hits(&patterns, "police union contract, union"), [0, 1, 2, 3]);
        assert_eq!(hits(&patterns, "cop union"), [2, 3]);
        assert!(hits(&patterns, "").is_empty());
        assert!(hits(&[], "anything").is_empty());
    }

    #[test]
    fn long_sentences_are_read_to_the_end() {
        let filler = |n: usize| "so ".repeat(n);
        for n in [0, 60, 62, 63, 64, 100, 126, 127, 128, 190, 191, 192, 1000] {
            let sentence = format!("{}police board{} union", filler(n), filler(40).trim_end().replacen("so", " so", 1));
            let found = hits(&["police board", "union $", "^ police", "board -union", "board ..20 union"], &sentence);
            let expected: &[u32] = if n == 0 { &[0, 1, 2] } else { &[0, 1] };
            assert_eq!(found, expected, "{n} words before");
        }
    }

    #[test]
    fn broken_numbers_are_refused() {
        let (stemmer, mut symbols, lists) = (Stemmer::default(), SymbolTable::default(), Lists::new());
        let mut reader = PatternReader { stemmer: &stemmer, symbols: &mut symbols, lists: &lists };
        let pattern = reader.read("(a | b c)? .. d -e").expect("well formed");
        let matcher = Matcher::new(&[pattern], symbols.len());
        let good = matcher.parts().clone();
        assert!(Matcher::from_parts(good.clone(), symbols.len()).is_ok());
        assert!(Matcher::from_parts(good.clone(), 2).is_err(), "symbols that are not there");
        for at in 0..good.patterns.len() {
            // Whatever stands there, the answer is a matcher or an error, and a matcher works.
            for value in [0, 1, 2, 7, u32::MAX, 3 << SHIFT | 9, 2 << SHIFT | 1, ALTERNATIVE << SHIFT] {
                let mut parts = good.clone();
                parts.patterns[at] = value;
                if let Ok(matcher) = Matcher::from_parts(parts, symbols.len()) {
                    let mut scratch = matcher.scratch();
                    let profiles: Vec<_> = (0..4).map(|s| matcher.profile(&[s], &mut scratch)).collect();
                    matcher.find(&profiles, &mut scratch, &mut Vec::new());
                }
            }
        }
        let cut = Parts { patterns: good.patterns[..good.patterns.len() - 1].to_vec(), ..good };
        assert!(Matcher::from_parts(cut, symbols.len()).is_err());
    }

    /// All ends of matches of a sequence that begins at `from`: what the notation says, word by word.
    fn ends(items: &[Item], words: &[u32], from: usize) -> Vec<usize> {
        let Some((first, rest)) = items.split_first() else { return vec![from] };
        let after: Vec<usize> = match first {
            Item::Word(symbol) => {
                if words.get(from) == Some(symbol) {
                    vec![from + 1]
                } else {
                    vec![]
                }
            }
            Item::Choice(alternatives) => alternatives.iter().flat_map(|a| ends(a, words, from)).collect(),
            Item::Optional(body) => ends(body, words, from).into_iter().chain([from]).collect(),
            Item::Gap(width) => (from..=words.len().min(from + usize::from(*width))).collect(),
        };
        after.into_iter().flat_map(|at| ends(rest, words, at)).collect()
    }

    fn matches(pattern: &Pattern, words: &[u32]) -> bool {
        let anywhere = |items: &[Item]| (0..=words.len()).any(|from| !ends(items, words, from).is_empty());
        let starts = if pattern.at_start { 0..1 } else { 0..words.len() + 1 };
        let found =
            starts.flat_map(|from| ends(&pattern.items, words, from)).any(|end| !pattern.at_end || end == words.len());
        found && !pattern.excluded.iter().any(|items| anywhere(items))
    }

    fn sequence(depth: u32) -> BoxedStrategy<Vec<Item>> {
        let word = (0..5u32).prop_map(Item::Word);
        if depth == 0 {
            return proptest::collection::vec(word, 1..3).boxed();
        }
        let item = prop_oneof![
            4 => word,
            2 => proptest::collection::vec(sequence(depth - 1), 1..4).prop_map(Item::Choice),
            1 => sequence(depth - 1).prop_map(Item::Optional),
        ];
        // A gap stands between two words, as the notation has it.
        (item.clone(), proptest::collection::vec((proptest::option::of(1..4u8), item), 0..3))
            .prop_map(|(first, rest)| {
                let mut items = vec![first];
                for (gap, item) in rest {
                    items.extend(gap.map(Item::Gap));
                    items.push(item);
                }
                items
            })
            .boxed()
    }

    proptest! {
        #[test]
        fn matches_what_a_slow_matcher_does(
            patterns in proptest::collection::vec(
                (sequence(2), any::<bool>(), any::<bool>(), proptest::option::of(sequence(1))), 1..8),
            words in proptest::collection::vec(0..6u32, 0..12),
            filler in 0..140usize,
        ) {
            let needs_a_word = |items: &[Item]| ends(items, &[], 0).is_empty();
            let patterns: Vec<Pattern> = patterns
                .into_iter()
                .filter(|(items, ..)| needs_a_word(items))
                .map(|(items, at_start, at_end, excluded)| {
                    let excluded = excluded.into_iter().filter(|items| needs_a_word(items)).collect();
                    Pattern { items, at_start, at_end, excluded }
                })
                .collect();
            // Symbol 5 stands in no pattern; the sentence may be longer than a window.
            let words: Vec<u32> = [&words[..words.len() / 2], &vec![5; filler], &words[words.len() / 2..]].concat();
            let matcher = Matcher::new(&patterns, 6);
            let mut scratch = matcher.scratch();
            let profiles: Vec<_> = words.iter().map(|&s| matcher.profile(&[s], &mut scratch)).collect();
            let mut hits = Vec::new();
            matcher.find(&profiles, &mut scratch, &mut hits);
            let expected: Vec<u32> = (0..patterns.len() as u32).filter(|&p| matches(&patterns[p as usize], &words)).collect();
            prop_assert_eq!(hits, expected);
        }
    }
}
