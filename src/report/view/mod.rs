//! The whole report as plain data: what both formats show, in their order.

mod assumptions;
mod audit;
mod claims;
mod confusions;
mod figures;
mod forest;
mod measures;

use std::collections::BTreeMap;

use serde::Serialize;

use super::{
    cells::{self, Group, Index, images},
    figure::Figure,
    input::{Cell, CellState, ReportInput, SetupRow},
    ledger,
    tables::{Contrast, TableView, contrasts, tables},
};
use crate::paper::Paper;
use {
    assumptions::AssumptionView,
    audit::AuditView,
    claims::Claims,
    confusions::Confusion,
    figures::Figures,
    measures::{Cost, Measures},
};

/// The report.
#[derive(Debug, Serialize)]
#[expect(missing_docs, reason = "the names are the report's parts")]
pub struct View<'a> {
    pub paper: &'a Paper,
    /// Whether the paper's address can be linked to.
    pub linked: bool,
    pub profile: &'a str,
    pub profile_note: &'a str,
    pub status: Status,
    pub claims: Claims,
    pub audit: AuditView,
    pub assumptions: Vec<AssumptionView>,
    pub setup: &'a [SetupRow],
    pub data: Data<'a>,
    /// Tables that the paper has.
    pub paper_tables: Vec<TableView>,
    /// Tables that only the configuration has.
    pub further_tables: Vec<TableView>,
    pub contrasts: Vec<Contrast>,
    pub figures: Figures<'a>,
    pub confusions: Vec<Confusion>,
    pub measures: Measures,
    pub costs: Vec<Cost>,
    pub groups: Vec<Group>,
}

/// How much of the matrix there is, and what it is worth.
#[derive(Debug, Serialize)]
pub struct Status {
    /// All cells.
    pub cells: usize,
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
    /// What differs from the paper's protocol, with the number of cells.
    pub deviations: Vec<(String, usize)>,
}

/// The data.
#[derive(Debug, Serialize)]
#[expect(missing_docs, reason = "the names are the rows")]
pub struct Data<'a> {
    pub name: &'a str,
    pub genuine: bool,
    pub present: bool,
    pub train_images: String,
    pub test_images: String,
    pub classes: String,
    pub fingerprint: &'a str,
    pub archive_sha256: &'a str,
}

impl<'a> View<'a> {
    /// What the report says about `input`.
    pub fn new(input: &'a ReportInput, figures: &'a [Figure]) -> Self {
        let index = Index::new(input);
        let ledger = ledger::ledger(input);
        let (paper_tables, further_tables) =
            tables(input, &index).into_iter().partition(|table| input.paper.has_table(&table.id));
        Self {
            paper: &input.paper,
            linked: ["https://", "http://"].iter().any(|scheme| input.paper.url.starts_with(scheme)),
            profile: &input.profile,
            profile_note: &input.profile_note,
            status: status(input, &index),
            claims: claims::claims(input, &index, &ledger),
            audit: audit::audit(&input.paper),
            assumptions: assumptions::assumptions(input, &ledger),
            setup: &input.setup,
            data: data(input),
            paper_tables,
            further_tables,
            contrasts: contrasts(input, &index),
            figures: Figures::new(input, figures),
            confusions: confusions::confusions(input, &index),
            measures: measures::measures(input, &index),
            costs: measures::costs(input, &index),
            groups: cells::groups(input, &index),
        }
    }
}

pub(in crate::report) fn status(input: &ReportInput, index: &Index) -> Status {
    let number = |keep: &dyn Fn(&&Cell) -> bool| input.cells.iter().filter(keep).count();
    let is_reduced = |cell: &&Cell| !index.deviations(cell).is_empty();
    let mut deviations: BTreeMap<String, usize> = BTreeMap::new();
    for deviation in input.cells.iter().flat_map(|cell| index.deviations(cell)) {
        *deviations.entry(deviation).or_default() += 1;
    }
    Status {
        cells: input.cells.len(),
        done: number(&|cell| cell.state == CellState::Done),
        failed: number(&|cell| matches!(cell.state, CellState::Failed { .. })),
        not_run: number(&|cell| matches!(cell.state, CellState::NotRun { .. })),
        reduced_done: number(&|cell| cell.state == CellState::Done && is_reduced(cell)),
        reduced: number(&is_reduced),
        imported: number(&|cell| cell.origin.is_some()),
        other_data: cells::is_other_data(&input.dataset),
        deviations: deviations.into_iter().collect(),
    }
}

fn data(input: &ReportInput) -> Data<'_> {
    let dataset = &input.dataset;
    Data {
        name: &dataset.name,
        genuine: dataset.genuine,
        present: !dataset.fingerprint.is_empty(),
        train_images: images(dataset.train_images),
        test_images: images(dataset.test_images),
        classes: dataset.classes.join(", "),
        fingerprint: &dataset.fingerprint,
        archive_sha256: &dataset.archive_sha256,
    }
}
