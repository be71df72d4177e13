//! All patterns of a taxonomy at once: the words of a sentence → the numbers of the patterns that match.
//!
//! A sentence is turned on its side: for each class of words that a pattern asks for, a set of the places where such a
//! word stands, one bit a place. A pattern is then a few shifts and intersections of such sets, whatever the sentence.
//! Only patterns whose rarest class occurs at all are looked at, and of these only those whose other classes do too.
//!
//! Compiled patterns are numbers (see [`Matcher::parts`]), so that a model file holds them ready for use.

use crate::pattern::{Item, MAX_WIDTH, Pattern};
use hashbrown::HashMap;
use std::collections::BTreeSet;

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
    class_masks: Vec<u64>,
    /// The patterns to look at when a symbol occurs, in the same form.
    anchor_starts: Vec<u32>,
    anchors: Vec<Anchor>,
}

/// What a matcher is made of, as numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Parts {
    /// The classes: for each, how many symbols it has, then the symbols, increasing.
    pub classes: Vec<u32>,
    /// The patterns: for each, 1 if it is bound to the start plus 2 if to the end, how many programs it has, and for each of
    /// these its length and its code; the first is what must match, the others what must not.
    pub patterns: Vec<u32>,
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

/// A pattern to look at where a word of its rarest class stands: the neighbours that the word must have, and where the pattern
/// may begin.
#[derive(Debug, Clone, Copy)]
struct Anchor {
    /// The symbols, as a mask, of which one must stand right before the word or, if not `next_before`, within [`NEAR`] words.
    before: u64,
    after: u64,
    pattern: u32,
    next_before: bool,
    next_after: bool,
    /// How many words of the pattern stand before the word, at least and at most.
    least: u8,
    most: u8,
}

/// How far the near neighbours of a word reach.
const NEAR: usize = 7;
/// The mask that any word, and none, fulfils.
const ANYTHING: u64 = 0;

// Code: an operation in the upper four bits, its argument below.
const SHIFT: u32 = 28;
const ARGUMENT: u32 = (1 << SHIFT) - 1;
/// One word of a class.
const WORD: u32 = 0;
/// Up to so many words of any kind.
const GAP: u32 = 1;
/// The code of this length that follows, or nothing.
const OPTIONAL: u32 = 2;
/// One of the alternatives in the code of this length that follows, each headed by `ALTERNATIVE`.
const CHOICE: u32 = 3;
/// An alternative whose code of this length follows.
const ALTERNATIVE: u32 = 4;

/// A pattern's elements while it is compiled.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Node {
    Class(u32),
    Gap(u8),
    Optional(Vec<Node>),
    Choice(Vec<Vec<Node>>),
}

/// The distinct classes, numbered in order of first use.
#[derive(Default)]
struct Classes {
    numbers: HashMap<Box<[u32]>, u32>,
    flat: Vec<u32>,
}

impl Classes {
    fn number(&mut self, symbols: BTreeSet<u32>) -> u32 {
        let symbols: Box<[u32]> = symbols.into_iter().collect();
        let next = self.numbers.len() as u32;
        let flat = &mut self.flat;
        *self.numbers.entry(symbols).or_insert_with_key(|symbols| {
            flat.push(symbols.len() as u32);
            flat.extend_from_slice(symbols);
            next
        })
    }

    fn sequence(&mut self, items: &[Item]) -> Vec<Node> {
        let mut nodes = Vec::new();
        for item in items {
            match item {
                Item::Word(symbol) => nodes.push(Node::Class(self.number(BTreeSet::from([*symbol])))),
                Item::Gap(width) => nodes.push(Node::Gap(*width)),
                Item::Optional(body) => nodes.push(Node::Optional(self.sequence(body))),
                Item::Choice(alternatives) => nodes.extend(self.choice(alternatives.iter().map(Vec::as_slice))),
            }
        }
        nodes
    }

    /// Single words become one class; alternatives that begin alike share their beginning.
    fn choice<'p>(&mut self, alternatives: impl Iterator<Item = &'p [Item]>) -> Vec<Node> {
        let mut words = BTreeSet::new();
        let mut longer: Vec<(&Item, Vec<&[Item]>)> = Vec::new();
        let mut empty = false;
        let mut stack: Vec<&[Item]> = alternatives.collect();
        stack.reverse();
        while let Some(alternative) = stack.pop() {
            match alternative {
                [] => empty = true,
                [Item::Word(symbol)] => {
                    words.insert(*symbol);
                }
                [Item::Choice(inner)] => stack.extend(inner.iter().rev().map(Vec::as_slice)),
                [first, rest @ ..] => match longer.iter_mut().find(|(begin, _)| *begin == first) {
                    Some((_, rests)) => rests.push(rest),
                    None => longer.push((first, vec![rest])),
                },
            }
        }
        let mut found: Vec<Vec<Node>> = Vec::new();
        if !words.is_empty() {
            found.push(vec![Node::Class(self.number(words))]);
        }
        for (first, rests) in longer {
            let mut nodes = self.sequence(std::slice::from_ref(first));
            match &rests[..] {
                [rest] => nodes.extend(self.sequence(rest)),
                _ => nodes.extend(self.choice(rests.into_iter())),
            }
            found.push(nodes);
        }
        let nodes = if found.len() == 1 { found.remove(0) } else { vec![Node::Choice(found)] };
        if empty { vec![Node::Optional(nodes)] } else { nodes }
    }
}

fn encode(nodes: &[Node], code: &mut Vec<u32>) {
    let within = |operation: u32, code: &mut Vec<u32>, body: &dyn Fn(&mut Vec<u32>)| {
        let at = code.len();
        code.push(0);
        body(code);
        code[at] = operation << SHIFT | (code.len() - at - 1) as u32;
    };
    for node in nodes {
        match node {
            Node::Class(class) => code.push(WORD << SHIFT | class),
            Node::Gap(width) => code.push(GAP << SHIFT | u32::from(*width)),
            Node::Optional(body) => within(OPTIONAL, code, &|code| encode(body, code)),
            Node::Choice(alternatives) => within(CHOICE, code, &|code| {
                for alternative in alternatives {
                    let at = code.len();
                    code.push(0);
                    encode(alternative, code);
                    code[at] = ALTERNATIVE << SHIFT | (code.len() - at - 1) as u32;
                }
            }),
        }
    }
}

/// Checks that code is well formed and names no class from `n_classes` on, and gives the most words that it spans.
fn check(code: &[u32], n_classes: usize, depth: usize) -> Option<usize> {
    let (mut at, mut width) = (0, 0);
    while let Some(&word) = code.get(at) {
        at += 1;
        let argument = (word & ARGUMENT) as usize;
        match word >> SHIFT {
            WORD if argument < n_classes => width += 1,
            GAP => width += argument,
            operation @ (OPTIONAL | CHOICE) if depth < 64 => {
                let body = code.get(at..at + argument)?;
                at += argument;
                width += if operation == OPTIONAL {
                    check(body, n_classes, depth + 1)?
                } else {
                    let mut widest = 0;
                    for alternative in Alternatives(body) {
                        widest = widest.max(check(alternative?, n_classes, depth + 1)?);
                    }
                    widest
                };
            }
            _ => return None,
        }
        if width > MAX_WIDTH {
            return None;
        }
    }
    Some(width)
}

/// The alternatives of a choice; `None` where the code is broken.
struct Alternatives<'c>(&'c [u32]);

impl<'c> Iterator for Alternatives<'c> {
    type Item = Option<&'c [u32]>;

    fn next(&mut self) -> Option<Self::Item> {
        let (&head, rest) = self.0.split_first()?;
        let length = (head & ARGUMENT) as usize;
        if head >> SHIFT != ALTERNATIVE || length > rest.len() {
            self.0 = &[];
            return Some(None);
        }
        let (body, rest) = rest.split_at(length);
        self.0 = rest;
        Some(Some(body))
    }
}

/// The bit of a symbol in masks.
fn bit(symbol: u32) -> u64 {
    // Fibonacci hashing (Knuth, The Art of Computer Programming 6.4): neighbouring numbers part.
    1 << (symbol.wrapping_mul(0x9e37_79b9) >> 26)
}

/// One element of code, as far as anchors are concerned.
struct Element<'c> {
    kind: Kind<'c>,
    /// The symbols of the first and the last word of a match; empty where any may be.
    first: BTreeSet<u32>,
    last: BTreeSet<u32>,
    /// Words of a match, at least and at most.
    least: usize,
    most: usize,
}

enum Kind<'c> {
    Word(&'c [u32]),
    Choice(Vec<Vec<Element<'c>>>),
    /// What can be missing.
    Other,
}

/// The elements of checked code.
fn elements<'c>(code: &[u32], classes: &[&'c [u32]]) -> Vec<Element<'c>> {
    let (mut found, mut at) = (Vec::new(), 0);
    while at < code.len() {
        let (operation, argument) = (code[at] >> SHIFT, (code[at] & ARGUMENT) as usize);
        at += 1;
        let other = |most| Element { kind: Kind::Other, first: BTreeSet::new(), last: BTreeSet::new(), least: 0, most };
        found.push(match operation {
            WORD => {
                let symbols: BTreeSet<u32> = classes[argument].iter().copied().collect();
                Element {
                    kind: Kind::Word(classes[argument]),
                    first: symbols.clone(),
                    last: symbols,
                    least: 1,
                    most: 1,
                }
            }
            GAP => other(argument),
            OPTIONAL => {
                let body = &code[at..at + argument];
                at += argument;
                other(elements(body, classes).iter().map(|e| e.most).sum())
            }
            _ => {
                let body = Alternatives(&code[at..at + argument]);
                at += argument;
                choice(body.flatten().map(|alternative| elements(alternative, classes)).collect())
            }
        });
    }
    found
}

fn choice(alternatives: Vec<Vec<Element>>) -> Element {
    let least = |a: &Vec<Element>| a.iter().map(|e| e.least).sum::<usize>();
    let most = |a: &Vec<Element>| a.iter().map(|e| e.most).sum::<usize>();
    let together = |sets: Vec<Option<&BTreeSet<u32>>>| match sets.iter().all(|s| s.is_some_and(|s| !s.is_empty())) {
        true => sets.into_iter().flatten().flatten().copied().collect(),
        false => BTreeSet::new(),
    };
    // The edge of an alternative is known where its outermost element cannot be missing.
    let edge = |outermost: Option<&'_ Element>| outermost.is_some_and(|e| e.least > 0);
    Element {
        first: together(alternatives.iter().map(|a| a.first().filter(|e| edge(Some(e))).map(|e| &e.first)).collect()),
        last: together(alternatives.iter().map(|a| a.last().filter(|e| edge(Some(e))).map(|e| &e.last)).collect()),
        least: alternatives.iter().map(least).min().unwrap_or(0),
        most: alternatives.iter().map(most).max().unwrap_or(0),
        kind: Kind::Choice(alternatives),
    }
}

/// Lays down the anchors of patterns.
struct Anchors {
    /// How many patterns use a symbol, which tells how common it is, well enough to choose the rare ones.
    uses: Vec<u64>,
    of_symbol: Vec<Vec<Anchor>>,
}

/// What surrounds a sequence: on each side the symbols of the nearest word that must come and how far it may be, and the words
/// of the pattern before it, at least and at most.
#[derive(Clone, Copy)]
struct Around<'e> {
    before: Option<(&'e BTreeSet<u32>, usize)>,
    after: Option<(&'e BTreeSet<u32>, usize)>,
    least: usize,
    most: usize,
}

impl Anchors {
    fn count_uses(&mut self, elements: &[Element]) {
        for element in elements {
            match &element.kind {
                Kind::Word(symbols) => symbols.iter().for_each(|&s| self.uses[s as usize] += 1),
                Kind::Choice(alternatives) => alternatives.iter().for_each(|a| self.count_uses(a)),
                Kind::Other => {}
            }
        }
    }

    /// The words to look at for an element; `None` where it can be missing.
    fn cost(&self, element: &Element) -> Option<u64> {
        match &element.kind {
            _ if element.least == 0 => None,
            Kind::Word(symbols) => Some(symbols.iter().map(|&s| self.uses[s as usize]).sum()),
            Kind::Choice(alternatives) => alternatives.iter().map(|a| Some(self.rarest(a)?.1)).sum(),
            Kind::Other => None,
        }
    }

    /// The element of a sequence that costs least, and its cost.
    fn rarest(&self, elements: &[Element]) -> Option<(usize, u64)> {
        let costs = elements.iter().enumerate().filter_map(|(at, e)| Some((at, self.cost(e)?)));
        costs.min_by_key(|&(_, cost)| cost)
    }

    /// Lays down an anchor for every symbol with which a match of the sequence must have its rarest word; false if there is none.
    fn lay(&mut self, pattern: u32, elements: &[Element], around: Around) -> bool {
        let Some((rarest, _)) = self.rarest(elements) else { return false };
        let (before, own, after) = (&elements[..rarest], &elements[rarest], &elements[rarest + 1..]);
        let around = Around {
            before: neighbour(before.iter().rev().map(|e| (e, &e.last)), around.before),
            after: neighbour(after.iter().map(|e| (e, &e.first)), around.after),
            least: around.least + before.iter().map(|e| e.least).sum::<usize>(),
            most: around.most + before.iter().map(|e| e.most).sum::<usize>(),
        };
        let symbols = match &own.kind {
            Kind::Word(symbols) => *symbols,
            Kind::Choice(alternatives) => return alternatives.iter().all(|a| self.lay(pattern, a, around)),
            Kind::Other => return false,
        };
        let mask = |near: Option<(&BTreeSet<u32>, usize)>| match near {
            Some((set, distance)) if distance < NEAR && !set.is_empty() => {
                (set.iter().fold(0, |mask, &s| mask | bit(s)), distance == 0)
            }
            _ => (ANYTHING, false),
        };
        let ((before, next_before), (after, next_after)) = (mask(around.before), mask(around.after));
        let (least, most) = (around.least as u8, around.most as u8);
        let anchor = Anchor { before, after, pattern, next_before, next_after, least, most };
        symbols.iter().for_each(|&symbol| self.of_symbol[symbol as usize].push(anchor));
        true
    }
}

/// Of elements in order of distance, the symbols of the nearest word that must come, and how far it can be (0 is next);
/// behind them comes what lies beyond.
fn neighbour<'e>(
    elements: impl Iterator<Item = (&'e Element<'e>, &'e BTreeSet<u32>)>,
    beyond: Option<(&'e BTreeSet<u32>, usize)>,
) -> Option<(&'e BTreeSet<u32>, usize)> {
    let mut distance = 0;
    for (element, near) in elements {
        if element.least > 0 {
            return Some((near, distance));
        }
        distance += element.most;
    }
    beyond.map(|(near, further)| (near, distance + further))
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
        let parts = Parts { classes: classes.flat, patterns: flat };
        // What was just compiled is well formed.
        Self::from_parts(parts, n_symbols).unwrap_or_default()
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

        let of_terms: Vec<Vec<Element>> =
            terms.iter().map(|p| elements(&flat[p.begin as usize..p.end as usize], &classes)).collect();
        let mut laid = Anchors { uses: vec![1; n_symbols], of_symbol: vec![Vec::new(); n_symbols] };
        of_terms.iter().for_each(|elements| laid.count_uses(elements));
        for (pattern, elements) in of_terms.iter().enumerate() {
            if !laid.lay(pattern as u32, elements, Around { before: None, after: None, least: 0, most: 0 }) {
                return Err(BadParts(terms[pattern].begin as usize));
            }
        }
        let class_masks = classes.iter().map(|c| c.iter().fold(0, |mask, &s| mask | bit(s))).collect();
        let (class_starts, class_symbols) = flatten(&classes.iter().map(|c| c.to_vec()).collect::<Vec<_>>());
        terms.extend(hidden);
        let (exclusion_starts, exclusions) = flatten(&exclusions);
        let (anchor_starts, anchors) = flatten(&laid.of_symbol);
        Ok(Self {
            programs: terms,
            n_patterns,
            exclusion_starts,
            exclusions,
            class_starts,
            class_symbols,
            class_masks,
            anchor_starts,
            anchors,
            parts: Parts::default(),
        })
    }

    /// Room to match sentences in; keep one a thread.
    pub fn scratch(&self) -> MatchScratch {
        MatchScratch {
            numbers: HashMap::default(),
            profiles: vec![Profile::default()],
            symbols: Vec::new(),
            anchors: Vec::new(),
            words: Vec::new(),
            masks: Vec::new(),
            near: Vec::new(),
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
        let begin = (scratch.symbols.len() as u32, scratch.anchors.len() as u32);
        scratch.symbols.extend_from_slice(symbols);
        for &symbol in symbols {
            let range = self.anchor_starts[symbol as usize] as usize..self.anchor_starts[symbol as usize + 1] as usize;
            scratch.anchors.extend_from_slice(&self.anchors[range]);
        }
        let end = (scratch.symbols.len() as u32, scratch.anchors.len() as u32);
        let mask = symbols.iter().fold(0, |mask, &s| mask | bit(s));
        scratch.profiles.push(Profile { symbols: (begin.0, end.0), anchors: (begin.1, end.1), mask });
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
        let n = scratch.words.len();
        for place in 0..n {
            let Profile { anchors, .. } = scratch.profiles[scratch.words[place] as usize];
            // The masks of the words beside and near, padded at both ends.
            let next = (scratch.masks[place], scratch.masks[place + 2]);
            let near = scratch.near[place];
            for anchor in anchors.0 as usize..anchors.1 as usize {
                let anchor = scratch.anchors[anchor];
                let before = if anchor.next_before { next.0 } else { near.0 };
                let after = if anchor.next_after { next.1 } else { near.1 };
                let fits = |wanted: u64, there: u64| wanted == ANYTHING || wanted & there != 0;
                if !fits(anchor.before, before) || !fits(anchor.after, after) || place < usize::from(anchor.least) {
                    continue;
                }
                if scratch.matched[anchor.pattern as usize] == scratch.window {
                    continue;
                }
                let program = self.programs[anchor.pattern as usize];
                let earliest = place.saturating_sub(usize::from(anchor.most));
                if (program.at_start && (!first || earliest > 0)) || (program.at_end && !last) {
                    continue;
                }
                let latest = if program.at_start { 0 } else { place - usize::from(anchor.least) };
                let from = B::up_to(latest).and(B::up_to(n).shifted(earliest as u32));
                let to = if program.at_end { B::place(n) } else { B::up_to(n) };
                if !self.run(self.code(program), from, scratch).and(to).is_empty() {
                    scratch.matched[anchor.pattern as usize] = scratch.window;
                    hits.push(anchor.pattern);
                }
            }
        }
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
            self.run(code, from, scratch) != 0
        })
    }

    /// Of some places, those where a word of a class stands.
    fn those_of<B: Bits>(&self, class: u32, mut places: B, scratch: &MatchScratch) -> B {
        let range = self.class_starts[class as usize] as usize..self.class_starts[class as usize + 1] as usize;
        let (mask, of_class) = (self.class_masks[class as usize], &self.class_symbols[range]);
        let mut found = B::EMPTY;
        while let Some(place) = places.take_first() {
            let Some(&word) = scratch.words.get(place) else { break };
            if scratch.masks[place + 1] & mask != 0 {
                let Profile { symbols, .. } = scratch.profiles[word as usize];
                let own = &scratch.symbols[symbols.0 as usize..symbols.1 as usize];
                if own.iter().any(|s| of_class.binary_search(s).is_ok()) {
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
                    places = places.or(self.run(body, places, scratch));
                }
                _ => {
                    let mut any = B::EMPTY;
                    let mut body = &code[at..at + argument as usize];
                    while let Some((&head, rest)) = body.split_first() {
                        let (alternative, rest) = rest.split_at((head & ARGUMENT) as usize);
                        any = any.or(self.run(alternative, places, scratch));
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
    anchors: Vec<Anchor>,
    /// The profiles of the open window's words.
    words: Vec<u32>,
    /// The mask of each word, at its place plus one; the first and the last are empty.
    masks: Vec<u64>,
    /// For each word, the masks of the [`NEAR`] words before it and after it together.
    near: Vec<(u64, u64)>,
    /// The number of the open window, counted over all sentences.
    window: u32,
    /// The window in which a pattern matched last.
    matched: Vec<u32>,
}

/// What a word fulfils: where its symbols and its anchors stand in the scratch, and the bits of the symbols.
#[derive(Debug, Clone, Copy, Default)]
struct Profile {
    symbols: (u32, u32),
    anchors: (u32, u32),
    mask: u64,
}

impl MatchScratch {
    /// Forgets all words; their profiles are void.
    pub fn forget(&mut self) {
        self.numbers.clear();
        self.profiles.truncate(1);
        self.symbols.clear();
        self.anchors.clear();
    }

    /// Turns to a window.
    fn open(&mut self, words: &[u32]) {
        if self.window == u32::MAX {
            self.matched.fill(0);
            self.window = 0;
        }
        self.window += 1;
        let Self { profiles, words: own, masks, near, .. } = self;
        own.clear();
        own.extend_from_slice(words);
        masks.clear();
        masks.push(0);
        masks.extend(words.iter().map(|&w| profiles[w as usize].mask));
        masks.push(0);
        near.clear();
        let n = words.len();
        let together = |from: usize, to: usize| masks[from..to].iter().fold(0, |all, mask| all | mask);
        near.extend(
            (1..=n).map(|at| (together(at.saturating_sub(NEAR), at), together(at + 1, (at + 1 + NEAR).min(n + 2)))),
        );
    }
}

/// A set of places.
trait Bits: Copy {
    const EMPTY: Self;
    fn place(n: usize) -> Self;
    /// The places 0 to `n`.
    fn up_to(n: usize) -> Self;
    /// Takes the first place out.
    fn take_first(&mut self) -> Option<usize>;
    fn and(self, other: Self) -> Self;
    fn or(self, other: Self) -> Self;
    fn shifted(self, by: u32) -> Self;
    fn is_empty(self) -> bool;
}

macro_rules! bits {
    ($type:ty) => {
        impl Bits for $type {
            const EMPTY: Self = 0;
            #[inline]
            fn place(n: usize) -> Self {
                1 << n
            }
            #[inline]
            fn up_to(n: usize) -> Self {
                <$type>::MAX >> (<$type>::BITS as usize - 1 - n)
            }
            #[inline]
            fn take_first(&mut self) -> Option<usize> {
                let place = self.trailing_zeros();
                (*self != 0).then(|| {
                    *self &= *self - 1;
                    place as usize
                })
            }
            #[inline]
            fn and(self, other: Self) -> Self {
                self & other
            }
            #[inline]
            fn or(self, other: Self) -> Self {
                self | other
            }
            #[inline]
            fn shifted(self, by: u32) -> Self {
                self << by
            }
            #[inline]
            fn is_empty(self) -> bool {
                self == 0
            }
        }
    };
}
bits!(u64);
bits!(u128);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pattern::{Lists, PatternReader, SymbolTable};
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
