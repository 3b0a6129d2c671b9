//! How the runs of a report differ from the paper's protocol: every set of differences once, under a short name.
//!
//! Rows, captions and claims name a protocol (`P1`); what it means stands in one list.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::input::{Cell, ReportInput};

/// The protocols of a report that are not the paper's.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Protocols {
    /// Differences that several of them have in common.
    pub common: Vec<String>,
    /// The names of those.
    pub sharing: Vec<String>,
    /// In the order of the tables.
    pub list: Vec<Protocol>,
    /// Positions in the list by the differences of a cell.
    #[serde(skip)]
    positions: BTreeMap<Vec<String>, usize>,
}

/// A protocol that is not the paper's.
#[derive(Debug, Clone, Serialize)]
pub struct Protocol {
    /// `P1`
    pub name: String,
    /// How it differs from the paper's, beside what all of them have in common.
    pub differences: Vec<String>,
    /// Cells that follow it, with results or without.
    pub cells: usize,
}

impl Protocols {
    /// Of all cells, in the order of the tables; `differences` are those of a cell.
    pub(super) fn new(input: &ReportInput, differences: impl Fn(&Cell) -> Vec<String>) -> Self {
        let by_id: BTreeMap<&str, &Cell> = input.cells.iter().map(|cell| (cell.id.as_str(), cell)).collect();
        let of_rows = input.tables.iter().flat_map(|table| &table.rows).flat_map(|row| &row.cells);
        let of_tables = of_rows.filter_map(|id| by_id.get(id.as_str()).copied());
        let mut seen = BTreeSet::new();
        let mut protocols = Self::default();
        for cell in of_tables.chain(&input.cells).filter(|cell| seen.insert(cell.id.as_str())) {
            protocols.add(differences(cell));
        }
        protocols.share();
        protocols
    }

    fn add(&mut self, differences: Vec<String>) {
        if differences.is_empty() {
            return;
        }
        let next = self.list.len();
        let at = *self.positions.entry(differences.clone()).or_insert(next);
        if at == next {
            self.list.push(Protocol { name: format!("P{}", next + 1), differences, cells: 0 });
        }
        self.list[at].cells += 1;
    }

    /// What all protocols have is said once; one that is no protocol of the paper's at all has nothing in common.
    fn share(&mut self) {
        let changed: Vec<&Protocol> = self.list.iter().filter(|protocol| protocol.differences.len() > 1).collect();
        let [first, rest @ ..] = changed.as_slice() else { return };
        if rest.is_empty() {
            return;
        }
        let in_all = |difference: &&String| rest.iter().all(|other| other.differences.contains(difference));
        self.common = first.differences.iter().filter(in_all).cloned().collect();
        self.sharing = changed.iter().map(|protocol| protocol.name.clone()).collect();
        for protocol in &mut self.list {
            protocol.differences.retain(|difference| !self.common.contains(difference));
        }
    }

    /// The names of protocols by the differences of their cells, each once, in the order of the list.
    pub fn names<'a>(&self, differences: impl IntoIterator<Item = &'a Vec<String>>) -> Vec<String> {
        let positions: BTreeSet<usize> =
            differences.into_iter().filter_map(|of_cell| self.positions.get(of_cell).copied()).collect();
        positions.into_iter().map(|at| self.list[at].name.clone()).collect()
    }
}
