//! Which features count and how much: fitted once on what training sentences showed, frozen afterwards.

use super::{Extractor, Feature, MARKS, Observed};
use crate::config::FeatureConfig;
use crate::math::ln;
use crate::sparse::SparseRow;
use crate::stem::{StemTable, UNKNOWN};
use crate::taxonomy::Taxonomy;
use hashbrown::HashMap;

/// The columns that were learned, frozen: which features count, and their idf.
#[derive(Debug, Clone)]
pub struct FeatureSpace {
    stems: StemTable,
    packed: Vec<u64>,
    idf: Vec<f32>,
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
    #[error("the idf of column {0} is not a positive number")]
    BadIdf(usize),
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
        Self::assemble(stems, packed, idf, config.clone())
    }

    fn assemble(stems: StemTable, packed: Vec<u64>, idf: Vec<f32>, config: FeatureConfig) -> Self {
        let columns = Columns::new(&packed);
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

    /// The column of a feature, or [`NO_COLUMN`].
    #[inline]
    pub(crate) fn column(&self, feature: Feature) -> u32 {
        self.columns.of(feature, &self.packed)
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

/// Features → columns: a list for each kind that has one number, a table for pairs.
#[derive(Debug, Clone)]
struct Columns {
    lists: [Vec<u32>; Feature::SINGLE_KINDS],
    /// The columns of pairs, by open addressing with linear probing; at most half the places are taken, the others hold
    /// [`NO_COLUMN`].
    places: Vec<u32>,
    shift: u32,
}

impl Columns {
    fn new(packed: &[u64]) -> Self {
        let features = || packed.iter().map(|&key| Feature::unpack(key));
        let pairs = features().flatten().filter(|feature| feature.single().is_none()).count();
        let bits = (2 * pairs + 1).next_power_of_two().ilog2().max(1);
        let places = vec![NO_COLUMN; 1 << bits];
        let mut columns = Self { lists: Default::default(), places, shift: 64 - bits };
        for (column, feature) in features().enumerate() {
            let Some(feature) = feature else { continue };
            if let Some((kind, number)) = feature.single() {
                // Columns are sorted, so numbers grow.
                columns.lists[kind].resize(number as usize, NO_COLUMN);
                columns.lists[kind].push(column as u32);
            } else {
                let place = columns.place(packed[column], packed);
                columns.places[place] = column as u32;
            }
        }
        columns
    }

    #[inline]
    fn of(&self, feature: Feature, packed: &[u64]) -> u32 {
        match feature.single() {
            Some((kind, number)) => self.lists[kind].get(number as usize).copied().unwrap_or(NO_COLUMN),
            None => self.places[self.place(feature.pack(), packed)],
        }
    }

    /// Where a packed pair stands, or would.
    #[inline]
    fn place(&self, key: u64, packed: &[u64]) -> usize {
        // Fibonacci hashing (Knuth, The Art of Computer Programming 6.4).
        let mut place = (key.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> self.shift) as usize;
        while packed.get(self.places[place] as usize).is_some_and(|&there| there != key) {
            place = (place + 1) & (self.places.len() - 1);
        }
        place
    }
}
