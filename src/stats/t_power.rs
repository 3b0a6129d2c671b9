//! What a paired t test of one claim at 5 % (two-sided) could have detected. The ledger judges by sign flips over a family:
//! see `power` for that test.

use statrs::distribution::{ContinuousCDF, Normal};

use super::student::t_quantile;

/// Probability of detecting a difference that is there.
const POWER: f64 = 0.8;
const LEVEL: f64 = 0.05;

/// The mean difference that n pairs with this standard deviation of differences detect with 80 % power:
/// (t_{0.975, n−1} + t_{0.8, n−1})·sd/√n, the usual approximation of the noncentral t. `None` for n < 2.
pub fn detectable_difference(sd: f64, n: usize) -> Option<f64> {
    (n >= 2).then(|| factor(n).map(|factor| factor * sd))?
}

/// How many pairs detect a mean difference with 80 % power; `None` where the difference is 0 or takes more than 10,000.
pub fn pairs_needed(difference: f64, sd: f64) -> Option<usize> {
    const MOST: usize = 10_000;
    let wanted = difference.abs();
    if wanted <= 0.0 || !wanted.is_finite() {
        return None;
    }
    // The normal approximation is from below; a few more pairs make up for the t.
    let normal = Normal::standard();
    let quantiles = normal.inverse_cdf(1.0 - LEVEL / 2.0) + normal.inverse_cdf(POWER);
    let start = ((quantiles * sd / wanted).powi(2).ceil() as usize).clamp(2, MOST);
    (start..=MOST).find(|&n| factor(n).is_some_and(|factor| factor * sd <= wanted))
}

fn factor(n: usize) -> Option<f64> {
    let freedom = n as f64 - 1.0;
    Some((t_quantile(1.0 - LEVEL / 2.0, freedom)? + t_quantile(POWER, freedom)?) / (n as f64).sqrt())
}
