//! The whole report as plain data: what both formats show, in their order.

mod forest;
mod evidence;
mod claims;
mod assumptions;
mod audit;
mod printed;
mod runs;
mod confusions;
mod panels;
mod figures;
mod measures;
mod changed_data;
mod words;
mod opening;

use serde::Serialize;

use super::{
    cells::{self, Group, images},
    derived::Derived,
    figure::Figure,
    input::{ReportInput, SetupRow},
    protocols::Protocols,
    status::Status,
    tables::{Contrast, TableView, contrasts},
};
use crate::paper::Paper;
pub use opening::Opening;
use {
    assumptions::AssumptionView,
    audit::AuditView,
    changed_data::ChangedData,
    claims::Claims,
    confusions::Confusion,
    figures::Figures,
    measures::{Cost, Measures},
    printed::{PrintedView, RowReadingsView},
    runs::RunsView,
    words::Words,
};

/// The report.
#[derive(Debug, Serialize)]
#[expect(missing_docs, reason = "the names are the report's parts")]
pub struct View<'a> {
    pub paper: &'a Paper,
    /// Whether the paper's address can be linked to.
    pub linked: bool,
    pub words: Words,
    /// The first screen.
    pub opening: Opening,
    pub profile: &'a str,
    pub profile_note: &'a str,
    pub status: &'a Status,
    /// Protocols that are not the paper's.
    pub protocols: &'a Protocols,
    pub claims: Claims,
    /// The numbers that the paper prints, against our runs.
    pub printed: Vec<PrintedView>,
    /// Rows of the paper without runs.
    pub printed_without_runs: Vec<String>,
    /// Readings of what is open, by how well they foretell those numbers.
    pub readings: Vec<RowReadingsView>,
    pub audit: AuditView,
    pub assumptions: Vec<AssumptionView>,
    pub setup: &'a [SetupRow],
    pub data: Data<'a>,
    /// Tables that the paper has.
    pub paper_tables: Vec<&'a TableView>,
    /// Tables that only the configuration has.
    pub further_tables: Vec<&'a TableView>,
    pub contrasts: Vec<Contrast>,
    pub figures: Figures<'a>,
    pub confusions: Vec<Confusion>,
    pub measures: Measures,
    pub changed_data: ChangedData,
    pub costs: Vec<Cost>,
    /// What became of every cell.
    pub runs: Vec<RunsView>,
    pub groups: Vec<Group>,
    /// Where all cells ran, if that is one place; else empty, and every group says where its own did.
    pub place: String,
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
    /// What the report says.
    pub fn new(derived: &'a Derived<'a>, figures: &'a [Figure]) -> Self {
        let Derived { input, index, ledger, audit, tables, status } = derived;
        let groups = cells::groups(input, index);
        let (paper_tables, further_tables) = tables.iter().partition(|table| input.paper.has_table(&table.id));
        Self {
            paper: &input.paper,
            linked: ["https://", "http://"].iter().any(|scheme| input.paper.url.starts_with(scheme)),
            words: Words::new(derived),
            opening: Opening::new(derived),
            profile: &input.profile,
            profile_note: &input.profile_note,
            status,
            protocols: index.protocols(),
            claims: claims::claims(input, index, ledger),
            printed: printed::printed(input, ledger),
            printed_without_runs: printed::without_runs(ledger),
            readings: printed::readings(ledger),
            audit: audit::view(audit),
            assumptions: assumptions::assumptions(input, ledger),
            setup: &input.setup,
            data: data(input),
            paper_tables,
            further_tables,
            contrasts: contrasts(input, index),
            figures: Figures::new(input, figures),
            confusions: confusions::confusions(input, index),
            measures: measures::measures(input, index),
            changed_data: changed_data::changed_data(input, index),
            costs: measures::costs(input, index),
            runs: runs::runs(input, index),
            place: place(&groups),
            groups,
        }
    }
}

impl View<'_> {
    /// Leaves out everything about tables that the paper does not have, but their number.
    pub(in crate::report) fn keep_the_papers(&mut self) {
        self.contrasts.retain(|contrast| contrast.of_paper);
        self.measures.rows.retain(|row| row.of_paper);
        self.changed_data.rows.retain(|row| row.of_paper);
        self.costs.retain(|cost| cost.of_paper);
        self.groups.retain(|group| group.of_paper);
        for claim in &mut self.claims.entries {
            claim.readings.iter_mut().for_each(|reading| reading.href.clear());
            for side in claim.sides.iter_mut().filter(|side| !side.of_paper) {
                side.href.clear();
            }
        }
    }

    /// Leaves out what the claims come to under other readings, which the ledger of assumptions tells in brief.
    pub(in crate::report) fn leave_out_readings(&mut self) {
        self.claims.entries.iter_mut().for_each(|claim| claim.readings.clear());
    }
}

/// The one place where all cells ran.
fn place(groups: &[Group]) -> String {
    let mut places = groups.iter().flat_map(|group| &group.places).map(|(place, _)| place);
    let first = places.next();
    first.filter(|first| places.all(|place| place == *first)).cloned().unwrap_or_default()
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
