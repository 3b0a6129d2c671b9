//! Is it worth going on? The chance that the rest of a plan decides.

use super::draws::Draws;
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

/// A simulated probability.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Simulated {
    /// The share of simulations.
    pub share: f64,
    /// Its Monte Carlo standard error.
    pub standard_error: f64,
}

impl Simulated {
    pub(super) fn of(hits: u32, simulations: u32) -> Self {
        let share = f64::from(hits) / f64::from(simulations.max(1));
        Self { share, standard_error: (share * (1.0 - share) / f64::from(simulations.max(1))).sqrt() }
    }
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
        let remaining = plan.pairs().saturating_sub(differences.len());
        let drawn: Vec<f64> = (0..remaining).map(|_| mean + sd * random.normal()).collect();
        let all = (0..).zip(differences.iter().copied().chain(drawn)).collect();
        hits += u32::from(spending(&[all], plan)?.rejected_at[0].is_some());
    }
    Ok(Simulated::of(hits, simulations))
}

/// A mean and a standard deviation that may lie behind those of n observed differences.
fn plausible((mean, sd): (f64, f64), n: usize, random: &mut Draws) -> (f64, f64) {
    let chi_squared: f64 = (1..n).map(|_| random.normal().powi(2)).sum();
    let sd = sd * ((n - 1) as f64 / chi_squared).sqrt();
    (mean + sd / (n as f64).sqrt() * random.normal(), sd)
}
