//! The notation of seed terms and cues: one line of text → a pattern over stems. How patterns are matched, all of
//! them at once, is asked in `matcher`; which file they stand in, in `taxonomy`.
//!
//! | notation | matches |
//! |---|---|
//! | `chokehold` | a word with the same stem: chokehold, chokeholds |
//! | `duty to intervene` | these words in a row; a hyphen is a space, so `no-knock` is two words |
//! | `=forces` | the word itself, unstemmed |
//! | `decertif*` | any word that begins so |
//! | `(ban \| end \| do away with)` | one of these |
//! | `independent? monitor`, `(a \| the)? board` | the word or group may be missing |
//! | `release .. footage`, `release ..6 footage` | up to 3, or 6, words between |
//! | `{police}` | a list that the taxonomy file names under `[lists]` |
//! | `^ we demand`, `pending $` | at the sentence's start, at its end |
//! | `union -teachers -(credit union)` | only if the sentence has none of these anywhere |

use crate::stem::{Stemmer, for_each_raw_word, normalise};
use hashbrown::HashMap;
use std::collections::BTreeMap;
use thiserror::Error;

/// The distinct symbols of many patterns, numbered in order of first use.
#[derive(Debug, Clone, Default)]
pub struct SymbolTable {
    stems: Numbers,
    exact: Numbers,
    prefixes: Numbers,
    /// Lengths of prefixes, increasing.
    prefix_lengths: Vec<usize>,
    /// How each symbol is written in a pattern; a stem stands for itself.
    written: Vec<Box<str>>,
    /// The symbols of plain words met before, so that each is stemmed once.
    of_plain: Numbers,
}

type Numbers = HashMap<Box<str>, u32, foldhash::fast::FixedState>;

impl SymbolTable {
    /// Puts written symbols (see [`SymbolTable::written`]) together again; a symbol that stands twice keeps its first number.
    pub fn from_written<'s>(written: impl Iterator<Item = &'s str>) -> Self {
        let mut table = Self::default();
        for symbol in written {
            table.number(symbol);
        }
        table
    }

    /// The symbols in order, as patterns write them: `stem`, `=exact`, `prefix*`.
    pub fn written(&self) -> impl Iterator<Item = &str> {
        self.written.iter().map(AsRef::as_ref)
    }

    /// The number of a symbol, new or known.
    fn number(&mut self, written: &str) -> u32 {
        let next = self.written.len() as u32;
        let (numbers, text) = if let Some(exact) = written.strip_prefix('=') {
            (&mut self.exact, exact)
        } else if let Some(prefix) = written.strip_suffix('*') {
            if let Err(at) = self.prefix_lengths.binary_search(&prefix.len()) {
                self.prefix_lengths.insert(at, prefix.len());
            }
            (&mut self.prefixes, prefix)
        } else {
            (&mut self.stems, written)
        };
        let number = *numbers.entry(text.into()).or_insert(next);
        if number == next {
            self.written.push(written.into());
        }
        number
    }

    /// The number of a plain word's stem.
    fn stem_number(&mut self, word: &str, stemmer: &Stemmer) -> u32 {
        if let Some(&number) = self.of_plain.get(word) {
            return number;
        }
        let number = self.number(&stemmer.stem(word));
        self.of_plain.insert(word.into(), number);
        number
    }

    /// How many symbols there are.
    pub fn len(&self) -> usize {
        self.written.len()
    }

    /// No symbol yet.
    pub fn is_empty(&self) -> bool {
        self.written.is_empty()
    }

    /// Appends to `out` the numbers of all symbols that a word fulfils, given its normal form and its stem.
    pub fn of_word(&self, normal: &str, stem: &str, out: &mut Vec<u32>) {
        out.extend(self.stems.get(stem));
        out.extend(self.exact.get(normal));
        for &length in &self.prefix_lengths {
            out.extend(normal.get(..length).and_then(|prefix| self.prefixes.get(prefix)));
        }
    }
}

/// One element of a pattern.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Item {
    /// One word that fulfils the symbol of this number.
    Word(u32),
    /// One of several sequences.
    Choice(Vec<Vec<Item>>),
    /// A sequence or nothing.
    Optional(Vec<Item>),
    /// From none up to this many words of any kind.
    Gap(u8),
}

/// A parsed pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    /// What must stand in a row.
    pub items: Vec<Item>,
    /// The first item is the sentence's first word.
    pub at_start: bool,
    /// The last item is the sentence's last word.
    pub at_end: bool,
    /// Sequences that must not stand anywhere in the sentence.
    pub excluded: Vec<Vec<Item>>,
}

/// The most words that a pattern may span, gaps included.
pub const MAX_WIDTH: usize = 63;

/// Named lists of alternatives, for `{name}`.
pub type Lists = BTreeMap<String, Vec<Vec<Item>>>;

/// What is wrong with a pattern, and where.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{problem}")]
pub struct PatternError {
    /// The byte offset in the pattern's text.
    pub offset: usize,
    /// What is wrong there.
    pub problem: PatternProblem,
}

/// The ways in which a pattern can be wrong.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[allow(missing_docs)]
pub enum PatternProblem {
    #[error("the pattern is empty; write at least one word")]
    Empty,
    #[error("the pattern can match nothing at all; leave at least one word without `?`")]
    MatchesNothing,
    #[error("`(` has no `)`")]
    Unclosed,
    #[error("`)` or `|` outside a group; close what was opened or remove it")]
    OutsideGroup,
    #[error("an alternative is empty; write a word, or `?` behind the group to make it optional")]
    EmptyAlternative,
    #[error("`?` follows no word or group")]
    LonelyQuestion,
    #[error("`^` may stand only at the beginning")]
    MisplacedStart,
    #[error("`$` may stand only at the end, before any exclusions")]
    MisplacedEnd,
    #[error("a gap needs a word on each side within its pattern or group")]
    LooseGap,
    #[error("a gap is 1 to 20 words wide, as in `..5`")]
    GapWidth,
    #[error("no list is named `{0}`; add it under [lists], above its first use by another list")]
    UnknownList(String),
    #[error("`{{` has no `}}`")]
    UnclosedList,
    #[error("`{0}` holds no letter or digit")]
    NoWord(String),
    #[error("`*` and `=` take a single word, not `{0}`")]
    NotOneWord(String),
    #[error("the pattern may span {0} words, and {MAX_WIDTH} is the most; narrow its gaps or cut it in two")]
    TooWide(usize),
    #[error("`-` must be followed by a word or a group; nothing but exclusions may follow it")]
    BadExclusion,
}

/// Reads patterns; holds what they share.
pub struct PatternReader<'a> {
    /// Stems the words of patterns as those of documents.
    pub stemmer: &'a Stemmer,
    /// Numbers the conditions.
    pub symbols: &'a mut SymbolTable,
    /// What `{name}` stands for.
    pub lists: &'a Lists,
}

impl PatternReader<'_> {
    /// Reads one pattern.
    ///
    /// # Errors
    /// The first thing that is wrong, with its offset.
    pub fn read(&mut self, text: &str) -> Result<Pattern, PatternError> {
        let mut parser = Parser { text, at: 0, reader: self };
        parser.skip_space();
        let at_start = parser.eat('^');
        let items = parser.sequence(false)?;
        let at_end = parser.eat('$');
        parser.skip_space();
        let mut excluded = Vec::new();
        while parser.peek().is_some() {
            if parser.peek() == Some('$') {
                return parser.fail(PatternProblem::MisplacedEnd);
            }
            if !parser.eat('-') {
                return parser.fail(PatternProblem::BadExclusion);
            }
            match parser.element()? {
                Some(items) => excluded.push(items),
                None => return parser.fail(PatternProblem::BadExclusion),
            }
            parser.skip_space();
        }
        let whole = |problem| Err(PatternError { offset: 0, problem });
        if items.is_empty() {
            return whole(PatternProblem::Empty);
        }
        if std::iter::once(&items).chain(&excluded).any(|s| s.iter().all(can_be_missing)) {
            return whole(PatternProblem::MatchesNothing);
        }
        let widest = std::iter::once(&items).chain(&excluded).map(|s| width(s)).max().unwrap_or(0);
        if widest > MAX_WIDTH {
            return whole(PatternProblem::TooWide(widest));
        }
        Ok(Pattern { items, at_start, at_end, excluded })
    }

    /// Reads the value of a named list: alternatives separated by `|`.
    ///
    /// # Errors
    /// The first thing that is wrong, with its offset.
    pub fn read_list(&mut self, text: &str) -> Result<Vec<Vec<Item>>, PatternError> {
        let mut parser = Parser { text, at: 0, reader: self };
        let alternatives = parser.alternatives()?;
        match parser.peek() {
            None => Ok(alternatives),
            Some(_) => parser.fail(PatternProblem::OutsideGroup),
        }
    }
}

fn can_be_missing(item: &Item) -> bool {
    match item {
        Item::Word(_) => false,
        Item::Choice(alternatives) => alternatives.iter().any(|a| a.iter().all(can_be_missing)),
        Item::Optional(_) | Item::Gap(_) => true,
    }
}

/// The most words that a sequence spans.
fn width(items: &[Item]) -> usize {
    let of_item = |item: &Item| match item {
        Item::Word(_) => 1,
        Item::Gap(words) => usize::from(*words),
        Item::Optional(body) => width(body),
        Item::Choice(alternatives) => alternatives.iter().map(|a| width(a)).max().unwrap_or(0),
    };
    items.iter().map(of_item).sum()
}

struct Parser<'t, 'r, 'a> {
    text: &'t str,
    at: usize,
    reader: &'r mut PatternReader<'a>,
}

impl Parser<'_, '_, '_> {
    fn peek(&self) -> Option<char> {
        self.text[self.at..].chars().next()
    }

    fn eat(&mut self, c: char) -> bool {
        let found = self.peek() == Some(c);
        if found {
            self.at += c.len_utf8();
        }
        found
    }

    fn skip_space(&mut self) {
        while let Some(c) = self.peek().filter(|c| c.is_whitespace()) {
            self.at += c.len_utf8();
        }
    }

    fn fail<T>(&self, problem: PatternProblem) -> Result<T, PatternError> {
        Err(PatternError { offset: self.at.min(self.text.len()), problem })
    }

    /// Elements in a row, up to `|`, `)`, `$`, an exclusion or the end.
    fn sequence(&mut self, in_group: bool) -> Result<Vec<Item>, PatternError> {
        let mut items: Vec<Item> = Vec::new();
        loop {
            self.skip_space();
            let offset = self.at;
            match self.peek() {
                None | Some('$') => break,
                Some('|' | ')') if in_group => break,
                Some('|' | ')') => return self.fail(PatternProblem::OutsideGroup),
                Some('-') if !in_group => break,
                Some('^') => return self.fail(PatternProblem::MisplacedStart),
                Some('?') => return self.fail(PatternProblem::LonelyQuestion),
                _ => {}
            }
            if self.text[self.at..].starts_with("..") {
                self.at += 2;
                let digits = self.text[self.at..].bytes().take_while(u8::is_ascii_digit).count();
                let width = match &self.text[self.at..self.at + digits] {
                    "" => 3,
                    number => number.parse().unwrap_or(0),
                };
                if !(1..=20).contains(&width) {
                    return self.fail(PatternProblem::GapWidth);
                }
                if items.is_empty() {
                    self.at = offset;
                    return self.fail(PatternProblem::LooseGap);
                }
                self.at += digits;
                items.push(Item::Gap(width));
                continue;
            }
            match self.element()? {
                Some(found) if self.eat('?') => items.push(Item::Optional(found)),
                Some(found) => items.extend(found),
                None => return self.fail(PatternProblem::BadExclusion),
            }
        }
        if matches!(items.last(), Some(Item::Gap(_))) {
            return self.fail(PatternProblem::LooseGap);
        }
        Ok(items)
    }

    /// A word, a group or a list; `None` when something else stands here.
    fn element(&mut self) -> Result<Option<Vec<Item>>, PatternError> {
        match self.peek() {
            Some('(') => {
                let opened = self.at;
                self.at += 1;
                let alternatives = self.alternatives()?;
                if !self.eat(')') {
                    self.at = opened;
                    return self.fail(PatternProblem::Unclosed);
                }
                Ok(Some(vec![Item::Choice(alternatives)]))
            }
            Some('{') => {
                let Some(length) = self.text[self.at..].find('}') else {
                    return self.fail(PatternProblem::UnclosedList);
                };
                let name = self.text[self.at + 1..self.at + length].trim();
                let Some(list) = self.reader.lists.get(name) else {
                    return self.fail(PatternProblem::UnknownList(name.to_owned()));
                };
                self.at += length + 1;
                Ok(Some(vec![Item::Choice(list.clone())]))
            }
            Some(c) if !c.is_whitespace() && !"|)?^$".contains(c) => self.word().map(Some),
            _ => Ok(None),
        }
    }

    fn alternatives(&mut self) -> Result<Vec<Vec<Item>>, PatternError> {
        let mut alternatives = Vec::new();
        loop {
            let items = self.sequence(true)?;
            if items.is_empty() {
                return self.fail(PatternProblem::EmptyAlternative);
            }
            alternatives.push(items);
            if !self.eat('|') {
                return Ok(alternatives);
            }
        }
    }

    fn word(&mut self) -> Result<Vec<Item>, PatternError> {
        let start = self.at;
        let exact = self.eat('=');
        let rest = &self.text[self.at..];
        let length = rest.find(|c: char| c.is_whitespace() || "()|{}?^$*=".contains(c)).unwrap_or(rest.len());
        let written = &rest[..length];
        self.at += length;
        let prefix = self.eat('*');
        let mut words = Vec::new();
        let mut normal = String::new();
        for_each_raw_word(written, |raw| {
            normalise(raw, &mut normal);
            words.push(normal.clone());
        });
        let problem = match words.len() {
            0 => PatternProblem::NoWord(self.text[start..self.at].to_owned()),
            1 if !(exact && prefix) => {
                let word = words.remove(0);
                let PatternReader { symbols, stemmer, .. } = &mut *self.reader;
                let number = if exact {
                    symbols.number(&format!("={word}"))
                } else if prefix {
                    symbols.number(&format!("{word}*"))
                } else {
                    symbols.stem_number(&word, stemmer)
                };
                return Ok(vec![Item::Word(number)]);
            }
            _ if exact || prefix => PatternProblem::NotOneWord(self.text[start..self.at].to_owned()),
            _ => {
                let PatternReader { symbols, stemmer, .. } = &mut *self.reader;
                return Ok(words.iter().map(|w| Item::Word(symbols.stem_number(w, stemmer))).collect());
            }
        };
        self.at = start;
        self.fail(problem)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Pattern, PatternError> {
        let (stemmer, mut symbols) = (Stemmer::default(), SymbolTable::default());
        let empty = Lists::new();
        let alternatives = PatternReader { stemmer: &stemmer, symbols: &mut symbols, lists: &empty }
            .read_list("police | law enforcement")
            .expect("the list is well formed");
        let lists = Lists::from([("police".to_owned(), alternatives)]);
        PatternReader { stemmer: &stemmer, symbols: &mut symbols, lists: &lists }.read(text)
    }

    #[test]
    fn reads_every_form() {
        for text in [
            "chokehold",
            "no-knock",
            "^ (ban | do away with) .. chokeholds?",
            "{police} (review | oversight)? board $",
            "decertif* -(nurse | teachers) -school",
            "^=use",
        ] {
            read(text).unwrap_or_else(|e| panic!("{text}: {e}"));
        }
        let p = read("^ we demand .. board $ -school").expect("well formed");
        assert!(p.at_start && p.at_end);
        assert_eq!((p.items.len(), p.excluded.len()), (4, 1));
        assert!(matches!(p.items[2], Item::Gap(3)));
    }

    #[test]
    fn says_what_is_wrong_and_where() {
        use PatternProblem::*;
        for (text, offset, problem) in [
            ("", 0, Empty),
            ("word?", 0, MatchesNothing),
            ("ban (a | b", 4, Unclosed),
            ("ban a | b", 6, OutsideGroup),
            ("(a | )", 5, EmptyAlternative),
            ("? ban", 0, LonelyQuestion),
            ("ban ^ all", 4, MisplacedStart),
            ("ban $ all", 6, BadExclusion),
            (".. ban", 0, LooseGap),
            ("ban ..", 6, LooseGap),
            ("ban ..99 all", 6, GapWidth),
            ("{polize} union", 0, UnknownList("polize".to_owned())),
            ("{police union", 0, UnclosedList),
            ("ban & end", 4, NoWord("&".to_owned())),
            ("no-kno* raid", 0, NotOneWord("no-kno*".to_owned())),
            ("union -", 7, BadExclusion),
        ] {
            let error = read(text).expect_err(text);
            assert_eq!((error.offset, error.problem), (offset, problem), "{text}");
        }
    }
}
