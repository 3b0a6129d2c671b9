//! Evidence that may be looked at whenever one likes, without a plan: e-values.
//!
//! An e-value is at least 0 and, where there is no difference, at most 1 on average, at any time at which one may stop. So
//! the chance that it ever reaches 1/α is at most α (Ville). (Ramdas et al., arXiv 2210.01948; Koning, arXiv 2310.01153.)
//! Independent laboratories' e-values multiply. It is weaker than a planned test: see `bench/statistics/`.

use super::undefined::{Undefined, check};

/// Bets, in units of 1/(root mean square of the differences so far). Small ones gain more on small effects, large ones gain
/// faster on large effects; the e-value is the mean over these and both signs.
const BETS: [f64; 2] = [1.0, 2.0];

/// The e-value of paired differences in the order in which they were made, two-sided, against symmetry about 0:
///
/// the mean over ±λ of Π exp(±λ·zᵢ)/cosh(λ·zᵢ), zᵢ = dᵢ/√(Σ_{j ≤ i} dⱼ²/i).
///
/// Given the differences before it and its own size, each difference is as likely positive as negative, so that every factor
/// is 1 on average: zᵢ depends on the sizes up to i, never on a sign to come. It has no unit. A zero bets nothing. Six pairs
/// are the fewest that can reach 20.
///
/// # Errors
/// [`Undefined`] without differences, and of values that are not finite.
pub fn e_value(differences: &[f64]) -> Result<f64, Undefined> {
    check(differences, 1)?;
    let signed: Vec<f64> = BETS.iter().flat_map(|bet| [*bet, -bet]).collect();
    let sum: f64 = signed.iter().map(|bet| log_wealth(differences, *bet).exp()).sum();
    Ok(sum / signed.len() as f64)
}

/// log Π exp(λz)/cosh(λz).
fn log_wealth(differences: &[f64], bet: f64) -> f64 {
    let (mut squares, mut log) = (0.0, 0.0);
    for (before, difference) in differences.iter().enumerate() {
        squares += difference * difference;
        if squares > 0.0 {
            let x = bet * difference / (squares / (before + 1) as f64).sqrt();
            // log cosh x without overflow.
            log += x - (x.abs() + (-2.0 * x.abs()).exp().ln_1p() - std::f64::consts::LN_2);
        }
    }
    log
}

/// e-values adjusted over a declared family, by the closed test with means (Vovk and Wang, Annals of Statistics 2021): the
/// least mean of any set of claims that contains the claim. Rejecting where it is at least 1/α keeps the family-wise error at
/// α, at any time. A member without runs (`None`) has the e-value 1, and none afterwards.
pub fn adjusted_e_values(family: &[Option<f64>]) -> Vec<Option<f64>> {
    let mut sorted: Vec<f64> = family.iter().map(|e| e.unwrap_or(1.0)).collect();
    sorted.sort_by(f64::total_cmp);
    let adjusted = |e: f64| {
        let (mut sum, mut least) = (e, e);
        // The worst set takes the smallest of the others; those above `e` can only raise the mean.
        for (others, other) in sorted.iter().take_while(|other| **other < e).enumerate() {
            sum += other;
            least = least.min(sum / (others + 2) as f64);
        }
        least
    };
    family.iter().map(|e| e.map(adjusted)).collect()
}

/// The e-value of independent laboratories together: the product. 1 of none. A laboratory that is there twice counts twice:
/// leave duplicates out before.
pub fn product_of_laboratories(e_values: &[f64]) -> f64 {
    e_values.iter().product()
}
