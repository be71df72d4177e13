//! A sentence as its coder sees it → a sparse row: words, pairs of words, what opens the sentence, the title, marks of
//! form, and hits of the taxonomy's seed terms. What the columns are worth is asked in `logistic`.
//!
//! A row has two parts. *Words* (stems, pairs of neighbours, the opening stem and pair) weigh
//! `(1 + ln tf) × idf` with `idf = ln((1 + n) / (1 + df)) + 1`, scaled so that the part has length 1, or is empty.
//! Source: Manning, Raghavan and Schütze 2008, ch. 6; smoothing as in scikit-learn. *Signs* (terms, groups of terms, marks,
//! the title) have fixed weights, since their number is itself a message: two hits say more than one.

use crate::automaton::MatchScratch;
use crate::config::FeatureConfig;
use crate::math::ln;
use crate::sparse::SparseRow;
use crate::stem::{StemTable, Stemmer, UNKNOWN, Word, for_each_raw_word, normalise};
use crate::taxonomy::{Owner, Taxonomy};
use hashbrown::HashMap;

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
    /// Any term of the first group, while the title has one of the second, a context or topic.
    UnderTitle(u32, u32),
}

/// The marks of form that a sentence may bear.
pub const MARKS: [&str; 15] = [
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
];

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

/// Reads sentences: what each shows, given a taxonomy and a stem table. Remembers words; make one a thread.
pub struct Extractor<'a> {
    taxonomy: &'a Taxonomy,
    stems: &'a StemTable,
    stemmer: Stemmer,
    cache: HashMap<Box<str>, Word, foldhash::fast::FixedState>,
    symbols: Vec<u32>,
    normal: String,
    words: Vec<Word>,
    matching: MatchScratch,
    hits: Vec<u32>,
    group_counts: Vec<u32>,
    title: Option<Box<str>>,
    title_stems: Vec<u32>,
    title_groups: Vec<u32>,
    /// What the sentence shows: packed feature, count; sorted, each once.
    observed: Vec<(u64, u32)>,
    n_known: usize,
}

/// Words that are remembered at most; then the memory starts anew.
const MAX_CACHED_WORDS: usize = 1 << 18;

/// What one sentence shows, before it is known what counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observed(Box<[(u64, u32)]>);

impl<'a> Extractor<'a> {
    /// An extractor that has read nothing yet.
    pub fn new(taxonomy: &'a Taxonomy, stems: &'a StemTable) -> Self {
        Self {
            taxonomy,
            stems,
            stemmer: Stemmer::default(),
            cache: HashMap::default(),
            symbols: Vec::new(),
            normal: String::new(),
            words: Vec::new(),
            matching: MatchScratch::default(),
            hits: Vec::new(),
            group_counts: Vec::new(),
            title: None,
            title_stems: Vec::new(),
            title_groups: Vec::new(),
            observed: Vec::new(),
            n_known: 0,
        }
    }

    /// How many words of the sentence read last the stem table knew.
    pub fn n_known(&self) -> usize {
        self.n_known
    }

    /// How many words the sentence read last has.
    pub fn n_words(&self) -> usize {
        self.words.len()
    }

    /// What the sentence read last showed, for [`FeatureSpace::fit`].
    pub fn observed(&self) -> Observed {
        Observed(self.observed.clone().into_boxed_slice())
    }

    /// Reads the words of a text into `self.words`.
    fn read_words(&mut self, text: &str) {
        if self.cache.len() >= MAX_CACHED_WORDS {
            self.cache.clear();
            self.symbols.clear();
        }
        let Self { stemmer, cache, symbols, normal, words, taxonomy, stems, .. } = self;
        words.clear();
        for_each_raw_word(text, |raw| {
            if let Some(&word) = cache.get(raw) {
                return words.push(word);
            }
            normalise(raw, normal);
            let stem = stemmer.stem(normal);
            let begin = symbols.len();
            taxonomy.symbols.of_word(normal, &stem, symbols);
            let is_capital = |c: char| c.is_uppercase();
            let word = Word {
                stem: stems.number(&stem),
                symbols: (begin as u32, (symbols.len() - begin) as u16),
                capital: raw.starts_with(is_capital),
                all_capitals: raw.len() > 1 && raw.contains(is_capital) && !raw.contains(char::is_lowercase),
            };
            cache.insert(raw.into(), word);
            words.push(word);
        });
    }

    /// Finds the terms that match the words read last.
    fn find_terms(&mut self) {
        let Self { words, symbols, matching, hits, taxonomy, .. } = self;
        let of_word = |w: &Word| &symbols[w.symbols.0 as usize..][..usize::from(w.symbols.1)];
        taxonomy.automaton.find(words.iter().map(of_word), matching, hits);
    }

    /// Reads the title, unless it is the last one read.
    fn read_title(&mut self, title: Option<&str>) {
        if self.title.as_deref() == title {
            return;
        }
        self.title = title.map(Into::into);
        self.title_stems.clear();
        self.title_groups.clear();
        let Some(title) = title else { return };
        self.read_words(title);
        self.find_terms();
        self.title_stems.extend(self.words.iter().map(|w| w.stem).filter(|&s| s != UNKNOWN));
        self.title_stems.sort_unstable();
        self.title_stems.dedup();
        self.title_groups.extend(self.hits.iter().map(|&t| self.taxonomy.terms[t as usize].group));
        self.title_groups.dedup();
    }

    /// Reads a sentence: finds all that it shows. Stems that the table does not hold are counted but show nothing.
    pub fn observe(&mut self, text: &Text) {
        self.read_title(text.title);
        let (mut sentence, numbered) = without_list_number(text.sentence);
        if text.lead.is_some() {
            // "and publish the report": the verb opens the item.
            sentence = without_conjunction(sentence);
        }
        self.read_words(sentence);
        self.find_terms();

        let Self { words, hits, group_counts, title_stems, title_groups, observed, taxonomy, .. } = self;
        observed.clear();
        let mut show = |feature: Feature, count: u32| observed.push((feature.pack(), count));

        for (at, word) in words.iter().enumerate() {
            if word.stem == UNKNOWN {
                continue;
            }
            show(Feature::Word(word.stem), 1);
            let next = words.get(at + 1).map_or(UNKNOWN, |w| w.stem);
            if next != UNKNOWN {
                show(Feature::Pair(word.stem, next), 1);
            }
            if at == 0 {
                show(Feature::Opening(word.stem), 1);
                if next != UNKNOWN {
                    show(Feature::OpeningPair(word.stem, next), 1);
                }
            }
        }

        group_counts.clear();
        group_counts.resize(taxonomy.groups.len(), 0);
        for &term in hits.iter() {
            show(Feature::Term(term), 1);
            group_counts[taxonomy.terms[term as usize].group as usize] += 1;
        }
        let is_context = |g: u32| matches!(taxonomy.groups[g as usize].owner, Owner::Context(_));
        let groups = || (0..taxonomy.groups.len() as u32).filter(|&g| group_counts[g as usize] > 0);
        for g in groups() {
            show(Feature::Group(g), group_counts[g as usize]);
            if !is_context(g) {
                groups().filter(|&c| is_context(c)).for_each(|c| show(Feature::Beside(g, c), 1));
                title_groups.iter().filter(|&&c| is_context(c)).for_each(|&c| show(Feature::UnderTitle(g, c), 1));
            }
        }
        title_stems.iter().for_each(|&s| show(Feature::TitleWord(s), 1));
        title_groups.iter().for_each(|&g| show(Feature::TitleGroup(g), 1));
        for_each_mark(sentence, numbered, words, |m| show(Feature::Mark(m), 1));

        observed.sort_unstable();
        observed.dedup_by(|later, kept| {
            let same = later.0 == kept.0;
            if same {
                kept.1 += later.1;
            }
            same
        });
        self.n_known = self.words.iter().filter(|w| w.stem != UNKNOWN).count();
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

fn for_each_mark(sentence: &str, numbered: bool, words: &[Word], mut show: impl FnMut(u32)) {
    let end = sentence.trim_end().trim_end_matches(['"', '”', '’', '\'', ')', ' ']);
    let quotes = ['"', '“', '”'];
    let n_capital = words.iter().filter(|w| w.capital).count();
    let n_all_capitals = words.iter().filter(|w| w.all_capitals).count();
    let finished = end.ends_with(['.', '!', '?', ':', ';', ',', '…']);
    let tests = [
        end.ends_with(':'),
        end.ends_with('?'),
        end.ends_with('!'),
        !finished,
        sentence.contains(quotes),
        sentence.starts_with(quotes),
        numbered,
        words.first().is_some_and(|w| !w.capital) && !sentence.starts_with(quotes),
        !finished && words.len() > 2 && 3 * n_capital >= 2 * words.len(),
        words.len() > 1 && 4 * n_all_capitals >= 3 * words.len(),
        sentence.contains(['$', '%', '£', '€']),
        sentence.contains(['§', ';']),
        words.len() <= 4,
        (5..=10).contains(&words.len()),
        words.len() > 35,
    ];
    tests.iter().enumerate().filter(|(_, bears)| **bears).for_each(|(m, _)| show(m as u32));
}

/// The columns that were learned, frozen: which features count, and their idf.
#[derive(Debug, Clone)]
pub struct FeatureSpace {
    stems: StemTable,
    packed: Vec<u64>,
    idf: Vec<f32>,
    columns: HashMap<u64, u32, foldhash::fast::FixedState>,
    config: FeatureConfig,
}

/// Why stored columns make no feature space.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)]
pub enum FeatureSpaceError {
    #[error("the number of idf values, {idf}, is not that of columns, {columns}")]
    ShapeMismatch { columns: usize, idf: usize },
    #[error("column {0} is out of order or no feature of this version")]
    BadColumn(usize),
    #[error("column {0} names a stem or term that does not exist")]
    BadNumber(usize),
    #[error("the idf of column {0} is not a positive number")]
    BadIdf(usize),
    #[error("the stems are not sorted")]
    UnsortedStems,
}

impl FeatureSpace {
    /// Learns columns and idf from what sentences showed; `stems` is the table they were observed with.
    ///
    /// A word or pair becomes a column when at least `min_df` sentences show it, a sign when one does. Columns are
    /// ordered by kind and stem, so neither the order of sentences nor a hash table shows.
    pub fn fit<'o>(
        observations: impl Iterator<Item = &'o Observed>,
        stems: &StemTable,
        config: &FeatureConfig,
    ) -> Self {
        let mut df: HashMap<u64, u32, foldhash::fast::FixedState> = HashMap::default();
        let mut n_sentences = 0u32;
        for observed in observations {
            n_sentences += 1;
            for &(packed, _) in &observed.0 {
                *df.entry(packed).or_insert(0) += 1;
            }
        }
        let mut kept: Vec<(Feature, u32)> = df
            .into_iter()
            .filter_map(|(packed, df)| Some((Feature::unpack(packed)?, df)))
            .filter(|&(feature, df)| config.keeps(feature, df))
            .collect();
        kept.sort_unstable();
        // Only stems that some column needs are kept; numbers stay in order, so columns do.
        let mut used: Vec<u32> = kept.iter().flat_map(|(f, _)| f.stems()).collect();
        used.sort_unstable();
        used.dedup();
        let new_number = |old: u32| used.partition_point(|&u| u < old) as u32;
        let packed: Vec<u64> = kept.iter().map(|(f, _)| f.map_stems(new_number).pack()).collect();
        let idf = kept
            .iter()
            .map(|&(_, df)| (ln((1.0 + f64::from(n_sentences)) / (1.0 + f64::from(df))) + 1.0) as f32)
            .collect();
        let stems = StemTable::new(used.iter().map(|&u| stems.stem(u).into()).collect());
        Self::assemble(stems, packed, idf, config.clone())
    }

    fn assemble(stems: StemTable, packed: Vec<u64>, idf: Vec<f32>, config: FeatureConfig) -> Self {
        let columns = packed.iter().enumerate().map(|(column, &p)| (p, column as u32)).collect();
        Self { stems, packed, idf, columns, config }
    }

    /// Puts stored parts together again, after checking them against each other and the taxonomy.
    ///
    /// # Errors
    /// The first thing that does not fit.
    pub fn from_parts(
        stems: Vec<Box<str>>,
        packed: Vec<u64>,
        idf: Vec<f32>,
        config: FeatureConfig,
        taxonomy: &Taxonomy,
    ) -> Result<Self, FeatureSpaceError> {
        if !stems.is_sorted_by(|a, b| a < b) {
            return Err(FeatureSpaceError::UnsortedStems);
        }
        if packed.len() != idf.len() {
            return Err(FeatureSpaceError::ShapeMismatch { columns: packed.len(), idf: idf.len() });
        }
        let (n_terms, n_groups) = (taxonomy.terms.len() as u32, taxonomy.groups.len() as u32);
        for (column, (&p, &weight)) in packed.iter().zip(&idf).enumerate() {
            let feature = Feature::unpack(p).filter(|_| column == 0 || packed[column - 1] < p);
            let feature = feature.ok_or(FeatureSpaceError::BadColumn(column))?;
            let fits = match feature {
                Feature::Mark(m) => (m as usize) < MARKS.len(),
                Feature::Term(t) => t < n_terms,
                Feature::Group(g) | Feature::TitleGroup(g) => g < n_groups,
                Feature::Beside(a, b) | Feature::UnderTitle(a, b) => a < n_groups && b < n_groups,
                words => words.stems().all(|s| (s as usize) < stems.len()),
            };
            if !fits {
                return Err(FeatureSpaceError::BadNumber(column));
            }
            if !(weight.is_finite() && weight > 0.0) {
                return Err(FeatureSpaceError::BadIdf(column));
            }
        }
        Ok(Self::assemble(StemTable::new(stems), packed, idf, config))
    }

    /// How many columns there are.
    pub fn n_columns(&self) -> usize {
        self.packed.len()
    }

    /// The stems that columns are made of.
    pub fn stems(&self) -> &StemTable {
        &self.stems
    }

    /// The columns as numbers, increasing, for the model file.
    pub fn packed(&self) -> &[u64] {
        &self.packed
    }

    /// The idf of each column (1 and above), of use for words only.
    pub fn idf(&self) -> &[f32] {
        &self.idf
    }

    /// How features are weighted.
    pub fn config(&self) -> &FeatureConfig {
        &self.config
    }

    /// What a column stands for.
    ///
    /// # Panics
    /// When there is no such column.
    pub fn feature(&self, column: u32) -> Feature {
        Feature::unpack(self.packed[column as usize]).unwrap_or(Feature::Mark(0))
    }

    /// What a column stands for, in words.
    pub fn describe(&self, column: u32, taxonomy: &Taxonomy) -> String {
        let stem = |s: u32| self.stems.stem(s);
        let group = |g: u32| taxonomy.groups[g as usize].name.as_str();
        match self.feature(column) {
            Feature::Word(a) => format!("word `{}`", stem(a)),
            Feature::Pair(a, b) => format!("words `{} {}`", stem(a), stem(b)),
            Feature::Opening(a) => format!("opens with `{}`", stem(a)),
            Feature::OpeningPair(a, b) => format!("opens with `{} {}`", stem(a), stem(b)),
            Feature::TitleWord(a) => format!("title has `{}`", stem(a)),
            Feature::Mark(m) => MARKS[m as usize].to_owned(),
            Feature::Term(t) => {
                let term = &taxonomy.terms[t as usize];
                format!("{}: `{}`", group(term.group), term.pattern)
            }
            Feature::Group(g) => format!("any of {}", group(g)),
            Feature::TitleGroup(g) => format!("title has any of {}", group(g)),
            Feature::Beside(a, b) => format!("any of {} beside {}", group(a), group(b)),
            Feature::UnderTitle(a, b) => format!("any of {} under a title of {}", group(a), group(b)),
        }
    }

    /// Weighs what an extractor with this space's stems read last into a row (cleared first).
    ///
    /// Columns strictly increase; the words' part has length 1 or is empty.
    pub fn weigh(&self, extractor: &Extractor, row: &mut SparseRow) {
        self.weigh_counts(extractor.observed.iter().copied(), row);
    }

    /// Weighs an observation made with the stem table that this space was fitted from.
    pub fn weigh_observed(&self, observed: &Observed, from: &StemTable, row: &mut SparseRow) {
        let new = |old: u32| self.stems.number(from.stem(old));
        let known = |feature: &Feature| feature.stems().all(|s| new(s) != UNKNOWN);
        let counts = observed.0.iter().filter_map(|&(packed, count)| {
            let feature = Feature::unpack(packed).filter(known)?;
            Some((feature.map_stems(new).pack(), count))
        });
        self.weigh_counts(counts, row);
    }

    fn weigh_counts(&self, counts: impl Iterator<Item = (u64, u32)>, row: &mut SparseRow) {
        row.clear();
        let last_word = Feature::TitleWord(0).pack();
        let mut squares = 0f32;
        let mut n_words = 0;
        for (packed, count) in counts {
            let Some(&column) = self.columns.get(&packed) else { continue };
            let tf = if count == 1 { 1.0 } else { 1.0 + ln(f64::from(count)) as f32 };
            let value = if packed < last_word {
                let value = tf * self.idf[column as usize];
                squares += value * value;
                n_words = row.values.len() + 1;
                value
            } else {
                tf * self.config.sign_weight(self.feature(column))
            };
            row.columns.push(column);
            row.values.push(value);
        }
        if squares > 0.0 {
            let scale = 1.0 / squares.sqrt();
            row.values[..n_words].iter_mut().for_each(|v| *v *= scale);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
                extractor.observe(&Text { sentence, ..Text::default() });
                extractor.observed()
            })
            .collect();
        let config = FeatureConfig { min_df: 1, ..FeatureConfig::default() };
        let space = FeatureSpace::fit(observed.iter(), &stems, &config);
        (taxonomy, space)
    }

    fn row(space: &FeatureSpace, taxonomy: &Taxonomy, text: Text) -> Vec<(String, f32)> {
        let (mut extractor, mut row) = (Extractor::new(taxonomy, space.stems()), SparseRow::default());
        extractor.observe(&text);
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
        let length: f32 = row.iter().filter(|(n, _)| n.starts_with("word") || n.starts_with("opens with `")).map(|(_, v)| v * v).sum();
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
