//! Was a claim's test planned before its data were seen? The registrations, held against the dates of the runs.

use std::fmt::Write as _; // Writing to a String cannot fail.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::gather::Gather;
use crate::fingerprint::Difference;
use crate::number::{listed, plural};
use crate::paper::{AnalysisPlan, Claim, Registration};
use crate::report::input::Cell;

/// Whether a test was planned beforehand.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Planned {
    /// Registered as it is before the first run of the claim's rows began, or with no run yet.
    BeforeTheData,
    /// Registered as it is when runs had begun, and not otherwise before.
    AfterRuns,
    /// Registered, and changed when runs had begun.
    Changed,
    /// In no registration: exploratory.
    #[default]
    NotRegistered,
}

/// When a claim's test was planned.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Planning {
    /// Whether that was beforehand.
    pub planned: Planned,
    /// When the plan got its present form; `None` if that is in no registration.
    pub date: Option<String>,
    /// The digest of the registered plan; `None` likewise.
    pub digest: Option<String>,
    /// Runs of the claim's two rows that had begun by then.
    pub runs_before: usize,
    /// What was changed.
    pub changes: Vec<String>,
    /// Seeds with a pair of runs that the registration does not name: exploratory.
    pub further_seeds: Vec<u64>,
    /// All of it, in a sentence.
    pub says: String,
}

/// The planning of a claim with these pairs of runs.
pub(super) fn planning(gather: &Gather, claim: &Claim, seeds: &[u64]) -> Planning {
    let registrations = &gather.input.registrations;
    let runs: Vec<&Cell> = [&claim.cells, &claim.against].into_iter().flat_map(|row| gather.runs(row)).collect();
    let mut planning = registrations.last().map_or_else(Planning::default, |last| {
        let now = AnalysisPlan::of(&gather.input.paper, &last.plan.seeds);
        match last.plan.changes(&claim.id, &now) {
            None => Planning::default(),
            Some(changes) if changes.is_empty() => registered(registrations, claim, &runs),
            Some(changes) => Planning {
                planned: if runs.is_empty() { Planned::NotRegistered } else { Planned::Changed },
                runs_before: runs.len(),
                changes: words(&changes),
                ..Planning::default()
            },
        }
    });
    if let Some(last) = registrations.last().filter(|_| planning.planned != Planned::NotRegistered) {
        planning.further_seeds = seeds.iter().copied().filter(|seed| !last.plan.seeds.contains(seed)).collect();
    }
    planning.says = planning.sentence();
    planning
}

/// Of a claim whose last registration is its present plan: since when, and what had been run by then.
fn registered(all: &[Registration], claim: &Claim, runs: &[&Cell]) -> Planning {
    let same = |earlier: &Registration, later: &Registration| {
        earlier.plan.changes(&claim.id, &later.plan).is_some_and(|changes| changes.is_empty())
    };
    // From the last one back, as long as nothing differs.
    let mut since = all.len() - 1;
    while since > 0 && same(&all[since - 1], &all[since]) {
        since -= 1;
    }
    let before = |registration: &Registration| {
        let date = registration.date.parse::<Timestamp>().ok();
        runs.iter().filter(|run| run.began().is_none_or(|began| Some(began) <= date)).count()
    };
    let runs_before = before(&all[since]);
    let changes = since.checked_sub(1).and_then(|earlier| all[earlier].plan.changes(&claim.id, &all[since].plan));
    let planned = match (runs_before, &changes) {
        (0, _) => Planned::BeforeTheData,
        (_, Some(_)) => Planned::Changed,
        (_, None) => Planned::AfterRuns,
    };
    Planning {
        planned,
        date: Some(all[since].date.clone()),
        digest: Some(all[since].digest.clone()),
        runs_before,
        changes: words(&changes.unwrap_or_default()),
        ..Planning::default()
    }
}

fn words(changes: &[Difference]) -> Vec<String> {
    changes.iter().map(ToString::to_string).collect()
}

impl Planning {
    fn sentence(&self) -> String {
        let runs = plural(self.runs_before, "run");
        let day = |date: &str| date.get(..16).unwrap_or(date).replace('T', " ") + " UTC";
        let changes = self.changes.join("; ");
        let mut text = match (self.planned, &self.date) {
            (Planned::BeforeTheData, Some(date)) => {
                format!("Planned before the data: registered on {}, before any run of it began.", day(date))
            }
            (Planned::AfterRuns, Some(date)) => format!("Registered on {}, after {runs} had begun.", day(date)),
            (Planned::Changed, Some(date)) => format!("Changed on {}, after {runs} had begun: {changes}.", day(date)),
            (Planned::Changed, None) => {
                format!("Changed since it was registered, after {runs}, and not registered again: {changes}.")
            }
            (Planned::NotRegistered, _) if !changes.is_empty() => {
                format!("Not registered: the registration is of another plan ({changes}). Exploratory.")
            }
            _ => "Not registered: exploratory.".to_owned(),
        };
        if !self.further_seeds.is_empty() {
            let _ = write!(text, " Not registered, and so exploratory: {}.", listed("seed", &self.further_seeds));
        }
        text
    }
}
