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
    for_each_range(text, |start, end| each(&text[start..end]));
}

/// Calls `each` with the start and the end of every raw word, in bytes.
pub(crate) fn for_each_range(text: &str, mut each: impl FnMut(usize, usize)) {
    let mut runs = Runs { bytes: text.as_bytes(), block: usize::MAX, word: 0, wide: 0 };
    let mut at = 0;
    while let Some(start) = runs.next_word_byte(at) {
        let (end, ascii) = runs.end_of_run(start);
        if ascii && !joins(text, end, end - start) {
            each(start, end);
            at = end;
        } else if char_at(text, start).is_some_and(char::is_alphanumeric) {
            at = end_of_word(text, start);
            each(start, at);
        } else {
            at = start + char_at(text, start).map_or(1, char::len_utf8);
        }
    }
}

/// Runs of letters, digits and bytes beyond ASCII, found 64 bytes at a time.
struct Runs<'t> {
    bytes: &'t [u8],
    block: usize,
    /// A bit for each byte of the block that may belong to a word.
    word: u64,
    /// A bit for each byte of the block that is not ASCII.
    wide: u64,
}

impl Runs<'_> {
    #[inline]
    fn open(&mut self, block: usize) {
        if self.block != block {
            let begin = 64 * block;
            (self.word, self.wide) = match self.bytes[begin..].first_chunk::<64>() {
                Some(whole) => classify(whole),
                None => {
                    let mut padded = [0; 64];
                    padded[..self.bytes.len() - begin].copy_from_slice(&self.bytes[begin..]);
                    classify(&padded)
                }
            };
            self.block = block;
        }
    }

    /// The first byte from `at` on that may belong to a word.
    #[inline]
    fn next_word_byte(&mut self, mut at: usize) -> Option<usize> {
        while at < self.bytes.len() {
            self.open(at / 64);
            let rest = self.word >> (at % 64);
            if rest != 0 {
                return Some(at + rest.trailing_zeros() as usize);
            }
            at = 64 * (at / 64 + 1);
        }
        None
    }

    /// Where the run that `at` stands in ends, and whether all of it from there is ASCII; `at` is in the open block.
    #[inline]
    fn end_of_run(&mut self, mut at: usize) -> (usize, bool) {
        let mut ascii = true;
        loop {
            let offset = at % 64;
            let length = (!(self.word >> offset)).trailing_zeros() as usize;
            if length > 0 {
                ascii &= self.wide >> offset & (u64::MAX >> (64 - length)) == 0;
            }
            at += length;
            if offset + length < 64 || at >= self.bytes.len() {
                return (at, ascii);
            }
            self.open(at / 64);
        }
    }
}

/// Which of 64 bytes may belong to words, and which are not ASCII, as bits.
#[inline]
fn classify(bytes: &[u8; 64]) -> (u64, u64) {
    /// A byte of 1s and 0s in each of eight places.
    const fn each(byte: u8) -> u64 {
        u64::from_ne_bytes([byte; 8])
    }
    let (mut word, mut wide) = (0, 0);
    for (at, eight) in bytes.as_chunks::<8>().0.iter().enumerate() {
        // Eight comparisons at once: a byte below 0x80 plus 0x80 - n has its highest bit set from n on.
        // Source: Warren, Hacker's Delight (2nd ed.), 2-18.
        let x = u64::from_le_bytes(*eight);
        let low = x & each(0x7f);
        let lower = low | each(0x20);
        let letter = (lower + each(0x80 - b'a')) & !(lower + each(0x80 - b'z' - 1));
        let digit = (low + each(0x80 - b'0')) & !(low + each(0x80 - b'9' - 1));
        let beyond = x & each(0x80);
        // Gathers the highest bits into the lowest byte (chess programming calls it the flip of a rank and a file).
        let gather = |bits: u64| ((bits & each(0x80)) >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56;
        word |= gather(letter | digit | beyond) << (8 * at);
        wide |= gather(beyond) << (8 * at);
    }
    (word, wide)
}

/// Whether the character at `at` joins what stands before and behind it to one word; `n_before` letters and digits stand
/// before it in a row.
#[inline]
fn joins(text: &str, at: usize, n_before: usize) -> bool {
    let bytes = text.as_bytes();
    let is_digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    match bytes.get(at) {
        Some(b'\'') => char_at(text, at + 1).is_some_and(char::is_alphabetic),
        Some(0xe2) if text[at..].starts_with('’') => char_at(text, at + 3).is_some_and(char::is_alphabetic),
        // Points and commas inside numbers: 4,500 and 2.5.
        Some(b',') => is_digit(at - 1) && is_digit(at + 1),
        Some(b'.') => {
            (is_digit(at - 1) && is_digit(at + 1))
                || (n_before == 1 && bytes[at - 1].is_ascii_alphabetic() && is_initial(text, at + 1))
        }
        _ => false,
    }
}

/// Where the word that begins at `start` ends, whatever its letters.
fn end_of_word(text: &str, start: usize) -> usize {
    let (mut at, mut n_letters) = (start, 0);
    while let Some(c) = char_at(text, at) {
        if c.is_alphanumeric() {
            n_letters += 1;
        } else if joins(text, at, n_letters) {
            n_letters = 0;
        } else {
            break;
        }
        at += c.len_utf8();
    }
    at
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
    use proptest::prelude::*;

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

    proptest! {
        #[test]
        fn words_are_found_as_one_character_at_a_time_finds_them(
            text in "([a-c1-2A-B]{1,3}|['.,’ é“”—-]|[a-z]{60,70}| ){0,40}",
        ) {
            let mut expected = Vec::new();
            let mut at = 0;
            while let Some(c) = char_at(&text, at) {
                let end = if c.is_alphanumeric() { end_of_word(&text, at) } else { at };
                if end > at {
                    expected.push(&text[at..end]);
                }
                at = end.max(at + if end > at { 0 } else { c.len_utf8() });
            }
            let mut found = Vec::new();
            for_each_raw_word(&text, |word| found.push(word));
            prop_assert_eq!(found, expected);
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
