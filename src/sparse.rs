//! Sparse rows and matrices: what features are written into and the classifier reads.

use linfa::dataset::Records;
use ndarray::{Array1, Array2};
use thiserror::Error;

/// One row: columns strictly increase, values are finite.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SparseRow {
    /// Column numbers, strictly increasing.
    pub columns: Vec<u32>,
    /// The value at each of them.
    pub values: Vec<f32>,
}

impl SparseRow {
    /// Empties the row and keeps its room.
    pub fn clear(&mut self) {
        self.columns.clear();
        self.values.clear();
    }

    /// The (column, value) pairs in order.
    pub fn iter(&self) -> impl Iterator<Item = (u32, f32)> + '_ {
        self.columns.iter().copied().zip(self.values.iter().copied())
    }
}

/// Many sparse rows of one width, one after the other (CSR); linfa's [`Records`] for the classifier.
#[derive(Debug, Clone, PartialEq)]
pub struct SparseRecords {
    starts: Vec<usize>,
    columns: Vec<u32>,
    values: Vec<f32>,
    n_features: usize,
}

/// Why rows make no matrix.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[allow(missing_docs)]
pub enum SparseError {
    #[error("row {row}: column {column} is not below the number of features, {n_features}")]
    ColumnTooLarge { row: usize, column: u32, n_features: usize },
    #[error("row {row}: columns must strictly increase, and {column} does not")]
    Unsorted { row: usize, column: u32 },
    #[error("row {row}: the value at column {column} is not finite")]
    NotFinite { row: usize, column: u32 },
}

impl SparseRecords {
    /// No rows yet, `n_features` columns.
    pub fn new(n_features: usize) -> Self {
        Self { starts: vec![0], columns: Vec::new(), values: Vec::new(), n_features }
    }

    /// Appends a row of (column, value) pairs.
    ///
    /// # Errors
    /// A column that is too large or out of order, or a value that is not finite; nothing is appended then.
    pub fn push(&mut self, row: impl IntoIterator<Item = (u32, f32)>) -> Result<(), SparseError> {
        let (number, begin) = (self.starts.len() - 1, self.columns.len());
        for (column, value) in row {
            let error = if column as usize >= self.n_features {
                Some(SparseError::ColumnTooLarge { row: number, column, n_features: self.n_features })
            } else if self.columns[begin..].last().is_some_and(|&last| last >= column) {
                Some(SparseError::Unsorted { row: number, column })
            } else if !value.is_finite() {
                Some(SparseError::NotFinite { row: number, column })
            } else {
                None
            };
            if let Some(error) = error {
                self.columns.truncate(begin);
                self.values.truncate(begin);
                return Err(error);
            }
            self.columns.push(column);
            self.values.push(value);
        }
        self.starts.push(self.columns.len());
        Ok(())
    }

    /// The columns and values of one row, in order.
    ///
    /// # Panics
    /// When there is no such row.
    #[inline]
    pub fn row(&self, row: usize) -> (&[u32], &[f32]) {
        let range = self.starts[row]..self.starts[row + 1];
        (&self.columns[range.clone()], &self.values[range])
    }

    /// Intercept + Σ value × weight for every row and output, rows × outputs.
    ///
    /// # Panics
    /// When `weights` has fewer rows than there are features, or another number of columns than there are intercepts.
    pub(crate) fn linear_scores(&self, weights: &Array2<f64>, intercepts: &Array1<f64>) -> Array2<f64> {
        let mut out = Array2::zeros((self.nsamples(), intercepts.len()));
        for (row, mut scores) in out.rows_mut().into_iter().enumerate() {
            scores.assign(intercepts);
            let (columns, values) = self.row(row);
            for (&column, &value) in columns.iter().zip(values) {
                scores.scaled_add(f64::from(value), &weights.row(column as usize));
            }
        }
        out
    }

    /// How many values are stored.
    pub fn n_values(&self) -> usize {
        self.values.len()
    }
}

impl Records for SparseRecords {
    type Elem = f32;

    fn nsamples(&self) -> usize {
        self.starts.len() - 1
    }

    fn nfeatures(&self) -> usize {
        self.n_features
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_what_is_no_row() {
        let mut records = SparseRecords::new(3);
        records.push([(0, 1.0), (2, 0.5)]).expect("a good row");
        for (row, message) in [
            (vec![(0, 1.0), (3, 1.0)], "row 1: column 3 is not below the number of features, 3"),
            (vec![(1, 1.0), (1, 1.0)], "row 1: columns must strictly increase, and 1 does not"),
            (vec![(1, f32::NAN)], "row 1: the value at column 1 is not finite"),
        ] {
            assert_eq!(records.push(row).expect_err(message).to_string(), message);
        }
        records.push([]).expect("an empty row");
        assert_eq!((records.nsamples(), records.nfeatures(), records.n_values()), (2, 3, 2));
        assert_eq!(records.row(0), (&[0, 2][..], &[1.0, 0.5][..]));
    }
}
