//! Krippendorff's alpha of any number of annotators, with values left out, for any distance of values.

/// Krippendorff's alpha: 1 for full agreement, 0 for what chance gives, below 0 for less than that.
///
/// A unit holds one value an annotator who judged it, so annotators may be any number and may leave units out; units with fewer than
/// two values are passed over. `distance` says how far two values differ: symmetric, 0 for equal ones. `None` where no two values
/// differ over all units, since chance would then give full agreement too.
///
/// Source: Krippendorff 2011, "Computing Krippendorff's Alpha-Reliability"; the example is its section C, four observers and twelve
/// units with missing values, whose nominal alpha it gives as 0.743.
///
/// ```
/// use petition::krippendorff::{alpha, nominal_distance};
/// let observers = ["123321412   ", "1233224125 3", " 3332342251 ", "12332441251 "];
/// let digit = |observer: &&str, unit: usize| observer[unit..=unit].parse().ok();
/// let units: Vec<Vec<usize>> =
///     (0..12).map(|unit| observers.iter().filter_map(|o| digit(o, unit)).collect()).collect();
/// let alpha = alpha(&units, nominal_distance).expect("values differ");
/// assert_eq!(format!("{alpha:.3}"), "0.743");
/// ```
pub fn alpha(units: &[Vec<usize>], distance: impl Fn(usize, usize) -> f64) -> Option<f64> {
    let n_values = units.iter().flatten().max().map_or(0, |&most| most + 1);
    let mut coincidences = Coincidences::new(n_values);
    units.iter().for_each(|unit| coincidences.count(unit, &distance));
    coincidences.alpha(&distance)
}

/// 0 for equal values, 1 for others.
pub fn nominal_distance(a: usize, b: usize) -> f64 {
    if a == b { 0.0 } else { 1.0 }
}

/// What alpha needs to know of some units; that of all is the sum of the parts'.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Coincidences {
    /// The coincidence matrix times the distances, summed over all its cells.
    observed: f64,
    /// How often each value stands in units of two values or more: the matrix's margins.
    margins: Vec<usize>,
}

impl Coincidences {
    pub fn new(n_values: usize) -> Self {
        Self { observed: 0.0, margins: vec![0; n_values] }
    }

    pub fn count(&mut self, unit: &[usize], distance: impl Fn(usize, usize) -> f64) {
        if unit.len() < 2 {
            return;
        }
        // Each pair stands in two cells of the matrix, with a weight so that a unit weighs as much as it has values.
        let pairs = (0..unit.len()).flat_map(|i| unit[..i].iter().map(move |&other| (unit[i], other)));
        let sum: f64 = pairs.map(|(a, b)| distance(a, b)).sum();
        self.observed += 2.0 * sum / (unit.len() - 1) as f64;
        unit.iter().for_each(|&value| self.margins[value] += 1);
    }

    pub fn add(&mut self, other: &Self) {
        self.observed += other.observed;
        self.margins.iter_mut().zip(&other.margins).for_each(|(a, b)| *a += b);
    }

    pub fn alpha(&self, distance: impl Fn(usize, usize) -> f64) -> Option<f64> {
        let n: usize = self.margins.iter().sum();
        let met: Vec<(usize, f64)> =
            self.margins.iter().enumerate().filter(|(_, n)| **n > 0).map(|(value, &n)| (value, n as f64)).collect();
        let pairs = (0..met.len()).flat_map(|i| met[..i].iter().map(move |&other| (i, other)));
        let sum: f64 = pairs.map(|(i, (other, n_other))| met[i].1 * n_other * distance(met[i].0, other)).sum();
        (sum > 0.0).then(|| 1.0 - (n - 1) as f64 * self.observed / (2.0 * sum))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agreement::masi_distance;
    use crate::taxonomy::TopicSet;
    use proptest::prelude::*;

    fn nominal(observers: &[&str]) -> Option<f64> {
        let n_units = observers.iter().map(|o| o.len()).max().unwrap_or(0);
        let value = |o: &&str, unit: usize| o.as_bytes().get(unit).filter(|b| **b != b' ').map(|&b| usize::from(b));
        let units: Vec<Vec<usize>> =
            (0..n_units).map(|unit| observers.iter().filter_map(|o| value(o, unit)).collect()).collect();
        alpha(&units, nominal_distance)
    }

    /// Krippendorff 2011, sections A (two observers, two values), B (two observers, five values) and C (four observers, missing
    /// values), with its results.
    #[test]
    fn alphas_of_krippendorffs_own_examples() {
        for (observers, expected) in [
            (&["0100000010", "1110010000"][..], "0.095"),
            (&["aabbdcccedda", "babbbccceddd"][..], "0.692"),
            (&["123321412   ", "1233224125 3", " 3332342251 ", "12332441251 "][..], "0.743"),
        ] {
            assert_eq!(format!("{:.3}", nominal(observers).expect("values differ")), expected);
        }
    }

    #[test]
    fn alpha_is_undefined_where_nothing_differs() {
        for observers in [&[][..], &["1"], &["11", "11"], &["12", ""], &["1 ", " 2"]] {
            assert_eq!(nominal(observers), None, "{observers:?}");
        }
        assert_eq!(nominal(&["12", "12"]), Some(1.0));
    }

    /// The definition itself: the coincidence matrix cell by cell, observed over expected disagreement.
    fn alpha_from_the_matrix(
        units: &[[usize; 2]],
        n_values: usize,
        distance: impl Fn(usize, usize) -> f64,
    ) -> Option<f64> {
        let mut matrix = vec![vec![0.0; n_values]; n_values];
        for &[a, b] in units {
            matrix[a][b] += 1.0;
            matrix[b][a] += 1.0;
        }
        let n = 2.0 * units.len() as f64;
        let margins: Vec<f64> = matrix.iter().map(|row| row.iter().sum()).collect();
        let (mut observed, mut expected) = (0.0, 0.0);
        for (c, row) in matrix.iter().enumerate() {
            for (k, cell) in row.iter().enumerate() {
                observed += cell * distance(c, k) / n;
                let same = if c == k { 1.0 } else { 0.0 };
                expected += margins[c] * (margins[k] - same) * distance(c, k) / (n * (n - 1.0));
            }
        }
        (expected > 0.0).then(|| 1.0 - observed / expected)
    }

    proptest! {
        #[test]
        fn alpha_is_that_of_the_coincidence_matrix(units in proptest::collection::vec([0..8usize, 0..8usize], 0..30)) {
            let as_sets = |a: usize, b: usize| {
                let of = |n: usize| {
                    let mut set = TopicSet::default();
                    (0..3).filter(|t| n >> t & 1 == 1).for_each(|t| set.insert(t));
                    set
                };
                masi_distance(of(a), of(b))
            };
            let lists: Vec<Vec<usize>> = units.iter().map(|u| u.to_vec()).collect();
            for (found, slow) in [
                (alpha(&lists, nominal_distance), alpha_from_the_matrix(&units, 8, nominal_distance)),
                (alpha(&lists, as_sets), alpha_from_the_matrix(&units, 8, as_sets)),
            ] {
                prop_assert_eq!(found.is_some(), slow.is_some());
                prop_assert!((found.unwrap_or(0.0) - slow.unwrap_or(0.0)).abs() < 1e-9, "{:?} {:?}", found, slow);
            }
        }
    }
}
