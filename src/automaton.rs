//! All patterns of a taxonomy at once: the symbols of a sentence's words → the numbers of the patterns that match.
//!
//! Patterns are compiled into one nondeterministic automaton whose states are shared wherever two patterns begin
//! alike, so that a word costs a look at the few states that are alive, however many thousand patterns there are.

use crate::pattern::{Item, Pattern};
use hashbrown::HashMap;

/// Many patterns, compiled. A pattern's number is its place in the list given.
#[derive(Debug, Clone, Default)]
pub struct Automaton {
    states: Vec<State>,
    /// For each pattern, the numbers of the hidden patterns that rule it out.
    excluded_by: Vec<Vec<u32>>,
    n_patterns: usize,
}

/// The transitions of one state, with those of all states reachable from it without a word.
#[derive(Debug, Clone, Default)]
struct State {
    /// (symbol, next state), sorted.
    edges: Vec<(u32, u32)>,
    /// Next states after any word.
    any: Vec<u32>,
    /// Patterns that match once this state is reached.
    accepts: Vec<u32>,
    /// Patterns that match if the sentence ends here.
    accepts_at_end: Vec<u32>,
}

/// The automaton's room to work in, reused from sentence to sentence.
#[derive(Debug, Clone, Default)]
pub struct MatchScratch {
    alive: Vec<u32>,
    next: Vec<u32>,
    /// The step at which a state was last made alive.
    seen: Vec<u32>,
    step: u32,
    /// The sentence at which a pattern last matched.
    matched: Vec<u32>,
    sentence: u32,
}

const ANYWHERE: u32 = 0;
const AT_START: u32 = 1;

/// A state while patterns are being added: edges that take a word, and silent ones.
#[derive(Default)]
struct Draft {
    edges: Vec<(u32, u32)>,
    any: Vec<u32>,
    silent: Vec<u32>,
    accepts: Vec<u32>,
    accepts_at_end: Vec<u32>,
}

struct Builder<'p> {
    drafts: Vec<Draft>,
    /// Where a state leads after an item; patterns that begin alike share it.
    after: HashMap<(u32, &'p Item), u32>,
}

impl<'p> Builder<'p> {
    fn new_state(&mut self) -> u32 {
        self.drafts.push(Draft::default());
        self.drafts.len() as u32 - 1
    }

    fn sequence(&mut self, from: u32, items: &'p [Item]) -> u32 {
        items.iter().fold(from, |state, item| self.item(state, item))
    }

    fn item(&mut self, from: u32, item: &'p Item) -> u32 {
        if let Some(&state) = self.after.get(&(from, item)) {
            return state;
        }
        let end = self.new_state();
        match item {
            Item::Word(symbol) => self.drafts[from as usize].edges.push((*symbol, end)),
            Item::Choice(alternatives) => {
                for alternative in alternatives {
                    let last = self.sequence(from, alternative);
                    self.drafts[last as usize].silent.push(end);
                }
            }
            Item::Optional(items) => {
                let last = self.sequence(from, items);
                self.drafts[last as usize].silent.push(end);
                self.drafts[from as usize].silent.push(end);
            }
            Item::Gap(width) => {
                self.drafts[from as usize].silent.push(end);
                let mut state = from;
                for _ in 0..*width {
                    let next = self.new_state();
                    self.drafts[state as usize].any.push(next);
                    self.drafts[next as usize].silent.push(end);
                    state = next;
                }
            }
        }
        self.after.insert((from, item), end);
        end
    }

    /// Folds silent edges into the states they start from.
    fn finish(self) -> Vec<State> {
        let mut seen_from = vec![usize::MAX; self.drafts.len()];
        let mut closure = |of: usize| {
            let mut reached = vec![of];
            let mut at = 0;
            while at < reached.len() {
                for &next in &self.drafts[reached[at]].silent {
                    let next = next as usize;
                    if next != of && seen_from[next] != of {
                        seen_from[next] = of;
                        reached.push(next);
                    }
                }
                at += 1;
            }
            reached
        };
        let sorted = |mut list: Vec<u32>| {
            list.sort_unstable();
            list.dedup();
            list
        };
        (0..self.drafts.len())
            .map(|of| {
                let reached = closure(of);
                let all = |field: fn(&Draft) -> &Vec<u32>| {
                    sorted(reached.iter().flat_map(|&r| field(&self.drafts[r]).iter().copied()).collect())
                };
                let mut edges: Vec<_> = reached.iter().flat_map(|&r| self.drafts[r].edges.iter().copied()).collect();
                edges.sort_unstable();
                edges.dedup();
                State {
                    edges,
                    any: all(|d| &d.any),
                    accepts: all(|d| &d.accepts),
                    accepts_at_end: all(|d| &d.accepts_at_end),
                }
            })
            .collect()
    }
}

impl Automaton {
    /// Compiles patterns; a match reports a pattern's place in this list.
    pub fn new(patterns: &[Pattern]) -> Self {
        let mut builder = Builder { drafts: vec![Draft::default(), Draft::default()], after: HashMap::new() };
        for (number, pattern) in patterns.iter().enumerate() {
            let from = if pattern.at_start { AT_START } else { ANYWHERE };
            let end = builder.sequence(from, &pattern.items) as usize;
            if pattern.at_end {
                builder.drafts[end].accepts_at_end.push(number as u32);
            } else {
                builder.drafts[end].accepts.push(number as u32);
            }
        }
        // Exclusions are patterns too, numbered behind the others; the same exclusion is compiled once.
        let mut hidden: HashMap<&[Item], u32> = HashMap::new();
        let mut excluded_by = vec![Vec::new(); patterns.len()];
        for (number, pattern) in patterns.iter().enumerate() {
            for items in &pattern.excluded {
                let next = (patterns.len() + hidden.len()) as u32;
                let id = *hidden.entry(items).or_insert_with(|| {
                    let end = builder.sequence(ANYWHERE, items) as usize;
                    builder.drafts[end].accepts.push(next);
                    next
                });
                excluded_by[number].push(id);
            }
        }
        let n_patterns = patterns.len() + hidden.len();
        Self { states: builder.finish(), excluded_by, n_patterns }
    }

    /// Writes to `hits` (cleared first) the numbers of the patterns that match a sentence, increasing, each once.
    ///
    /// The sentence is given as the symbols of its words, in order.
    pub fn find<'w>(
        &self,
        words: impl ExactSizeIterator<Item = &'w [u32]>,
        scratch: &mut MatchScratch,
        hits: &mut Vec<u32>,
    ) {
        hits.clear();
        if scratch.seen.len() != self.states.len() || scratch.matched.len() != self.n_patterns {
            *scratch = MatchScratch {
                seen: vec![0; self.states.len()],
                matched: vec![0; self.n_patterns],
                ..MatchScratch::default()
            };
        }
        if scratch.step > u32::MAX - 2 - words.len() as u32 || scratch.sentence == u32::MAX {
            scratch.seen.fill(0);
            scratch.matched.fill(0);
            (scratch.step, scratch.sentence) = (0, 0);
        }
        if self.states.is_empty() {
            return;
        }
        let MatchScratch { alive, next, seen, step, matched, sentence } = scratch;
        *sentence += 1;
        let mut accept = |patterns: &[u32]| {
            for &p in patterns {
                if matched[p as usize] != *sentence {
                    matched[p as usize] = *sentence;
                    hits.push(p);
                }
            }
        };
        alive.clear();
        let mut first = true;
        for symbols in words {
            *step += 1;
            next.clear();
            let mut reach = |state: u32| {
                if seen[state as usize] != *step {
                    seen[state as usize] = *step;
                    accept(&self.states[state as usize].accepts);
                    next.push(state);
                }
            };
            let roots = [ANYWHERE, AT_START];
            for &from in alive.iter().chain(if first { &roots[..] } else { &roots[..1] }) {
                let state = &self.states[from as usize];
                for &symbol in symbols {
                    let begin = state.edges.partition_point(|&(s, _)| s < symbol);
                    state.edges[begin..].iter().take_while(|&&(s, _)| s == symbol).for_each(|&(_, to)| reach(to));
                }
                state.any.iter().for_each(|&to| reach(to));
            }
            first = false;
            std::mem::swap(alive, next);
        }
        for &state in alive.iter() {
            accept(&self.states[state as usize].accepts_at_end);
        }
        let n = self.excluded_by.len() as u32;
        hits.retain(|&p| p < n && self.excluded_by[p as usize].iter().all(|&x| matched[x as usize] != *sentence));
        hits.sort_unstable();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pattern::{Lists, PatternReader, SymbolTable};
    use crate::stem::{Stemmer, for_each_raw_word, normalise};

    fn hits(patterns: &[&str], sentence: &str) -> Vec<u32> {
        let (stemmer, mut symbols, lists) = (Stemmer::default(), SymbolTable::default(), Lists::new());
        let mut reader = PatternReader { stemmer: &stemmer, symbols: &mut symbols, lists: &lists };
        let parsed: Vec<_> = patterns.iter().map(|p| reader.read(p).expect("well formed")).collect();
        let automaton = Automaton::new(&parsed);
        let mut words: Vec<Vec<u32>> = Vec::new();
        let mut normal = String::new();
        for_each_raw_word(sentence, |raw| {
            normalise(raw, &mut normal);
            let mut of_word = Vec::new();
            symbols.of_word(&normal, &stemmer.stem(&normal), &mut of_word);
            words.push(of_word);
        });
        let mut found = Vec::new();
        automaton.find(words.iter().map(Vec::as_slice), &mut MatchScratch::default(), &mut found);
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
}
