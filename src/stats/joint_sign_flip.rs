//! Many claims at once: sign flips of whole seeds, with a step-down maximum over claims.
//!
//! If two losses do not differ, their labels can be swapped within a seed, in all claims together. Under every pattern of
//! such swaps the claims' |t| are computed again; a claim's adjusted p is the share of patterns in which any claim not yet
//! rejected reaches its |t| (Westfall and Young, 1993; Romano and Wolf, JASA 2005). The chance of any false rejection in the
//! family is at most the level, exactly, whatever the dependence between claims. With n seeds the smallest p is 2/2ⁿ, not
//! m·2/2ⁿ.
//!
//! Claims may have different sets of seeds: |t| is turned into Student's two-sided p with the claim's own degrees of freedom
//! before the maximum. That p is taken to be no smaller than 2/2ⁿ, the smallest sign-flip p of the claim's n differences
//! (ties are then decided by Student's p). Otherwise a claim with four seeds, whose t is huge in two of its 16 patterns, would
//! keep the adjusted p of all others above 2/16. Between claims with equally many seeds it makes no difference.
//!
//! Members of the family that have no runs count as Bonferroni would count them: each adds the claim's own sign-flip p to its
//! adjusted p, as if it reached the claim's |t| in as many patterns, and never in those where another does. So which claims
//! have been run does not make a verdict cheaper, and with the last of them run the adjustment is the exact one. A claim with
//! one seed, or with zeros only, has p = 1 and disturbs no other.

use super::signs::{Differences, Flips, Patterns, all_seeds, patterns};
use super::undefined::Undefined;

/// The joint test of a family.
#[derive(Debug, Clone, PartialEq)]
pub struct JointSignFlip {
    /// Per claim, in the order given; `None` of those without runs.
    pub claims: Vec<Option<FlipP>>,
    /// The patterns tried.
    pub patterns: Patterns,
}

/// One claim's p values, two-sided.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FlipP {
    /// Of the claim alone.
    pub alone: f64,
    /// Adjusted over the declared family.
    pub adjusted: f64,
}

/// Tests a declared family: all its claims, those without runs as empty differences. Exact up to
/// [`EXACT_PAIRS`](super::EXACT_PAIRS) seeds in all; beyond, patterns are drawn and the result says so.
///
/// # Errors
/// [`Undefined`] where no claim has runs, of more than 64 seeds, and of values that are not finite.
pub fn joint_sign_flip(family: &[Differences]) -> Result<JointSignFlip, Undefined> {
    let seeds = all_seeds(family);
    let (tried, bits) = patterns(seeds.len())?;
    let mut ordered = Vec::new();
    for (at, differences) in family.iter().enumerate().filter(|(_, differences)| !differences.is_empty()) {
        let flips = Flips::new(differences, &seeds)?;
        ordered.push((flips.bounded_p(flips.sum(0)), at, flips));
    }
    ordered.sort_by(|(a, ..), (b, ..)| a[0].total_cmp(&b[0]).then(a[1].total_cmp(&b[1])));
    let flips: Vec<&Flips> = ordered.iter().map(|(_, _, flips)| flips).collect();
    let without_runs = (family.len() - flips.len()) as f64;
    let mut claims = vec![None; family.len()];
    let mut largest = 0.0_f64;
    for ((_, at, _), [alone, joint]) in ordered.iter().zip(shares(&flips, &bits)) {
        largest = largest.max(joint + without_runs * alone).min(1.0);
        claims[*at] = Some(FlipP { alone, adjusted: largest });
    }
    Ok(JointSignFlip { claims, patterns: tried })
}

/// Per claim, in the order of rejection, the share of patterns in which it reaches its own observed statistic, and in which it
/// or any later claim does. The observed pattern counts, so that drawn patterns give valid p values too.
fn shares(ordered: &[&Flips], patterns: &[u64]) -> Vec<[f64; 2]> {
    let thresholds = thresholds(ordered);
    let mut counts = vec![[0_u32; 2]; ordered.len()];
    let mut sums = vec![0.0; ordered.len()];
    for &pattern in patterns {
        for (sum, flips) in sums.iter_mut().zip(ordered) {
            *sum = flips.sum(pattern);
        }
        for (step, (needed, count)) in thresholds.iter().zip(&mut counts).enumerate() {
            count[0] += u32::from(sums[step] >= needed[0]);
            count[1] += u32::from(sums[step..].iter().zip(needed).any(|(sum, needed)| sum >= needed));
        }
    }
    let share = |count: u32| f64::from(count) / patterns.len() as f64;
    counts.into_iter().map(|count| count.map(share)).collect()
}

/// Per step the |sum| at which that claim, and each later one, is as extreme as that claim's observed statistic.
fn thresholds(ordered: &[&Flips]) -> Vec<Vec<f64>> {
    let step = |at: usize| {
        let observed = ordered[at].sum(0);
        let own = std::iter::once(observed - ordered[at].slack());
        own.chain(ordered[at + 1..].iter().map(|other| reaching(ordered[at], observed, other))).collect()
    };
    (0..ordered.len()).map(step).collect()
}

/// The |sum| of `other` that is as extreme as `sum` of `claim`; infinite if none is.
fn reaching(claim: &Flips, sum: f64, other: &Flips) -> f64 {
    if claim.n() == other.n() && claim.is_informative() && other.is_informative() {
        // No detour over Student's t, which rounds.
        return sum / claim.largest_sum() * other.largest_sum() - other.slack();
    }
    let [bounded, _] = claim.bounded_p(sum);
    if other.smallest_p() > bounded { f64::INFINITY } else { other.sum_for(bounded) - other.slack() }
}
