//! Where is a pattern looked at? At the word that is rarest of all that it needs, if its neighbours may stand beside it.

use super::code::{ARGUMENT, Alternatives, GAP, OPTIONAL, SHIFT, WORD};

/// A pattern to look at where a word of its rarest class stands: the neighbours that the word must have, and where the pattern
/// may begin.
#[derive(Debug, Clone, Copy)]
pub(super) struct Anchor {
    /// The symbols of which one must stand before the word, and after it, and how near: see [`WITHIN`].
    pub before: Mask,
    pub after: Mask,
    pub pattern: u32,
    pub near_before: u8,
    pub near_after: u8,
    /// The word is the whole pattern.
    pub alone: bool,
    /// How many words of the pattern stand before the word, at least and at most.
    pub least: u8,
    pub most: u8,
}

/// How many words beside a word are looked at together; an anchor says by its place in this list which it means.
pub(super) const WITHIN: [usize; 4] = [1, 2, 4, 8];
/// The last of them.
pub(super) const FAR: usize = 8;

/// A set of symbols, some of which cannot be told apart.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Mask([u64; MASK_WORDS]);
/// The most frequent symbols have a bit of their own in masks; the others share what is left.
const OWN_BITS: usize = 128;
/// A bit of every mask of a place, even of one without a word: as a mask of symbols it is fulfilled by anything.
pub(super) const ANYTHING: Mask = Mask::bit(MASK_BITS - 1);
/// The bits that stand for one symbol each.
pub(super) const OWN: Mask = Mask([u64::MAX, u64::MAX, 0, 0]);
const MASK_WORDS: usize = 4;
const MASK_BITS: usize = 64 * MASK_WORDS;

impl Mask {
    pub const EMPTY: Self = Self([0; MASK_WORDS]);

    const fn bit(number: usize) -> Self {
        let mut mask = Self::EMPTY;
        mask.0[number / 64] = 1 << (number % 64);
        mask
    }

    /// Both have a bit in common.
    #[inline(always)]
    pub fn meets(self, other: Self) -> bool {
        self.and(other) != Self::EMPTY
    }

    #[inline(always)]
    pub fn and(self, other: Self) -> Self {
        Self(std::array::from_fn(|at| self.0[at] & other.0[at]))
    }

    #[inline(always)]
    pub fn or(self, other: Self) -> Self {
        Self(std::array::from_fn(|at| self.0[at] | other.0[at]))
    }

    pub fn all(masks: impl Iterator<Item = Self>) -> Self {
        masks.fold(Self::EMPTY, Self::or)
    }
}

/// The bit of each symbol in masks.
pub(super) fn bits_of(counts: &[u64]) -> Vec<Mask> {
    let mut by_count: Vec<usize> = (0..counts.len()).collect();
    by_count.sort_by_key(|&symbol| std::cmp::Reverse(counts[symbol]));
    let mut bits = vec![Mask::EMPTY; counts.len()];
    for (rank, symbol) in by_count.into_iter().enumerate() {
        bits[symbol] = Mask::bit(if rank < OWN_BITS { rank } else { OWN_BITS + rank % (MASK_BITS - 1 - OWN_BITS) });
    }
    bits
}

/// One element of code, as far as anchors are concerned.
pub(super) struct Element {
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
pub(super) fn elements(code: &[u32], class_masks: &[Mask]) -> Vec<Element> {
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
pub(super) struct Anchors<'a> {
    /// How often each symbol occurs.
    pub counts: &'a [u64],
    pub classes: &'a [&'a [u32]],
    pub of_symbol: Vec<Vec<Anchor>>,
    pub openings: Vec<Vec<Anchor>>,
}

/// What surrounds a sequence: on each side the symbols of the nearest word that must come and how far it may be, and the words
/// of the pattern before it, at least and at most.
#[derive(Clone, Copy)]
pub(super) struct Around {
    pub before: Option<(Mask, usize)>,
    pub after: Option<(Mask, usize)>,
    pub least: usize,
    pub most: usize,
    /// There is nothing around it.
    pub alone: bool,
    /// The pattern is bound to the start.
    pub at_start: bool,
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
    pub fn lay(&mut self, pattern: u32, elements: &[Element], around: Around) -> bool {
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
