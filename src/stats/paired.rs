//! Differences of paired runs: the same seed, another loss.

use super::signs::{Flips, Patterns, patterns};
use super::student::t_quantile;
use super::{mean, sample_sd};

/// The two-sided confidence interval of the mean difference at `level` (0.95), by Student's t with n − 1 degrees of
/// freedom; `None` for fewer than two differences. It has no width where all differences are equal.
pub fn t_interval(differences: &[f64], level: f64) -> Option<(f64, f64)> {
    let (mean, sd) = (mean(differences)?, sample_sd(differences)?);
    let n = differences.len() as f64;
    let half = t_quantile(0.5 + level / 2.0, n - 1.0)? * sd / n.sqrt();
    Some((mean - half, mean + half))
}

/// The p value of a sign-flip permutation test.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SignFlip {
    /// Two-sided: the share of sign patterns whose mean is at least as far from 0.
    pub two_sided: f64,
    /// One-sided: the share whose mean is at least as large.
    pub greater: f64,
    /// Whether every pattern was tried.
    pub exact: bool,
}

/// Fisher's randomisation test of paired differences: if the two losses were the same, each difference could as well have
/// the other sign. With n pairs no two-sided p is below 2/2^n: six pairs are the fewest that can reach 0.05.
///
/// Exact up to [`EXACT_PAIRS`](super::EXACT_PAIRS) pairs; beyond, 200,000 patterns from a fixed seed, the observed one among
/// them. `None` without differences, and of more than 64.
pub fn sign_flip(differences: &[f64]) -> Option<SignFlip> {
    let flips = Flips::of(differences).ok()?;
    let (tried, bits) = patterns(differences.len()).ok()?;
    let observed = flips.signed_sum(0);
    let (mut far, mut large) = (0_u32, 0_u32);
    for sum in bits.iter().map(|&pattern| flips.signed_sum(pattern)) {
        // Each pattern stands for its complement too.
        far += 2 * u32::from(sum.abs() >= observed.abs() - flips.slack());
        large += u32::from(sum >= observed - flips.slack()) + u32::from(-sum >= observed - flips.slack());
    }
    let share = |count: u32| f64::from(count) / (2 * bits.len()) as f64;
    Some(SignFlip { two_sided: share(far), greater: share(large), exact: matches!(tried, Patterns::Every(_)) })
}
