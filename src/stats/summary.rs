//! Mean and spread over seeds.

use super::undefined::{Undefined, mean_and_sd};

/// The mean; `None` of nothing.
pub fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// The sample standard deviation, with n − 1 in the denominator; `None` of fewer than two values.
pub fn sample_sd(values: &[f64]) -> Option<f64> {
    if values.len() < 2 {
        return None;
    }
    let mean = mean(values)?;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    Some((squares / (values.len() - 1) as f64).sqrt())
}

/// The sample standard deviation of runs that are not all equal.
///
/// # Errors
/// [`Undefined`] of fewer than two values, of equal ones, which say nothing of the spread of further runs, and of values that
/// are not finite.
pub fn spread(values: &[f64]) -> Result<f64, Undefined> {
    mean_and_sd(values).map(|(_, sd)| sd)
}
