//! L2-regularised logistic regression over sparse rows, many labels at once, behind linfa's traits.
//!
//! For each label on its own it minimises, over weights `w` with the intercept among them,
//!
//! ```text
//! ½ |w|² + Σ_i C_i ln(1 + exp(−y_i w·x_i)),   y_i = ±1
//! ```
//!
//! the objective of liblinear's `-s 0` and `-s 7` (with `-B 1`) and of scikit-learn's
//! `LogisticRegression(solver="liblinear")`. The intercept is the weight of a constant feature and regularised like the
//! others.
//!
//! The solver, dual coordinate descent, stands in a file of its own.

mod solver;

use crate::math::sigmoid;
use crate::sparse::SparseRecords;
use linfa::ParamGuard;
use linfa::dataset::{DatasetBase, Records};
use linfa::traits::{Fit, PredictInplace};
use ndarray::{Array1, Array2, Axis, Slice};
use rayon::prelude::*;
use solver::{MAX_LANES, Solution};
use thiserror::Error;

/// Parameters that were checked; see [`SparseLogisticParams`].
#[derive(Debug, Clone, PartialEq)]
pub struct SparseLogisticValidParams {
    c: f64,
    class_weight: ClassWeight,
    intercept_scaling: f64,
    tolerance: f64,
    max_epochs: usize,
    seed: u64,
}

impl SparseLogisticValidParams {
    /// The cost of a row of a class with `n_class` of `n_rows` rows, of `n_classes` classes, for softmax.
    pub(crate) fn class_cost(&self, n_rows: usize, n_class: usize, n_classes: usize) -> f64 {
        match self.class_weight {
            ClassWeight::Uniform | ClassWeight::Positive(_) => self.c,
            ClassWeight::Balanced => self.c * n_rows as f64 / (n_classes * n_class.max(1)) as f64,
        }
    }

    pub(crate) fn intercept_scaling(&self) -> f64 {
        self.intercept_scaling
    }

    pub(crate) fn max_epochs(&self) -> usize {
        self.max_epochs
    }

    pub(crate) fn tolerance(&self) -> f64 {
        self.tolerance
    }
}

/// How much a row's loss counts, by its class.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum ClassWeight {
    /// All rows alike.
    #[default]
    Uniform,
    /// A label's positive rows count this many times as much; without meaning where each row has one class.
    Positive(f64),
    /// Rows count n / (2 n_class), so that both classes weigh alike, as scikit-learn's "balanced".
    Balanced,
}

/// Unchecked parameters of [`SparseLogistic`], by linfa's custom.
///
/// ```
/// use linfa::traits::{Fit, Predict};
/// use linfa::dataset::DatasetBase;
/// use ndarray::array;
/// use petition::logistic::SparseLogistic;
/// use petition::sparse::SparseRecords;
///
/// // Column 0 speaks for the first label, column 1 for the second.
/// let mut records = SparseRecords::new(2);
/// for row in [vec![(0, 1.0)], vec![(0, 1.0), (1, 1.0)], vec![(1, 1.0)], vec![]] {
///     records.push(row)?;
/// }
/// let targets = array![[true, false], [true, true], [false, true], [false, false]];
/// let dataset = DatasetBase::new(records, targets.clone());
///
/// let model = SparseLogistic::params().c(10.0).fit(&dataset)?;
/// assert_eq!(model.predict(&dataset), targets);
/// assert!(model.probabilities(dataset.records())[[1, 0]] > 0.8);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct SparseLogisticParams(SparseLogisticValidParams);

/// What is wrong with parameters or data.
#[derive(Debug, Error)]
#[allow(missing_docs)]
pub enum LogisticError {
    #[error("{name} must be a finite number above 0, not {value}")]
    NotPositive { name: &'static str, value: f64 },
    #[error("there are {records} rows but {targets} rows of targets")]
    ShapeMismatch { records: usize, targets: usize },
    #[error("there are no rows to learn from")]
    NoRows,
    #[error(transparent)]
    Linfa(#[from] linfa::error::Error),
}

impl SparseLogisticParams {
    /// The inverse strength of regularisation, above 0; 1 unless told.
    pub fn c(mut self, c: f64) -> Self {
        self.0.c = c;
        self
    }

    /// How rows are weighted by class; all alike unless told.
    pub fn class_weight(mut self, class_weight: ClassWeight) -> Self {
        self.0.class_weight = class_weight;
        self
    }

    /// The value of the constant feature, above 0; 1 unless told. The larger, the weaker its regularisation.
    pub fn intercept_scaling(mut self, value: f64) -> Self {
        self.0.intercept_scaling = value;
        self
    }

    /// The relative duality gap at which training stops, above 0; 1e-4 unless told.
    pub fn tolerance(mut self, tolerance: f64) -> Self {
        self.0.tolerance = tolerance;
        self
    }

    /// The most walks over the rows; 1,000 unless told.
    pub fn max_epochs(mut self, max_epochs: usize) -> Self {
        self.0.max_epochs = max_epochs;
        self
    }

    /// The seed of the order of rows; 0 unless told.
    pub fn seed(mut self, seed: u64) -> Self {
        self.0.seed = seed;
        self
    }
}

impl ParamGuard for SparseLogisticParams {
    type Checked = SparseLogisticValidParams;
    type Error = LogisticError;

    fn check_ref(&self) -> Result<&Self::Checked, LogisticError> {
        let p = &self.0;
        let positive_weight = match p.class_weight {
            ClassWeight::Positive(w) => w,
            _ => 1.0,
        };
        for (name, value) in [
            ("c", p.c),
            ("intercept_scaling", p.intercept_scaling),
            ("tolerance", p.tolerance),
            ("the weight of positive rows", positive_weight),
        ] {
            if !(value.is_finite() && value > 0.0) {
                return Err(LogisticError::NotPositive { name, value });
            }
        }
        Ok(p)
    }

    fn check(self) -> Result<Self::Checked, LogisticError> {
        self.check_ref()?;
        Ok(self.0)
    }
}

/// A fitted model: for every label the weights of all features, and an intercept.
#[derive(Debug, Clone, PartialEq)]
pub struct SparseLogistic {
    weights: Array2<f64>,
    intercepts: Array1<f64>,
    objectives: Vec<f64>,
    n_epochs: usize,
}

impl SparseLogistic {
    /// Default parameters.
    pub fn params() -> SparseLogisticParams {
        SparseLogisticParams(SparseLogisticValidParams {
            c: 1.0,
            class_weight: ClassWeight::Uniform,
            intercept_scaling: 1.0,
            tolerance: 1e-4,
            max_epochs: 1000,
            seed: 0,
        })
    }

    /// The weights, features × labels.
    pub fn weights(&self) -> &Array2<f64> {
        &self.weights
    }

    /// The intercepts, one a label: the constant feature's value times its weight.
    pub fn intercepts(&self) -> &Array1<f64> {
        &self.intercepts
    }

    /// The value of the objective, one a label, that training reached.
    pub fn objectives(&self) -> &[f64] {
        &self.objectives
    }

    /// Walks over the rows that the slowest block of labels took.
    pub fn n_epochs(&self) -> usize {
        self.n_epochs
    }

    /// The log-odds of every label for every row, rows × labels.
    pub fn decision(&self, records: &SparseRecords) -> Array2<f64> {
        records.linear_scores(&self.weights, &self.intercepts)
    }

    /// The probability of every label for every row, rows × labels.
    pub fn probabilities(&self, records: &SparseRecords) -> Array2<f64> {
        self.decision(records).mapv_into(sigmoid)
    }
}

/// Learns one label a column of `targets`. The dataset's `weights`, if set, multiply each row's loss.
impl Fit<SparseRecords, Array2<bool>, LogisticError> for SparseLogisticValidParams {
    type Object = SparseLogistic;

    fn fit(&self, dataset: &DatasetBase<SparseRecords, Array2<bool>>) -> Result<SparseLogistic, LogisticError> {
        let (x, y) = (&dataset.records, &dataset.targets);
        let n_rows = x.nsamples();
        if y.nrows() != n_rows {
            return Err(LogisticError::ShapeMismatch { records: n_rows, targets: y.nrows() });
        }
        if n_rows == 0 {
            return Err(LogisticError::NoRows);
        }
        let row_weights = dataset.weights().map(<[f32]>::to_vec);
        let blocks: Vec<Solution> = (0..y.ncols().div_ceil(MAX_LANES))
            .into_par_iter()
            .map(|block| {
                let labels = block * MAX_LANES..y.ncols().min((block + 1) * MAX_LANES);
                solver::solve(self, x, y, labels, row_weights.as_deref())
            })
            .collect();
        let n_features = x.nfeatures();
        let mut model = SparseLogistic {
            weights: Array2::zeros((n_features, y.ncols())),
            intercepts: Array1::zeros(y.ncols()),
            objectives: blocks.iter().flat_map(|b| b.objectives.iter().copied()).collect(),
            n_epochs: blocks.iter().map(|b| b.n_epochs).max().unwrap_or(0),
        };
        for (block, solution) in blocks.iter().enumerate() {
            let labels = Slice::from(block * MAX_LANES..block * MAX_LANES + solution.objectives.len());
            let weights = solution.weights.slice_axis(Axis(0), Slice::from(..n_features));
            model.weights.slice_axis_mut(Axis(1), labels).assign(&weights);
            let intercepts = &solution.weights.row(n_features) * self.intercept_scaling;
            model.intercepts.slice_axis_mut(Axis(0), labels).assign(&intercepts);
        }
        Ok(model)
    }
}

/// A label is predicted where its probability is at least one half.
impl PredictInplace<SparseRecords, Array2<bool>> for SparseLogistic {
    fn predict_inplace(&self, x: &SparseRecords, y: &mut Array2<bool>) {
        y.zip_mut_with(&self.decision(x), |label, &score| *label = score >= 0.0);
    }

    fn default_target(&self, x: &SparseRecords) -> Array2<bool> {
        Array2::from_elem((x.nsamples(), self.intercepts.len()), false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SplitMix;
    use linfa::traits::Predict;
    use ndarray::array;

    /// Rows with made-up structure: label l is on where column l is, with some noise.
    fn made_up(n_rows: usize, n_labels: usize) -> DatasetBase<SparseRecords, Array2<bool>> {
        let mut random = SplitMix(3);
        let mut records = SparseRecords::new(30);
        let mut targets = Array2::from_elem((n_rows, n_labels), false);
        for row in 0..n_rows {
            let columns: Vec<u32> = (0..30).filter(|_| random.below(5) == 0).collect();
            for label in 0..n_labels {
                targets[[row, label]] = columns.contains(&(label as u32)) != (random.below(20) == 0);
            }
            let row: Vec<_> = columns.into_iter().map(|c| (c, 0.3 + random.below(10) as f32 / 10.0)).collect();
            records.push(row).expect("sorted columns");
        }
        DatasetBase::new(records, targets)
    }

    /// The gradient of the objective is 0 at its minimum.
    #[test]
    fn the_gradient_vanishes_for_every_kind_of_weight() {
        let dataset = made_up(300, 11);
        for class_weight in [ClassWeight::Uniform, ClassWeight::Positive(3.0), ClassWeight::Balanced] {
            for c in [0.01, 1.0, 20.0] {
                let params = SparseLogistic::params().c(c).class_weight(class_weight).tolerance(1e-12);
                let model = params.fit(&dataset).expect("fits");
                let p = model.probabilities(&dataset.records);
                for label in 0..11 {
                    let n_positive = dataset.targets.column(label).iter().filter(|&&y| y).count() as f64;
                    let weight = |y: bool| match (class_weight, y) {
                        (ClassWeight::Uniform, _) | (ClassWeight::Positive(_), false) => c,
                        (ClassWeight::Positive(w), true) => c * w,
                        (ClassWeight::Balanced, true) => c * 300.0 / (2.0 * n_positive),
                        (ClassWeight::Balanced, false) => c * 300.0 / (2.0 * (300.0 - n_positive)),
                    };
                    let mut gradient = model.weights().column(label).to_owned();
                    for row in 0..300 {
                        let y = dataset.targets[[row, label]];
                        let (columns, values) = dataset.records.row(row);
                        for (&column, &value) in columns.iter().zip(values) {
                            gradient[column as usize] +=
                                weight(y) * (p[[row, label]] - f64::from(u8::from(y))) * f64::from(value);
                        }
                    }
                    let worst = gradient.iter().fold(0f64, |w, g| w.max(g.abs()));
                    assert!(worst < 1e-4 * c * 300.0, "{class_weight:?} c {c} label {label}: {worst}");
                }
            }
        }
    }

    #[test]
    fn a_label_without_positive_rows_is_never_predicted() {
        let mut dataset = made_up(50, 2);
        dataset.targets.column_mut(1).fill(false);
        let model = SparseLogistic::params().fit(&dataset).expect("fits");
        assert!(model.predict(&dataset).column(1).iter().all(|&y| !y));
        assert!(model.probabilities(&dataset.records).column(1).iter().all(|&p| p < 0.1));
    }

    #[test]
    fn row_weights_count_as_repeated_rows() {
        let dataset = made_up(60, 3);
        let mut doubled = SparseRecords::new(30);
        let mut targets = Vec::new();
        for row in 0..60 {
            for _ in 0..1 + row % 2 {
                let (columns, values) = dataset.records.row(row);
                doubled.push(columns.iter().copied().zip(values.iter().copied())).expect("a good row");
                targets.extend(dataset.targets.row(row).iter().copied());
            }
        }
        let targets = Array2::from_shape_vec((90, 3), targets).expect("90 × 3");
        let params = SparseLogistic::params().tolerance(1e-10);
        let repeated = params.fit(&DatasetBase::new(doubled, targets)).expect("fits");
        let weights = Array1::from_iter((0..60).map(|row| (1 + row % 2) as f32));
        let weighted = params.fit(&dataset.with_weights(weights)).expect("fits");
        for (a, b) in repeated.weights().iter().zip(weighted.weights()) {
            assert!((a - b).abs() < 1e-4, "{a} {b}");
        }
    }

    #[test]
    fn refuses_what_makes_no_sense() {
        let dataset = made_up(5, 1);
        let message = |p: SparseLogisticParams| p.fit(&dataset).expect_err("refused").to_string();
        assert_eq!(message(SparseLogistic::params().c(-1.0)), "c must be a finite number above 0, not -1");
        assert_eq!(
            message(SparseLogistic::params().class_weight(ClassWeight::Positive(f64::NAN))),
            "the weight of positive rows must be a finite number above 0, not NaN"
        );
        let short = DatasetBase::new(dataset.records.clone(), array![[true]]);
        assert_eq!(
            SparseLogistic::params().fit(&short).expect_err("refused").to_string(),
            "there are 5 rows but 1 rows of targets"
        );
    }

    #[test]
    fn fitted_models_can_be_shared_between_threads() {
        fn shared<T: Send + Sync>() {}
        shared::<SparseLogistic>();
    }
}
