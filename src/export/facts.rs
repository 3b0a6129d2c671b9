//! What several exports say of a report.

use std::collections::BTreeSet;

use crate::artifact::Environment;
use crate::number::{duration, plural};
use crate::report::derived::Derived;
use crate::report::ledger::{Ledger, Level};

/// In words, without any markup.
pub(super) struct Facts {
    /// Devices that trained, each once; empty if nothing ran.
    pub(super) devices: String,
    /// Programs with their commits, each once.
    pub(super) programs: String,
    /// Training time of all runs.
    pub(super) time: String,
    /// `Of 10 claims 1 is reproduced and 9 are not run.`
    pub(super) verdicts: String,
    /// `2 are inside, 3 outside, 9 not run`
    pub(super) printed: String,
    /// The most seeds of a row.
    pub(super) seeds: usize,
}

impl Facts {
    pub(super) fn of(derived: &Derived) -> Self {
        let made = || derived.input.cells.iter().filter_map(|cell| cell.environment.as_ref());
        let all = |of: fn(&Environment) -> String| made().map(of).collect::<BTreeSet<_>>();
        let rows = derived.input.tables.iter().flat_map(|table| &table.rows);
        Self {
            devices: joined(&all(|environment| environment.device.clone())),
            programs: joined(&all(program)),
            time: duration(derived.input.cells.iter().map(|cell| cell.seconds).sum()),
            verdicts: format!("Of {}: {}.", plural(derived.ledger.entries.len(), "claim"), derived.ledger.in_brief()),
            printed: printed(&derived.ledger),
            seeds: rows.map(|row| derived.index.scored(row).len()).max().unwrap_or(0),
        }
    }
}

fn joined(all: &BTreeSet<String>) -> String {
    all.iter().map(String::as_str).filter(|text| !text.is_empty()).collect::<Vec<_>>().join("; ")
}

/// The program and, where it is known, its commit.
fn program(environment: &Environment) -> String {
    let Environment { program, git_commit, .. } = environment;
    if git_commit.is_empty() { program.clone() } else { format!("{program}, commit {git_commit}") }
}

fn printed(ledger: &Ledger) -> String {
    let count = |level: &Level| match ledger.count_numbers(*level) {
        0 => None,
        count => Some(format!("{count} {}", level.title())),
    };
    let counts: Vec<String> = Level::ALL.iter().filter_map(count).collect();
    if counts.is_empty() { "none can be judged".to_owned() } else { format!("{} are so", counts.join(", ")) }
}
