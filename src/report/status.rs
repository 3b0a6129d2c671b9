//! How much of a report's matrix there is.

use std::collections::BTreeSet;

use serde::Serialize;

use super::cells::{Index, is_other_data};
use super::input::{Cell, CellState, ReportInput};

/// How much of the matrix there is, and what it is worth.
#[derive(Debug, Clone, Serialize)]
pub struct Status {
    /// All cells.
    pub cells: usize,
    /// Different trainings behind the cells with results: one can stand in several tables.
    pub trainings: usize,
    /// Trained and evaluated.
    pub done: usize,
    /// Tried and failed.
    pub failed: usize,
    /// Not tried.
    pub not_run: usize,
    /// Cells with results that are reduced.
    pub reduced_done: usize,
    /// Cells that are reduced, with results or without.
    pub reduced: usize,
    /// Whether the data are there and not CIFAR-10.
    pub other_data: bool,
    /// Cells with results that were run elsewhere.
    pub imported: usize,
}

/// The state of a report.
pub(super) fn status(input: &ReportInput, index: &Index) -> Status {
    let number = |keep: &dyn Fn(&&Cell) -> bool| input.cells.iter().filter(keep).count();
    let is_reduced = |cell: &&Cell| !index.deviations(cell).is_empty();
    let done = || input.cells.iter().filter(|cell| cell.state == CellState::Done);
    Status {
        cells: input.cells.len(),
        trainings: done().map(|cell| &cell.fingerprint).collect::<BTreeSet<_>>().len(),
        done: done().count(),
        failed: number(&|cell| matches!(cell.state, CellState::Failed { .. })),
        not_run: number(&|cell| matches!(cell.state, CellState::NotRun { .. })),
        reduced_done: number(&|cell| cell.state == CellState::Done && is_reduced(cell)),
        reduced: number(&is_reduced),
        imported: number(&|cell| cell.origin.is_some()),
        other_data: is_other_data(&input.dataset),
    }
}
