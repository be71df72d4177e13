//! Softmax regression over sparse rows, for heads with exactly one label a row, behind linfa's traits.
//!
//! Minimises `½ |W|² + Σ_i C_i · −ln softmax(W x_i)[y_i]` by limited-memory BFGS, intercepts regularised like the other
//! weights. Source: Nocedal and Wright 2006, algorithm 7.4 (two loops) with backtracking by Armijo's rule.

use crate::logistic::{LogisticError, SparseLogisticValidParams};
use crate::math::{ln, softmax};
use crate::sparse::SparseRecords;
use linfa::dataset::{DatasetBase, Records};
use linfa::traits::{Fit, PredictInplace};
use ndarray::{Array1, Array2, Axis};

/// A fitted softmax model: features × classes, and an intercept a class.
///
/// Made by fitting [`crate::logistic::SparseLogistic::params`] on targets that name one class a row:
///
/// ```
/// use linfa::{dataset::DatasetBase, traits::{Fit, Predict}};
/// use ndarray::array;
/// use petition::{logistic::SparseLogistic, sparse::SparseRecords};
///
/// let mut records = SparseRecords::new(3);
/// for column in [0, 1, 2, 0] {
///     records.push([(column, 1.0)])?;
/// }
/// let dataset = DatasetBase::new(records, array![0_usize, 1, 2, 0]);
/// let model = SparseLogistic::params().c(100.0).fit(&dataset)?;
/// assert_eq!(model.predict(&dataset), array![0, 1, 2, 0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct SparseSoftmax {
    weights: Array2<f64>,
    intercepts: Array1<f64>,
    objective: f64,
}

impl SparseSoftmax {
    /// The weights, features × classes.
    pub fn weights(&self) -> &Array2<f64> {
        &self.weights
    }

    /// The intercepts, one a class.
    pub fn intercepts(&self) -> &Array1<f64> {
        &self.intercepts
    }

    /// The value of the objective that training reached.
    pub fn objective(&self) -> f64 {
        self.objective
    }

    /// The logits of every class for every row, rows × classes.
    pub fn decision(&self, records: &SparseRecords) -> Array2<f64> {
        records.linear_scores(&self.weights, &self.intercepts)
    }
}

/// Learns one class a row; classes are numbered from 0 and there are as many as the largest number asks for.
impl Fit<SparseRecords, Array1<usize>, LogisticError> for SparseLogisticValidParams {
    type Object = SparseSoftmax;

    fn fit(&self, dataset: &DatasetBase<SparseRecords, Array1<usize>>) -> Result<SparseSoftmax, LogisticError> {
        let (x, y) = (&dataset.records, &dataset.targets);
        let n_rows = x.nsamples();
        if y.len() != n_rows {
            return Err(LogisticError::ShapeMismatch { records: n_rows, targets: y.len() });
        }
        let Some(k) = y.iter().max().map(|&largest| largest + 1) else {
            return Err(LogisticError::NoRows);
        };
        let mut counts = vec![0usize; k];
        y.iter().for_each(|&class| counts[class] += 1);
        let row_weights = dataset.weights();
        let cost =
            |row: usize| self.class_cost(n_rows, counts[y[row]], k) * row_weights.map_or(1.0, |w| f64::from(w[row]));
        let n = x.nfeatures();
        let bias = self.intercept_scaling();
        let task = Task { x, y, bias, cost: &cost };
        let objective = |w: &[f64], gradient: &mut [f64]| match k {
            2 => task.objective::<2>(k, w, gradient),
            3 => task.objective::<3>(k, w, gradient),
            4 => task.objective::<4>(k, w, gradient),
            5 => task.objective::<5>(k, w, gradient),
            6 => task.objective::<6>(k, w, gradient),
            _ => task.objective::<0>(k, w, gradient),
        };
        let (w, value) = minimise(vec![0.0; (n + 1) * k], objective, self.max_epochs(), self.tolerance());
        let all = Array2::from_shape_vec((n + 1, k), w).map_err(linfa::error::Error::from)?;
        let (weights, constant) = all.view().split_at(Axis(0), n);
        Ok(SparseSoftmax {
            weights: weights.to_owned(),
            intercepts: constant.row(0).mapv(|w| w * bias),
            objective: value,
        })
    }
}

/// What is minimised. Weights lie feature by feature, the constant feature's behind the others.
struct Task<'t, C> {
    x: &'t SparseRecords,
    y: &'t Array1<usize>,
    bias: f64,
    cost: &'t C,
}

impl<C: Fn(usize) -> f64> Task<'_, C> {
    /// Writes the gradient and gives the value, for `k` classes. `K` is the same number where it is known when this is
    /// compiled, so that the innermost loops have no counters, and else 0.
    fn objective<const K: usize>(&self, k: usize, w: &[f64], gradient: &mut [f64]) -> f64 {
        let Self { x, y, bias, cost } = self;
        let k = if K == 0 { k } else { K };
        let constant = x.nfeatures() * k;
        gradient.copy_from_slice(w);
        let mut value = 0.5 * w.iter().map(|v| v * v).sum::<f64>();
        let (mut fixed, mut any) = ([0.0; K], vec![0.0; if K == 0 { k } else { 0 }]);
        let p: &mut [f64] = if K == 0 { &mut any } else { &mut fixed };
        let p = &mut p[..k];
        for row in 0..x.nsamples() {
            let (columns, values) = x.row(row);
            p.iter_mut().zip(&w[constant..]).for_each(|(p, w)| *p = bias * w);
            for (&column, &v) in columns.iter().zip(values) {
                let from = column as usize * k;
                p.iter_mut().zip(&w[from..from + k]).for_each(|(p, w)| *p += f64::from(v) * w);
            }
            softmax(p);
            let cost = cost(row);
            value -= cost * ln(p[y[row]].max(f64::MIN_POSITIVE));
            p[y[row]] -= 1.0;
            p.iter_mut().for_each(|p| *p *= cost);
            for (&column, &v) in columns.iter().zip(values) {
                let from = column as usize * k;
                gradient[from..from + k].iter_mut().zip(&*p).for_each(|(g, p)| *g += f64::from(v) * p);
            }
            gradient[constant..].iter_mut().zip(&*p).for_each(|(g, p)| *g += bias * p);
        }
        value
    }
}

/// The class with the largest logit is predicted, the first of equals.
impl PredictInplace<SparseRecords, Array1<usize>> for SparseSoftmax {
    fn predict_inplace(&self, x: &SparseRecords, y: &mut Array1<usize>) {
        for (class, logits) in y.iter_mut().zip(self.decision(x).rows()) {
            *class = argmax(logits.iter().copied());
        }
    }

    fn default_target(&self, x: &SparseRecords) -> Array1<usize> {
        Array1::zeros(x.nsamples())
    }
}

/// The place of the largest value, the first of equals; 0 for none.
pub(crate) fn argmax(values: impl Iterator<Item = f64>) -> usize {
    let best = values.enumerate().fold((0, f64::NEG_INFINITY), |best, (at, v)| if v > best.1 { (at, v) } else { best });
    best.0
}

/// Minimises a smooth convex function from `x`; gives the point and its value.
///
/// `f` writes the gradient and returns the value. Stops when the gradient's length has shrunk to `tolerance` times its
/// length at the start, or after `max_steps`.
pub(crate) fn minimise(
    mut x: Vec<f64>,
    f: impl Fn(&[f64], &mut [f64]) -> f64,
    max_steps: usize,
    tolerance: f64,
) -> (Vec<f64>, f64) {
    const MEMORY: usize = 10;
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let mut gradient = vec![0.0; x.len()];
    let mut value = f(&x, &mut gradient);
    let goal = tolerance * dot(&gradient, &gradient).sqrt().max(f64::MIN_POSITIVE);
    // (step, change of gradient, 1 / their product), oldest first.
    let mut memory: std::collections::VecDeque<(Vec<f64>, Vec<f64>, f64)> = std::collections::VecDeque::new();
    for _ in 0..max_steps {
        let length = dot(&gradient, &gradient).sqrt();
        if length <= goal {
            break;
        }
        let mut direction = gradient.clone();
        let mut shares = Vec::with_capacity(MEMORY);
        for (s, g, rho) in memory.iter().rev() {
            let share = rho * dot(s, &direction);
            direction.iter_mut().zip(g).for_each(|(d, g)| *d -= share * g);
            shares.push(share);
        }
        let scale = memory.back().map_or(1.0 / length, |(s, g, _)| dot(s, g) / dot(g, g));
        direction.iter_mut().for_each(|d| *d *= scale);
        for ((s, g, rho), share) in memory.iter().zip(shares.iter().rev()) {
            let back = rho * dot(g, &direction);
            direction.iter_mut().zip(s).for_each(|(d, s)| *d += (share - back) * s);
        }
        let slope = -dot(&gradient, &direction);
        let mut step = 1.0;
        let (next, next_gradient, next_value) = loop {
            let next: Vec<f64> = x.iter().zip(&direction).map(|(x, d)| x - step * d).collect();
            let mut next_gradient = vec![0.0; x.len()];
            let next_value = f(&next, &mut next_gradient);
            if next_value <= value + 1e-4 * step * slope || step < 1e-12 {
                break (next, next_gradient, next_value);
            }
            step *= 0.5;
        };
        if next_value >= value {
            break;
        }
        let s: Vec<f64> = next.iter().zip(&x).map(|(a, b)| a - b).collect();
        let g: Vec<f64> = next_gradient.iter().zip(&gradient).map(|(a, b)| a - b).collect();
        let product = dot(&s, &g);
        if product > 1e-12 * dot(&g, &g) {
            if memory.len() == MEMORY {
                memory.pop_front();
            }
            memory.push_back((s, g, 1.0 / product));
        }
        (x, gradient, value) = (next, next_gradient, next_value);
    }
    (x, value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logistic::SparseLogistic;

    #[test]
    fn two_classes_agree_with_the_binary_model() {
        // With two classes and weights ±w/2, softmax is logistic regression with half the penalty.
        let mut records = SparseRecords::new(4);
        let mut classes = Vec::new();
        for i in 0..40u32 {
            records.push([(i % 3, 1.0), (3, (i % 7) as f32 / 7.0)]).expect("sorted");
            classes.push(usize::from(i % 3 == 0 || i % 7 > 4));
        }
        let binary = Array2::from_shape_fn((40, 1), |(row, _)| classes[row] == 1);
        let dataset = DatasetBase::new(records.clone(), Array1::from_vec(classes));
        let soft = SparseLogistic::params().c(2.0).tolerance(1e-9).fit(&dataset).expect("fits");
        let hard =
            SparseLogistic::params().c(4.0).tolerance(1e-12).fit(&DatasetBase::new(records, binary)).expect("fits");
        for feature in 0..4 {
            let difference = soft.weights()[[feature, 1]] - soft.weights()[[feature, 0]];
            assert!((difference - hard.weights()[[feature, 0]]).abs() < 1e-3, "feature {feature}");
        }
        assert!((2.0 * soft.objective() - hard.objectives()[0]).abs() < 1e-3 * hard.objectives()[0]);
    }

    #[test]
    fn minimises_a_narrow_valley() {
        let f = |x: &[f64], g: &mut [f64]| {
            (g[0], g[1]) = (x[0] - 3.0, 1000.0 * (x[1] + 2.0));
            0.5 * (x[0] - 3.0).powi(2) + 500.0 * (x[1] + 2.0).powi(2)
        };
        let (x, value) = minimise(vec![0.0, 0.0], f, 100, 1e-10);
        assert!((x[0] - 3.0).abs() < 1e-5 && (x[1] + 2.0).abs() < 1e-5 && value < 1e-9, "{x:?}");
    }
}
