//! A sentence as its coder sees it → a sparse row: words, pairs of words, what opens the sentence, the title, marks of
//! form, and hits of the taxonomy's seed terms. What the columns are worth is asked in `logistic`.
//!
//! A row has two parts. *Words* (stems, pairs of neighbours, the opening stem and pair) weigh
//! `(1 + ln tf) × idf` with `idf = ln((1 + n) / (1 + df)) + 1`, scaled so that the part has length 1, or is empty.
//! Source: Manning, Raghavan and Schütze 2008, ch. 6; smoothing as in scikit-learn. *Signs* (terms, groups of terms, marks,
//! the title) have fixed weights, since their number is itself a message: two hits say more than one.

mod extract;
mod space;

pub use extract::{Extractor, Observed};
pub use space::{FeatureSpace, FeatureSpaceError};
pub(crate) use space::{NO_COLUMN, tf};

/// What a coder sees of a sentence.
#[derive(Debug, Clone, Copy, Default)]
pub struct Text<'t> {
    /// The sentence, or the item of a list.
    pub sentence: &'t str,
    /// The document's title.
    pub title: Option<&'t str>,
    /// For an item of a list, the words that lead it in; a model adds what they say of the act, features pass them over.
    pub lead: Option<&'t str>,
}

/// What a column stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Feature {
    /// A stem, by its number in the stem table.
    Word(u32),
    /// Two stems in a row.
    Pair(u32, u32),
    /// The sentence's first stem.
    Opening(u32),
    /// The sentence's first two stems.
    OpeningPair(u32, u32),
    /// A stem of the title.
    TitleWord(u32),
    /// A mark of form, by its place in [`MARKS`].
    Mark(u32),
    /// A seed term or cue of the taxonomy, by number.
    Term(u32),
    /// Any term of a group of the taxonomy, by number.
    Group(u32),
    /// Any term of a group in the title.
    TitleGroup(u32),
    /// Any term of the first group beside any of the second, a context.
    Beside(u32, u32),
    /// Any term of the first group, while the title has one of the second, a context.
    UnderTitle(u32, u32),
}

/// The marks of form that a sentence may bear.
pub const MARKS: [&str; 17] = [
    "ends in a colon",
    "ends in a question mark",
    "ends in an exclamation mark",
    "ends without a full stop",
    "holds a quotation mark",
    "opens with a quotation mark",
    "opens with a list number",
    "opens in lower case",
    "is in title case",
    "is in capitals",
    "holds an amount or share",
    "holds a section sign or a semicolon",
    "up to 4 words",
    "5 to 10 words",
    "over 35 words",
    "opens with a list number, then lower case",
    "ends as an item before another",
];

/// A feature's kind, counted apart for one number ([`Feature::SINGLE_KINDS`]) and two ([`Feature::DOUBLE_KINDS`]), and numbers.
enum Numbers {
    One(usize, u32),
    Two(usize, u32, u32),
}

/// Takes the features of a sentence.
pub(crate) trait TakeFeatures {
    /// Takes any feature, and how often the sentence has it.
    fn take(&mut self, feature: Feature, count: u32);

    /// Takes a stem; it may come again.
    #[inline(always)]
    fn take_word(&mut self, stem: u32) {
        self.take(Feature::Word(stem), 1);
    }

    /// Takes two stems in a row; they may come again.
    #[inline(always)]
    fn take_pair(&mut self, first: u32, second: u32) {
        self.take(Feature::Pair(first, second), 1);
    }
}

impl Feature {
    const BITS: u32 = 28;

    fn pack(self) -> u64 {
        let (kind, a, b) = match self {
            Self::Word(a) => (0, a, 0),
            Self::Pair(a, b) => (1, a, b),
            Self::Opening(a) => (2, a, 0),
            Self::OpeningPair(a, b) => (3, a, b),
            Self::TitleWord(a) => (4, a, 0),
            Self::Mark(a) => (5, a, 0),
            Self::Term(a) => (6, a, 0),
            Self::Group(a) => (7, a, 0),
            Self::TitleGroup(a) => (8, a, 0),
            Self::Beside(a, b) => (9, a, b),
            Self::UnderTitle(a, b) => (10, a, b),
        };
        u64::from(kind as u8) << (2 * Self::BITS) | u64::from(a) << Self::BITS | u64::from(b)
    }

    /// Reads what [`Feature::pack`] wrote; `None` for a number that it never writes.
    fn unpack(packed: u64) -> Option<Self> {
        let mask = (1 << Self::BITS) - 1;
        let (a, b) = ((packed >> Self::BITS & mask) as u32, (packed & mask) as u32);
        let feature = match packed >> (2 * Self::BITS) {
            0 => Self::Word(a),
            1 => Self::Pair(a, b),
            2 => Self::Opening(a),
            3 => Self::OpeningPair(a, b),
            4 => Self::TitleWord(a),
            5 => Self::Mark(a),
            6 => Self::Term(a),
            7 => Self::Group(a),
            8 => Self::TitleGroup(a),
            9 => Self::Beside(a, b),
            10 => Self::UnderTitle(a, b),
            _ => return None,
        };
        (feature.pack() == packed).then_some(feature)
    }

    /// The feature is of the part that is scaled to length 1.
    pub(crate) fn is_word(self) -> bool {
        matches!(self, Self::Word(_) | Self::Pair(..) | Self::Opening(_) | Self::OpeningPair(..))
    }

    const SINGLE_KINDS: usize = 7;
    const DOUBLE_KINDS: usize = 4;

    /// What the feature is made of.
    #[inline(always)]
    fn numbers(self) -> Numbers {
        match self {
            Self::Word(a) => Numbers::One(0, a),
            Self::Opening(a) => Numbers::One(1, a),
            Self::TitleWord(a) => Numbers::One(2, a),
            Self::Mark(a) => Numbers::One(3, a),
            Self::Term(a) => Numbers::One(4, a),
            Self::Group(a) => Numbers::One(5, a),
            Self::TitleGroup(a) => Numbers::One(6, a),
            Self::Pair(a, b) => Numbers::Two(0, a, b),
            Self::OpeningPair(a, b) => Numbers::Two(1, a, b),
            Self::Beside(a, b) => Numbers::Two(2, a, b),
            Self::UnderTitle(a, b) => Numbers::Two(3, a, b),
        }
    }

    /// The stems that the feature is made of.
    fn stems(self) -> impl Iterator<Item = u32> {
        let (a, b) = match self {
            Self::Word(a) | Self::Opening(a) | Self::TitleWord(a) => (Some(a), None),
            Self::Pair(a, b) | Self::OpeningPair(a, b) => (Some(a), Some(b)),
            _ => (None, None),
        };
        a.into_iter().chain(b)
    }

    fn map_stems(self, new: impl Fn(u32) -> u32) -> Self {
        match self {
            Self::Word(a) => Self::Word(new(a)),
            Self::Pair(a, b) => Self::Pair(new(a), new(b)),
            Self::Opening(a) => Self::Opening(new(a)),
            Self::OpeningPair(a, b) => Self::OpeningPair(new(a), new(b)),
            Self::TitleWord(a) => Self::TitleWord(new(a)),
            other => other,
        }
    }
}

/// Cuts a list number such as `(b)`, `3.` or `iv)` off the front; true when there was one.
pub(crate) fn without_list_number(sentence: &str) -> (&str, bool) {
    let trimmed = sentence.trim_start();
    match list_number(trimmed) {
        Some(length) => (trimmed[length..].trim_start(), true),
        None => (trimmed, false),
    }
}

/// An item of a list without the quotation mark, "and", "or" or "to" that it opens with.
pub(crate) fn without_conjunction(item: &str) -> &str {
    let item = item.trim_start_matches(['“', '"', '‘']);
    ["and ", "or ", "to "].iter().fold(item, |item, word| item.strip_prefix(word).unwrap_or(item).trim_start())
}

/// The length of the list number that a text opens with, if a space follows it: `(a)`, `1.`, `12)`, `iv.`, `2.1`, `B.`.
pub(crate) fn list_number(text: &str) -> Option<usize> {
    let length = text.find(char::is_whitespace)?;
    let mark = &text[..length];
    let opened = mark.starts_with('(');
    let inner = mark.trim_start_matches('(').trim_end_matches([')', '.', ':']);
    let closed = mark.len() > inner.len() + usize::from(opened);
    let number = !inner.is_empty() && inner.len() <= 5 && inner.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    let letter = inner.len() == 1 && inner.as_bytes()[0].is_ascii_alphabetic();
    let roman = inner.len() <= 5 && !inner.is_empty() && inner.bytes().all(|b| b"ivxIVX".contains(&b));
    let dotted = number && inner.contains('.');
    ((number || letter || roman) && (closed || dotted) && !(number && inner.len() > 3 && !dotted)).then_some(length)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::FeatureConfig;
    use crate::sparse::SparseRow;
    use crate::stem::StemTable;
    use crate::taxonomy::Taxonomy;

    const TAXONOMY: &str = r#"name = "tiny"
[[act]]
id = "demand"
definition = "asks"
cues = ["^ ban", "we demand"]
[[act]]
id = "none"
definition = "else"
topics = false
[[topic]]
id = "force"
definition = "force"
terms = ["chokehold", "deadly force"]
[[context]]
id = "police"
terms = ["officer"]
"#;

    fn fitted(sentences: &[&str]) -> (Taxonomy, FeatureSpace) {
        let taxonomy = Taxonomy::read(TAXONOMY).expect("well formed");
        let words = ["ban", "chokehold", "by", "offic", "we", "demand", "the", "mayor", "spoke"];
        let stems = StemTable::new(words.iter().map(|&w| w.into()).collect());
        let mut extractor = Extractor::new(&taxonomy, &stems);
        let observed: Vec<_> = sentences
            .iter()
            .map(|sentence| {
                extractor.read(&Text { sentence, ..Text::default() });
                extractor.observed()
            })
            .collect();
        let config = FeatureConfig { min_documents: 1, ..FeatureConfig::default() };
        let space = FeatureSpace::fit(observed.iter().enumerate(), &stems, &config);
        (taxonomy, space)
    }

    fn row(space: &FeatureSpace, taxonomy: &Taxonomy, text: Text) -> Vec<(String, f32)> {
        let (mut extractor, mut row) = (Extractor::new(taxonomy, space.stems()), SparseRow::default());
        extractor.read(&text);
        space.weigh(&extractor, &mut row);
        assert!(row.columns.is_sorted_by(|a, b| a < b));
        row.iter().map(|(c, v)| (space.describe(c, taxonomy), v)).collect()
    }

    #[test]
    fn shows_words_terms_and_marks() {
        let (taxonomy, space) = fitted(&["Ban chokeholds by officers", "The mayor spoke."]);
        let row = row(&space, &taxonomy, Text { sentence: "(1) Ban chokeholds by officers", ..Text::default() });
        let names: Vec<_> = row.iter().map(|(name, _)| name.as_str()).collect();
        for expected in [
            "word `chokehold`",
            "words `ban chokehold`",
            "opens with `ban`",
            "force terms: `chokehold`",
            "demand cues: `^ ban`",
            "any of force terms",
            "any of force terms beside police context",
            "ends without a full stop",
            "up to 4 words",
        ] {
            assert!(names.contains(&expected), "{expected} not in {names:?}");
        }
        let length: f32 = row
            .iter()
            .filter(|(n, _)| n.starts_with("word") || n.starts_with("opens with `"))
            .map(|(_, v)| v * v)
            .sum();
        assert!((length - 1.0).abs() < 1e-6, "{length}");
    }

    #[test]
    fn list_numbers() {
        for (text, length) in [
            ("(a) the board", Some(3)),
            ("1. Ban it", Some(2)),
            ("12) Ban it", Some(3)),
            ("iv. Ban it", Some(3)),
            ("B. Ban it", Some(2)),
            ("2.1 Ban it", Some(3)),
            ("(iii) Ban it", Some(5)),
            ("A board", None),
            ("I demand", None),
            ("2020 was", None),
            ("2020. It was", None),
            ("32 chapters", None),
            ("Mix. it", None),
            ("", None),
        ] {
            assert_eq!(list_number(text), length, "{text}");
        }
    }

    #[test]
    fn packing_is_reversible() {
        for feature in [Feature::Word(7), Feature::OpeningPair(1, 2), Feature::UnderTitle(3, (1 << 28) - 1)] {
            assert_eq!(Feature::unpack(feature.pack()), Some(feature));
        }
        assert_eq!(Feature::unpack(u64::MAX), None);
        assert_eq!(Feature::unpack(Feature::Word(1).pack() | 5), None);
    }
}
