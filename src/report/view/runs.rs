//! All runs told: how many cells were finished, failed, diverged, were interrupted, left out of the verdicts or never begun, and
//! why.

use serde::Serialize;

use crate::number::{listed, plural};
use crate::report::{
    cells::{Index, prefix, state},
    input::{Cell, CellState, INTERRUPTED, ReportInput},
};

/// The worker's words for a loss that became infinite or no number.
const DIVERGED: &str = "the loss is not finite";

/// Cells with one fate.
#[derive(Debug, Serialize)]
pub struct RunsView {
    /// `finished`, `diverged`, …
    pub fate: &'static str,
    /// How many.
    pub cells: usize,
    /// Which, and why; empty where nothing is to be said.
    pub told: Vec<String>,
}

/// What can become of a cell. A finished one can be excluded besides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Finished,
    Diverged,
    Failed,
    Interrupted,
    NotBegun,
}

/// Every fate that a cell has, of all cells of the matrix, and which of the finished ones count for no verdict.
pub(super) fn runs(input: &ReportInput, index: &Index) -> Vec<RunsView> {
    let of = |fate: Fate| input.cells.iter().filter(move |cell| self::fate(cell) == fate).collect::<Vec<_>>();
    let view = |fate, cells: Vec<&Cell>, told| RunsView { fate, cells: cells.len(), told };
    let finished = of(Fate::Finished);
    let excluded: Vec<&Cell> = finished.iter().copied().filter(|cell| !index.deviations(cell).is_empty()).collect();
    let why = |cells: &[&Cell]| told(cells, |cell| state(cell).1.to_owned());
    let mut all = vec![view("finished", finished.clone(), continued(&finished))];
    let protocol = |cell: &Cell| index.protocols().names([&index.deviations(cell)]).join(", ");
    let reduced = told(&excluded, |cell| format!("reduced, protocol {}", protocol(cell)));
    all.push(view("of these, left out of the verdicts", excluded, reduced));
    for (title, fate) in [("diverged", Fate::Diverged), ("failed or killed", Fate::Failed)] {
        let cells = of(fate);
        let told = why(&cells);
        all.push(view(title, cells, told));
    }
    all.push(view("begun, and interrupted", of(Fate::Interrupted), why(&of(Fate::Interrupted))));
    all.push(view("not begun", of(Fate::NotBegun), Vec::new()));
    all.retain(|row| row.cells > 0);
    all
}

fn fate(cell: &Cell) -> Fate {
    match &cell.state {
        CellState::Done => Fate::Finished,
        CellState::Failed { reason } if reason.contains(DIVERGED) => Fate::Diverged,
        CellState::Failed { .. } => Fate::Failed,
        CellState::NotRun { reason } if reason == INTERRUPTED => Fate::Interrupted,
        CellState::NotRun { .. } => Fate::NotBegun,
    }
}

/// How many of the finished went on from a checkpoint, and how many came with a bundle.
fn continued(finished: &[&Cell]) -> Vec<String> {
    let resumed = finished.iter().filter(|cell| cell.environment.as_ref().is_some_and(|on| on.resumed > 0)).count();
    let imported = finished.iter().filter(|cell| cell.origin.is_some()).count();
    let mut told = Vec::new();
    if resumed > 0 {
        told.push(format!("{} stopped and went on from the last epoch", plural(resumed, "run")));
    }
    if imported > 0 {
        told.push(format!("{} came with a bundle", plural(imported, "run")));
    }
    told
}

/// Cells of one row with one reason together: `table2/resnet18/random/fpl seeds 0, 1: …`.
fn told(cells: &[&Cell], why: impl Fn(&Cell) -> String) -> Vec<String> {
    let mut groups: Vec<(&str, String, Vec<u64>)> = Vec::new();
    for cell in cells {
        let (row, reason) = (prefix(&cell.id), why(cell));
        match groups.iter_mut().find(|(known, because, _)| *known == row && *because == reason) {
            Some((.., seeds)) => seeds.push(cell.seed),
            None => groups.push((row, reason, vec![cell.seed])),
        }
    }
    groups.into_iter().map(|(row, reason, seeds)| format!("{row} {}: {reason}", listed("seed", &seeds))).collect()
}
