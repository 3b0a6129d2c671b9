//! What follows from a report's content and is shown in several of its forms: derived once, and lent to each.

use super::cells::Index;
use super::input::ReportInput;
use super::ledger::{Entry, Ledger, ledger};
use super::status::{Status, status};
use super::tables::{TableView, tables};
use crate::paper::audit::{Audit, audit};

/// A report's content with everything that follows from it.
pub struct Derived<'a> {
    /// The content.
    pub input: &'a ReportInput,
    /// Its cells.
    pub index: Index<'a>,
    /// Every claim against our runs.
    pub ledger: Ledger,
    /// The paper against itself, and what our runs say of its design.
    pub audit: Audit,
    /// The tables of results.
    pub tables: Vec<TableView>,
    /// How much there is.
    pub status: Status,
}

impl<'a> Derived<'a> {
    /// What follows from `input`.
    pub fn new(input: &'a ReportInput) -> Self {
        let index = Index::new(input);
        let ledger = ledger(input);
        let mut audit = audit(&input.paper);
        audit.add(ledger.entries.iter().filter_map(Entry::finding));
        Self { input, ledger, audit, tables: tables(input, &index), status: status(input, &index), index }
    }
}
