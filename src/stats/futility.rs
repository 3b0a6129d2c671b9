//! Is it worth going on? The chance that the rest of a plan decides.

use super::draws::{Draws, Simulated};
use super::equivalence::sign_flip_equivalence;
use super::spending::{SpendingPlan, spending};
use super::undefined::{Undefined, mean_and_sd};
use crate::seed::{self, Purpose};

/// What is assumed of the pairs that are not run yet. They are normal.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Future {
    /// A mean difference, such as the paper's, and a standard deviation: conditional power.
    Assumed {
        /// The mean difference.
        mean: f64,
        /// The standard deviation of differences.
        sd: f64,
    },
    /// What the pairs so far say, with their uncertainty: every simulation draws a variance (n − 1)·s²/χ² and a mean around
    /// ours with it. Predictive power (Spiegelhalter, Freedman and Blackburn, 1986).
    Observed,
}

/// The probability that the plan, carried to its end from the differences so far, rejects the claim, on its own. In a family
/// the claim needs more than that: where this is small, going on is futile in any family. `simulations` (1,000), the same on
/// every machine.
///
/// # Errors
/// [`Undefined`] of fewer than two differences or of equal ones with [`Future::Observed`], of values that are not finite, and
/// of a standard deviation that is not positive.
pub fn chance_to_decide(
    differences: &[f64],
    plan: &SpendingPlan,
    future: Future,
    simulations: u32,
) -> Result<Simulated, Undefined> {
    let hit = |all: &[f64]| {
        let differences = (0..).zip(all.iter().copied()).collect();
        Ok(spending(&[differences], plan)?.rejected_at[0].is_some())
    };
    simulated(differences, plan.pairs(), future, simulations, hit)
}

/// The probability that all planned pairs show equivalence within ±`margin` at `level`, by sign flips and on its own, from the
/// differences so far.
///
/// # Errors
/// As [`chance_to_decide`], and of a margin that is not positive.
pub fn chance_of_equivalence(
    differences: &[f64],
    planned_pairs: usize,
    (margin, level): (f64, f64),
    future: Future,
    simulations: u32,
) -> Result<Simulated, Undefined> {
    let hit = |all: &[f64]| Ok(sign_flip_equivalence(all, margin)? <= level);
    simulated(differences, planned_pairs, future, simulations, hit)
}

/// How often `hit` holds of the differences so far and as many drawn ones as there are still to come.
fn simulated(
    differences: &[f64],
    planned_pairs: usize,
    future: Future,
    simulations: u32,
    hit: impl Fn(&[f64]) -> Result<bool, Undefined>,
) -> Result<Simulated, Undefined> {
    let observed = match future {
        Future::Observed => mean_and_sd(differences)?,
        Future::Assumed { mean, sd } if mean.is_finite() && sd.is_finite() && sd > 0.0 => (mean, sd),
        Future::Assumed { .. } => {
            return Err(Undefined::Parameter("a mean is finite and a standard deviation positive"));
        }
    };
    let mut random = Draws(seed::generator(0, Purpose::Simulation, differences.len() as u32));
    let mut hits = 0;
    for _ in 0..simulations {
        let (mean, sd) = match future {
            Future::Assumed { mean, sd } => (mean, sd),
            Future::Observed => plausible(observed, differences.len(), &mut random),
        };
        let remaining = planned_pairs.saturating_sub(differences.len());
        let drawn = (0..remaining).map(|_| mean + sd * random.normal());
        let all: Vec<f64> = differences.iter().copied().chain(drawn).collect();
        hits += u32::from(hit(&all)?);
    }
    Ok(Simulated::of(hits, simulations))
}

/// A mean and a standard deviation that may lie behind those of n observed differences.
fn plausible((mean, sd): (f64, f64), n: usize, random: &mut Draws) -> (f64, f64) {
    let chi_squared: f64 = (1..n).map(|_| random.normal().powi(2)).sum();
    let sd = sd * ((n - 1) as f64 / chi_squared).sqrt();
    (mean + sd / (n as f64).sqrt() * random.normal(), sd)
}
