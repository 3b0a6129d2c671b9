//! What the joint sign-flip test of a family can show, with how many pairs.
//!
//! Differences are taken as normal, and the other claims of the family as independent ones without effect and with as many
//! pairs: the least favourable case for the maximum. Up to 10 pairs the test is simulated as it judges, with every pattern of
//! signs, in its first step; the later steps of the step-down can only add. Beyond, where sign flips and Student's t agree, it
//! is the noncentral t at the level divided by the number of claims: Bonferroni's bound, a little below.

use super::draws::{Draws, Simulated};
use super::signs::{Flips, patterns};
use super::student::{noncentral_t_cdf, t_quantile};
use super::undefined::Undefined;
use crate::seed::{self, Purpose};

/// Up to so many pairs power is simulated.
const MOST_SIMULATED: usize = 10;
const SIMULATIONS: u32 = 1_000;
/// How far Bonferroni's bound with most simulated pairs may be below the power of the test.
const NEAR: f64 = 0.2;
/// More pairs than anybody would run.
const MOST_PAIRS: usize = 10_000;

/// A test to plan: two-sided, at `level` over the family.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FamilyTest {
    claims: usize,
    level: f64,
}

impl FamilyTest {
    /// Of a family of so many claims at `level` (0.05).
    ///
    /// # Errors
    /// [`Undefined`] without claims, and for a level outside 0 to 1.
    pub fn new(claims: usize, level: f64) -> Result<Self, Undefined> {
        match (claims, level > 0.0 && level < 1.0) {
            (0, _) => Err(Undefined::TooFew { needed: 1, found: 0 }),
            (_, false) => Err(Undefined::Parameter("a level lies between 0 and 1")),
            _ => Ok(Self { claims, level }),
        }
    }

    /// The fewest pairs with which an adjusted p can be at most the level, if all claims but `without_runs` have as many: that
    /// p is at least (1 + without runs)·2/2ⁿ.
    pub fn fewest_pairs(&self, without_runs: usize) -> usize {
        1 + ((1 + without_runs) as f64 / self.level).log2().ceil() as usize
    }

    /// The probability of rejecting a claim with a mean difference of `effect` standard deviations of differences, with so many
    /// pairs. Beyond 10 pairs its standard error is 0: it is computed, not simulated.
    ///
    /// # Errors
    /// [`Undefined`] without pairs, and of an effect that is not finite.
    pub fn power(&self, effect: f64, pairs: usize) -> Result<Simulated, Undefined> {
        if pairs == 0 {
            return Err(Undefined::TooFew { needed: 1, found: 0 });
        }
        if !effect.is_finite() {
            return Err(Undefined::NotFinite);
        }
        if pairs < self.fewest_pairs(0) {
            return Ok(Simulated { share: 0.0, standard_error: 0.0 });
        }
        if pairs <= MOST_SIMULATED {
            return self.simulated(effect, pairs);
        }
        let share = self.by_noncentral_t(effect, pairs).ok_or(Undefined::TooFew { needed: 2, found: pairs })?;
        Ok(Simulated { share, standard_error: 0.0 })
    }

    /// How many pairs reject a claim with such an effect with probability `power` (0.8); `None` of no effect, or if it takes
    /// more than 10,000.
    pub fn pairs_needed(&self, effect: f64, power: f64) -> Option<usize> {
        if effect == 0.0 || !effect.is_finite() {
            return None;
        }
        let enough = |pairs: usize| self.power(effect, pairs).is_ok_and(|found| found.share >= power);
        // Simulations take time, and with most pairs Bonferroni's bound is near: where it is far below, they need not be run.
        let near = self.by_noncentral_t(effect, MOST_SIMULATED).is_none_or(|bound| bound >= power - NEAR);
        let simulated = if near { first_true(self.fewest_pairs(0) - 1, MOST_SIMULATED, enough) } else { None };
        simulated.or_else(|| first_true(MOST_SIMULATED, MOST_PAIRS, enough))
    }

    /// The effect, in standard deviations of differences, that so many pairs reject with probability `power` (0.8); `None` where
    /// they cannot reject anything.
    pub fn detectable_effect(&self, pairs: usize, power: f64) -> Option<f64> {
        const LARGEST: f64 = 20.0;
        let enough = |effect: f64| self.power(effect, pairs).is_ok_and(|found| found.share >= power);
        if !enough(LARGEST) {
            return None;
        }
        let (mut low, mut high) = self.around(pairs, power).filter(|ends| enough(ends.1)).unwrap_or((0.0, LARGEST));
        // To 0.01, which is finer than the simulations.
        while high - low > 0.01 {
            let middle = f64::midpoint(low, high);
            if enough(middle) { high = middle } else { low = middle }
        }
        Some(high)
    }

    /// Below and above the effect that Bonferroni's bound gives this power: the latter is a little large.
    fn around(&self, pairs: usize, power: f64) -> Option<(f64, f64)> {
        let mut effect = 0.0;
        while self.by_noncentral_t(effect, pairs)? < power {
            effect += 0.25;
        }
        Some((0.5 * effect, effect))
    }

    /// The same draws for every effect, so that power grows with it.
    fn simulated(&self, effect: f64, pairs: usize) -> Result<Simulated, Undefined> {
        let mut random = Draws(seed::generator(0, Purpose::Simulation, pairs as u32));
        let (_, patterns) = patterns(pairs)?;
        let mut hits = 0;
        for _ in 0..SIMULATIONS {
            let mut claim = |mean: f64| Flips::of(&(0..pairs).map(|_| mean + random.normal()).collect::<Vec<_>>());
            let others = (1..self.claims).map(|_| claim(0.0)).collect::<Result<Vec<_>, _>>()?;
            let claims: Vec<Flips> = std::iter::once(claim(effect)?).chain(others).collect();
            hits += u32::from(self.rejects_first(&claims, &patterns));
        }
        Ok(Simulated::of(hits, SIMULATIONS))
    }

    /// Whether few enough patterns have a maximum that reaches the first claim's observed statistic. Stops at the first
    /// pattern too many, which is what makes it quick.
    fn rejects_first(&self, claims: &[Flips], patterns: &[u64]) -> bool {
        let observed = claims[0].sum(0) / claims[0].largest_sum();
        let needed: Vec<f64> = claims.iter().map(|claim| observed * claim.largest_sum() - claim.slack()).collect();
        let reaches = |pattern: u64| claims.iter().zip(&needed).any(|(claim, needed)| claim.sum(pattern) >= *needed);
        let room = patterns.len() as f64 * self.level;
        patterns.iter().filter(|pattern| reaches(**pattern)).take(room as usize + 1).count() as f64 <= room
    }

    fn by_noncentral_t(&self, effect: f64, pairs: usize) -> Option<f64> {
        let (freedom, noncentrality) = (pairs as f64 - 1.0, (pairs as f64).sqrt() * effect.abs());
        let t = t_quantile(1.0 - self.level / (2 * self.claims) as f64, freedom)?;
        Some(1.0 - noncentral_t_cdf(t, freedom, noncentrality)? + noncentral_t_cdf(-t, freedom, noncentrality)?)
    }
}

/// The first number above `low`, up to `high`, for which it is true; it stays true once it is.
pub(super) fn first_true(low: usize, high: usize, holds: impl Fn(usize) -> bool) -> Option<usize> {
    let (mut without, mut with) = (low, high);
    if !holds(with) {
        return None;
    }
    while with - without > 1 {
        let middle = usize::midpoint(without, with);
        if holds(middle) { with = middle } else { without = middle }
    }
    Some(with)
}
