//! From evidence to a verdict.
//!
//! | verdict | when |
//! | --- | --- |
//! | reproduced | the paper's protocol; adjusted p < 5 % on the claimed side |
//! | contradicted | the paper's protocol; adjusted p < 5 % on the other side |
//! | direction only | not reproduced, but the 95 % interval lies on the claimed side |
//! | inconclusive | anything else with at least one pair of runs; always on data that are not CIFAR-10 |
//! | not run | no pair of runs |
//!
//! Runs of a reduced protocol can at most show a direction: they are of another experiment than the paper's.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Evidence;
use crate::paper::Claim;
use crate::stats::pairs_needed;

/// Significance level of tests, and what intervals leave out.
pub const LEVEL: f64 = 0.05;

/// What our runs say about a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// It held up.
    Reproduced,
    /// The difference has the claimed sign, without proof.
    DirectionOnly,
    /// Too few runs, or none of the right kind.
    Inconclusive,
    /// The opposite held up.
    Contradicted,
    /// No runs.
    NotRun,
}

impl Verdict {
    /// All of them, in the order of the report.
    pub const ALL: [Self; 5] =
        [Self::Reproduced, Self::DirectionOnly, Self::Inconclusive, Self::Contradicted, Self::NotRun];

    /// As the report writes it.
    pub fn title(self) -> &'static str {
        match self {
            Self::Reproduced => "reproduced",
            Self::DirectionOnly => "direction only",
            Self::Inconclusive => "inconclusive",
            Self::Contradicted => "contradicted",
            Self::NotRun => "not run",
        }
    }
}

/// The verdict on a claim, and why. `p` is adjusted over `family` claims.
pub(super) fn of(
    claim: &Claim,
    paper_effect: Option<f64>,
    evidence: &Evidence,
    p: Option<f64>,
    family: usize,
    other_data: bool,
) -> (Verdict, String) {
    let (Some(mean), Some(p)) = (evidence.mean, p) else { return (Verdict::NotRun, not_run(claim)) };
    if other_data {
        return (Verdict::Inconclusive, "The data are not CIFAR-10: nothing here concerns the claim.".into());
    }
    let agrees = claim.claimed.factor() * mean > 0.0;
    let beyond_zero = evidence.interval.is_some_and(|[low, high]| low > 0.0 || high < 0.0);
    let significant = p < LEVEL;
    if !evidence.deviations.is_empty() {
        let verdict = if agrees && beyond_zero { Verdict::DirectionOnly } else { Verdict::Inconclusive };
        let shown = match (evidence.interval.is_some(), beyond_zero, agrees) {
            (false, _, _) if evidence.pairs() > 1 => "All pairs have the same difference, so there is no interval",
            (false, _, _) => "One pair of runs has no interval",
            (_, false, _) => "The 95 % interval includes 0",
            (_, _, true) => "The 95 % interval lies on the claimed side",
            _ => "The 95 % interval lies on the other side",
        };
        return (verdict, format!("{shown}, and the protocol is reduced: it cannot test the claim itself."));
    }
    let level = LEVEL * 100.0;
    match (significant, agrees) {
        (true, true) => {
            (Verdict::Reproduced, format!("The difference has the claimed sign; adjusted p is below {level} %."))
        }
        (true, false) => {
            (Verdict::Contradicted, format!("The difference has the other sign; adjusted p is below {level} %."))
        }
        (false, true) if beyond_zero => {
            let needed = needed(paper_effect, evidence, family);
            (
                Verdict::DirectionOnly,
                format!("The 95 % interval lies on the claimed side, but adjusted p is not below {level} %. {needed}"),
            )
        }
        _ => (Verdict::Inconclusive, needed(paper_effect, evidence, family)),
    }
}

fn not_run(claim: &Claim) -> String {
    format!("No seed has results of both {} and {}.", claim.cells, claim.against)
}

/// How many seeds would decide the claim.
fn needed(paper_effect: Option<f64>, evidence: &Evidence, family: usize) -> String {
    let pairs = evidence.pairs();
    let fewest = fewest_pairs(family);
    let mut text = String::new();
    if pairs < fewest {
        text = format!(
            "Too few seeds: with {pairs}, no adjusted p can be below {:.0} %; {fewest} are the fewest that can.",
            LEVEL * 100.0
        );
    }
    let effect = paper_effect.or(evidence.mean).filter(|effect| *effect != 0.0);
    let whose = if paper_effect.is_some() { "the paper's effect" } else { "the effect seen so far" };
    if let (Some(effect), Some(sd)) = (effect, evidence.sd) {
        let sentence = match pairs_needed(effect, sd).map(|count| count.max(fewest)) {
            Some(count) if count <= pairs => {
                format!("These {pairs} seeds would have shown {whose} with 80 % power, and did not.")
            }
            Some(count) => format!("At this spread about {count} seeds would show {whose} with 80 % power."),
            None => format!("At this spread more than 10,000 seeds would be needed to show {whose}."),
        };
        text = [text, sentence].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ");
    }
    match (text.is_empty(), evidence.interval) {
        (false, _) => text,
        (true, Some(_)) => "The 95 % interval includes 0.".into(),
        (true, None) => "All pairs have the same difference, so there is no interval.".into(),
    }
}

/// The fewest pairs with which the first of `family` adjusted two-sided sign-flip p values, 2/2^n, can be below the level.
fn fewest_pairs(family: usize) -> usize {
    (1..64).find(|&n| 2.0 * family.max(1) as f64 / 2.0_f64.powi(n) < LEVEL).unwrap_or(64) as usize
}
