//! What a sentence shows → the sum of its weights, for all outputs at once: the same sums as those of a
//! [`crate::sparse::SparseRow`] and the weights, in another order and in single precision, within 1e-5 of them.

use crate::features::{Extractor, Feature, FeatureSpace, NO_COLUMN, TakeFeatures, tf};

/// Outputs that are added at once.
const WIDE: usize = 16;
const NARROW: usize = 4;

/// Adds up the weights of sentences; keeps its room from one to the next.
#[derive(Debug, Clone)]
pub struct Scorer {
    /// Columns of the sentence and their values, those of words and pairs first, each column once.
    cells: Vec<(u32, f32)>,
    /// How often each word or pair stands in the sentence.
    counts: Vec<u32>,
    signs: Vec<(u32, f32)>,
    /// For each column its idf, and where it was put into `cells` last, in this sentence or an earlier one.
    places: Vec<(f32, u32)>,
}

/// Takes features as cells.
struct Cells<'s> {
    scorer: &'s mut Scorer,
    space: &'s FeatureSpace,
}

impl Cells<'_> {
    /// Counts a word or pair that may have come before.
    #[inline(always)]
    fn count(&mut self, column: u32) {
        let Scorer { cells, counts, places, .. } = &mut *self.scorer;
        // That of no column is beyond the end.
        let Some((idf, place)) = places.get_mut(column as usize) else { return };
        // What stands there from an earlier sentence is found out by looking.
        if cells.get(*place as usize).is_some_and(|cell| cell.0 == column) {
            counts[*place as usize] += 1;
            return;
        }
        *place = cells.len() as u32;
        cells.push((column, *idf));
        counts.push(1);
    }
}

impl TakeFeatures for Cells<'_> {
    #[inline]
    fn take(&mut self, feature: Feature, count: u32) {
        let column = self.space.column(feature);
        if column == NO_COLUMN {
            return;
        }
        if feature.is_word() {
            self.scorer.cells.push((column, self.space.idf()[column as usize]));
            self.scorer.counts.push(1);
        } else {
            self.scorer.signs.push((column, tf(count) * self.space.sign_weight(feature)));
        }
    }

    #[inline(always)]
    fn take_word(&mut self, stem: u32) {
        self.count(self.space.column(Feature::Word(stem)));
    }

    #[inline(always)]
    fn take_pair(&mut self, first: u32, second: u32) {
        self.count(self.space.column(Feature::Pair(first, second)));
    }
}

impl Scorer {
    /// A scorer for this space.
    pub fn new(space: &FeatureSpace) -> Self {
        let places = space.idf().iter().map(|&idf| (idf, 0)).collect();
        Self { cells: Vec::new(), counts: Vec::new(), signs: Vec::new(), places }
    }

    /// Writes to `scores`, for each output, the sum of value × weight over what the extractor read last. Weights are columns ×
    /// outputs, row by row; there are as many outputs as `scores` is long.
    pub fn score(&mut self, space: &FeatureSpace, weights: &[f32], extractor: &Extractor, scores: &mut [f32]) {
        self.cells.clear();
        self.counts.clear();
        self.signs.clear();
        extractor.give_features(&mut Cells { scorer: self, space });
        let Self { cells, counts, signs, .. } = self;
        let mut squares = 0.0;
        for ((_, value), &count) in cells.iter_mut().zip(&*counts) {
            *value *= tf(count);
            squares += *value * *value;
        }
        let scale = if squares > 0.0 { 1.0 / squares.sqrt() } else { 0.0 };
        cells.iter_mut().for_each(|(_, value)| *value *= scale);
        cells.append(signs);

        let n = scores.len();
        let mut at = 0;
        while at + WIDE <= n {
            add::<WIDE>(cells, weights, at, scores);
            at += WIDE;
        }
        while at + NARROW <= n {
            add::<NARROW>(cells, weights, at, scores);
            at += NARROW;
        }
        while at < n {
            add::<1>(cells, weights, at, scores);
            at += 1;
        }
    }
}

/// Writes the sums of `N` outputs from `at` on; they stay in registers meanwhile.
#[inline]
fn add<const N: usize>(cells: &[(u32, f32)], weights: &[f32], at: usize, scores: &mut [f32]) {
    let n_outputs = scores.len();
    let mut sums = [0.0; N];
    for &(column, value) in cells {
        let Some(row) = weights[column as usize * n_outputs + at..].first_chunk::<N>() else { continue };
        for (sum, &weight) in sums.iter_mut().zip(row) {
            *sum += value * weight;
        }
    }
    scores[at..at + N].copy_from_slice(&sums);
}
