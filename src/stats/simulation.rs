//! How often the tests of this module are wrong, and how often they see what is there: by simulation.
//!
//! `cargo run --release --example error-rates` prints the table of `bench/statistics/README.md`.

use std::ops::RangeInclusive;

use super::draws::{Draws, Simulated};
use super::spending::{SpendingPlan, spending};
use super::undefined::{Undefined, mean_and_sd};
use super::{Differences, adjusted_e_values, e_value, holm, joint_sign_flip, mean, sign_flip};
use crate::seed::{self, Purpose};

/// What is simulated: normal differences with standard deviation 1, new for every repetition.
#[derive(Debug, Clone, PartialEq)]
pub struct Scenario {
    /// The mean difference of each claim; 0 is a true null hypothesis.
    pub effects: Vec<f64>,
    /// The correlation between any two claims' differences within a seed, 0 to 1.
    pub correlation: f64,
    /// Pairs of runs; with looks, the most.
    pub pairs: usize,
    /// The level.
    pub level: f64,
}

/// How claims are judged.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Procedure {
    /// Holm's adjustment of each claim's sign-flip p, once.
    Holm,
    /// The joint sign-flip test with step-down maximum, once.
    JointSignFlip,
    /// The same after every pair, at the full level each time: what must not be done.
    EveryLookUnadjusted,
    /// Alpha spending with this exponent, a look after every pair.
    Spending(f64),
    /// The same, and a claim stops for good where it looks futile: at half and at three quarters of the pairs if its |t| is
    /// below 1.5, which is eager.
    SpendingWithStops(f64),
    /// e-values, a look after every pair.
    EValue,
}

/// What came out.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rates {
    /// How often any claim without effect was rejected.
    pub family_wise_error: Simulated,
    /// How often a claim with effect was rejected, over all of them; `None` if there is none. Its standard error is that of
    /// repetitions.
    pub power: Option<Simulated>,
    /// Pairs until a claim with effect was rejected, counting all of the plan where it was not; `None` likewise.
    pub pairs: Option<f64>,
}

/// Repeats the experiment; the same on every machine.
///
/// # Errors
/// [`Undefined`] if the procedure cannot judge the scenario, and of a correlation outside 0 to 1.
pub fn simulate(scenario: &Scenario, procedure: Procedure, repetitions: u32) -> Result<Rates, Undefined> {
    if !(0.0..=1.0).contains(&scenario.correlation) {
        return Err(Undefined::Parameter("a correlation lies between 0 and 1"));
    }
    let mut random = Draws(seed::generator(0, Purpose::Simulation, 0));
    let (mut errors, mut shares, mut waits) = (0, Vec::new(), Vec::new());
    let has_effect: Vec<bool> = scenario.effects.iter().map(|effect| *effect != 0.0).collect();
    for _ in 0..repetitions {
        let rejected_at = judge(&scenario.draw(&mut random), scenario, procedure)?;
        let judged = || rejected_at.iter().zip(&has_effect);
        errors += u32::from(judged().any(|(at, effect)| at.is_some() && !effect));
        let with_effect = || judged().filter(|(_, effect)| **effect).map(|(at, _)| *at);
        shares.extend(mean(&with_effect().map(|at| f64::from(u8::from(at.is_some()))).collect::<Vec<_>>()));
        waits.extend(mean(&with_effect().map(|at| at.unwrap_or(scenario.pairs) as f64).collect::<Vec<_>>()));
    }
    let error = super::sample_sd(&shares).map_or(0.0, |sd| sd / f64::from(repetitions).sqrt());
    Ok(Rates {
        family_wise_error: Simulated::of(errors, repetitions),
        power: mean(&shares).map(|share| Simulated { share, standard_error: error }),
        pairs: mean(&waits),
    })
}

impl Scenario {
    /// Differences of all claims; what they share makes the correlation.
    fn draw(&self, random: &mut Draws) -> Vec<Differences> {
        let mut family = vec![Differences::new(); self.effects.len()];
        let (common, own) = (self.correlation.sqrt(), (1.0 - self.correlation).sqrt());
        for seed in 0..self.pairs as u64 {
            let shared = random.normal();
            for (claim, effect) in family.iter_mut().zip(&self.effects) {
                claim.insert(seed, effect + common * shared + own * random.normal());
            }
        }
        family
    }
}

/// Per claim the number of pairs at its rejection.
type RejectedAt = Vec<Option<usize>>;

fn judge(family: &[Differences], scenario: &Scenario, procedure: Procedure) -> Result<RejectedAt, Undefined> {
    let (pairs, level) = (scenario.pairs, scenario.level);
    match procedure {
        Procedure::Holm => at_looks(family, pairs..=pairs, |claims| Ok(by_holm(claims, level))),
        Procedure::JointSignFlip => at_looks(family, pairs..=pairs, |claims| jointly(claims, level)),
        Procedure::EveryLookUnadjusted => at_looks(family, 1..=pairs, |claims| jointly(claims, level)),
        Procedure::EValue => at_looks(family, 1..=pairs, |claims| by_e_values(claims, level)),
        Procedure::Spending(exponent) => Ok(spending(family, &SpendingPlan::new(pairs, level, exponent)?)?.rejected_at),
        Procedure::SpendingWithStops(exponent) => {
            let family: Vec<Differences> = family.iter().map(|claim| until_futile(claim, pairs)).collect();
            Ok(spending(&family, &SpendingPlan::new(pairs, level, exponent)?)?.rejected_at)
        }
    }
}

/// Judges the family's first pairs at each look; what is rejected stays rejected.
fn at_looks(
    family: &[Differences],
    looks: RangeInclusive<usize>,
    judge: impl Fn(&[Differences]) -> Result<Vec<bool>, Undefined>,
) -> Result<RejectedAt, Undefined> {
    let mut rejected_at = vec![None; family.len()];
    for look in looks {
        let first = |claim: &Differences| claim.iter().take(look).map(|(seed, value)| (*seed, *value)).collect();
        let so_far: Vec<Differences> = family.iter().map(first).collect();
        for (at, rejected) in rejected_at.iter_mut().zip(judge(&so_far)?) {
            *at = at.or(rejected.then_some(look));
        }
    }
    Ok(rejected_at)
}

fn by_holm(family: &[Differences], level: f64) -> Vec<bool> {
    let p = |claim: &Differences| sign_flip(&values(claim)).map_or(1.0, |test| test.two_sided);
    holm(&family.iter().map(p).collect::<Vec<_>>()).into_iter().map(|p| p <= level).collect()
}

fn by_e_values(family: &[Differences], level: f64) -> Result<Vec<bool>, Undefined> {
    let e = family.iter().map(|claim| e_value(&values(claim)).map(Some)).collect::<Result<Vec<_>, _>>()?;
    Ok(adjusted_e_values(&e).into_iter().map(|e| e.is_some_and(|e| e >= 1.0 / level)).collect())
}

fn jointly(family: &[Differences], level: f64) -> Result<Vec<bool>, Undefined> {
    let claims = joint_sign_flip(family)?.claims;
    Ok(claims.into_iter().map(|claim| claim.is_some_and(|p| p.adjusted <= level)).collect())
}

/// A claim's differences up to where it stops.
fn until_futile(claim: &Differences, pairs: usize) -> Differences {
    let stops = |look: &usize| {
        let first: Vec<f64> = claim.values().copied().take(*look).collect();
        let t = mean_and_sd(&first).map_or(0.0, |(mean, sd)| mean / sd * (*look as f64).sqrt());
        t.abs() < 1.5
    };
    let kept = [pairs / 2, pairs * 3 / 4].into_iter().find(stops).unwrap_or(pairs);
    claim.iter().take(kept).map(|(seed, value)| (*seed, *value)).collect()
}

fn values(claim: &Differences) -> Vec<f64> {
    claim.values().copied().collect()
}
