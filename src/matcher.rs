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

/// A pattern to look at where a word of its rarest class stands: the neighbours that the word must have, and where the pattern
/// may begin.
#[derive(Debug, Clone, Copy)]
struct Anchor {
    /// The symbols of which one must stand before the word, and after it, and how near: see [`WITHIN`].
    before: Mask,
    after: Mask,
    pattern: u32,
    near_before: u8,
    near_after: u8,
    /// The word is the whole pattern.
    alone: bool,
    /// How many words of the pattern stand before the word, at least and at most.
    least: u8,
    most: u8,
}

/// How many words beside a word are looked at together; an anchor says by its place in this list which it means.
const WITHIN: [usize; 4] = [1, 2, 4, 8];
/// The last of them.
const FAR: usize = 8;

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

/// A set of symbols, some of which cannot be told apart.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Mask([u64; MASK_WORDS]);
/// The most frequent symbols have a bit of their own in masks; the others share what is left.
const OWN_BITS: usize = 128;
/// A bit of every mask of a place, even of one without a word: as a mask of symbols it is fulfilled by anything.
const ANYTHING: Mask = Mask::bit(MASK_BITS - 1);
/// The bits that stand for one symbol each.
const OWN: Mask = Mask([u64::MAX, u64::MAX, 0, 0]);
const MASK_WORDS: usize = 4;
const MASK_BITS: usize = 64 * MASK_WORDS;

impl Mask {
    const EMPTY: Self = Self([0; MASK_WORDS]);

    const fn bit(number: usize) -> Self {
        let mut mask = Self::EMPTY;
        mask.0[number / 64] = 1 << (number % 64);
        mask
    }

    /// Both have a bit in common.
    #[inline(always)]
    fn meets(self, other: Self) -> bool {
        self.and(other) != Self::EMPTY
    }

    #[inline(always)]
    fn and(self, other: Self) -> Self {
        Self(std::array::from_fn(|at| self.0[at] & other.0[at]))
    }

    #[inline(always)]
    fn or(self, other: Self) -> Self {
        Self(std::array::from_fn(|at| self.0[at] | other.0[at]))
    }

    fn all(masks: impl Iterator<Item = Self>) -> Self {
        masks.fold(Self::EMPTY, Self::or)
    }
}

/// The bit of each symbol in masks.
fn bits_of(counts: &[u64]) -> Vec<Mask> {
    let mut by_count: Vec<usize> = (0..counts.len()).collect();
    by_count.sort_by_key(|&symbol| std::cmp::Reverse(counts[symbol]));
    let mut bits = vec![Mask::EMPTY; counts.len()];
    for (rank, symbol) in by_count.into_iter().enumerate() {
        bits[symbol] = Mask::bit(if rank < OWN_BITS { rank } else { OWN_BITS + rank % (MASK_BITS - 1 - OWN_BITS) });
    }
    bits
}

/// One element of code, as far as anchors are concerned.
struct Element {
    kind: Kind,
    /// The symbols of the first and the last word of a match; [`ANYTHING`] where it is not known.
    first: Mask,
    last: Mask,
    /// Words of a match, at least and at most.
    least: usize,
    most: usize,
}

enum Kind {
    /// A word of this class.
    Word(u32),
    Choice(Vec<Vec<Element>>),
    /// What can be missing.
    Other,
}

/// The elements of checked code.
fn elements(code: &[u32], class_masks: &[Mask]) -> Vec<Element> {
    let (mut found, mut at) = (Vec::new(), 0);
    while at < code.len() {
        let (operation, argument) = (code[at] >> SHIFT, (code[at] & ARGUMENT) as usize);
        at += 1;
        let other = |most| Element { kind: Kind::Other, first: ANYTHING, last: ANYTHING, least: 0, most };
        found.push(match operation {
            WORD => {
                let mask = class_masks[argument];
                Element { kind: Kind::Word(argument as u32), first: mask, last: mask, least: 1, most: 1 }
            }
            GAP => other(argument),
            OPTIONAL => {
                let body = &code[at..at + argument];
                at += argument;
                other(elements(body, class_masks).iter().map(|e| e.most).sum())
            }
            _ => {
                let body = Alternatives(&code[at..at + argument]);
                at += argument;
                choice(body.flatten().map(|alternative| elements(alternative, class_masks)).collect())
            }
        });
    }
    found
}

fn choice(alternatives: Vec<Vec<Element>>) -> Element {
    let least = |a: &Vec<Element>| a.iter().map(|e| e.least).sum::<usize>();
    let most = |a: &Vec<Element>| a.iter().map(|e| e.most).sum::<usize>();
    // The edge of an alternative is known where its outermost element cannot be missing.
    let edge = |outermost: Option<&Element>, mask: fn(&Element) -> Mask| match outermost {
        Some(element) if element.least > 0 => mask(element),
        _ => ANYTHING,
    };
    Element {
        first: Mask::all(alternatives.iter().map(|a| edge(a.first(), |e| e.first))),
        last: Mask::all(alternatives.iter().map(|a| edge(a.last(), |e| e.last))),
        least: alternatives.iter().map(least).min().unwrap_or(0),
        most: alternatives.iter().map(most).max().unwrap_or(0),
        kind: Kind::Choice(alternatives),
    }
}

/// Lays down the anchors of patterns.
struct Anchors<'a> {
    /// How often each symbol occurs.
    counts: &'a [u64],
    classes: &'a [&'a [u32]],
    of_symbol: Vec<Vec<Anchor>>,
    openings: Vec<Vec<Anchor>>,
}

/// What surrounds a sequence: on each side the symbols of the nearest word that must come and how far it may be, and the words
/// of the pattern before it, at least and at most.
#[derive(Clone, Copy)]
struct Around {
    before: Option<(Mask, usize)>,
    after: Option<(Mask, usize)>,
    least: usize,
    most: usize,
    /// There is nothing around it.
    alone: bool,
    /// The pattern is bound to the start.
    at_start: bool,
}

impl Anchors<'_> {
    /// The words to look at for an element; `None` where it can be missing.
    fn cost(&self, element: &Element) -> Option<u64> {
        match &element.kind {
            _ if element.least == 0 => None,
            Kind::Word(class) => Some(self.classes[*class as usize].iter().map(|&s| self.counts[s as usize]).sum()),
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
            before: neighbour(before.iter().rev().map(|e| (e, e.last)), around.before),
            after: neighbour(after.iter().map(|e| (e, e.first)), around.after),
            least: around.least + before.iter().map(|e| e.least).sum::<usize>(),
            most: around.most + before.iter().map(|e| e.most).sum::<usize>(),
            alone: around.alone && elements.len() == 1,
            at_start: around.at_start,
        };
        let symbols = match &own.kind {
            Kind::Word(class) => self.classes[*class as usize],
            Kind::Choice(alternatives) => return alternatives.iter().all(|a| self.lay(pattern, a, around)),
            Kind::Other => return false,
        };
        let mask = |near: Option<(Mask, usize)>| match near {
            Some((mask, distance)) if distance < FAR => (mask, WITHIN.partition_point(|&words| words <= distance)),
            _ => (ANYTHING, 0),
        };
        let ((before, near_before), (after, near_after)) = (mask(around.before), mask(around.after));
        let (near_before, near_after) = (near_before as u8, near_after as u8);
        let (least, most) = (around.least as u8, around.most as u8);
        let alone = around.alone;
        let anchor = Anchor { before, after, pattern, near_before, near_after, alone, least, most };
        let lists = if around.at_start { &mut self.openings } else { &mut self.of_symbol };
        symbols.iter().for_each(|&symbol| lists[symbol as usize].push(anchor));
        true
    }
}

/// Of elements in order of distance, the symbols of the nearest word that must come, and how far it can be (0 is next);
/// behind them comes what lies beyond.
fn neighbour<'e>(
    elements: impl Iterator<Item = (&'e Element, Mask)>,
    beyond: Option<(Mask, usize)>,
) -> Option<(Mask, usize)> {
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
