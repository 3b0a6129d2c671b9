//! Seeds beside the chosen ones: a report shows every seed that has a result, and `--seeds` says which are run.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::Command;
use crate::config::Config;
use crate::error::Result;
use crate::fs;
use crate::id::CellId;
use crate::plan::{Plan, StageKind};
use crate::store::{self, Store};

impl Command {
    /// Whether it is about everything that is there. `--until-decided` is about the seeds that are planned: it looks after so
    /// many pairs of them, and further ones would be taken for those.
    pub(super) fn shows_every_seed(&self) -> bool {
        let about_results = matches!(
            self,
            Self::All(_)
                | Self::Plot(_)
                | Self::Report(_)
                | Self::Plan { .. }
                | Self::Status { .. }
                | Self::Why { .. }
                | Self::Claims { .. }
                | Self::Readings { .. }
                | Self::Bundle(_)
        );
        about_results && !self.decides()
    }
}

/// A plan with every seed of which the cache has a result, of this machine or another, beside the configuration's, which get
/// them too; cells of the further ones are not selected. `planned` makes the plan of a configuration, and `plan` is that of
/// this one.
pub(super) fn with_every_seed(
    config: &mut Config,
    plan: Plan,
    store: &Store,
    planned: impl Fn(&Config) -> Result<Plan>,
) -> Result<Plan> {
    let chosen: BTreeSet<u64> = config.seeds.iter().copied().collect();
    let results = Results::beside(&plan, config, store);
    let with = |config: &Config, further: &BTreeSet<u64>| {
        let seeds = chosen.union(further).copied().collect();
        Config { seeds, ..config.clone() }
    };
    if results.seeds.is_subset(&chosen) {
        return Ok(plan);
    }
    // The results of a seed may be another configuration's: only a plan tells.
    let mut further = results.seeds.clone();
    let mut wide = planned(&with(config, &further))?;
    let there = results.seeds_of(&wide);
    if !further.is_subset(&there) {
        further = there;
        wide = planned(&with(config, &further))?;
    }
    *config = with(config, &further);
    for cell in &mut wide.cells {
        cell.selected &= chosen.contains(&cell.training.seed);
    }
    Ok(wide)
}

/// What a manifest says that it is of.
#[derive(Deserialize)]
struct Subject {
    subject: String,
}

/// Results in a cache that a plan does not have.
struct Results {
    /// Fingerprints of the evaluations.
    evaluations: BTreeSet<String>,
    /// Seeds of those that have the name of a cell of the plan's rows.
    seeds: BTreeSet<u64>,
}

impl Results {
    /// Whatever the state of their files. Nothing is read of what the plan has.
    fn beside(plan: &Plan, config: &Config, store: &Store) -> Self {
        let known: BTreeSet<&str> =
            plan.cells.iter().map(|cell| plan.nodes[cell.evaluate].fingerprint.as_str()).collect();
        let rows: BTreeSet<_> = config.rows().map(|(row, _)| row).collect();
        let folders = [store.root().join(StageKind::Evaluate.name()), store.foreign_root()];
        let mut found = Self { evaluations: BTreeSet::new(), seeds: BTreeSet::new() };
        for entry in folders.iter().flat_map(|folder| fs::entries(folder)) {
            let fingerprint = fs::name(&entry);
            if !known.contains(fingerprint.as_str()) {
                let id = store::glance(&entry).and_then(|Subject { subject }| subject.parse::<CellId>().ok());
                found.seeds.extend(id.filter(|id| rows.contains(&id.row())).map(|id| id.seed()));
                found.evaluations.insert(fingerprint);
            }
        }
        found
    }

    /// The seeds that a plan has results of, among these.
    fn seeds_of(&self, plan: &Plan) -> BTreeSet<u64> {
        let has = |evaluate: usize| self.evaluations.contains(plan.nodes[evaluate].fingerprint.as_str());
        plan.cells.iter().filter(|cell| has(cell.evaluate)).map(|cell| cell.training.seed).collect()
    }
}
