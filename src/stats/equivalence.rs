//! "No difference that matters": two one-sided tests.
//!
//! A margin Δ is declared beforehand, the smallest difference that would matter. The losses are equivalent at level α if the
//! mean difference is significantly above −Δ and significantly below Δ, each at α: if the 1 − 2α interval lies within ±Δ.
//! (Schuirmann, 1987; Lakens, 2017.)

use statrs::distribution::{ContinuousCDF, Normal};

use super::paired::sign_flip;
use super::power::first_true;
use super::student::{average_over_sd, t_cdf, t_quantile};
use super::undefined::{Undefined, check, mean_and_sd};

/// Two one-sided t tests.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Equivalence {
    /// p of "the mean difference is −Δ or less".
    pub above_lower: f64,
    /// p of "the mean difference is Δ or more".
    pub below_upper: f64,
    /// The larger of both: equivalent where it is at most the level.
    pub p: f64,
    /// The 1 − 2·level interval of the mean difference (90 % for a level of 5 %).
    pub interval: [f64; 2],
}

/// Two one-sided t tests of paired differences against ±`margin`, in their unit, at `level` (0.05).
///
/// # Errors
/// [`Undefined`] of fewer than two differences, of equal ones, of values that are not finite, and of a margin that is not
/// positive.
pub fn equivalence(differences: &[f64], margin: f64, level: f64) -> Result<Equivalence, Undefined> {
    let margin = positive(margin)?;
    let (mean, sd) = mean_and_sd(differences)?;
    let (n, freedom) = (differences.len() as f64, differences.len() as f64 - 1.0);
    let wrong_level = Undefined::Parameter("a level lies between 0 and 0.5");
    if !(level > 0.0 && level < 0.5) {
        return Err(wrong_level);
    }
    let error = sd / n.sqrt();
    let tail = |t: f64| t_cdf(t, freedom).ok_or(Undefined::TooFew { needed: 2, found: differences.len() });
    let (above_lower, below_upper) = (tail(-(mean + margin) / error)?, tail((mean - margin) / error)?);
    let half = t_quantile(1.0 - level, freedom).ok_or(wrong_level)? * error;
    Ok(Equivalence { above_lower, below_upper, p: above_lower.max(below_upper), interval: [mean - half, mean + half] })
}

/// The exact version: the differences shifted by ±`margin`, their signs flipped; the larger of both one-sided p. It needs
/// differences that are symmetric about their mean, not normal ones, and holds where they are all equal. With n pairs it
/// cannot be below 1/2ⁿ: five are the fewest that can reach 5 %. Exact up to [`EXACT_PAIRS`](super::EXACT_PAIRS) pairs.
///
/// # Errors
/// [`Undefined`] without differences, of more than 64, of values that are not finite, and of a margin that is not positive.
pub fn sign_flip_equivalence(differences: &[f64], margin: f64) -> Result<f64, Undefined> {
    let margin = positive(margin)?;
    check(differences, 1)?;
    let tail = |sign: f64| {
        let shifted: Vec<f64> = differences.iter().map(|difference| margin + sign * difference).collect();
        sign_flip(&shifted).map(|test| test.greater).ok_or(Undefined::TooMany { most: 64, found: differences.len() })
    };
    Ok(tail(1.0)?.max(tail(-1.0)?))
}

/// The power of [`equivalence`] with n pairs where the true difference is 0 and the differences are normal, for a margin in
/// their standard deviations: E[2Φ(√n·(Δ − t·s/√n)/σ) − 1] over s, where it is positive. `None` for fewer than two pairs.
pub fn equivalence_power(margin_in_sd: f64, pairs: usize, level: f64) -> Option<f64> {
    let freedom = pairs.checked_sub(1).filter(|freedom| *freedom > 0)? as f64;
    let t = t_quantile(1.0 - level, freedom)?;
    let reach = (pairs as f64).sqrt() * margin_in_sd;
    average_over_sd(freedom, reach / t, |ratio| 2.0 * Normal::standard().cdf(reach - t * ratio) - 1.0)
}

/// How many pairs show equivalence with probability `power` (0.8) where the true difference is 0; `None` where the margin is
/// not positive or it takes more than 10,000.
pub fn pairs_for_equivalence(margin_in_sd: f64, level: f64, power: f64) -> Option<usize> {
    const MOST: usize = 10_000;
    positive(margin_in_sd).ok()?;
    let enough = |pairs: usize| equivalence_power(margin_in_sd, pairs, level).is_some_and(|found| found >= power);
    // Power grows with the number of pairs.
    first_true(1, MOST, enough)
}

fn positive(margin: f64) -> Result<f64, Undefined> {
    let fine = margin > 0.0 && margin.is_finite();
    if fine { Ok(margin) } else { Err(Undefined::Parameter("a margin is positive")) }
}
