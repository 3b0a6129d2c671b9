//! Student's t, and averages over what a standard deviation of few runs may have been.

use statrs::distribution::{ChiSquared, Continuous, ContinuousCDF, Normal, StudentsT};

/// Student's t quantile; `None` for impossible degrees of freedom.
pub(super) fn t_quantile(probability: f64, freedom: f64) -> Option<f64> {
    Some(StudentsT::new(0.0, 1.0, freedom).ok()?.inverse_cdf(probability))
}

/// P(T ≤ t); `None` for impossible degrees of freedom.
pub(super) fn t_cdf(t: f64, freedom: f64) -> Option<f64> {
    Some(StudentsT::new(0.0, 1.0, freedom).ok()?.cdf(t))
}

/// P(|T| ≥ |t|), from the lower tail, where small values keep their digits; `None` for impossible degrees of freedom.
pub(super) fn t_two_sided(t: f64, freedom: f64) -> Option<f64> {
    if t.is_infinite() {
        return (freedom > 0.0).then_some(0.0);
    }
    Some((2.0 * t_cdf(-t.abs(), freedom)?).min(1.0))
}

/// P(T ≤ t) for the noncentral t of a mean that lies `noncentrality` of its standard errors from 0: E[Φ(t·s/σ −
/// noncentrality)] over s. `None` for impossible degrees of freedom.
pub(super) fn noncentral_t_cdf(t: f64, freedom: f64, noncentrality: f64) -> Option<f64> {
    let normal = Normal::standard();
    average_over_sd(freedom, f64::INFINITY, |ratio| normal.cdf(t * ratio - noncentrality))
}

/// E[f(s/σ)] for the standard deviation s of normal values with `freedom` degrees of freedom: (s/σ)²·freedom is
/// χ²-distributed. By Simpson's rule over s/σ up to `most`; `f` must be smooth there, and counts as 0 beyond. `None` for
/// impossible degrees of freedom.
pub(super) fn average_over_sd(freedom: f64, most: f64, f: impl Fn(f64) -> f64) -> Option<f64> {
    const STEPS: u32 = 2_000;
    let chi_squared = ChiSquared::new(freedom).ok()?;
    // s/σ is about 1 ± 1/√(2·freedom): beyond 12 such deviations there is nothing.
    let most = most.min(1.0 + 12.0 / (2.0 * freedom).sqrt() + 4.0 / freedom);
    if most <= 0.0 {
        return Some(0.0);
    }
    let step = most / f64::from(STEPS);
    let integrand = |ratio: f64| f(ratio) * chi_squared.pdf(freedom * ratio * ratio) * 2.0 * freedom * ratio;
    let weight = |index: u32| if index == STEPS { 1.0 } else { f64::from(2 + 2 * (index % 2)) };
    // At 0 the density of s/σ is 0 but for one degree of freedom, where its formula there is 0·∞.
    let at_zero = if freedom > 1.0 { 0.0 } else { integrand(1e-9 * step) };
    let sum: f64 = at_zero + (1..=STEPS).map(|index| weight(index) * integrand(f64::from(index) * step)).sum::<f64>();
    Some(sum * step / 3.0)
}
