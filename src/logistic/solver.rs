//! Dual coordinate descent for up to eight labels at once; `logistic` says what is minimised.
//!
//! Eight labels share one walk over the rows: weights lie feature by feature, eight lanes each, so a row is read once for all
//! of them. The dual variable of row i is kept as its log-odds `t = ln(α / (C − α))`; its one-variable problem,
//! `t + y w·x + a (α(t) − α) = 0` with `a = |x|²`, increases strictly in `t` and its root is bracketed, so a guarded Newton
//! step always comes home where the plain one can cycle. Training stops on the relative duality gap, which bounds the
//! distance to the best objective.
//! Source: Yu, Huang and Lin 2011, "Dual coordinate descent methods for logistic regression and maximum entropy models".

use super::{ClassWeight, SparseLogisticValidParams};
use crate::math::{sigmoid, softplus};
use crate::random::SplitMix;
use crate::sparse::SparseRecords;
use linfa::dataset::Records;
use ndarray::Array2;
use pulp::{Simd, WithSimd};

/// Labels that share one walk over the rows.
pub(super) const LANES: usize = 8;
pub(super) type Lanes = [f64; LANES];

/// What a block of labels came to.
pub(super) struct Solution {
    /// Features, then the intercept's.
    pub weights: Vec<Lanes>,
    pub objectives: Lanes,
    pub n_epochs: usize,
}

/// The state of training one block of up to eight labels.
pub(super) struct Solver<'x> {
    params: &'x SparseLogisticValidParams,
    x: &'x SparseRecords,
    /// +1 or −1 for each row and lane; unused lanes are −1.
    signs: Vec<[f32; LANES]>,
    /// The loss's weight for a row of the negative and of the positive class, a lane.
    costs: [Lanes; 2],
    row_weights: Option<&'x [f32]>,
    /// |x|² of each row with the constant feature.
    squares: Vec<f64>,
    /// The dual variables, as log-odds of α / C.
    t: Vec<Lanes>,
    weights: Vec<Lanes>,
    n_lanes: usize,
}

impl<'x> Solver<'x> {
    pub fn new(
        params: &'x SparseLogisticValidParams,
        x: &'x SparseRecords,
        y: &Array2<bool>,
        labels: std::ops::Range<usize>,
        row_weights: Option<&'x [f32]>,
    ) -> Self {
        let (n_rows, n_lanes) = (x.nsamples(), labels.len());
        let mut signs = vec![[-1f32; LANES]; n_rows];
        let mut n_positive = [0usize; LANES];
        for (lane, label) in labels.enumerate() {
            for (row, &positive) in y.column(label).iter().enumerate() {
                if positive {
                    signs[row][lane] = 1.0;
                    n_positive[lane] += 1;
                }
            }
        }
        let mut costs = [[params.c; LANES]; 2];
        for (lane, &n) in n_positive.iter().enumerate().take(n_lanes) {
            match params.class_weight {
                ClassWeight::Uniform => {}
                ClassWeight::Positive(weight) => costs[1][lane] *= weight,
                ClassWeight::Balanced => {
                    costs[0][lane] *= n_rows as f64 / (2.0 * (n_rows - n).max(1) as f64);
                    costs[1][lane] *= n_rows as f64 / (2.0 * n.max(1) as f64);
                }
            }
        }
        let bias = params.intercept_scaling;
        let squares = (0..n_rows)
            .map(|row| bias * bias + x.row(row).1.iter().map(|&v| f64::from(v) * f64::from(v)).sum::<f64>())
            .collect();
        // A start near the end: if the model were the intercept alone, with p the share of positive rows, then
        // α = C p for negative and C (1 − p) for positive rows.
        let mut start = [[0.0; LANES]; 2];
        for lane in 0..LANES {
            let p = (n_positive[lane] as f64 + 0.5) / (n_rows as f64 + 1.0);
            let log_odds = crate::math::ln(p / (1.0 - p));
            (start[0][lane], start[1][lane]) = (log_odds, -log_odds);
        }
        let t: Vec<Lanes> = signs.iter().map(|s| std::array::from_fn(|l| start[usize::from(s[l] > 0.0)][l])).collect();
        let mut solver = Self {
            params,
            x,
            signs,
            costs,
            row_weights,
            squares,
            t,
            weights: vec![[0.0; LANES]; x.nfeatures() + 1],
            n_lanes,
        };
        for row in 0..n_rows {
            let cost = solver.cost(row);
            let t = solver.t[row];
            let signs = solver.signs[row];
            solver.add(row, std::array::from_fn(|l| cost[l] * sigmoid(t[l]) * f64::from(signs[l])));
        }
        solver
    }

    #[inline(always)]
    fn cost(&self, row: usize) -> Lanes {
        let weight = self.row_weights.map_or(1.0, |w| f64::from(w[row]));
        std::array::from_fn(|l| weight * self.costs[usize::from(self.signs[row][l] > 0.0)][l])
    }

    /// w · x for every lane.
    #[inline(always)]
    fn dot(&self, row: usize) -> Lanes {
        let bias = self.params.intercept_scaling;
        let mut sum = self.weights[self.x.nfeatures()].map(|w| w * bias);
        let (columns, values) = self.x.row(row);
        for (&column, &value) in columns.iter().zip(values) {
            let (weights, value) = (&self.weights[column as usize], f64::from(value));
            for l in 0..LANES {
                sum[l] += value * weights[l];
            }
        }
        sum
    }

    /// w += step × x for every lane.
    #[inline(always)]
    fn add(&mut self, row: usize, step: Lanes) {
        let (columns, values) = self.x.row(row);
        for (&column, &value) in columns.iter().zip(values) {
            let (weights, value) = (&mut self.weights[column as usize], f64::from(value));
            for l in 0..LANES {
                weights[l] += value * step[l];
            }
        }
        let constant = &mut self.weights[self.x.nfeatures()];
        for l in 0..LANES {
            constant[l] += self.params.intercept_scaling * step[l];
        }
    }

    /// Solves the one-variable problems of one row in all lanes.
    #[inline(always)]
    fn visit(&mut self, row: usize) {
        /// Lanes whose log-odds are this close to their root are left alone.
        const CLOSE: f64 = 1e-7;
        const NEWTON_STEPS: usize = 8;
        let (cost, square, signs, t_old) = (self.cost(row), self.squares[row], self.signs[row], self.t[row]);
        let mut margin = self.dot(row);
        for l in 0..LANES {
            margin[l] *= f64::from(signs[l]);
        }
        let off = (0..LANES).map(|l| (t_old[l] + margin[l]).abs()).fold(0.0, f64::max);
        if off < CLOSE {
            return;
        }
        let p_old: Lanes = std::array::from_fn(|l| sigmoid(t_old[l]));
        let (mut t, mut p) = (t_old, p_old);
        // The root lies where α = C and α = 0 would put it, or between.
        let mut low: Lanes = std::array::from_fn(|l| -margin[l] - square * cost[l] * (1.0 - p_old[l]));
        let mut high: Lanes = std::array::from_fn(|l| -margin[l] + square * cost[l] * p_old[l]);
        for _ in 0..NEWTON_STEPS {
            let f: Lanes = std::array::from_fn(|l| t[l] + margin[l] + square * cost[l] * (p[l] - p_old[l]));
            if f.iter().fold(0f64, |largest, f| largest.max(f.abs())) < 0.05 * off {
                break;
            }
            for l in 0..LANES {
                let (a, f) = (square * cost[l], f[l]);
                low[l] = if f < 0.0 { low[l].max(t[l]) } else { low[l] };
                high[l] = if f > 0.0 { high[l].min(t[l]) } else { high[l] };
                let next = t[l] - f / (1.0 + a * p[l] * (1.0 - p[l]));
                let inside = next >= low[l] && next <= high[l];
                t[l] = if inside { next } else { 0.5 * (low[l] + high[l]) };
            }
            for l in 0..LANES {
                p[l] = sigmoid(t[l]);
            }
        }
        self.t[row] = t;
        self.add(row, std::array::from_fn(|l| cost[l] * (p[l] - p_old[l]) * f64::from(signs[l])));
    }

    /// The objective and the duality gap, a lane.
    #[inline(always)]
    fn objective_and_gap(&self) -> (Lanes, Lanes) {
        let mut squares = [0.0; LANES];
        for weights in &self.weights {
            for l in 0..LANES {
                squares[l] += weights[l] * weights[l];
            }
        }
        let (mut loss, mut entropy) = ([0.0; LANES], [0.0; LANES]);
        for row in 0..self.signs.len() {
            let (dot, cost) = (self.dot(row), self.cost(row));
            for l in 0..self.n_lanes {
                let t = self.t[row][l];
                let p = sigmoid(t);
                loss[l] += cost[l] * softplus(-f64::from(self.signs[row][l]) * dot[l]);
                entropy[l] += cost[l] * (p * softplus(-t) + (1.0 - p) * softplus(t));
            }
        }
        (
            std::array::from_fn(|l| 0.5 * squares[l] + loss[l]),
            std::array::from_fn(|l| squares[l] + loss[l] - entropy[l]),
        )
    }

    /// Trains. Where the processor has wider registers they are used; the sums are the same, lane by lane.
    pub fn run(self) -> Solution {
        pulp::Arch::new().dispatch(self)
    }

    #[inline(always)]
    fn descend(mut self) -> Solution {
        let mut order: Vec<u32> = (0..self.signs.len() as u32).collect();
        let mut random = SplitMix(self.params.seed);
        let mut n_epochs = 0;
        loop {
            random.shuffle(&mut order);
            for &row in &order {
                self.visit(row as usize);
            }
            n_epochs += 1;
            if n_epochs % 2 == 0 || n_epochs >= self.params.max_epochs {
                let (objectives, gaps) = self.objective_and_gap();
                let done = (0..self.n_lanes).all(|l| gaps[l] <= self.params.tolerance * objectives[l]);
                if done || n_epochs >= self.params.max_epochs {
                    return Solution { weights: self.weights, objectives, n_epochs };
                }
            }
        }
    }
}

/// Compiled once for each set of instructions that `pulp` knows. For that all loops have to be inlined into this one function, and
/// it has to be this trait's: a closure comes wrapped in a function that is not inlined.
impl WithSimd for Solver<'_> {
    type Output = Solution;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> Solution {
        self.descend()
    }
}
