//! How far every claim of the family is from a decision: what a run until all is decided goes by.

use schemars::JsonSchema;
use serde::Serialize;

use super::gather::Gather;
use super::verdict::{Protocol, Side};
use super::{Entry, family, ledger};
use crate::id::RowId;
use crate::number::{fixed, plural};
use crate::paper::{Claim, Paper};
use crate::report::input::ReportInput;
use crate::stats::{Future, chance_of_equivalence, chance_to_decide};

/// Below this chance to decide in what is left of the plan, going on is futile.
const FUTILE: f64 = 0.05;
/// The spread of fewer pairs says too little to give up.
const FEWEST_PAIRS: usize = 3;
const SIMULATIONS: u32 = 1_000;

/// Where a claim of the family stands.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Progress {
    /// Its id.
    pub claim: String,
    /// Its two rows.
    pub rows: [RowId; 2],
    /// Pairs of runs that are there.
    pub pairs: usize,
    /// Whether its runs do not follow the paper's protocol: then a decision is about them alone.
    pub reduced: bool,
    /// How far it is.
    pub standing: Standing,
}

/// How far a claim is from a decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// It is decided: how.
    Decided(String),
    /// What is left of the plan will hardly decide it: why.
    Futile(String),
    /// The plan is over, or can decide nothing: why.
    Over(String),
    /// It may be decided once so many pairs are there.
    Open(usize),
}

/// Every claim of the family that the configuration has cells of, in the family's order. `wanted` are those that will be run
/// on: with those that have pairs they take part in the family's test. Claims of reduced runs are judged apart.
pub fn progress(input: &ReportInput, wanted: impl Fn(&str) -> bool) -> Vec<Progress> {
    let (gather, paper) = (Gather::new(input), &input.paper);
    let has_cells = |claim: &Claim| gather.has(&claim.cells) && gather.has(&claim.against);
    let members = ledger(input).entries.into_iter().filter(|entry| entry.member && has_cells(&entry.claim));
    let (mut reduced, full): (Vec<Entry>, Vec<Entry>) = members.partition(|entry| gather.is_reduced(&entry.claim));
    for entry in &mut reduced {
        entry.evidence.deviations.clear();
    }
    family::judge(paper, &mut reduced);
    let mut all = Vec::new();
    for (entries, reduced) in [(&full, false), (&reduced, true)] {
        let taking_part = entries.iter().filter(|entry| entry.evidence.pairs() > 0 || wanted(&entry.claim.id)).count();
        all.extend(entries.iter().map(|entry| Progress {
            claim: entry.claim.id.clone(),
            rows: [entry.claim.cells.clone(), entry.claim.against.clone()],
            pairs: entry.evidence.pairs(),
            reduced,
            standing: standing(paper, entry, taking_part, reduced),
        }));
    }
    all.sort_by_key(|progress| paper.family.position(&progress.claim));
    all
}

fn standing(paper: &Paper, entry: &Entry, taking_part: usize, reduced: bool) -> Standing {
    let (family, pairs) = (&paper.family, entry.evidence.pairs());
    if let Some(after) = entry.test.rejected_after {
        let side = match family::rejected_side(&entry.evidence, &entry.test, entry.claim.claimed.factor()) {
            Some(Side::Claimed) => "the claimed",
            _ => "the other",
        };
        let text = format!("“no difference” is rejected after {}, on {side} side", plural(after, "pair"));
        return Standing::Decided(text);
    }
    if !reduced && pairs > 0 && entry.protocol == Protocol::NotIdentified {
        return Standing::Decided("not rebuilt: more pairs of another experiment say nothing of the paper’s".into());
    }
    if entry.test.p_equivalent.is_some_and(|p| p <= family.level) {
        return Standing::Decided(format!("no difference that matters, after {}", plural(pairs, "pair")));
    }
    if pairs >= family.planned_pairs {
        return Standing::Over(format!(
            "the {} that were planned decide nothing",
            plural(family.planned_pairs, "pair")
        ));
    }
    if let Some(chance) = futile(paper, entry) {
        let chance = fixed(100.0 * chance, 1);
        return Standing::Futile(format!("the rest of the plan decides it with a chance of {chance} %"));
    }
    let first = family.plan().ok().and_then(|plan| plan.first_look(taking_part, family.claims.len() - taking_part));
    let look = family.looks.iter().copied().find(|look| *look > pairs && first.is_some_and(|first| *look >= first));
    // Equivalence is asked once, when all planned pairs are there.
    let last = paper.margin(entry.claim.measure).map(|_| family.planned_pairs);
    look.or(last).map_or_else(
        || Standing::Over("with so many claims of the family not run, no look of the plan can decide it".into()),
        Standing::Open,
    )
}

/// The chance that the rest of the plan decides a claim, where that is futile.
fn futile(paper: &Paper, entry: &Entry) -> Option<f64> {
    let differences = &entry.evidence.differences;
    if differences.len() < FEWEST_PAIRS {
        return None;
    }
    let (family, future) = (&paper.family, Future::Observed);
    let decides = chance_to_decide(differences, &family.plan().ok()?, future, SIMULATIONS).ok()?.share;
    let equivalent = paper.margin(entry.claim.measure).map_or(Some(0.0), |margin| {
        let within = (margin, family.level);
        Some(chance_of_equivalence(differences, family.planned_pairs, within, future, SIMULATIONS).ok()?.share)
    })?;
    let chance = decides.max(equivalent);
    (chance < FUTILE).then_some(chance)
}
