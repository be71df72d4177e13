//! What a sentence shows → the sum of its weights, for all outputs at once. The same sums as those of a
//! [`crate::sparse::SparseRow`] and the weights, in another order and in single precision: within 1e-5 of them.

use crate::features::{Extractor, Feature, FeatureSpace, NO_COLUMN, tf};

/// Weights made ready for adding: each row is multiplied by what its feature counts when it stands once, so that most of a
/// sentence is added up without a product.
#[derive(Debug, Clone)]
pub struct Scorer {
    /// Columns × stride: the outputs, then the square of a word's idf (0 for signs), then zeros.
    rows: Vec<f32>,
    n_outputs: usize,
    stride: usize,
}

/// Outputs that are added at once.
const WIDE: usize = 16;
const NARROW: usize = 4;

/// Room to add in, kept from sentence to sentence.
#[derive(Debug, Clone)]
pub struct ScoreScratch {
    /// The columns of words and pairs, each once, and their counts.
    words: Vec<u32>,
    counts: Vec<u32>,
    /// Where a column was put into `words` last, in this sentence or an earlier one.
    places: Vec<u32>,
    signs: Vec<u32>,
    /// Signs that count more than once: column, by how much more.
    more: Vec<(u32, f32)>,
    word_sums: Vec<f32>,
    sign_sums: Vec<f32>,
}

impl Scorer {
    /// Weights are columns × outputs, row by row.
    pub fn new(space: &FeatureSpace, weights: &[f32], n_outputs: usize) -> Self {
        let stride = (n_outputs + 1).next_multiple_of(NARROW);
        let mut rows = vec![0.0; space.n_columns() * stride];
        let pairs = rows.chunks_exact_mut(stride).zip(weights.chunks_exact(n_outputs));
        for (column, (row, weights)) in pairs.enumerate() {
            let unit = space.unit(column as u32);
            row.iter_mut().zip(weights).for_each(|(scaled, &weight)| *scaled = unit * weight);
            if space.feature(column as u32).is_word() {
                row[n_outputs] = unit * unit;
            }
        }
        Self { rows, n_outputs, stride }
    }

    /// Room for this scorer.
    pub fn scratch(&self) -> ScoreScratch {
        ScoreScratch {
            words: Vec::new(),
            counts: Vec::new(),
            places: vec![0; self.rows.len() / self.stride],
            signs: Vec::new(),
            more: Vec::new(),
            word_sums: vec![0.0; self.stride],
            sign_sums: vec![0.0; self.stride],
        }
    }

    /// Writes to `scores` (cleared first), for each output, the sum of value × weight over what the extractor read last.
    pub fn score(
        &self,
        space: &FeatureSpace,
        extractor: &Extractor,
        scratch: &mut ScoreScratch,
        scores: &mut Vec<f32>,
    ) {
        let ScoreScratch { words, counts, places, signs, more, word_sums, sign_sums } = scratch;
        words.clear();
        counts.clear();
        signs.clear();
        more.clear();
        extractor.for_each_feature(|feature, count| {
            let column = space.column(feature);
            if column == NO_COLUMN {
                return;
            }
            match feature {
                Feature::Word(_) | Feature::Pair(..) => {
                    // What stands there from an earlier sentence is found out by looking.
                    let place = &mut places[column as usize];
                    if words.get(*place as usize) == Some(&column) {
                        counts[*place as usize] += 1;
                    } else {
                        *place = words.len() as u32;
                        words.push(column);
                        counts.push(1);
                    }
                }
                _ if feature.is_word() => {
                    words.push(column);
                    counts.push(1);
                }
                _ => {
                    signs.push(column);
                    if count > 1 {
                        more.push((column, tf(count) - 1.0));
                    }
                }
            }
        });
        word_sums.fill(0.0);
        sign_sums.fill(0.0);
        self.add(words, word_sums);
        self.add(signs, sign_sums);
        for (&column, &count) in words.iter().zip(counts.iter()).filter(|&(_, &count)| count > 1) {
            let tf = tf(count);
            self.add_times(column, tf - 1.0, word_sums);
            // The square of the idf was added tf times and counts tf² times.
            word_sums[self.n_outputs] += (tf * tf - tf) * self.rows[column as usize * self.stride + self.n_outputs];
        }
        more.iter().for_each(|&(column, by)| self.add_times(column, by, sign_sums));
        let squares = word_sums[self.n_outputs];
        let scale = if squares > 0.0 { 1.0 / squares.sqrt() } else { 0.0 };
        scores.clear();
        let sums = word_sums.iter().zip(sign_sums.iter()).take(self.n_outputs);
        scores.extend(sums.map(|(&word, &sign)| word * scale + sign));
    }

    /// Adds the rows of some columns.
    fn add(&self, columns: &[u32], sums: &mut [f32]) {
        let mut at = 0;
        while at + WIDE <= self.stride {
            self.add_part::<WIDE>(columns, at, sums);
            at += WIDE;
        }
        while at < self.stride {
            self.add_part::<NARROW>(columns, at, sums);
            at += NARROW;
        }
    }

    /// Adds `N` outputs from `at` on; their sums stay in registers meanwhile.
    #[inline]
    fn add_part<const N: usize>(&self, columns: &[u32], at: usize, sums: &mut [f32]) {
        let Some(total) = sums[at..].first_chunk_mut::<N>() else { return };
        let mut part = *total;
        for &column in columns {
            let Some(row) = self.rows[column as usize * self.stride + at..].first_chunk::<N>() else { continue };
            for (sum, &weight) in part.iter_mut().zip(row) {
                *sum += weight;
            }
        }
        *total = part;
    }

    fn add_times(&self, column: u32, by: f32, sums: &mut [f32]) {
        let row = &self.rows[column as usize * self.stride..][..self.stride];
        sums.iter_mut().zip(row).for_each(|(sum, &weight)| *sum += by * weight);
    }
}
