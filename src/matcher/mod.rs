//! All patterns of a taxonomy at once: the words of a sentence → the numbers of the patterns that match.
//!
//! Patterns ask for words of classes. For every class the places where the sentence has a word of it are one number, a bit a
//! place. A pattern is looked at only if its rarest class is there, and the next rarest that it needs; then it is matched
//! exactly, from the set of places where it may begin to the set of those where it may end, by intersections and shifts.
//! Source: the Shift-And method of Baeza-Yates and Gonnet 1992, "A new approach to text searching", turned round: a bit
//! stands for a place of the text instead of the pattern.
//!
//! Compiled patterns are numbers (see [`Matcher::parts`]), so that a model file holds them ready for use.

mod anchors;
mod code;
mod near;
mod places;

use crate::pattern::{MAX_WIDTH, Pattern};
use anchors::{Anchor, Anchors};
use code::{ARGUMENT, Alternatives, Classes, GAP, OPTIONAL, SHIFT, WORD, check, encode};
use hashbrown::HashMap;
use near::{Mask, Masks, bits_of};
use places::Places;
use std::borrow::Cow;

/// Many patterns, compiled. A pattern's number is its place in the list given.
#[derive(Debug, Clone, Default)]
pub struct Matcher {
    parts: Parts,
    /// Where each program begins; the terms' first, then those of exclusions.
    programs: Vec<Program>,
    n_patterns: usize,
    n_symbols: usize,
    /// The programs of exclusions of each pattern.
    exclusions: Lists<u32>,
    /// The symbols of each class of several.
    classes: Lists<u32>,
    /// The patterns to look at when a symbol is there.
    anchors: Lists<Anchor>,
    /// The patterns to look at when the first word has a symbol.
    openings: Lists<Anchor>,
    /// The masks that anchors name.
    masks: Vec<Mask>,
}

/// Numbers, which may stand in the program itself.
pub type Numbers = Cow<'static, [u32]>;

/// What a matcher is made of, as numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Parts {
    /// The classes of several symbols: for each, how many it has, then the symbols, increasing. They are numbered behind the
    /// symbols, each of which is a class of its own.
    pub classes: Numbers,
    /// The patterns: for each, 1 if it is bound to the start plus 2 if to the end, how many programs it has, and for each of
    /// these its length and its code; the first is what must match, the others what must not.
    pub patterns: Numbers,
    /// Where patterns are looked at.
    pub layout: Layout,
}

/// Where patterns are looked at. It is worked out from patterns and how often words occur, and decides how fast a matcher is,
/// not what matches.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Layout {
    /// The bit of each symbol in masks.
    pub bits: Numbers,
    /// The masks of neighbours, four numbers each, the lowest first.
    pub masks: Numbers,
    /// By symbol, the patterns to look at when it is there, four numbers each: the symbol, the pattern and what must stand near.
    pub anchors: Numbers,
    /// The same for symbols of the first word.
    pub openings: Numbers,
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
#[derive(Debug, Clone)]
struct Lists<T> {
    /// Where each list begins, and the end of the last.
    starts: Vec<u32>,
    items: Vec<T>,
}

impl<T> Default for Lists<T> {
    fn default() -> Self {
        Self { starts: vec![0], items: Vec::new() }
    }
}

impl<T: Copy> Lists<T> {
    /// `n` lists of items, each with the number of its list; items keep their order.
    fn new(n: usize, items: &[(u32, T)]) -> Self {
        let mut starts = vec![0; n + 1];
        items.iter().for_each(|&(list, _)| starts[list as usize + 1] += 1);
        (0..n).for_each(|list| starts[list + 1] += starts[list]);
        let mut ends = starts.clone();
        let mut sorted: Vec<T> = items.iter().map(|&(_, item)| item).collect();
        for &(list, item) in items {
            let end = &mut ends[list as usize];
            sorted[*end as usize] = item;
            *end += 1;
        }
        Self { starts, items: sorted }
    }

    fn with_room(n: usize, n_items: usize) -> Self {
        let mut starts = Vec::with_capacity(n + 1);
        starts.push(0);
        Self { starts, items: Vec::with_capacity(n_items) }
    }

    /// Adds a list.
    fn push(&mut self, list: &[T]) {
        self.items.extend_from_slice(list);
        self.starts.push(self.items.len() as u32);
    }

    /// Adds an item to a list, which is the last or comes after it.
    fn add(&mut self, list: usize, item: T) {
        self.end(list + 1);
        self.items.push(item);
        if let Some(end) = self.starts.last_mut() {
            *end += 1;
        }
    }

    /// Adds empty lists until there are `n`.
    fn end(&mut self, n: usize) {
        self.starts.resize((n + 1).max(self.starts.len()), self.items.len() as u32);
    }

    fn len(&self) -> usize {
        self.starts.len() - 1
    }

    fn iter(&self) -> impl Iterator<Item = &[T]> {
        (0..self.len() as u32).map(|list| self.get(list))
    }

    #[inline]
    fn get(&self, list: u32) -> &[T] {
        &self.items[self.starts[list as usize] as usize..self.starts[list as usize + 1] as usize]
    }
}

impl Matcher {
    /// Compiles patterns over `n_symbols` symbols; a match reports a pattern's place in this list.
    pub fn new(patterns: &[Pattern], n_symbols: usize) -> Self {
        let mut classes = Classes::new(n_symbols);
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
        // What was just compiled is well formed.
        let parts = Parts { classes: classes.flat.into(), patterns: flat.into(), layout: Layout::default() };
        let mut matcher = Self::without_layout(parts, n_symbols).unwrap_or_default();
        // How often patterns use a symbol tells a little of how common it is.
        let mut counts = vec![1; n_symbols];
        matcher.for_each_class(|symbols| symbols.iter().for_each(|&s| counts[s as usize] += 1));
        matcher.lay_out(&counts);
        matcher
    }

    /// Makes the matcher fast for text in which each symbol occurs as often as this; what matches does not change.
    pub fn tune(&mut self, counts: &[u64]) {
        self.lay_out(&counts.iter().map(|n| 1 + n).collect::<Vec<_>>());
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
        let mut matcher = Self::without_layout(parts, n_symbols)?;
        matcher.read_layout()?;
        Ok(matcher)
    }

    /// The matcher, which looks at no pattern yet.
    fn without_layout(parts: Parts, n_symbols: usize) -> Result<Self, BadParts> {
        let (mut classes, mut at) = (Lists::default(), 0);
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
            for program in 0..n_programs {
                let begin = at + 1;
                let end = begin + *flat.get(at).ok_or(BadParts(at))? as usize;
                let code = flat.get(begin..end).ok_or(BadParts(at))?;
                check(code, n_symbols + classes.len(), 0).filter(|&width| width > 0).ok_or(BadParts(begin))?;
                let place = Program { begin: begin as u32, end: end as u32, at_start: false, at_end: false };
                if program == 0 {
                    terms.push(Program { at_start: bound & 1 == 1, at_end: bound & 2 == 2, ..place });
                } else {
                    let number = *known.entry(code).or_insert_with(|| {
                        hidden.push(place);
                        hidden.len() as u32 - 1
                    });
                    exclusions.push((terms.len() as u32 - 1, number));
                }
                at = end;
            }
        }
        let n_patterns = terms.len();
        exclusions.iter_mut().for_each(|(_, number)| *number += n_patterns as u32);

        drop(known);
        let exclusions = Lists::new(n_patterns, &exclusions);
        terms.extend(hidden);
        Ok(Self { parts, programs: terms, n_patterns, n_symbols, exclusions, classes, ..Self::default() })
    }

    /// Calls `each` with the symbols of every class that patterns name, each time that they name it.
    fn for_each_class(&self, mut each: impl FnMut(&[u32])) {
        let words = self.programs[..self.n_patterns].iter().flat_map(|&program| self.code(program));
        for class in words.filter(|&&word| word >> SHIFT == WORD) {
            match (*class as usize).checked_sub(self.n_symbols) {
                None => each(&[*class]),
                Some(set) => each(self.classes.get(set as u32)),
            }
        }
    }

    /// Works out where patterns are looked at.
    fn lay_out(&mut self, counts: &[u64]) {
        let bits = bits_of(counts);
        let mut laid = Anchors::new(counts, &bits, &self.classes);
        for (pattern, &program) in self.programs[..self.n_patterns].iter().enumerate() {
            let Program { at_start, at_end, .. } = program;
            laid.lay(pattern as u32, self.code(program), at_start || at_end, at_start);
        }
        let numbers = |anchors: &[(u32, Anchor)]| {
            let of_symbols = |&(class, anchor): &(u32, Anchor)| {
                let symbols = match (class as usize).checked_sub(self.n_symbols) {
                    None => vec![class],
                    Some(set) => laid.classes[set].to_vec(),
                };
                symbols.into_iter().map(move |symbol| (symbol, anchor))
            };
            let mut anchors: Vec<_> = anchors.iter().flat_map(of_symbols).collect();
            anchors.sort_by_key(|&(symbol, _)| symbol);
            anchors
                .into_iter()
                .flat_map(|(symbol, anchor)| [&[symbol][..], &anchor.encode()].concat())
                .collect::<Numbers>()
        };
        let masks = laid.masks.iter().flat_map(|mask| std::array::from_fn::<_, 4, _>(|at| (mask >> (32 * at)) as u32));
        let (masks, anchors, openings) = (masks.collect(), numbers(&laid.anchors), numbers(&laid.openings));
        self.parts.layout = Layout { bits: bits.into(), masks, anchors, openings };
        let sound = self.read_layout();
        debug_assert_eq!(sound, Ok(()), "a layout that was just made");
    }

    /// Takes the layout from the parts, after checking it.
    fn read_layout(&mut self) -> Result<(), BadParts> {
        let Layout { bits, masks, anchors, openings } = &self.parts.layout;
        let wrong_bit = bits.iter().position(|&bit| bit >= Mask::BITS);
        if let Some(at) = wrong_bit.or((bits.len() != self.n_symbols).then_some(bits.len())) {
            return Err(BadParts(at));
        }
        let mask = |quarters: &[u32; 4]| quarters.iter().rev().fold(0, |mask, &q| mask << 32 | Mask::from(q));
        self.masks = masks.as_chunks().0.iter().map(mask).collect();
        let read = |numbers: &[u32]| {
            let mut lists = Lists::with_room(self.n_symbols, numbers.len() / 4);
            for (at, &[symbol, ref anchor @ ..]) in numbers.as_chunks::<4>().0.iter().enumerate() {
                let anchor = Anchor::decode(*anchor, self.n_patterns, self.masks.len());
                let in_order = (symbol as usize) < self.n_symbols && symbol as usize + 1 >= lists.len();
                let anchor = anchor.filter(|_| in_order).ok_or(BadParts(4 * at))?;
                lists.add(symbol as usize, anchor);
            }
            lists.end(self.n_symbols);
            Ok(lists)
        };
        (self.anchors, self.openings) = (read(anchors)?, read(openings)?);
        Ok(())
    }

    /// Room to match sentences in; keep one a thread.
    pub fn scratch(&self) -> MatchScratch {
        MatchScratch {
            numbers: HashMap::default(),
            profiles: Profiles { symbols: Lists { starts: vec![0, 0], items: Vec::new() }, masks: vec![0] },
            short: Room::default(),
            long: Room::default(),
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
        let Profiles { symbols: Lists { starts, items }, masks } = &mut scratch.profiles;
        let number = starts.len() as u32 - 1;
        items.extend_from_slice(symbols);
        starts.push(items.len() as u32);
        masks.push(symbols.iter().fold(0, |mask, &s| mask | 1 << self.parts.layout.bits[s as usize]));
        scratch.numbers.insert(symbols.into(), number);
        number
    }

    /// Writes to `hits` (cleared first) the numbers of the patterns that match a sentence, increasing, each once.
    ///
    /// The sentence is given as the profiles of its words, in order, each made by [`Matcher::profile`] with this scratch.
    pub fn find(&self, profiles: &[u32], scratch: &mut MatchScratch, hits: &mut Vec<u32>) {
        hits.clear();
        let MatchScratch { profiles: known, short, long, .. } = scratch;
        if profiles.len() <= u64::MOST {
            self.find_in(profiles, known, short, hits);
        } else {
            self.find_in(profiles, known, long, hits);
        }
    }

    /// The same in a room. Longer sentences are read through windows that overlap by what a pattern may span.
    fn find_in<P: Places>(&self, words: &[u32], known: &Profiles, room: &mut Room<P>, hits: &mut Vec<u32>) {
        room.fit(self);
        // A match that does not fit into one window fits into the next.
        const OVERLAP: usize = MAX_WIDTH - 1;
        let step = P::MOST - OVERLAP;
        let n_windows = words.len().saturating_sub(OVERLAP).div_ceil(step).max(1);
        let window = |number: usize| {
            let words = &words[number * step..(number * step + P::MOST).min(words.len())];
            Window { words, first: number == 0, last: number + 1 == n_windows }
        };
        for number in 0..n_windows {
            room.open(window(number).words, known);
            self.find_in_window(window(number), known, room, hits);
            if n_windows > 1 {
                room.close();
            }
        }
        hits.sort_unstable();
        hits.dedup();
        for number in 0..n_windows {
            if n_windows > 1 {
                room.open(window(number).words, known);
            }
            hits.retain(|&pattern| !self.is_excluded(pattern, room));
            room.close();
        }
    }

    /// Appends the patterns that match the open window, whatever they exclude, some of them twice.
    fn find_in_window<P: Places>(&self, window: Window, known: &Profiles, room: &mut Room<P>, hits: &mut Vec<u32>) {
        for at in 0..room.present.len() {
            let symbol = room.present[at];
            let anchors = self.anchors.get(symbol);
            if !anchors.is_empty() {
                let places = room.of_symbol[symbol as usize];
                self.look_at(anchors, places, window, room, hits);
            }
        }
        if let Some(&word) = window.words.first().filter(|_| window.first) {
            for &symbol in known.symbols.get(word) {
                self.look_at(self.openings.get(symbol), P::at(0), window, room, hits);
            }
        }
    }

    /// Appends those of some patterns that match, given the places of the word that they are anchored at.
    #[inline]
    fn look_at<P: Places>(
        &self,
        anchors: &[Anchor],
        places: P,
        window: Window,
        room: &mut Room<P>,
        hits: &mut Vec<u32>,
    ) {
        for anchor in anchors {
            if anchor.alone
                || (places.any(|place| anchor.may_stand_at(place, &room.masks, &self.masks))
                    && self.matches(anchor.pattern, window, room))
            {
                hits.push(anchor.pattern);
            }
        }
    }

    /// Where words of a class stand in the open window.
    #[inline]
    fn places<P: Places>(&self, class: u32, room: &mut Room<P>) -> P {
        if let Some(&places) = room.of_symbol.get(class as usize) {
            return places;
        }
        let set = class as usize - room.of_symbol.len();
        match room.of_class[set] {
            (window, places) if window == room.window => places,
            _ => self.find_places(set, room),
        }
    }

    fn find_places<P: Places>(&self, set: usize, room: &mut Room<P>) -> P {
        let symbols = self.classes.get(set as u32);
        let places = symbols.iter().fold(P::NONE, |any, &s| any.or(room.of_symbol[s as usize]));
        room.of_class[set] = (room.window, places);
        places
    }

    /// The pattern matches somewhere in the open window.
    fn matches<P: Places>(&self, pattern: u32, window: Window, room: &mut Room<P>) -> bool {
        let program = self.programs[pattern as usize];
        if (program.at_start && !window.first) || (program.at_end && !window.last) {
            return false;
        }
        let n_words = window.words.len();
        let from = if program.at_start { P::at(0) } else { P::up_to(n_words) };
        let to = if program.at_end { P::at(n_words) } else { P::up_to(n_words) };
        !self.run(self.code(program), from, room).and(to).is_none()
    }

    fn code(&self, program: Program) -> &[u32] {
        &self.parts.patterns[program.begin as usize..program.end as usize]
    }

    /// The open window shows what the pattern excludes.
    fn is_excluded<P: Places>(&self, pattern: u32, room: &mut Room<P>) -> bool {
        self.exclusions.get(pattern).iter().any(|&exclusion| {
            let code = self.code(self.programs[exclusion as usize]);
            !self.run(code, P::up_to(P::MOST), room).is_none()
        })
    }

    /// From the places where code may begin to those where it may end.
    fn run<P: Places>(&self, code: &[u32], mut places: P, room: &mut Room<P>) -> P {
        let mut at = 0;
        while at < code.len() && !places.is_none() {
            let (operation, argument) = (code[at] >> SHIFT, (code[at] & ARGUMENT) as usize);
            at += 1;
            match operation {
                WORD => places = places.and(self.places(argument as u32, room)).moved(1),
                GAP => places = places.widened(argument),
                OPTIONAL => {
                    places = places.or(self.run(&code[at..at + argument], places, room));
                    at += argument;
                }
                _ => {
                    let mut any = P::NONE;
                    for code in Alternatives(&code[at..at + argument]).flatten() {
                        // Most alternatives are not there, which their first word tells.
                        let begun = match code.first() {
                            Some(&word) if word >> SHIFT == WORD => places.and(self.places(word & ARGUMENT, room)),
                            _ => places,
                        };
                        if !begun.is_none() {
                            any = any.or(self.run(code, begun, room));
                        }
                    }
                    places = any;
                    at += argument;
                }
            }
        }
        places
    }
}

/// Words of a sentence that are looked at together.
#[derive(Clone, Copy)]
struct Window<'w> {
    words: &'w [u32],
    /// It holds the sentence's first word.
    first: bool,
    /// It holds the last.
    last: bool,
}

/// Where the open window has what.
#[derive(Debug, Clone, Default)]
struct Room<P> {
    of_symbol: Vec<P>,
    /// The symbols that are there, in order of appearance.
    present: Vec<u32>,
    /// For each class, the window in which it was last looked for, and where it was.
    of_class: Vec<(u32, P)>,
    /// The number of the open window, counted over all sentences.
    window: u32,
    masks: Masks,
}

impl<P: Places> Room<P> {
    fn fit(&mut self, matcher: &Matcher) {
        self.of_symbol.resize(matcher.n_symbols, P::NONE);
        self.of_class.resize(matcher.classes.len(), (0, P::NONE));
    }

    fn open(&mut self, words: &[u32], known: &Profiles) {
        if self.window == u32::MAX {
            self.of_class.fill((0, P::NONE));
            self.window = 0;
        }
        self.window += 1;
        self.masks.fill(words.iter().map(|&word| known.masks[word as usize]));
        for (place, &word) in words.iter().enumerate() {
            for &symbol in known.symbols.get(word) {
                let places = &mut self.of_symbol[symbol as usize];
                if places.is_none() {
                    self.present.push(symbol);
                }
                *places = places.or(P::at(place));
            }
        }
    }

    fn close(&mut self) {
        self.present.drain(..).for_each(|symbol| self.of_symbol[symbol as usize] = P::NONE);
    }
}

/// What is known of each profile.
#[derive(Debug, Clone)]
struct Profiles {
    symbols: Lists<u32>,
    masks: Vec<Mask>,
}

/// A matcher's room to work in, and what it has learned of words; of use to that matcher alone.
#[derive(Debug, Clone)]
pub struct MatchScratch {
    /// Profiles by the symbols of their words.
    numbers: HashMap<Box<[u32]>, u32, foldhash::fast::FixedState>,
    profiles: Profiles,
    short: Room<u64>,
    long: Room<u128>,
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
        let patterns = ["(a | b c)? .. d -e", "^ b .. c d"].map(|p| reader.read(p).expect("well formed"));
        let matcher = Matcher::new(&patterns, symbols.len());
        let good = matcher.parts().clone();
        assert!(Matcher::from_parts(good.clone(), symbols.len()).is_ok());
        assert!(Matcher::from_parts(good.clone(), 2).is_err(), "symbols that are not there");
        // Whatever stands there, the answer is a matcher or an error, and a matcher works.
        let works = |parts| {
            if let Ok(matcher) = Matcher::from_parts(parts, symbols.len()) {
                let mut scratch = matcher.scratch();
                let profiles: Vec<_> = (0..4).map(|s| matcher.profile(&[s], &mut scratch)).collect();
                matcher.find(&profiles, &mut scratch, &mut Vec::new());
            }
        };
        for at in 0..good.patterns.len() {
            for value in [0, 1, 2, 7, u32::MAX, 3 << SHIFT | 9, 2 << SHIFT | 1, ALTERNATIVE << SHIFT] {
                let mut parts = good.clone();
                parts.patterns.to_mut()[at] = value;
                works(parts);
            }
        }
        for part in 0..4 {
            let numbers = |parts: &mut Parts| {
                let Layout { bits, masks, anchors, openings } = std::mem::take(&mut parts.layout);
                [bits, masks, anchors, openings]
            };
            for at in 0..numbers(&mut good.clone())[part].len() {
                for value in [0, 1, 3, 128, 0x7fff_ffff, u32::MAX] {
                    let mut parts = good.clone();
                    let mut changed = numbers(&mut parts);
                    changed[part].to_mut()[at] = value;
                    let [bits, masks, anchors, openings] = changed;
                    parts.layout = Layout { bits, masks, anchors, openings };
                    works(parts);
                }
            }
        }
        let patterns = good.patterns[..good.patterns.len() - 1].to_vec().into();
        let cut = Parts { patterns, ..good };
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
