//! How is a pattern written as numbers? Items → code, and what makes code sound.

use crate::pattern::{Item, MAX_WIDTH};
use hashbrown::HashMap;
use std::collections::BTreeSet;

// Code: an operation in the upper four bits, its argument below.
pub(super) const SHIFT: u32 = 28;
pub(super) const ARGUMENT: u32 = (1 << SHIFT) - 1;
/// One word of a class.
pub(super) const WORD: u32 = 0;
/// Up to so many words of any kind.
pub(super) const GAP: u32 = 1;
/// The code of this length that follows, or nothing.
pub(super) const OPTIONAL: u32 = 2;
/// One of the alternatives in the code of this length that follows, each headed by `ALTERNATIVE`.
pub(super) const CHOICE: u32 = 3;
/// An alternative whose code of this length follows.
pub(super) const ALTERNATIVE: u32 = 4;

/// A pattern's elements while it is compiled.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Node {
    Class(u32),
    Gap(u8),
    Optional(Vec<Node>),
    Choice(Vec<Vec<Node>>),
}

/// The distinct classes: a symbol is the class of its number, sets of several follow in order of first use.
pub(super) struct Classes {
    n_symbols: usize,
    numbers: HashMap<Box<[u32]>, u32>,
    pub flat: Vec<u32>,
}

impl Classes {
    pub fn new(n_symbols: usize) -> Self {
        Self { n_symbols, numbers: HashMap::new(), flat: Vec::new() }
    }

    fn number(&mut self, symbols: BTreeSet<u32>) -> u32 {
        if let (1, Some(&symbol)) = (symbols.len(), symbols.first()) {
            return symbol;
        }
        let symbols: Box<[u32]> = symbols.into_iter().collect();
        let next = (self.n_symbols + self.numbers.len()) as u32;
        let flat = &mut self.flat;
        *self.numbers.entry(symbols).or_insert_with_key(|symbols| {
            flat.push(symbols.len() as u32);
            flat.extend_from_slice(symbols);
            next
        })
    }

    pub fn sequence(&mut self, items: &[Item]) -> Vec<Node> {
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

pub(super) fn encode(nodes: &[Node], code: &mut Vec<u32>) {
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
                alternatives.iter().for_each(|a| within(ALTERNATIVE, code, &|code| encode(a, code)));
            }),
        }
    }
}

/// Checks that code is well formed and names no class from `n_classes` on, and gives the most words that it spans.
pub(super) fn check(code: &[u32], n_classes: usize, depth: usize) -> Option<usize> {
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

/// The words that a match of checked code spans, at least and at most.
pub(super) fn spans(code: &[u32]) -> (usize, usize) {
    let (mut at, mut least, mut most) = (0, 0, 0);
    while at < code.len() {
        let (operation, argument) = (code[at] >> SHIFT, (code[at] & ARGUMENT) as usize);
        at += 1;
        let (l, m) = match operation {
            WORD => (1, 1),
            GAP => (0, argument),
            _ => {
                let body = &code[at..at + argument];
                at += argument;
                if operation == OPTIONAL {
                    (0, spans(body).1)
                } else {
                    let each = || Alternatives(body).flatten().map(spans);
                    (each().map(|s| s.0).min().unwrap_or(0), each().map(|s| s.1).max().unwrap_or(0))
                }
            }
        };
        (least, most) = (least + l, most + m);
    }
    (least, most)
}

/// The alternatives of a choice; `None` where the code is broken.
#[derive(Clone)]
pub(super) struct Alternatives<'c>(pub &'c [u32]);

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
