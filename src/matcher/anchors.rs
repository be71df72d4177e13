//! When is a pattern looked at? When a word of the rarest class that it needs is there, and words of two more classes as near as
//! they must be.

use super::Lists;
use super::code::{ARGUMENT, Alternatives, CHOICE, GAP, OPTIONAL, SHIFT, WORD, spans};
use super::near::{Beside, Mask, Masks};
use hashbrown::HashMap;
use std::borrow::Cow;

/// A pattern to look at where a certain word stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Anchor {
    pub pattern: u32,
    /// The masks, by number, of which a word must have a bit, and which words.
    masks: [u16; 2],
    beside: [Beside; 2],
    /// The word is the whole pattern.
    pub alone: bool,
}

impl Anchor {
    /// Its word may stand at this place, as far as the words near it tell.
    #[inline]
    pub fn may_stand_at(&self, place: usize, words: &Masks, masks: &[Mask]) -> bool {
        let is_there = |need: usize| words.beside(place, self.beside[need]) & masks[usize::from(self.masks[need])] != 0;
        is_there(0) && is_there(1)
    }

    /// As numbers, for the model file.
    pub fn encode(self) -> [u32; 3] {
        let [a, b] = self.beside;
        [
            self.pattern << 1 | u32::from(self.alone),
            u32::from(self.masks[0]) | u32::from(self.masks[1]) << 16,
            u32::from_le_bytes([a.first as u8, a.together, b.first as u8, b.together]),
        ]
    }

    /// The anchor that numbers stand for; `None` if they stand for none.
    pub fn decode([pattern, masks, beside]: [u32; 3], n_patterns: usize, n_masks: usize) -> Option<Self> {
        let [a, a_together, b, b_together] = beside.to_le_bytes();
        let beside = [Beside { first: a as i8, together: a_together }, Beside { first: b as i8, together: b_together }];
        let anchor = Self {
            pattern: pattern >> 1,
            alone: pattern & 1 == 1,
            masks: [masks as u16, (masks >> 16) as u16],
            beside,
        };
        let is_sound = (anchor.pattern as usize) < n_patterns
            && anchor.masks.iter().all(|&mask| usize::from(mask) < n_masks)
            && beside.iter().all(|beside| beside.is_sound());
        is_sound.then_some(anchor)
    }
}

/// A need as it is worked out.
#[derive(Clone, Copy)]
struct Near {
    class: u32,
    before: bool,
    /// How much further on, or back, it stands at least (1 is next to the other), and at most.
    least: usize,
    most: usize,
}

impl Near {
    /// The same for another word, on the far side of so many more, at least and at most.
    fn beyond(self, (least, most): (usize, usize)) -> Self {
        Self { least: self.least + least, most: self.most + most, ..self }
    }
}

/// One element of a sequence.
struct Element<'c> {
    kind: Kind<'c>,
    /// The words of a match, at least and at most.
    span: (usize, usize),
}

#[derive(Clone)]
enum Kind<'c> {
    /// A word of this class.
    Word(u32),
    /// One of these alternatives.
    Choice(Alternatives<'c>),
    /// What can be missing.
    Other,
}

/// The elements of checked code.
fn elements(code: &[u32]) -> Vec<Element<'_>> {
    let (mut found, mut at) = (Vec::new(), 0);
    while at < code.len() {
        let (begin, operation, argument) = (at, code[at] >> SHIFT, (code[at] & ARGUMENT) as usize);
        at += 1;
        let kind = match operation {
            WORD => Kind::Word(argument as u32),
            GAP => Kind::Other,
            _ => {
                at += argument;
                if operation == CHOICE { Kind::Choice(Alternatives(&code[begin + 1..at])) } else { Kind::Other }
            }
        };
        found.push(Element { kind, span: spans(&code[begin..at]) });
    }
    found
}

/// The edge of a match that is meant.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Edge {
    First,
    Last,
}

/// Lays down the anchors of patterns.
pub(super) struct Anchors<'c> {
    /// How often each symbol occurs, and its bit in masks.
    counts: &'c [u64],
    bits: &'c [u32],
    /// The symbols of each class behind the symbols, and how often words of it occur.
    pub classes: Vec<Cow<'c, [u32]>>,
    costs: Vec<u64>,
    /// The classes that were made here.
    made: HashMap<Vec<u32>, u32, foldhash::fast::FixedState>,
    /// The masks that words are compared with; the first has every bit.
    pub masks: Vec<Mask>,
    numbers_of_masks: HashMap<Mask, u16, foldhash::fast::FixedState>,
    /// The anchors, each with the class of its word.
    pub anchors: Vec<(u32, Anchor)>,
    /// Those of patterns bound to the start whose first word is known, each with its class.
    pub openings: Vec<(u32, Anchor)>,
}

impl<'c> Anchors<'c> {
    pub fn new(counts: &'c [u64], bits: &'c [u32], classes: &'c Lists<u32>) -> Self {
        let sum = |symbols: &[u32]| symbols.iter().map(|&s| counts[s as usize]).sum();
        Self {
            counts,
            bits,
            costs: classes.iter().map(sum).collect(),
            classes: classes.iter().map(Into::into).collect(),
            made: HashMap::default(),
            masks: vec![Mask::MAX],
            numbers_of_masks: HashMap::default(),
            anchors: Vec::new(),
            openings: Vec::new(),
        }
    }

    fn cost_of(&self, class: u32) -> u64 {
        let class = class as usize;
        self.counts.get(class).copied().unwrap_or_else(|| self.costs[class - self.counts.len()])
    }

    /// Adds the symbols that the first or last word of a match may have; `None` if that is not known.
    fn edge(&self, code: &[u32], edge: Edge, symbols: &mut Vec<u32>) -> Option<()> {
        let elements = elements(code);
        let outermost = if edge == Edge::First { elements.first() } else { elements.last() };
        match &outermost?.kind {
            &Kind::Word(class) => match (class as usize).checked_sub(self.counts.len()) {
                None => symbols.push(class),
                Some(set) => symbols.extend_from_slice(&self.classes[set]),
            },
            Kind::Choice(alternatives) => {
                alternatives.clone().flatten().try_for_each(|code| self.edge(code, edge, symbols))?
            }
            Kind::Other => return None,
        }
        Some(())
    }

    /// The class of the first or last word of an element's matches, if it is known.
    fn edge_class(&mut self, element: &Kind, edge: Edge) -> Option<u32> {
        let alternatives = match element {
            Kind::Word(class) => return Some(*class),
            Kind::Choice(alternatives) => alternatives.clone(),
            Kind::Other => return None,
        };
        let mut symbols = Vec::new();
        alternatives.flatten().try_for_each(|code| self.edge(code, edge, &mut symbols))?;
        symbols.sort_unstable();
        symbols.dedup();
        if let [symbol] = symbols[..] {
            return Some(symbol);
        }
        if let Some(&class) = self.made.get(&symbols) {
            return Some(class);
        }
        let class = (self.counts.len() + self.classes.len()) as u32;
        self.costs.push(symbols.iter().map(|&s| self.counts[s as usize]).sum());
        self.classes.push(symbols.clone().into());
        self.made.insert(symbols, class);
        Some(class)
    }

    /// Lays down the anchors of a pattern; false if it needs no word at all.
    pub fn lay(&mut self, pattern: u32, code: &[u32], bound: bool, at_start: bool) -> bool {
        if at_start {
            let begin = self.openings.len();
            if self.lay_openings(pattern, code, &[]) {
                return true;
            }
            self.openings.truncate(begin);
        }
        self.lay_rarest(pattern, code, &[], !bound)
    }

    /// How often one looks for an element; `None` where it can be missing.
    fn cost(&self, element: &Element) -> Option<u64> {
        match &element.kind {
            Kind::Word(class) => Some(self.cost_of(*class)),
            Kind::Choice(alternatives) => {
                alternatives.clone().flatten().map(|a| Some(self.rarest(&elements(a))?.1)).sum()
            }
            Kind::Other => None,
        }
    }

    /// The element of a sequence that costs least, and its cost.
    fn rarest(&self, elements: &[Element]) -> Option<(usize, u64)> {
        let costs = elements.iter().enumerate().filter_map(|(at, e)| Some((at, self.cost(e)?)));
        costs.min_by_key(|&(_, cost)| cost)
    }

    /// Lays anchors at the rarest of what a sequence needs; `outer` is needed around it.
    fn lay_rarest(&mut self, pattern: u32, code: &[u32], outer: &[Near], alone: bool) -> bool {
        let elements = elements(code);
        let Some((at, _)) = self.rarest(&elements) else { return false };
        let needs = self.needs(&elements, at, outer);
        let alone = alone && elements.len() == 1;
        match elements[at].kind.clone() {
            Kind::Word(class) => {
                let anchor = self.anchor(pattern, &needs, alone);
                self.anchors.push((class, anchor));
                true
            }
            Kind::Choice(mut alternatives) => {
                alternatives.all(|code| code.is_some_and(|code| self.lay_rarest(pattern, code, &needs, alone)))
            }
            Kind::Other => false,
        }
    }

    /// Lays anchors at the first word of a sequence; false if it is not known.
    fn lay_openings(&mut self, pattern: u32, code: &[u32], outer: &[Near]) -> bool {
        let elements = elements(code);
        let Some(first) = elements.first() else { return false };
        let needs = self.needs(&elements, 0, outer);
        match first.kind.clone() {
            Kind::Word(class) => {
                let anchor = self.anchor(pattern, &needs, false);
                self.openings.push((class, anchor));
                true
            }
            Kind::Choice(mut alternatives) => {
                alternatives.all(|code| code.is_some_and(|code| self.lay_openings(pattern, code, &needs)))
            }
            Kind::Other if code[0] >> SHIFT == OPTIONAL => {
                let (body, rest) = code[1..].split_at((code[0] & ARGUMENT) as usize);
                self.lay_openings(pattern, body, &needs) && self.lay_openings(pattern, rest, outer)
            }
            Kind::Other => false,
        }
    }

    fn anchor(&mut self, pattern: u32, needs: &[Near], alone: bool) -> Anchor {
        let mut rarest = needs.to_vec();
        rarest.sort_by_key(|near| (self.cost_of(near.class), near.most));
        let mut needs = rarest.iter().filter_map(|near| {
            Some((self.number_of_mask(near.class)?, Beside::covering(near.before, near.least, near.most)?))
        });
        let mut need = || needs.next().unwrap_or((0, Beside::ITSELF));
        let (a, b) = (need(), need());
        Anchor { pattern, masks: [a.0, b.0], beside: [a.1, b.1], alone }
    }

    /// The number of a class's mask; `None` if there are too many.
    fn number_of_mask(&mut self, class: u32) -> Option<u16> {
        let bit = |symbol: u32| 1 << self.bits[symbol as usize];
        let mask = match (class as usize).checked_sub(self.counts.len()) {
            None => bit(class),
            Some(set) => self.classes[set].iter().fold(0, |mask, &s| mask | bit(s)),
        };
        let next = u16::try_from(self.masks.len()).ok()?;
        Some(*self.numbers_of_masks.entry(mask).or_insert_with(|| {
            self.masks.push(mask);
            next
        }))
    }

    /// The words that must stand around an element of a sequence, and those around the sequence.
    fn needs(&mut self, elements: &[Element], at: usize, outer: &[Near]) -> Vec<Near> {
        let mut needs = Vec::new();
        let (mut front, mut back) = ((0, 0), (0, 0));
        let mut walk = |element: &Element, edge, (least, most): &mut (usize, usize)| {
            if let Some(class) = self.edge_class(&element.kind, edge) {
                needs.push(Near { class, before: edge == Edge::Last, least: *least + 1, most: *most + 1 });
            }
            *least += element.span.0;
            *most += element.span.1;
        };
        elements[..at].iter().rev().for_each(|element| walk(element, Edge::Last, &mut front));
        elements[at + 1..].iter().for_each(|element| walk(element, Edge::First, &mut back));
        needs.extend(outer.iter().map(|near| near.beyond(if near.before { front } else { back })));
        needs
    }
}
