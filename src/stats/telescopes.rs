//! Small telescopes: could the paper's design, one pair of runs, have seen what it reports?
//!
//! (Simonsohn, Psychological Science 2015.) One pair has no spread of its own; the standard deviation of differences is ours.

use statrs::distribution::{ChiSquared, ContinuousCDF, Normal};

use super::student::noncentral_t_cdf;
use super::undefined::{Undefined, mean_and_sd};

/// The power that the "small" effect has in the paper's design.
const SMALL_POWER: f64 = 1.0 / 3.0;
/// The two-sided level of the paper's imagined test.
const LEVEL: f64 = 0.05;

/// The power of one pair of runs to show an effect: P(|effect + noise| > z·sd) for normal noise with a known standard
/// deviation, z the two-sided 5 % quantile. `effect_in_sd` is the effect in standard deviations of differences.
pub fn one_pair_power(effect_in_sd: f64) -> f64 {
    let normal = Normal::standard();
    let z = normal.inverse_cdf(1.0 - LEVEL / 2.0);
    normal.cdf(effect_in_sd - z) + normal.cdf(-effect_in_sd - z)
}

/// The paper's own power to see what it reports, as far as our runs tell.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PaperPower {
    /// At our standard deviation of differences.
    pub power: f64,
    /// At the ends of its 95 % interval (χ², n − 1 degrees of freedom).
    pub interval: [f64; 2],
}

/// The power of one pair of runs to show `effect`, the paper's difference, at the spread of our differences.
///
/// # Errors
/// [`Undefined`] of fewer than two differences, of equal ones, and of values that are not finite.
pub fn paper_power(effect: f64, differences: &[f64]) -> Result<PaperPower, Undefined> {
    let (_, sd) = mean_and_sd(differences)?;
    let freedom = differences.len() as f64 - 1.0;
    let too_few = Undefined::TooFew { needed: 2, found: differences.len() };
    let chi_squared = ChiSquared::new(freedom).map_err(|_| too_few)?;
    let at = |quantile: f64| one_pair_power(effect / (sd * (freedom / chi_squared.inverse_cdf(quantile)).sqrt()));
    Ok(PaperPower { power: one_pair_power(effect / sd), interval: [at(LEVEL / 2.0), at(1.0 - LEVEL / 2.0)] })
}

/// Our mean difference against the smallest effect for which the paper's design is any good.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SmallTelescope {
    /// d33: the effect that one pair shows with 33 % power, 1.53 standard deviations of differences, in their unit.
    pub d33: f64,
    /// One-sided p of "the effect is d33 or more": where it is small, the effect is too small for one pair of runs to have
    /// shown it, whether or not it is 0.
    pub p: f64,
}

/// Tests whether the effect is below d33; `differences` have the claimed sign positive. T = √n·d̄/s is noncentral t with
/// √n·1.53 where the effect is d33: d33 is a multiple of the same standard deviation, which nobody knows.
///
/// # Errors
/// [`Undefined`] of fewer than two differences, of equal ones, and of values that are not finite.
pub fn small_telescope(differences: &[f64]) -> Result<SmallTelescope, Undefined> {
    let (mean, sd) = mean_and_sd(differences)?;
    let (root, freedom) = ((differences.len() as f64).sqrt(), differences.len() as f64 - 1.0);
    let d33 = d33_in_sd();
    let too_few = Undefined::TooFew { needed: 2, found: differences.len() };
    let p = noncentral_t_cdf(root * mean / sd, freedom, root * d33).ok_or(too_few)?;
    Ok(SmallTelescope { d33: d33 * sd, p })
}

/// The effect in standard deviations that [`one_pair_power`] gives 1/3, by bisection.
fn d33_in_sd() -> f64 {
    let (mut low, mut high) = (0.0, 10.0);
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        if one_pair_power(middle) < SMALL_POWER { low = middle } else { high = middle }
    }
    high
}
