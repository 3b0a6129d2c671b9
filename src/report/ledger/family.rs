//! The declared family, judged together: joint sign flips, planned looks, e-values, and equivalence.

use std::collections::BTreeMap;
use std::sync::Mutex;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Entry;
use super::evidence::Evidence;
use super::verdict::{LEVEL, Side};
use crate::paper::{Family, Paper};
use crate::stats::{self, Differences, FamilyTest, Undefined, holm};

/// Probability of detecting a difference that is there.
const POWER: f64 = 0.8;

/// The family's test of one claim.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct JointTest {
    /// Sign-flip p of all pairs at one look, adjusted over the declared family by the step-down maximum.
    pub p_adjusted: Option<f64>,
    /// After how many pairs a planned look rejected "no difference"; `None` if none has.
    pub rejected_after: Option<usize>,
    /// The e-value adjusted over the family: at 1/level and above it rejects, whenever one looks and without a plan.
    pub e_adjusted: Option<f64>,
    /// Equivalence over all planned pairs, adjusted by Holm over the family; `None` before they are there.
    pub p_equivalent: Option<f64>,
}

/// Whether a difference is smaller than the smallest that matters.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Equivalence {
    /// The smallest difference that matters, in the measure's unit.
    pub margin: f64,
    /// p of two one-sided sign-flip tests against ±margin, over all pairs.
    pub p: f64,
    /// Of two one-sided t tests; `None` where the differences have no spread.
    pub p_t: Option<f64>,
    /// The 90 % interval of the mean difference, which those t tests hold against ±margin.
    pub interval: Option<[f64; 2]>,
}

/// What the paper's design, one pair of runs, could have seen at the spread of ours.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PapersDesign {
    /// The effect that one pair shows with 33 % power.
    pub d33: f64,
    /// One-sided p of "the effect is that large or larger": where it is small, the effect is too small for the paper's design.
    pub p_smaller: f64,
    /// The power of one pair to show what the paper reports, and its 95 % interval; `None` if it reports nothing.
    pub power: Option<[f64; 3]>,
}

/// `None` without a margin or without pairs.
pub(super) fn equivalence(evidence: &Evidence, margin: Option<f64>) -> Option<Equivalence> {
    let margin = margin?;
    let t = stats::equivalence(&evidence.differences, margin, LEVEL).ok();
    Some(Equivalence {
        margin,
        p: stats::sign_flip_equivalence(&evidence.differences, margin).ok()?,
        p_t: t.map(|t| t.p),
        interval: t.map(|t| t.interval),
    })
}

/// `None` with fewer than three pairs, whose spread says little, and of reduced runs.
pub(super) fn papers_design(evidence: &Evidence, claimed: f64, effect: Option<f64>) -> Option<PapersDesign> {
    if evidence.pairs() < 3 || !evidence.deviations.is_empty() {
        return None;
    }
    let signed: Vec<f64> = evidence.differences.iter().map(|difference| claimed * difference).collect();
    let telescope = stats::small_telescope(&signed).ok()?;
    let power = effect.and_then(|effect| stats::paper_power(effect, &evidence.differences).ok());
    Some(PapersDesign {
        d33: telescope.d33,
        p_smaller: telescope.p,
        power: power.map(|found| [found.power, found.interval[0], found.interval[1]]),
    })
}

/// Judges the family's claims together; those of reduced runs and of other data count as not run.
pub(super) fn judge(paper: &Paper, entries: &mut [Entry]) {
    let family = &paper.family;
    let mut differences = vec![Differences::new(); family.claims.len()];
    for entry in entries.iter().filter(|entry| entry.evidence.deviations.is_empty()) {
        if let Some(position) = family.position(&entry.claim.id) {
            differences[position] = entry.evidence.by_seed();
        }
    }
    let e_values: Vec<Option<f64>> =
        differences.iter().map(|claim| stats::e_value(&claim.values().copied().collect::<Vec<_>>()).ok()).collect();
    let joint = stats::joint_sign_flip(&differences).map(|joint| joint.claims).unwrap_or_default();
    let looks = family.plan().and_then(|plan| stats::spending(&differences, &plan)).map(|looks| looks.rejected_at);
    let (looks, e_adjusted) = (looks.unwrap_or_default(), stats::adjusted_e_values(&e_values));
    let margins = family.claims.iter().map(|id| {
        let claim = paper.claims.iter().find(|claim| claim.id == *id)?;
        paper.margin(claim.measure)
    });
    let equivalent: Vec<Option<f64>> =
        margins.zip(&differences).map(|(margin, claim)| planned_equivalence(family, claim, margin?)).collect();
    let adjusted = holm(&equivalent.iter().map(|p| p.unwrap_or(1.0)).collect::<Vec<_>>());
    for entry in entries {
        let Some(at) = family.position(&entry.claim.id).filter(|at| !differences[*at].is_empty()) else { continue };
        entry.test = JointTest {
            p_adjusted: joint.get(at).copied().flatten().map(|p| p.adjusted),
            rejected_after: looks.get(at).copied().flatten(),
            e_adjusted: e_adjusted[at],
            p_equivalent: equivalent[at].map(|_| adjusted[at]),
        };
    }
}

/// Sign-flip equivalence of the first planned pairs; `None` before they are there.
fn planned_equivalence(family: &Family, claim: &Differences, margin: f64) -> Option<f64> {
    let planned: Vec<f64> = claim.values().copied().take(family.planned_pairs).collect();
    (planned.len() == family.planned_pairs).then(|| stats::sign_flip_equivalence(&planned, margin).ok())?
}

/// On which side the planned looks rejected: that of the mean of the pairs at that look.
pub(super) fn rejected_side(evidence: &Evidence, test: &JointTest, claimed: f64) -> Option<Side> {
    let pairs = test.rejected_after?;
    let sum: f64 = evidence.differences.iter().take(pairs).map(|difference| claimed * difference).sum();
    Some(if sum > 0.0 { Side::Claimed } else { Side::Other })
}

/// What a test can detect.
pub(super) struct Detectable {
    test: Result<FamilyTest, Undefined>,
    key: (usize, u64),
}

/// Effects that are detected, by claims, level (its bits) and pairs. They are simulated, always alike, and so once only.
static DETECTED: Mutex<BTreeMap<(usize, u64, usize), Option<f64>>> = Mutex::new(BTreeMap::new());

impl Detectable {
    /// Of a family of so many claims.
    pub(super) fn new(claims: usize, level: f64) -> Self {
        Self { test: FamilyTest::new(claims, level), key: (claims, level.to_bits()) }
    }

    /// The mean difference that so many pairs detect at this standard deviation.
    pub(super) fn difference(&self, sd: f64, pairs: usize) -> Option<f64> {
        let test = self.test.as_ref().ok()?;
        let compute = || test.detectable_effect(pairs, POWER);
        let key = (self.key.0, self.key.1, pairs);
        let effect = match DETECTED.lock() {
            Ok(mut known) => *known.entry(key).or_insert_with(compute),
            Err(_) => compute(),
        };
        effect.map(|effect| effect * sd)
    }

    /// How many pairs detect a difference at this standard deviation; `None` of more than 10,000.
    pub(super) fn pairs(&self, difference: f64, sd: f64) -> Option<usize> {
        self.test.as_ref().ok()?.pairs_needed(difference / sd, POWER)
    }
}
