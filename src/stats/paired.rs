//! Differences of paired runs: the same seed, another loss.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use statrs::distribution::{ContinuousCDF, StudentsT};

use super::{mean, sample_sd};

/// Up to so many pairs every pattern of signs is tried.
pub const EXACT_PAIRS: usize = 20;
/// Patterns that are drawn beyond.
const DRAWN: u32 = 200_000;

/// The two-sided confidence interval of the mean difference at `level` (0.95), by Student's t with n − 1 degrees of
/// freedom; `None` for fewer than two differences. It has no width where all differences are equal.
pub fn t_interval(differences: &[f64], level: f64) -> Option<(f64, f64)> {
    let (mean, sd) = (mean(differences)?, sample_sd(differences)?);
    let n = differences.len() as f64;
    let half = t_quantile(0.5 + level / 2.0, n - 1.0)? * sd / n.sqrt();
    Some((mean - half, mean + half))
}

/// Student's t quantile; `None` for impossible degrees of freedom.
pub(super) fn t_quantile(probability: f64, freedom: f64) -> Option<f64> {
    Some(StudentsT::new(0.0, 1.0, freedom).ok()?.inverse_cdf(probability))
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
/// Exact up to [`EXACT_PAIRS`] pairs; beyond, 200,000 patterns from a fixed seed, with (count + 1)/(drawn + 1). `None`
/// without differences.
pub fn sign_flip(differences: &[f64]) -> Option<SignFlip> {
    if differences.is_empty() {
        return None;
    }
    let observed: f64 = differences.iter().sum();
    // Sums that differ by rounding only are ties, which count.
    let slack = 1e-12 * differences.iter().map(|difference| difference.abs()).sum::<f64>();
    let exact = differences.len() <= EXACT_PAIRS;
    let (mut far, mut large, mut tried) = (0_u32, 0_u32, 0_u32);
    let mut count = |sum: f64| {
        far += u32::from(sum.abs() >= observed.abs() - slack);
        large += u32::from(sum >= observed - slack);
        tried += 1;
    };
    if exact {
        for pattern in 0..1_u32 << differences.len() {
            count(flipped(differences, |index| pattern >> index & 1 == 1));
        }
    } else {
        // The observed pattern is one of them.
        count(observed);
        let mut rng = ChaCha8Rng::seed_from_u64(0);
        for _ in 0..DRAWN {
            let signs: Vec<u32> = (0..differences.len().div_ceil(32)).map(|_| rng.next_u32()).collect();
            count(flipped(differences, |index| signs[index / 32] >> (index % 32) & 1 == 1));
        }
    }
    let share = |count: u32| f64::from(count) / f64::from(tried);
    Some(SignFlip { two_sided: share(far), greater: share(large), exact })
}

fn flipped(differences: &[f64], negative: impl Fn(usize) -> bool) -> f64 {
    differences.iter().enumerate().map(|(index, value)| if negative(index) { -value } else { *value }).sum()
}

/// The share of paired differences A − B that are above 0, ties counting half; `None` without differences. It estimates the
/// P(A > B) of Bouthillier et al. (2021, arXiv 2103.03098) where A and B share a seed.
pub fn share_above_zero(differences: &[f64]) -> Option<f64> {
    let score = |difference: &f64| if *difference > 0.0 { 1.0 } else { f64::from(u8::from(*difference >= 0.0)) / 2.0 };
    mean(&differences.iter().map(score).collect::<Vec<_>>())
}
