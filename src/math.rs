//! The few transcendental functions the crate needs, with the same bits on every machine.
//!
//! The C library picks its `exp` by processor, so a model trained on one machine could differ in its last bits
//! from one trained on another. These use additions, multiplications and bit moves alone; being free of branches,
//! the compiler runs them over several lanes at once.

/// e to the power `x`; `x` is clamped to ±708, so the result is finite and above 0.
///
/// Relative error below 1e-14. Source: argument reduction by multiples of ln 2 in two parts (Cody and Waite 1980),
/// then the Taylor polynomial of degree 13 on ±ln 2 / 2.
#[inline(always)]
pub fn exp(x: f64) -> f64 {
    // Adding 1.5 × 2^52 leaves the rounded quotient in the low bits of the sum.
    const SHIFT: f64 = 6_755_399_441_055_744.0;
    const LN_2_HIGH: f64 = 0.693_147_180_369_123_8;
    const LN_2_LOW: f64 = 1.908_214_929_270_587_7e-10;
    let x = x.clamp(-708.0, 708.0);
    let shifted = x * std::f64::consts::LOG2_E + SHIFT;
    let n = shifted - SHIFT;
    let r = (x - n * LN_2_HIGH) - n * LN_2_LOW;
    let mut p = 1.0 / 6_227_020_800.0;
    for c in [
        1.0 / 479_001_600.0,
        1.0 / 39_916_800.0,
        1.0 / 3_628_800.0,
        1.0 / 362_880.0,
        1.0 / 40_320.0,
        1.0 / 5_040.0,
        1.0 / 720.0,
        1.0 / 120.0,
        1.0 / 24.0,
        1.0 / 6.0,
        0.5,
        1.0,
        1.0,
    ] {
        p = p * r + c;
    }
    p * f64::from_bits((shifted.to_bits().wrapping_add(1023)) << 52)
}

/// The natural logarithm of `x > 0` (a normal number).
///
/// Relative error below 1e-14. Source: `ln m = 2 artanh((m − 1) / (m + 1))` on a mantissa within √½ … √2.
#[inline(always)]
pub fn ln(x: f64) -> f64 {
    debug_assert!(x >= f64::MIN_POSITIVE);
    // 2^52: the low bits of a number between it and its double count ones.
    const ONES: f64 = 4_503_599_627_370_496.0;
    let bits = x.to_bits();
    let exponent = f64::from_bits(ONES.to_bits() | ((bits >> 52) & 0x7ff)) - (ONES + 1023.0);
    let m = f64::from_bits((bits & 0x000f_ffff_ffff_ffff) | 0x3ff0_0000_0000_0000);
    let large = m > std::f64::consts::SQRT_2;
    let (m, exponent) = (if large { 0.5 * m } else { m }, if large { exponent + 1.0 } else { exponent });
    let s = (m - 1.0) / (m + 1.0);
    let s2 = s * s;
    // 11 terms: s² ≤ 0.0295, so what is left out is below 1e-17.
    let mut p = 1.0 / 21.0;
    for k in (0..10).rev() {
        p = p * s2 + 1.0 / f64::from(2 * k + 1);
    }
    2.0 * s * p + exponent * std::f64::consts::LN_2
}

/// The logistic function 1 / (1 + e^−x): a probability between 0 and 1.
#[inline(always)]
pub fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + exp(-x))
}

/// ln(1 + e^x), without overflow.
#[inline(always)]
pub fn softplus(x: f64) -> f64 {
    x.max(0.0) + ln(1.0 + exp(-x.abs()))
}

/// Turns logits into probabilities that add up to 1; the empty slice stays empty.
#[inline]
pub fn softmax(logits: &mut [f64]) {
    let top = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mut sum = 0.0;
    for x in logits.iter_mut() {
        *x = exp(*x - top);
        sum += *x;
    }
    for x in logits.iter_mut() {
        *x /= sum;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_the_standard_library() {
        for i in -7000..7000 {
            let x = f64::from(i) * 0.1;
            assert!((exp(x) / x.exp() - 1.0).abs() < 1e-14, "exp({x})");
            let y = x.exp();
            if y.is_normal() {
                let error = (ln(y) - y.ln()).abs();
                assert!(error <= 1e-14 * y.ln().abs().max(1e-2), "ln({y}): {error}");
            }
        }
        assert_eq!(exp(0.0), 1.0);
        assert_eq!(ln(1.0), 0.0);
        assert!((softplus(-50.0) - (-50f64).exp()).abs() < 1e-15);
        assert!((softplus(800.0) - 800.0).abs() < 1e-12);
    }

    #[test]
    fn softmax_adds_up_to_one() {
        let mut p = [1000.0, 1001.0, -5.0];
        softmax(&mut p);
        assert!((p.iter().sum::<f64>() - 1.0).abs() < 1e-15);
        assert!((p[1] / p[0] - std::f64::consts::E).abs() < 1e-12);
    }
}
