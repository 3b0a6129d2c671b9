//! Laboratories pooled: random effects, with an interval that two to four laboratories deserve.
//!
//! Weights 1/(se² + τ²), τ² by Paule and Mandel (1982). The interval is Student's t with k − 1 degrees of freedom and the
//! standard error of Hartung and Knapp, never below the plain one (the modification of Röver, Knapp and Friede, BMC Medical
//! Research Methodology 2015): with few laboratories that happen to agree the unmodified one is far too short.

use super::student::{t_quantile, t_two_sided};
use super::undefined::{Undefined, check};

/// One laboratory's estimate, such as its mean difference.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Laboratory {
    /// The estimate.
    pub estimate: f64,
    /// Its standard error: s/√n of paired differences.
    pub standard_error: f64,
}

/// What laboratories say together.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pooled {
    /// The mean effect.
    pub estimate: f64,
    /// Its standard error, by modified Hartung–Knapp.
    pub standard_error: f64,
    /// The interval of the mean effect.
    pub interval: [f64; 2],
    /// Two-sided p of "the mean effect is 0".
    pub p: f64,
    /// τ²: the variance of true effects between laboratories.
    pub tau_squared: f64,
}

/// Pools two or more independent laboratories at `level` (0.95). The same runs twice would count twice: leave duplicates out
/// before.
///
/// # Errors
/// [`Undefined`] of fewer than two laboratories, of a standard error of 0 (zero spread has no standard error), of values that
/// are not finite, and of a level outside 0 to 1.
pub fn pool(laboratories: &[Laboratory], level: f64) -> Result<Pooled, Undefined> {
    let values: Vec<f64> = laboratories.iter().flat_map(|lab| [lab.estimate, lab.standard_error]).collect();
    check(&values, 0)?;
    if laboratories.len() < 2 {
        return Err(Undefined::TooFew { needed: 2, found: laboratories.len() });
    }
    if laboratories.iter().any(|lab| lab.standard_error <= 0.0) {
        return Err(Undefined::ZeroSpread);
    }
    let freedom = laboratories.len() as f64 - 1.0;
    let wrong_level = Undefined::Parameter("a level lies between 0 and 1");
    let t = if level > 0.0 && level < 1.0 { t_quantile(0.5 + level / 2.0, freedom) } else { None };
    let tau_squared = paule_mandel(laboratories);
    let at = Weighted::new(laboratories, tau_squared);
    let standard_error = ((at.q / freedom).max(1.0) / at.weight).sqrt();
    let half = t.ok_or(wrong_level)? * standard_error;
    Ok(Pooled {
        estimate: at.mean,
        standard_error,
        interval: [at.mean - half, at.mean + half],
        p: t_two_sided(at.mean / standard_error, freedom).ok_or(wrong_level)?,
        tau_squared,
    })
}

/// The weighted mean at some τ².
struct Weighted {
    mean: f64,
    /// Σ w.
    weight: f64,
    /// Σ w·(estimate − mean)².
    q: f64,
}

impl Weighted {
    fn new(laboratories: &[Laboratory], tau_squared: f64) -> Self {
        let weight = |lab: &Laboratory| 1.0 / (lab.standard_error * lab.standard_error + tau_squared);
        let sum: f64 = laboratories.iter().map(weight).sum();
        let mean = laboratories.iter().map(|lab| weight(lab) * lab.estimate).sum::<f64>() / sum;
        let q = laboratories.iter().map(|lab| weight(lab) * (lab.estimate - mean).powi(2)).sum();
        Self { mean, weight: sum, q }
    }
}

/// The τ² at which Σ w·(estimate − mean)² is k − 1, what it is on average; 0 where it is less already. By bisection: the sum
/// falls as τ² grows.
fn paule_mandel(laboratories: &[Laboratory]) -> f64 {
    let freedom = laboratories.len() as f64 - 1.0;
    let too_large = |tau_squared: f64| Weighted::new(laboratories, tau_squared).q > freedom;
    if !too_large(0.0) {
        return 0.0;
    }
    // At this one Σ w·(estimate − mean)² ≤ Σ (estimate − m)²/τ² = k − 1, m their plain mean.
    let mean = laboratories.iter().map(|lab| lab.estimate).sum::<f64>() / laboratories.len() as f64;
    let squares: f64 = laboratories.iter().map(|lab| (lab.estimate - mean).powi(2)).sum();
    let (mut low, mut high) = (0.0, squares / freedom);
    for _ in 0..200 {
        let middle = f64::midpoint(low, high);
        if too_large(middle) { low = middle } else { high = middle }
    }
    high
}
