//! Scores → probabilities, and the probability from which a topic is said. Both are learned from out-of-fold scores.

use crate::math::{ln, softmax};
use crate::softmax::minimise;
use linfa::composing::platt_scaling::{Platt, platt_newton_method};
use linfa::{Float, ParamGuard};
use ndarray::{ArrayView1, ArrayView2};

/// A straight line from a score to log-odds: `slope × score + offset`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Line {
    /// What a score is multiplied by; above 0.
    pub slope: f64,
    /// What is added then.
    pub offset: f64,
}

impl Line {
    /// Leaves scores as they are.
    pub const IDENTITY: Self = Self { slope: 1.0, offset: 0.0 };

    /// The log-odds of a score.
    pub fn apply(self, score: f64) -> f64 {
        self.slope * score + self.offset
    }
}

/// Platt scaling of one label's scores, by linfa's Newton method; `None` when the labels are all alike or the fit would turn
/// scores around. Source: Lin, Lin and Weng 2007, "A note on Platt's probabilistic outputs".
///
/// ```
/// let line = petition::calibrate::platt(&[-2.0, -1.0, 0.5, 1.0, -0.2, 2.0], &[false, false, true, false, true, true]);
/// assert!(line.unwrap().slope > 0.0);
/// ```
pub fn platt(scores: &[f64], labels: &[bool]) -> Option<Line> {
    fn params<F: Float>() -> impl ParamGuard<Checked = linfa::composing::platt_scaling::PlattValidParams<F, ()>> {
        Platt::<F, ()>::params()
    }
    if scores.len() != labels.len() || labels.iter().all(|&y| y == labels[0]) {
        return None;
    }
    let params = params::<f64>().check().ok()?;
    let (a, b) = platt_newton_method(ArrayView1::from(scores), ArrayView1::from(labels), &params).ok()?;
    (a.is_finite() && b.is_finite() && a < 0.0).then_some(Line { slope: -a, offset: -b })
}

/// Scales the logits of a softmax head: one slope for all classes, one offset a class (adding up to 0).
///
/// Minimises the mean log loss, with a slight pull towards slope 1 and offsets 0. Rows are sentences, columns classes.
/// Source: Guo et al. 2017, "On calibration of modern neural networks" (temperature and vector scaling).
pub fn scale_logits(logits: ArrayView2<f64>, classes: &[usize]) -> Vec<Line> {
    let k = logits.ncols();
    let n = logits.nrows().max(1) as f64;
    const PULL: f64 = 1e-3;
    let loss = |x: &[f64], gradient: &mut [f64]| {
        let mut value = 0.5 * PULL * ((x[0] - 1.0).powi(2) + x[1..].iter().map(|v| v * v).sum::<f64>());
        gradient[0] = PULL * (x[0] - 1.0);
        gradient[1..].iter_mut().zip(&x[1..]).for_each(|(g, v)| *g = PULL * v);
        for (row, &class) in logits.rows().into_iter().zip(classes) {
            let mut p: Vec<f64> = row.iter().zip(&x[1..]).map(|(z, offset)| x[0] * z + offset).collect();
            softmax(&mut p);
            value -= ln(p[class].max(f64::MIN_POSITIVE)) / n;
            p[class] -= 1.0;
            gradient[0] += row.iter().zip(&p).map(|(z, p)| z * p).sum::<f64>() / n;
            gradient[1..].iter_mut().zip(&p).for_each(|(g, p)| *g += p / n);
        }
        value
    };
    let mut start = vec![0.0; k + 1];
    start[0] = 1.0;
    let (x, _) = minimise(start, loss, 200, 1e-6);
    (0..k).map(|class| Line { slope: x[0], offset: x[1 + class] }).collect()
}

/// A threshold of good F1 for one label; `None` when no row has the label.
///
/// A row has the label when its probability is at least the threshold. Near its best, F1 hardly depends on the threshold, and
/// where exactly the best falls is chance; so of all thresholds whose F1 is within one standard error of the best, the
/// largest is taken: the one that says least. On text unlike the training text this has kept precision from falling.
/// The standard error is that of a share, √(F1 (1 − F1) / n), over the n rows that have the label.
/// Source: the one-standard-error rule of Breiman et al. 1984, section 3.4.3.
///
/// Between the two neighbouring probabilities that bound the cut, the middle is taken.
///
/// ```
/// use petition::calibrate::careful_threshold;
/// assert_eq!(careful_threshold(&[0.1, 0.4, 0.6, 0.9], &[false, false, true, true]), Some(0.5));
/// ```
pub fn careful_threshold(probabilities: &[f64], labels: &[bool]) -> Option<f64> {
    let n_positive = labels.iter().filter(|&&y| y).count();
    if n_positive == 0 {
        return None;
    }
    let mut order: Vec<usize> = (0..probabilities.len()).collect();
    order.sort_by(|&a, &b| probabilities[b].total_cmp(&probabilities[a]));
    let mut n_true = 0usize;
    // (F1, threshold), thresholds falling.
    let mut cuts = Vec::new();
    for (rank, &row) in order.iter().enumerate() {
        n_true += usize::from(labels[row]);
        let here = probabilities[row];
        let below = order.get(rank + 1).map_or(0.0, |&next| probabilities[next]);
        if below < here {
            cuts.push((2.0 * n_true as f64 / (rank + 1 + n_positive) as f64, 0.5 * (here + below)));
        }
    }
    let best = cuts.iter().map(|&(f1, _)| f1).fold(0.0, f64::max);
    let error = (best * (1.0 - best) / n_positive as f64).sqrt();
    cuts.iter().find(|&&(f1, _)| f1 >= best - error).map(|&(_, threshold)| threshold)
}

/// The expected calibration error: the mean distance between probability and share, over ten bins of equal width,
/// weighted by the number of rows (0 to 1). Source: Naeini, Cooper and Hauskrecht 2015.
pub fn expected_calibration_error(probabilities: &[f64], labels: &[bool]) -> f64 {
    let mut bins = Bins::default();
    probabilities.iter().zip(labels).for_each(|(&p, &y)| bins.add(p, y));
    bins.calibration_error()
}

/// Probabilities in ten bins of equal width.
#[derive(Debug, Clone, Default)]
pub struct Bins([Bin; 10]);

/// One bin: how many probabilities fall into it, their sum, and how many of their labels are true.
#[derive(Debug, Clone, Copy, Default)]
#[allow(missing_docs)]
pub struct Bin {
    pub n: usize,
    pub sum: f64,
    pub n_true: usize,
}

impl Bins {
    /// Counts a probability (0 to 1) and whether its label is true.
    pub fn add(&mut self, p: f64, label: bool) {
        let bin = &mut self.0[((p * 10.0) as usize).min(9)];
        *bin = Bin { n: bin.n + 1, sum: bin.sum + p, n_true: bin.n_true + usize::from(label) };
    }

    /// The expected calibration error, see [`expected_calibration_error`].
    pub fn calibration_error(&self) -> f64 {
        let n = self.0.iter().map(|b| b.n).sum::<usize>().max(1) as f64;
        self.0.iter().map(|b| (b.sum - b.n_true as f64).abs() / n).sum()
    }

    /// The bins that are not empty, by probability.
    pub fn filled(&self) -> impl Iterator<Item = &Bin> {
        self.0.iter().filter(|b| b.n > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::sigmoid;
    use crate::random::SplitMix;
    use ndarray::Array2;

    #[test]
    fn platt_finds_the_line_that_made_the_labels() {
        let mut random = SplitMix(5);
        let mut uniform = || random.below(1 << 30) as f64 / f64::from(1 << 30);
        let scores: Vec<f64> = (0..20_000).map(|_| 6.0 * uniform() - 3.0).collect();
        let labels: Vec<bool> = scores.iter().map(|s| uniform() < sigmoid(2.0 * s - 1.0)).collect();
        let line = platt(&scores, &labels).expect("both classes");
        assert!((line.slope - 2.0).abs() < 0.1 && (line.offset + 1.0).abs() < 0.1, "{line:?}");
        let p: Vec<f64> = scores.iter().map(|&s| sigmoid(line.apply(s))).collect();
        assert!(expected_calibration_error(&p, &labels) < 0.01);
        assert!(platt(&scores, &vec![true; scores.len()]).is_none());
    }

    #[test]
    fn logits_are_scaled_back() {
        let mut random = SplitMix(6);
        let mut uniform = || random.below(1 << 30) as f64 / f64::from(1 << 30);
        let logits = Array2::from_shape_fn((20_000, 3), |_| 4.0 * uniform() - 2.0);
        let classes: Vec<usize> = logits
            .rows()
            .into_iter()
            .map(|row| {
                let mut p: Vec<f64> = row.iter().map(|z| 0.5 * z).collect();
                softmax(&mut p);
                let draw = uniform();
                if draw < p[0] {
                    0
                } else if draw < p[0] + p[1] {
                    1
                } else {
                    2
                }
            })
            .collect();
        let lines = scale_logits(logits.view(), &classes);
        assert!(lines.iter().all(|l| (l.slope - 0.5).abs() < 0.05 && l.offset.abs() < 0.05), "{lines:?}");
    }

    #[test]
    fn thresholds_by_hand() {
        for (p, y, expected) in [
            (vec![0.9, 0.2], vec![false, false], None),
            // F1 is 2/3, 1/2 and 4/5; the standard error of the best is 0.28, so saying one row only will do.
            (vec![0.9, 0.7, 0.2], vec![true, false, true], Some(0.8)),
            (vec![0.9, 0.9, 0.2], vec![true, false, false], Some(0.55)),
            (vec![], vec![], None),
        ] {
            let found = careful_threshold(&p, &y);
            assert!(
                found.zip(expected).map_or(found == expected, |(a, b): (f64, f64)| (a - b).abs() < 1e-12),
                "{p:?}: {found:?}"
            );
        }
    }
}
