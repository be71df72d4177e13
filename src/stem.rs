//! Text → words → stems: how a sentence is read. What the stems mean is asked in `matcher` and `features`.
//!
//! A word is a run of letters and digits, lower-cased, split at hyphens ("use-of-force" is three words). A plural or
//! possessive apostrophe goes, initials stay together ("u.s"), a year becomes `#year` and any other number of more
//! than four digits, or with a comma or point, `#num`. Short numbers stay as they are: 911, 988 and 1033 mean something.

use hashbrown::HashMap;
use rust_stemmers::{Algorithm, Stemmer as Snowball};

/// The stemming algorithm and its version, as the model file names it.
pub const ALGORITHM: &str = "snowball-english/rust-stemmers-1.2";

/// Stems words with the English Snowball stemmer.
pub struct Stemmer(Snowball);

impl Default for Stemmer {
    fn default() -> Self {
        Self(Snowball::create(Algorithm::English))
    }
}

impl Stemmer {
    /// The stem of one lower-case word; numbers and marks come back as they are.
    ///
    /// ```
    /// let stemmer = petition::stem::Stemmer::default();
    /// assert_eq!(stemmer.stem("chokeholds"), "chokehold");
    /// ```
    pub fn stem<'w>(&self, word: &'w str) -> std::borrow::Cow<'w, str> {
        if word.starts_with('#') || word.as_bytes().iter().any(u8::is_ascii_digit) {
            return word.into();
        }
        self.0.stem(word)
    }
}

/// Calls `each` with every raw word of `text`, in order, as a slice of it. Initials such as `U.S.` are one raw word.
///
/// ```
/// let mut words = Vec::new();
/// petition::stem::for_each_raw_word("The U.S. mayor’s use-of-force rule", |w| words.push(w));
/// assert_eq!(words, ["The", "U.S", "mayor’s", "use", "of", "force", "rule"]);
/// ```
pub fn for_each_raw_word<'t>(text: &'t str, mut each: impl FnMut(&'t str)) {
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let Some(first) = char_at(text, at) else { break };
        if !first.is_alphanumeric() {
            at += first.len_utf8();
            continue;
        }
        let start = at;
        let mut n_letters = 0;
        while let Some(c) = char_at(text, at) {
            if c.is_alphanumeric() {
                n_letters += 1;
                at += c.len_utf8();
                continue;
            }
            let next = char_at(text, at + c.len_utf8());
            let joins = match c {
                '\'' | '’' => next.is_some_and(char::is_alphabetic),
                // Points and commas inside numbers: 4,500 and 2.5.
                ',' => bytes[at - 1].is_ascii_digit() && next.is_some_and(|n| n.is_ascii_digit()),
                '.' => {
                    let number = bytes[at - 1].is_ascii_digit() && next.is_some_and(|n| n.is_ascii_digit());
                    number || (n_letters == 1 && bytes[at - 1].is_ascii_alphabetic() && is_initial(text, at + 1))
                }
                _ => false,
            };
            if !joins {
                break;
            }
            n_letters = 0;
            at += c.len_utf8();
        }
        each(&text[start..at]);
    }
}

fn char_at(text: &str, at: usize) -> Option<char> {
    match text.as_bytes().get(at) {
        Some(b) if b.is_ascii() => Some(*b as char),
        Some(_) => text[at..].chars().next(),
        None => None,
    }
}

/// A single letter stands at `at`, followed by no letter or digit.
fn is_initial(text: &str, at: usize) -> bool {
    char_at(text, at).is_some_and(char::is_alphabetic)
        && char_at(text, at + char_at(text, at).map_or(0, char::len_utf8)).is_none_or(|c| !c.is_alphanumeric())
}

/// Writes the normal form of a raw word to `out` (cleared first).
///
/// ```
/// let mut out = String::new();
/// for (raw, normal) in [("Mayor’s", "mayor"), ("don’t", "don't"), ("2021", "#year"), ("4,500", "#num"), ("988", "988")] {
///     petition::stem::normalise(raw, &mut out);
///     assert_eq!(out, normal);
/// }
/// ```
pub fn normalise(raw: &str, out: &mut String) {
    out.clear();
    if raw.as_bytes()[0].is_ascii_digit() && raw.bytes().all(|b| b.is_ascii_digit() || b == b',' || b == b'.') {
        let year = raw.len() == 4 && (raw.starts_with("19") || raw.starts_with("20"));
        out.push_str(match raw {
            _ if year => "#year",
            _ if raw.len() <= 4 && raw.bytes().all(|b| b.is_ascii_digit()) => raw,
            _ => "#num",
        });
        return;
    }
    for c in raw.chars() {
        match c {
            '’' => out.push('\''),
            c if c.is_ascii() => out.push(c.to_ascii_lowercase()),
            c => out.extend(c.to_lowercase()),
        }
    }
    if let Some(stripped) = out.strip_suffix("'s") {
        out.truncate(stripped.len());
    }
}

/// What is known of one distinct raw word, remembered so that stemming is done once a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Word {
    /// The stem's number in a [`StemTable`], or [`UNKNOWN`].
    pub stem: u32,
    /// What it fulfils, see [`crate::matcher::Matcher::profile`].
    pub profile: u32,
    /// The raw word begins with a capital letter.
    pub capital: bool,
    /// The raw word has two or more letters, all capitals.
    pub all_capitals: bool,
}

/// The number of every stem that a table does not hold.
pub const UNKNOWN: u32 = u32::MAX;

/// A frozen, sorted list of stems; a stem's number is its place in byte order, so numbering is reproducible.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct StemTable {
    stems: Vec<Box<str>>,
    numbers: HashMap<Box<str>, u32, foldhash::fast::FixedState>,
}

impl StemTable {
    /// Sorts the stems, drops doubles and numbers them from 0.
    pub fn new(mut stems: Vec<Box<str>>) -> Self {
        stems.sort_unstable();
        stems.dedup();
        let numbers = stems.iter().enumerate().map(|(i, s)| (s.clone(), i as u32)).collect();
        Self { stems, numbers }
    }

    /// The number of a stem, or [`UNKNOWN`].
    pub fn number(&self, stem: &str) -> u32 {
        self.numbers.get(stem).copied().unwrap_or(UNKNOWN)
    }

    /// The stem of a number below [`StemTable::len`].
    pub fn stem(&self, number: u32) -> &str {
        &self.stems[number as usize]
    }

    /// How many stems there are.
    pub fn len(&self) -> usize {
        self.stems.len()
    }

    /// No stem at all.
    pub fn is_empty(&self) -> bool {
        self.stems.is_empty()
    }

    /// The stems in byte order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.stems.iter().map(AsRef::as_ref)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        let mut words = Vec::new();
        let mut normal = String::new();
        for_each_raw_word(text, |w| {
            normalise(w, &mut normal);
            words.push(normal.clone());
        });
        words
    }

    #[test]
    fn words_of_hard_cases() {
        for (text, expected) in [
            ("Gov. J.B. Pritzker (D)", "gov j.b pritzker d"),
            ("the U.S. Conference", "the u.s conference"),
            ("$4.5 million, 32%", "#num million 32"),
            ("officers’ “Bill of Rights”", "officers bill of rights"),
            ("no-knock raids—banned", "no knock raids banned"),
            ("Section 1033, 2020", "section 1033 #year"),
            ("Año nuevo ÉCOLE", "año nuevo école"),
            ("I. We demand", "i we demand"),
            ("he can't", "he can't"),
            ("1.", "1"),
            ("", ""),
            ("…—", ""),
        ] {
            assert_eq!(words(text).join(" "), expected, "{text}");
        }
    }

    #[test]
    fn table_is_sorted_whatever_the_order_given() {
        let a = StemTable::new(vec!["b".into(), "a".into(), "b".into()]);
        let b = StemTable::new(vec!["a".into(), "b".into()]);
        assert_eq!(a, b);
        assert_eq!((a.number("b"), a.number("c"), a.len()), (1, UNKNOWN, 2));
    }
}
