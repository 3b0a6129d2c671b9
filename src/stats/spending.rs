//! Looking after every pair of runs, with one error rate for all looks.
//!
//! N pairs are planned, and after which of them one looks. At a look after pair n the share α·(n/N)^ρ of all 2ⁿ patterns of signs may have been rejected: those that
//! continue a pattern rejected earlier stay rejected, and of the others the most extreme follow while there is room. The
//! claim is rejected at the first look that rejects the observed pattern. Given the sizes of the differences all patterns are
//! equally likely where there is no difference, so the error over all looks is at most α, exactly. (Zhang and Rosenberger,
//! 2008; Plamadeala and Rosenberger, Annals of Statistics 2012; Lan and DeMets, Biometrika 1983, for spending.)
//!
//! With several claims, the most extreme patterns are those with the largest maximum over claims, and the test is closed: a
//! claim is rejected once every set of claims of the family that contains it is. (The shorter step-down does not do here: sets
//! reject different patterns at earlier looks.) The family-wise error over all claims and looks is then at most α.
//!
//! All looks are computed again from all pairs. Claims that are run together are judged together, as is exact; a claim that
//! catches up later takes part in looks that are past, and may move the look at which another is rejected: what was said of
//! that one stands.
//!
//! Members without runs, and claims that have no difference at a look, keep their share of α: a set in which s claims take
//! part and u do not may spend s/(s + u) of it.

use super::signs::{Differences, Flips, all_seeds};
use super::undefined::Undefined;

/// The exponent of the spending function: the larger, the less is spent on early looks.
pub const SPENDING_EXPONENT: f64 = 3.0;
/// 2^pairs patterns are held for each of 2^claims sets: the sum that still takes seconds.
const MOST_PAIRS: usize = 20;
const MOST_WORK: usize = 26;

/// What was planned before the first run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SpendingPlan {
    pairs: usize,
    level: f64,
    exponent: f64,
    /// Bit n: whether one looks after pair n.
    looks: u32,
}

impl SpendingPlan {
    /// `pairs` planned, `level` (0.05) to spend, and the exponent ρ ([`SPENDING_EXPONENT`]); one looks after every pair.
    ///
    /// # Errors
    /// [`Undefined`] of 0 or more than 20 pairs, a level outside 0 to 1, and an exponent that is not positive.
    pub fn new(pairs: usize, level: f64, exponent: f64) -> Result<Self, Undefined> {
        match pairs {
            0 => return Err(Undefined::TooFew { needed: 1, found: 0 }),
            1..=MOST_PAIRS => {}
            _ => return Err(Undefined::TooMany { most: MOST_PAIRS, found: pairs }),
        }
        if !(level > 0.0 && level < 1.0) {
            return Err(Undefined::Parameter("a level lies between 0 and 1"));
        }
        if !(exponent > 0.0 && exponent.is_finite()) {
            return Err(Undefined::Parameter("the exponent of a spending function is positive"));
        }
        Ok(Self { pairs, level, exponent, looks: u32::MAX })
    }

    /// The same plan with looks after these numbers of pairs only.
    ///
    /// # Errors
    /// [`Undefined::Parameter`] unless they ascend from 1 or more to the number of planned pairs.
    pub fn looking_at(self, looks: &[usize]) -> Result<Self, Undefined> {
        let ascending = looks.is_sorted_by(|earlier, later| earlier < later);
        if !ascending || looks.first().is_none_or(|first| *first == 0) || looks.last() != Some(&self.pairs) {
            return Err(Undefined::Parameter("looks ascend from 1 or more to the number of planned pairs"));
        }
        Ok(Self { looks: looks.iter().fold(0, |bits, look| bits | 1 << look), ..self })
    }

    /// How many pairs are planned.
    pub fn pairs(&self) -> usize {
        self.pairs
    }

    /// The level that may be spent up to look n: α·(n/N)^ρ.
    pub fn spent(&self, look: usize) -> f64 {
        self.level * (look.min(self.pairs) as f64 / self.pairs as f64).powf(self.exponent)
    }

    /// The first look that can reject anything, if `members` of the family take part and `without_runs` do not; `None` if none
    /// of the plan can.
    pub fn first_look(&self, members: usize, without_runs: usize) -> Option<usize> {
        let share = members as f64 / (members + without_runs).max(1) as f64;
        (1..=self.pairs).find(|&look| self.room(look, share) > 0)
    }

    /// How many patterns, of 2^(look − 1) that are no complements of each other, may be rejected up to a look; none where one
    /// does not look.
    fn room(&self, look: usize, share: f64) -> usize {
        if self.looks >> look & 1 == 0 {
            return 0;
        }
        (2.0_f64.powi(look as i32 - 1) * self.spent(look) * share + 1e-9) as usize
    }
}

/// The looks so far.
#[derive(Debug, Clone, PartialEq)]
pub struct Spending {
    /// Per claim, in the order given, how many pairs there were at the look that rejected it; `None`: not rejected so far.
    pub rejected_at: Vec<Option<usize>>,
    /// How many pairs have been looked at or passed over. Pairs beyond the plan are not looked at: they are exploratory.
    pub looks: usize,
}

/// All looks of a declared family so far, seeds in ascending order; members without runs as empty differences.
///
/// A claim takes part in the looks at seeds for which it has a difference, with all its differences up to there; claims with
/// different numbers of differences are compared as in [`joint_sign_flip`](super::joint_sign_flip). It may stop after its own
/// rejection: sets that contain it are rejected already. If it stops because it is futile, what it does not take part in counts
/// against the others' share. That such a stop depends on the data is not covered by the exactness above; simulated, it makes
/// errors rarer ([`Procedure::SpendingWithStops`](super::Procedure::SpendingWithStops)).
///
/// # Errors
/// [`Undefined`] where no claim has runs, of so many claims and pairs that the sets of claims take too long (their sum may be
/// 26), and of values that are not finite.
pub fn spending(family: &[Differences], plan: &SpendingPlan) -> Result<Spending, Undefined> {
    let mut seeds = all_seeds(family);
    seeds.truncate(plan.pairs);
    let members: Vec<usize> = (0..family.len()).filter(|&at| !family[at].is_empty()).collect();
    if seeds.is_empty() {
        return Err(Undefined::TooFew { needed: 1, found: 0 });
    }
    if members.len() + plan.pairs > MOST_WORK {
        return Err(Undefined::TooMany { most: MOST_WORK - plan.pairs, found: members.len() });
    }
    let runs: Vec<&Differences> = members.iter().map(|&at| &family[at]).collect();
    let looks = (1..=seeds.len()).map(|look| scores(&runs, &seeds[..look])).collect::<Result<Vec<_>, _>>()?;
    let without_runs = family.len() - members.len();
    let mut rejected_at = vec![None; family.len()];
    for member in &members {
        rejected_at[*member] = Some(0);
    }
    for set in 1..1_usize << members.len() {
        let inside: Vec<usize> = (0..members.len()).filter(|member| set >> member & 1 == 1).collect();
        // Not needed where a set that is never rejected has settled all its claims.
        if inside.iter().all(|&member| rejected_at[members[member]].is_none()) {
            continue;
        }
        let at = first_rejection(&looks, &inside, without_runs, plan);
        for &member in &inside {
            let claim = &mut rejected_at[members[member]];
            *claim = claim.zip(at).map(|(earlier, at)| earlier.max(at));
        }
    }
    Ok(Spending { rejected_at, looks: seeds.len() })
}

/// How extreme every pattern is at one look, per claim, on a common scale; `None` of a claim that does not take part.
type Scores = Vec<Option<Vec<f64>>>;

/// The scores at the last of these seeds.
fn scores(claims: &[&Differences], seeds: &[u64]) -> Result<Scores, Undefined> {
    let takes_part = |differences: &Differences| seeds.last().is_some_and(|last| differences.contains_key(last));
    let flips =
        |differences: &&Differences| takes_part(differences).then(|| Flips::new(differences, seeds)).transpose();
    let flips = claims.iter().map(flips).collect::<Result<Vec<_>, _>>()?;
    let mut counts = flips.iter().flatten().map(Flips::n);
    let first = counts.next();
    let patterns = 1 << (seeds.len() - 1);
    Ok(if counts.all(|n| Some(n) == first) {
        flips.iter().map(|flips| flips.as_ref().map(|flips| by_sum(flips, patterns))).collect()
    } else {
        by_rank(&flips, patterns)
    })
}

/// With equally many differences: |sum| as a share of the largest.
fn by_sum(flips: &Flips, patterns: u64) -> Vec<f64> {
    let share = |half: u64| if flips.is_informative() { flips.sum(half << 1) / flips.largest_sum() } else { 0.0 };
    (0..patterns).map(share).collect()
}

/// Otherwise: ranks by bounded p, over all claims. What differs by rounding only has one rank.
fn by_rank(claims: &[Option<Flips>], patterns: u64) -> Scores {
    let mut all: Vec<([f64; 2], usize, u64)> = Vec::new();
    for (claim, flips) in claims.iter().enumerate().filter_map(|(claim, flips)| Some((claim, flips.as_ref()?))) {
        all.extend((0..patterns).map(|half| (flips.bounded_p(flips.sum(half << 1)), claim, half)));
    }
    // The least extreme first.
    all.sort_by(|(a, ..), (b, ..)| b[0].total_cmp(&a[0]).then(b[1].total_cmp(&a[1])));
    let mut scores: Scores = claims.iter().map(|claim| claim.as_ref().map(|_| vec![0.0; patterns as usize])).collect();
    let (mut rank, mut last) = (0.0, [f64::INFINITY; 2]);
    for (p, claim, half) in all {
        if (0..2).any(|part| p[part] < last[part] * (1.0 - 1e-9)) {
            (rank, last) = (rank + 1.0, p);
        }
        if let Some(scores) = &mut scores[claim] {
            scores[half as usize] = rank;
        }
    }
    scores
}

/// The look at which the intersection of a set of claims is rejected.
fn first_rejection(looks: &[Scores], set: &[usize], without_runs: usize, plan: &SpendingPlan) -> Option<usize> {
    // The observed pattern is the first. Patterns of a look are those of the look before, twice: the new seed's sign is the
    // highest bit.
    let mut rejected = vec![false];
    for (look, scores) in (1..).zip(looks) {
        if look > 1 {
            rejected.extend_from_within(..);
        }
        let taking_part: Vec<&[f64]> = set.iter().filter_map(|&member| scores[member].as_deref()).collect();
        let share = taking_part.len() as f64 / (set.len() + without_runs) as f64;
        reject_most_extreme(&mut rejected, &taking_part, plan.room(look, share));
        if rejected[0] {
            return Some(look);
        }
    }
    None
}

/// Rejects further patterns, the most extreme first, until `room` are rejected in all. Of equally extreme ones all or none.
fn reject_most_extreme(rejected: &mut [bool], scores: &[&[f64]], room: usize) {
    let carried = rejected.iter().filter(|rejected| **rejected).count();
    if scores.is_empty() || carried >= room {
        return;
    }
    let largest = |at: usize| scores.iter().map(|scores| scores[at]).fold(0.0, f64::max);
    let open: Vec<(usize, f64)> = (0..rejected.len()).filter(|&at| !rejected[at]).map(|at| (at, largest(at))).collect();
    let further = room - carried;
    // The most extreme pattern that there is no room for; those that only rounding tells from it are as extreme.
    let limit = if further < open.len() {
        let mut values: Vec<f64> = open.iter().map(|(_, score)| *score).collect();
        let (_, limit, _) = values.select_nth_unstable_by(further, |a, b| b.total_cmp(a));
        *limit * (1.0 + 1e-10)
    } else {
        f64::NEG_INFINITY
    };
    for (at, _) in open.iter().filter(|(_, score)| *score > limit) {
        rejected[*at] = true;
    }
}
