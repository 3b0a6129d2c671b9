//! Student's t.

use statrs::distribution::{ContinuousCDF, StudentsT};

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
