//! Dual coordinate descent for up to eight labels at once; `logistic` says what is minimised.
//!
//! Labels share one walk over the rows: weights lie feature by feature, a lane for each label, so a row is read once for all
//! of them. The dual variable of row i is kept as its log-odds `t = ln(α / (C − α))`; its one-variable problem,
//! `t + y w·x + a (α(t) − α) = 0` with `a = |x|²`, increases strictly in `t` and its root is bracketed, so a guarded Newton
//! step always comes home where the plain one can cycle. Training stops on the relative duality gap of all rows, which bounds
//! the distance to the best objective.
//!
//! The gap is a sum over the rows, each adding about `½ C p (1 − p) (t + y w·x)²`, `p = α / C`. Each visit knows its row's part,
//! which says two things: rows with little are passed over in the next walk, and the gap itself, which takes a walk of
//! its own, is added up only when it may have become small enough.
//!
//! Source: Yu, Huang and Lin 2011, "Dual coordinate descent methods for logistic regression and maximum entropy models".
//! Passing over rows is theirs for support vectors (Hsieh and others 2008, shrinking), softened: logistic regression has no row
//! whose variable rests at a bound.

use super::{ClassWeight, SparseLogisticValidParams};
use crate::math::{exp, ln, sigmoid, softplus};
use crate::random::SplitMix;
use crate::sparse::SparseRecords;
use linfa::dataset::Records;
use ndarray::Array2;
use pulp::{Simd, WithSimd};

/// The most labels that share one walk over the rows.
pub(super) const MAX_LANES: usize = 8;

/// One number for each of `N` lanes, in one cache line and never across two.
#[derive(Clone, Copy)]
#[repr(align(64))]
struct Line<const N: usize>([f64; N]);

/// What a block of labels came to.
pub(super) struct Solution {
    /// Features, then the intercept's; labels next to each other.
    pub weights: Array2<f64>,
    pub objectives: Vec<f64>,
    pub n_epochs: usize,
}

/// Trains the `labels`, up to eight columns of `y`.
pub(super) fn solve(
    params: &SparseLogisticValidParams,
    x: &SparseRecords,
    y: &Array2<bool>,
    labels: std::ops::Range<usize>,
    row_weights: Option<&[f32]>,
) -> Solution {
    match labels.len() {
        1 => Solver::<1>::new(params, x, y, labels, row_weights).train(),
        2 => Solver::<2>::new(params, x, y, labels, row_weights).train(),
        3 | 4 => Solver::<4>::new(params, x, y, labels, row_weights).train(),
        _ => Solver::<MAX_LANES>::new(params, x, y, labels, row_weights).train(),
    }
}

/// What a visit needs of a row beside its values and log-odds.
struct Row {
    /// |x|² with the constant feature.
    square: f64,
    /// About its part in the relative duality gap when last visited, summed over the lanes; infinite when it has to be visited.
    part: f32,
    /// A bit for each lane: is the label on?
    positive: u8,
}

/// The state of training one block of up to `N` labels.
struct Solver<'x, const N: usize> {
    params: &'x SparseLogisticValidParams,
    x: &'x SparseRecords,
    rows: Vec<Row>,
    /// The loss's weight for a row of the negative and of the positive class, a lane; 0 in unused lanes.
    costs: [[f64; N]; 2],
    row_weights: Option<&'x [f32]>,
    /// The dual variables, as log-odds of α / C.
    t: Vec<Line<N>>,
    weights: Vec<Line<N>>,
    /// About the duality gap during this walk, a lane: what visited rows added to it just before they were solved.
    estimates: [f64; N],
    /// What gaps are divided by: the objective when last computed, before that a bound from below; infinite in unused lanes.
    references: [f64; N],
    n_positive: [usize; N],
    n_lanes: usize,
}

/// 1 in lanes whose bit is set, else −1.
#[inline(always)]
fn signs<const N: usize>(positive: u8) -> [f64; N] {
    std::array::from_fn(|l| if positive & (1 << l) == 0 { -1.0 } else { 1.0 })
}

/// ln(p / (1 − p)) for `0 < p < 1`.
#[inline(always)]
fn log_odds(p: f64) -> f64 {
    ln(p / (1.0 - p))
}

/// −p ln p − (1 − p) ln(1 − p) for the p whose log-odds are `t`.
#[inline(always)]
fn entropy(t: f64) -> f64 {
    // Of both, the outcome that is less likely.
    let odds = exp(-t.abs());
    ln(1.0 + odds) + t.abs() * (odds / (1.0 + odds))
}

impl<'x, const N: usize> Solver<'x, N> {
    fn new(
        params: &'x SparseLogisticValidParams,
        x: &'x SparseRecords,
        y: &Array2<bool>,
        labels: std::ops::Range<usize>,
        row_weights: Option<&'x [f32]>,
    ) -> Self {
        let (n_rows, n_lanes) = (x.nsamples(), labels.len());
        let bias = params.intercept_scaling;
        let mut n_positive = [0usize; N];
        let rows: Vec<Row> = (0..n_rows)
            .map(|row| {
                let mut positive = 0;
                for (lane, label) in labels.clone().enumerate() {
                    positive |= u8::from(y[[row, label]]) << lane;
                    n_positive[lane] += usize::from(y[[row, label]]);
                }
                let square = bias * bias + x.row(row).1.iter().map(|&v| f64::from(v) * f64::from(v)).sum::<f64>();
                Row { square, part: f32::INFINITY, positive }
            })
            .collect();
        let mut costs = [[0.0; N]; 2];
        for (lane, &n) in n_positive.iter().enumerate().take(n_lanes) {
            let (negative, positive) = match params.class_weight {
                ClassWeight::Uniform => (1.0, 1.0),
                ClassWeight::Positive(weight) => (1.0, weight),
                ClassWeight::Balanced => {
                    (n_rows as f64 / (2.0 * (n_rows - n).max(1) as f64), n_rows as f64 / (2.0 * n.max(1) as f64))
                }
            };
            (costs[0][lane], costs[1][lane]) = (params.c * negative, params.c * positive);
        }
        Self {
            params,
            x,
            rows,
            costs,
            row_weights,
            t: Vec::new(),
            weights: vec![Line([0.0; N]); x.nfeatures() + 1],
            estimates: [0.0; N],
            references: [f64::INFINITY; N],
            n_positive,
            n_lanes,
        }
    }

    /// Begins on the line from α = 0 through what the intercept alone would give, at the dual objective's highest.
    ///
    /// If the model were the intercept alone, with p the share of positive rows, then α = C p for negative and C (1 − p) for
    /// positive rows. All rows together would make the weights far too large, so α is s times that. The dual objective,
    /// Σ C H(s p) − ½ s² |w|² with the entropy H, is concave in s; its value is a first bound of the best objective from below.
    #[inline(always)]
    fn start(&mut self) {
        let n_rows = self.rows.len();
        let mut shares = [[0.5; N]; 2];
        for (lane, &n) in self.n_positive.iter().enumerate().take(self.n_lanes) {
            let p = (n as f64 + 0.5) / (n_rows as f64 + 1.0);
            (shares[0][lane], shares[1][lane]) = (p, 1.0 - p);
        }
        let mut costs = [[0.0; N]; 2];
        for row in 0..n_rows {
            let (cost, positive) = (self.cost(row), self.rows[row].positive);
            let sign = signs::<N>(positive);
            for l in 0..N {
                costs[usize::from(positive >> l & 1)][l] += cost[l];
            }
            self.add(row, std::array::from_fn(|l| cost[l] * shares[usize::from(positive >> l & 1)][l] * sign[l]));
        }
        let squares = self.weight_squares();
        let mut scales = [1.0; N];
        for l in 0..self.n_lanes {
            let slope = |s: f64| {
                let rises =
                    (0..2).map(|k| costs[k][l] * shares[k][l] * ln((1.0 - s * shares[k][l]) / (s * shares[k][l])));
                rises.sum::<f64>() - s * squares[l]
            };
            // Halved 40 times, the logarithm of s is known to nine digits.
            let (mut low, mut high) = (1e-200f64, 1.0f64);
            for _ in 0..40 {
                let middle = low.sqrt() * high.sqrt();
                (low, high) = if slope(middle) > 0.0 { (middle, high) } else { (low, middle) };
            }
            scales[l] = low;
            let entropies = (0..2).map(|k| costs[k][l] * entropy(log_odds(low * shares[k][l])));
            self.references[l] = (entropies.sum::<f64>() - 0.5 * low * low * squares[l]).max(f64::MIN_POSITIVE);
        }
        for Line(weights) in &mut self.weights {
            for l in 0..N {
                weights[l] *= scales[l];
            }
        }
        let start: [[f64; N]; 2] = std::array::from_fn(|k| std::array::from_fn(|l| log_odds(scales[l] * shares[k][l])));
        let t = self.rows.iter().map(|row| Line(std::array::from_fn(|l| start[usize::from(row.positive >> l & 1)][l])));
        self.t = t.collect();
    }

    #[inline(always)]
    fn cost(&self, row: usize) -> [f64; N] {
        let weight = self.row_weights.map_or(1.0, |w| f64::from(w[row]));
        let positive = self.rows[row].positive;
        std::array::from_fn(|l| weight * if positive & (1 << l) == 0 { self.costs[0][l] } else { self.costs[1][l] })
    }

    /// w · x for every lane.
    #[inline(always)]
    fn dot(&self, row: usize) -> [f64; N] {
        let bias = self.params.intercept_scaling;
        let mut sum = self.weights[self.x.nfeatures()].0.map(|w| w * bias);
        let (columns, values) = self.x.row(row);
        for (&column, &value) in columns.iter().zip(values) {
            let (weights, value) = (&self.weights[column as usize].0, f64::from(value));
            for l in 0..N {
                sum[l] += value * weights[l];
            }
        }
        sum
    }

    /// w += step × x for every lane.
    #[inline(always)]
    fn add(&mut self, row: usize, step: [f64; N]) {
        let (columns, values) = self.x.row(row);
        for (&column, &value) in columns.iter().zip(values) {
            let (weights, value) = (&mut self.weights[column as usize].0, f64::from(value));
            for l in 0..N {
                weights[l] += value * step[l];
            }
        }
        let constant = &mut self.weights[self.x.nfeatures()].0;
        for l in 0..N {
            constant[l] += self.params.intercept_scaling * step[l];
        }
    }

    /// Solves the one-variable problems of one row in all lanes.
    #[inline(always)]
    fn visit(&mut self, row: usize) {
        /// Log-odds this close to their root are left alone.
        const CLOSE: f64 = 1e-7;
        /// Newton's steps end when each lane is within this share of its first distance from the root.
        const INNER: f64 = 0.2;
        const NEWTON_STEPS: usize = 8;
        let (cost, square, t_old) = (self.cost(row), self.rows[row].square, self.t[row].0);
        let sign = signs::<N>(self.rows[row].positive);
        let mut margin = self.dot(row);
        for l in 0..N {
            margin[l] *= sign[l];
        }
        let off: [f64; N] = std::array::from_fn(|l| (t_old[l] + margin[l]).abs());
        if off.iter().fold(0.0, |largest: f64, &off| largest.max(off)) < CLOSE {
            self.rows[row].part = 0.0;
            return;
        }
        let p_old: [f64; N] = std::array::from_fn(|l| sigmoid(t_old[l]));
        let mut part = 0.0;
        for l in 0..N {
            let gap = 0.5 * cost[l] * p_old[l] * (1.0 - p_old[l]) * off[l] * off[l];
            self.estimates[l] += gap;
            part += gap / self.references[l];
        }
        self.rows[row].part = part as f32;
        let (mut t, mut p) = (t_old, p_old);
        // The root lies where α = C and α = 0 would put it, or between.
        let mut low: [f64; N] = std::array::from_fn(|l| -margin[l] - square * cost[l] * (1.0 - p_old[l]));
        let mut high: [f64; N] = std::array::from_fn(|l| -margin[l] + square * cost[l] * p_old[l]);
        for _ in 0..NEWTON_STEPS {
            let f: [f64; N] = std::array::from_fn(|l| t[l] + margin[l] + square * cost[l] * (p[l] - p_old[l]));
            let mut excess = f64::NEG_INFINITY;
            for l in 0..N {
                excess = excess.max(f[l].abs() - (INNER * off[l]).max(INNER * CLOSE));
            }
            if excess <= 0.0 {
                break;
            }
            for l in 0..N {
                let (a, f) = (square * cost[l], f[l]);
                low[l] = if f < 0.0 { low[l].max(t[l]) } else { low[l] };
                high[l] = if f > 0.0 { high[l].min(t[l]) } else { high[l] };
                let next = t[l] - f / (1.0 + a * p[l] * (1.0 - p[l]));
                let inside = next >= low[l] && next <= high[l];
                t[l] = if inside { next } else { 0.5 * (low[l] + high[l]) };
            }
            for l in 0..N {
                p[l] = sigmoid(t[l]);
            }
        }
        self.t[row].0 = t;
        self.add(row, std::array::from_fn(|l| cost[l] * (p[l] - p_old[l]) * sign[l]));
    }

    /// |w|² for every lane.
    #[inline(always)]
    fn weight_squares(&self) -> [f64; N] {
        let mut squares = [0.0; N];
        for Line(weights) in &self.weights {
            for l in 0..N {
                squares[l] += weights[l] * weights[l];
            }
        }
        squares
    }

    /// The objective and the duality gap over all rows, a lane.
    #[inline(always)]
    fn objective_and_gap(&self) -> ([f64; N], [f64; N]) {
        let squares = self.weight_squares();
        let (mut losses, mut entropies) = ([0.0; N], [0.0; N]);
        for row in 0..self.rows.len() {
            let (dot, cost, sign) = (self.dot(row), self.cost(row), signs::<N>(self.rows[row].positive));
            let t = self.t[row].0;
            for l in 0..N {
                losses[l] += cost[l] * softplus(-sign[l] * dot[l]);
                entropies[l] += cost[l] * entropy(t[l]);
            }
        }
        (
            std::array::from_fn(|l| 0.5 * squares[l] + losses[l]),
            std::array::from_fn(|l| squares[l] + losses[l] - entropies[l]),
        )
    }

    /// Walks over the rows until the gap is small enough; the objectives and the number of walks.
    #[inline(always)]
    fn descend(&mut self) -> ([f64; N], usize) {
        /// Rows whose part is at most this share of the mean of those visited are passed over, once.
        const PASSED_OVER: f64 = 0.3;
        /// Walks that visit all rows, before parts say much.
        const FULL_WALKS: usize = 2;
        /// After a walk the gap is some 0.25 to 0.6 of the estimate, which was made along the way.
        const AFTER_WALK: f64 = 0.4;
        /// The gap is added up at least this often, whatever estimates say.
        const WALKS_UNCHECKED: usize = 20;
        self.start();
        let mut order: Vec<u32> = (0..self.rows.len() as u32).collect();
        let mut random = SplitMix(self.params.seed);
        let (mut n_epochs, mut limit) = (0, f64::NEG_INFINITY);
        loop {
            random.shuffle(&mut order);
            self.estimates = [0.0; N];
            let (mut parts, mut n_visited) = (0.0, 0);
            for &row in &order {
                let row = row as usize;
                if f64::from(self.rows[row].part) <= limit {
                    self.rows[row].part = f32::INFINITY;
                    continue;
                }
                self.visit(row);
                parts += f64::from(self.rows[row].part);
                n_visited += 1;
            }
            n_epochs += 1;
            if n_epochs >= FULL_WALKS {
                limit = PASSED_OVER * parts / f64::from(n_visited.max(1));
            }
            let tolerance = self.params.tolerance;
            let within = |gaps: &[f64; N], of: &[f64; N]| (0..self.n_lanes).all(|l| gaps[l] <= tolerance * of[l]);
            let last = n_epochs >= self.params.max_epochs;
            let hopeful = within(&self.estimates.map(|gap| AFTER_WALK * gap), &self.references);
            if last || hopeful || n_epochs % WALKS_UNCHECKED == 0 {
                let (objectives, gaps) = self.objective_and_gap();
                if last || within(&gaps, &objectives) {
                    return (objectives, n_epochs);
                }
                self.references[..self.n_lanes].copy_from_slice(&objectives[..self.n_lanes]);
            }
        }
    }

    /// Trains. Where the processor has wider registers they are used; the sums are the same, lane by lane.
    fn train(self) -> Solution {
        pulp::Arch::new().dispatch(self)
    }

    /// What is handed on: used lanes only.
    fn solution(self, objectives: [f64; N], n_epochs: usize) -> Solution {
        let mut weights = Array2::zeros((self.weights.len(), self.n_lanes));
        for (mut to, from) in weights.rows_mut().into_iter().zip(&self.weights) {
            to.iter_mut().zip(from.0).for_each(|(to, from)| *to = from);
        }
        Solution { weights, objectives: objectives[..self.n_lanes].to_vec(), n_epochs }
    }
}

/// Compiled once for each set of instructions that `pulp` knows. For that all loops have to be inlined into this one function, and
/// it has to be this trait's: a closure comes wrapped in a function that is not inlined.
impl<const N: usize> WithSimd for Solver<'_, N> {
    type Output = Solution;

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, _: S) -> Solution {
        let (objectives, n_epochs) = self.descend();
        self.solution(objectives, n_epochs)
    }
}

#[cfg(test)]
mod tests {
    use super::super::SparseLogistic;
    use super::*;
    use linfa::ParamGuard;
    use proptest::prelude::*;

    /// One training: rows of one feature matrix, and what is asked of the solver.
    #[derive(Debug)]
    struct Problem {
        params: SparseLogisticValidParams,
        x: SparseRecords,
        y: Array2<bool>,
        row_weights: Option<Vec<f32>>,
    }

    impl Problem {
        /// Rows of up to eight features; each label follows one feature, with noise.
        fn made_up(n_rows: usize, n_labels: usize, c: f64, tolerance: f64, kind: u64, seed: u64) -> Self {
            let mut random = SplitMix(seed);
            let mut x = SparseRecords::new(8);
            let mut y = Array2::from_elem((n_rows, n_labels), false);
            for row in 0..n_rows {
                let columns: Vec<u32> = (0..8).filter(|_| random.below(3) == 0).collect();
                for label in 0..n_labels {
                    y[[row, label]] = columns.contains(&(label as u32)) != (random.below(10) == 0);
                }
                let cells = columns.into_iter().map(|column| (column, random.below(20) as f32 / 10.0 - 0.7));
                x.push(cells.collect::<Vec<_>>()).expect("sorted columns");
            }
            let weights = [ClassWeight::Uniform, ClassWeight::Positive(3.0), ClassWeight::Balanced];
            let params = SparseLogistic::params().c(c).tolerance(tolerance).seed(seed).intercept_scaling(1.5);
            // Few rows with large costs need hundreds of walks, as they do without passing over.
            let params = params.max_epochs(100_000);
            let row_weights = (kind % 2 == 1).then(|| (0..n_rows).map(|_| random.below(4) as f32 / 2.0).collect());
            let params = params.class_weight(weights[kind as usize % 3]).check().expect("good parameters");
            Self { params, x, y, row_weights }
        }

        fn solver<const N: usize>(&self) -> Solver<'_, N> {
            Solver::new(&self.params, &self.x, &self.y, 0..self.y.ncols(), self.row_weights.as_deref())
        }

        /// A row as it is without sparsity: its features, then the constant one.
        fn dense(&self, row: usize) -> Vec<f64> {
            let mut values = vec![0.0; 9];
            let (columns, cells) = self.x.row(row);
            columns.iter().zip(cells).for_each(|(&column, &value)| values[column as usize] = f64::from(value));
            values[8] = self.params.intercept_scaling;
            values
        }

        /// y and C of one row for one label.
        fn sign_and_cost(&self, row: usize, label: usize) -> (f64, f64) {
            let (n, n_positive) = (self.y.nrows() as f64, self.y.column(label).iter().filter(|&&y| y).count() as f64);
            let positive = self.y[[row, label]];
            let class = match self.params.class_weight {
                ClassWeight::Uniform => 1.0,
                ClassWeight::Positive(weight) => {
                    if positive {
                        weight
                    } else {
                        1.0
                    }
                }
                ClassWeight::Balanced => n / (2.0 * (if positive { n_positive } else { n - n_positive }).max(1.0)),
            };
            let weight = self.row_weights.as_ref().map_or(1.0, |w| f64::from(w[row]));
            (if positive { 1.0 } else { -1.0 }, self.params.c * class * weight)
        }

        /// Σ α y x, where α is given row by row.
        fn weights(&self, label: usize, alpha: &[f64]) -> Vec<f64> {
            let mut weights = vec![0.0; 9];
            for (row, alpha) in alpha.iter().enumerate() {
                let sign = self.sign_and_cost(row, label).0;
                weights.iter_mut().zip(self.dense(row)).for_each(|(w, x)| *w += alpha * sign * x);
            }
            weights
        }

        /// The objective at some weights, and the dual objective at some α, with the standard library's functions.
        fn objectives(&self, label: usize, weights: &[f64], alpha: &[f64]) -> (f64, f64) {
            let square = |w: &[f64]| w.iter().map(|w| w * w).sum::<f64>();
            let (mut primal, mut dual) = (0.5 * square(weights), -0.5 * square(&self.weights(label, alpha)));
            for (row, alpha) in alpha.iter().enumerate() {
                let (sign, cost) = self.sign_and_cost(row, label);
                let margin = sign * dot(weights, &self.dense(row));
                primal += cost * ((-margin.abs()).exp().ln_1p() + (-margin).max(0.0));
                let information = |a: f64| if a > 0.0 { -a * (a / cost).ln() } else { 0.0 };
                dual += information(*alpha) + information(cost - alpha);
            }
            (primal, dual)
        }

        /// The best objective, between the two numbers: every row's variable is halved home in turn, no shortcuts.
        fn slowly(&self, label: usize) -> (f64, f64) {
            let cost = |row| self.sign_and_cost(row, label).1;
            let mut alpha: Vec<f64> = (0..self.y.nrows()).map(|row| 0.5 * cost(row)).collect();
            let mut weights = self.weights(label, &alpha);
            for walk in 1.. {
                for (row, alpha) in alpha.iter_mut().enumerate() {
                    let (x, (sign, cost)) = (self.dense(row), self.sign_and_cost(row, label));
                    let (margin, square) = (sign * dot(&weights, &x), dot(&x, &x));
                    let (mut low, mut high) = (0.0, cost);
                    for _ in 0..60 {
                        let middle = 0.5 * (low + high);
                        let slope = (middle / (cost - middle)).ln() + margin + square * (middle - *alpha);
                        (low, high) = if slope < 0.0 { (middle, high) } else { (low, middle) };
                    }
                    weights.iter_mut().zip(x).for_each(|(w, x)| *w += sign * (low - *alpha) * x);
                    *alpha = low;
                }
                let (primal, dual) = self.objectives(label, &weights, &alpha);
                if walk == 1000 || primal - dual <= 1e-8 * primal {
                    return (dual, primal);
                }
            }
            unreachable!("1,000 walks end it");
        }

        /// Trains with `N` lanes and checks every label's end.
        fn check<const N: usize>(&self) -> Result<(), TestCaseError> {
            let mut solver = self.solver::<N>();
            let (objectives, n_epochs) = solver.descend();
            prop_assert!(n_epochs < self.params.max_epochs);
            for (label, &objective) in objectives.iter().enumerate().take(self.y.ncols()) {
                let alpha: Vec<f64> = (0..self.y.nrows())
                    .map(|row| self.sign_and_cost(row, label).1 * sigmoid(solver.t[row].0[label]))
                    .collect();
                let weights: Vec<f64> = solver.weights.iter().map(|w| w.0[label]).collect();
                let (primal, dual) = self.objectives(label, &weights, &alpha);
                let rounding = 1e-10 * primal;
                prop_assert!((primal - objective).abs() <= rounding, "label {label}: {primal}, said to be {objective}");
                let gap = primal - dual;
                prop_assert!(
                    gap <= self.params.tolerance * primal + rounding,
                    "label {label}: the gap is {gap} of {primal}"
                );
                let (low, high) = self.slowly(label);
                prop_assert!(primal >= low - rounding, "label {label}: {primal} is below any, {low}");
                let best = high + self.params.tolerance * primal + rounding;
                prop_assert!(primal <= best, "label {label}: {primal}, slowly {high}");
            }
            Ok(())
        }
    }

    fn dot(a: &[f64], b: &[f64]) -> f64 {
        a.iter().zip(b).map(|(a, b)| a * b).sum()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        /// Whatever was passed over on the way: the gap holds over all rows, and the objective is the slow loop's.
        #[test]
        fn ends_where_a_slow_loop_ends(
            n_rows in 1usize..60,
            n_labels in 1usize..=8,
            c in prop::sample::select(vec![0.01, 1.0, 10.0, 100.0]),
            tolerance in prop::sample::select(vec![1e-2, 1e-4, 1e-8]),
            kind in 0u64..6,
            seed in any::<u64>(),
        ) {
            let problem = Problem::made_up(n_rows, n_labels, c, tolerance, kind, seed);
            match n_labels {
                1 => problem.check::<1>()?,
                2 => problem.check::<2>()?,
                3 | 4 => problem.check::<4>()?,
                _ => problem.check::<8>()?,
            }
        }
    }

    /// The bits of all that a training came to.
    fn bits(solution: &Solution) -> Vec<u64> {
        let floats = solution.weights.iter().chain(&solution.objectives).map(|f| f.to_bits());
        floats.chain([solution.n_epochs as u64]).collect()
    }

    #[test]
    fn every_set_of_instructions_gives_the_same_bits() {
        fn check<const N: usize>(problem: &Problem) {
            let plain = bits(&pulp::Scalar.vectorize(problem.solver::<N>()));
            assert_eq!(bits(&problem.solver::<N>().train()), plain);
            #[cfg(target_arch = "x86_64")]
            {
                let v3 = pulp::x86::V3::try_new().map(|simd| Simd::vectorize(simd, problem.solver::<N>()));
                let v4 = pulp::x86::V4::try_new().map(|simd| Simd::vectorize(simd, problem.solver::<N>()));
                for solution in [v3, v4].into_iter().flatten() {
                    assert_eq!(bits(&solution), plain);
                }
            }
        }
        for kind in 0..6 {
            check::<1>(&Problem::made_up(300, 1, 10.0, 1e-9, kind, kind));
            check::<4>(&Problem::made_up(300, 3, 1.0, 1e-9, kind, kind));
            check::<8>(&Problem::made_up(300, 8, 100.0, 1e-9, kind, kind));
        }
    }

    #[test]
    fn rows_of_no_weight_leave_the_weights_at_zero() {
        let mut problem = Problem::made_up(20, 2, 1.0, 1e-4, 0, 1);
        problem.row_weights = Some(vec![0.0; 20]);
        let solution = problem.solver::<2>().train();
        assert!(solution.weights.iter().all(|&w| w == 0.0));
        assert_eq!(solution.objectives, [0.0, 0.0]);
    }
}
