//! Which features count and how much: fitted once on what training sentences showed, frozen afterwards.

use super::{Extractor, Feature, MARKS, Numbers, Observed};
use crate::config::FeatureConfig;
use crate::math::ln;
use crate::sparse::SparseRow;
use crate::stem::{StemTable, UNKNOWN};
use crate::taxonomy::Taxonomy;
use hashbrown::HashMap;
use std::borrow::Cow;

/// The columns that were learned, frozen: which features count, and their idf.
#[derive(Debug, Clone)]
pub struct FeatureSpace {
    stems: StemTable,
    packed: Cow<'static, [u64]>,
    idf: Cow<'static, [f32]>,
    columns: Columns,
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
    #[error("the stems are not sorted")]
    UnsortedStems,
}

impl FeatureSpace {
    /// Learns columns and idf from what sentences showed, each with its document's number; a document's sentences stand
    /// together. `stems` is the table they were observed with.
    ///
    /// A word or pair becomes a column when at least `min_documents` documents show it, a sign when one does. Columns are
    /// ordered by kind and stem, so neither the order of sentences nor a hash table shows.
    pub fn fit<'o>(
        observations: impl Iterator<Item = (usize, &'o Observed)>,
        stems: &StemTable,
        config: &FeatureConfig,
    ) -> Self {
        #[derive(Default)]
        struct Count {
            n_sentences: u32,
            n_documents: u32,
            last: Option<usize>,
        }
        let mut counts: HashMap<u64, Count, foldhash::fast::FixedState> = HashMap::default();
        let mut n_sentences = 0u32;
        for (document, observed) in observations {
            n_sentences += 1;
            for &(packed, _) in &observed.0 {
                let count = counts.entry(packed).or_default();
                count.n_sentences += 1;
                count.n_documents += u32::from(count.last.replace(document) != Some(document));
            }
        }
        let mut kept: Vec<(Feature, u32)> = counts
            .into_iter()
            .filter_map(|(packed, count)| Some((Feature::unpack(packed)?, count)))
            .filter(|(feature, count)| config.keeps(*feature, count.n_documents))
            .map(|(feature, count)| (feature, count.n_sentences))
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
        let mut columns = Columns::default();
        kept.iter().for_each(|(feature, _)| columns.push(feature.map_stems(new_number)));
        Self { stems, packed: packed.into(), idf, columns: columns.finished(), config: config.clone() }
    }

    /// Puts stored parts together again, after checking them against each other and the taxonomy.
    ///
    /// # Errors
    /// The first thing that does not fit.
    pub fn from_parts(
        stems: Vec<Box<str>>,
        packed: Cow<'static, [u64]>,
        idf: Cow<'static, [f32]>,
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
        let mut columns = Columns::default();
        for (column, &key) in packed.iter().enumerate() {
            let feature = Feature::unpack(key).filter(|_| column == 0 || packed[column - 1] < key);
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
            columns.push(feature);
        }
        Ok(Self { stems: StemTable::new(stems), packed, idf, columns: columns.finished(), config })
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

    /// The column of a feature, or [`NO_COLUMN`].
    #[inline]
    pub(crate) fn column(&self, feature: Feature) -> u32 {
        self.columns.of(feature)
    }

    /// The fixed weight of a sign.
    #[inline]
    pub(crate) fn sign_weight(&self, sign: Feature) -> f32 {
        self.config.sign_weight(sign)
    }

    /// Weighs what an extractor with this space's stems read last into a row (cleared first).
    ///
    /// Columns strictly increase; the words' part has length 1 or is empty.
    pub fn weigh(&self, extractor: &Extractor, row: &mut SparseRow) {
        let counts = extractor.observed();
        self.weigh_counts(counts.0.iter().filter_map(|&(packed, count)| Some((Feature::unpack(packed)?, count))), row);
    }

    /// Weighs an observation made with the stem table that this space was fitted from.
    pub fn weigh_observed(&self, observed: &Observed, from: &StemTable, row: &mut SparseRow) {
        let new = |old: u32| self.stems.number(from.stem(old));
        let known = |feature: &Feature| feature.stems().all(|s| new(s) != UNKNOWN);
        let counts = observed.0.iter().filter_map(|&(packed, count)| {
            let feature = Feature::unpack(packed).filter(known)?;
            Some((feature.map_stems(new), count))
        });
        self.weigh_counts(counts, row);
    }

    fn weigh_counts(&self, counts: impl Iterator<Item = (Feature, u32)>, row: &mut SparseRow) {
        row.clear();
        let mut squares = 0f32;
        let mut n_words = 0;
        for (feature, count) in counts {
            let column = self.column(feature);
            if column == NO_COLUMN {
                continue;
            }
            let unit = if feature.is_word() { self.idf[column as usize] } else { self.sign_weight(feature) };
            let value = tf(count) * unit;
            if feature.is_word() {
                squares += value * value;
                n_words = row.values.len() + 1;
            }
            row.columns.push(column);
            row.values.push(value);
        }
        if squares > 0.0 {
            let scale = 1.0 / squares.sqrt();
            row.values[..n_words].iter_mut().for_each(|v| *v *= scale);
        }
    }
}

/// What a count weighs: 1 + ln tf.
pub(crate) fn tf(count: u32) -> f32 {
    if count == 1 { 1.0 } else { 1.0 + ln(f64::from(count)) as f32 }
}

/// The column of a feature that has none.
pub(crate) const NO_COLUMN: u32 = u32::MAX;

/// Features → columns. Columns are ordered by kind, then number, then second number, so little needs to be kept.
#[derive(Debug, Clone, Default)]
struct Columns {
    n_columns: u32,
    /// The columns of each kind that has one number.
    single: [Vec<u32>; Feature::SINGLE_KINDS],
    double: [Doubles; Feature::DOUBLE_KINDS],
}

impl Columns {
    /// Adds the next column.
    fn push(&mut self, feature: Feature) {
        match feature.numbers() {
            Numbers::One(kind, number) => {
                let list = &mut self.single[kind];
                list.resize(number as usize, NO_COLUMN);
                list.push(self.n_columns);
            }
            Numbers::Two(kind, a, b) => self.double[kind].push(a, b, self.n_columns),
        }
        self.n_columns += 1;
    }

    fn finished(mut self) -> Self {
        self.double.iter_mut().for_each(Doubles::finish);
        self
    }

    #[inline]
    fn of(&self, feature: Feature) -> u32 {
        match feature.numbers() {
            Numbers::One(kind, number) => self.single[kind].get(number as usize).copied().unwrap_or(NO_COLUMN),
            Numbers::Two(kind, a, b) => self.double[kind].get(a, b),
        }
    }
}

/// The columns of a kind that has two numbers; they follow one another.
#[derive(Debug, Clone, Default)]
struct Doubles {
    first_column: u32,
    /// For each first number, where its second numbers begin; one more at the end.
    starts: Vec<u32>,
    seconds: Vec<u32>,
    /// A bit for each hash; it is 0 for most pairs that have no column, which saves looking for them.
    filter: Vec<u64>,
    shift: u32,
}

impl Doubles {
    /// Bits of the filter for each pair, at least: one pair in eight that has no column passes.
    const FILTER: usize = 8;

    /// Adds a pair that comes after all others.
    fn push(&mut self, a: u32, b: u32, column: u32) {
        if self.seconds.is_empty() {
            self.first_column = column;
        }
        self.starts.resize(a as usize + 1, self.seconds.len() as u32);
        self.seconds.push(b);
    }

    fn finish(&mut self) {
        let bits = (Self::FILTER * self.seconds.len()).next_power_of_two().max(64);
        self.shift = 64 - bits.ilog2();
        self.filter = vec![0; bits / 64];
        self.starts.push(self.seconds.len() as u32);
        for a in 0..self.starts.len() - 1 {
            for at in self.starts[a]..self.starts[a + 1] {
                let bit = self.bit(a as u32, self.seconds[at as usize]);
                self.filter[bit / 64] |= 1 << (bit % 64);
            }
        }
    }

    #[inline]
    fn bit(&self, a: u32, b: u32) -> usize {
        // Fibonacci hashing (Knuth, The Art of Computer Programming 6.4).
        ((u64::from(a) << 32 | u64::from(b)).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> self.shift) as usize
    }

    #[inline]
    fn get(&self, a: u32, b: u32) -> u32 {
        let bit = self.bit(a, b);
        if self.filter[bit / 64] >> (bit % 64) & 1 == 0 {
            return NO_COLUMN;
        }
        let Some(&[begin, end]) = self.starts.get(a as usize..).and_then(|rest| rest.first_chunk()) else {
            return NO_COLUMN;
        };
        match self.seconds[begin as usize..end as usize].binary_search(&b) {
            Ok(at) => self.first_column + begin + at as u32,
            Err(_) => NO_COLUMN,
        }
    }
}
