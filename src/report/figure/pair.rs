//! The rows of the tables in pairs, a loss beside CE: what the report's own figures compare.

use std::collections::BTreeMap;

use super::canvas::{Look, look};
use crate::{
    artifact::Scores,
    number::{fixed, plural, slug},
    report::{
        cells::Index,
        input::{Cell, ReportInput, Row, Table},
    },
    stats,
};

/// So many differences from the paper's protocol stand in a caption; the cells list them all.
const REASONS: usize = 3;

/// What figures are drawn from.
pub(super) struct Context<'a> {
    pub(super) input: &'a ReportInput,
    pub(super) index: Index<'a>,
}

/// A figure without its place.
pub(super) struct Drawn {
    pub(super) caption: String,
    pub(super) alt: String,
    pub(super) svg: String,
}

/// A row's results.
pub(super) struct Side<'a> {
    /// `FPL`
    pub(super) name: &'a str,
    pub(super) row: &'a Row,
    pub(super) look: Look,
    /// The cells that have results.
    pub(super) cells: Vec<&'a Cell>,
}

/// CE, and another loss on the same network and initial weights.
pub(super) struct Pair<'a> {
    /// `table2-resnet18-random`, for file names.
    pub(super) key: String,
    /// `Table 2`
    pub(super) table: &'a str,
    /// `ResNet-18`
    pub(super) network: &'a str,
    /// `random`
    pub(super) initialization: &'a str,
    /// CE first.
    pub(super) sides: [Side<'a>; 2],
}

impl<'a> Context<'a> {
    pub(super) fn new(input: &'a ReportInput) -> Self {
        Self { input, index: Index::new(input) }
    }

    /// All pairs, in the order of the tables.
    pub(super) fn pairs(&self) -> Vec<Pair<'a>> {
        let of_table =
            |table: &'a Table| table.rows.iter().filter(|row| row.loss != "ce").filter_map(|row| self.pair(table, row));
        self.input.tables.iter().flat_map(of_table).collect()
    }

    pub(super) fn side(&self, row: &'a Row) -> Side<'a> {
        Side { name: &row.loss_title, row, look: look(self.input, &row.loss), cells: self.index.scored(row) }
    }

    fn pair(&self, table: &'a Table, row: &'a Row) -> Option<Pair<'a>> {
        let place = |row: &'a Row| (&row.network, &row.initialization);
        let ce = table.rows.iter().find(|other| other.loss == "ce" && place(other) == place(row))?;
        // `table2/resnet18/random/fpl/seed0` without loss and seed.
        let place = row.cells.first().and_then(|id| id.rsplitn(3, '/').nth(2));
        let key = place.map_or_else(|| format!("{}/{}/{}", table.id, row.network, row.initialization), str::to_owned);
        let key = if row.loss == "fpl" { slug(&key) } else { slug(&format!("{key}/{}", row.loss)) };
        Some(Pair {
            key,
            table: &table.number,
            network: &row.network,
            initialization: &row.initialization,
            sides: [self.side(ce), self.side(row)],
        })
    }

    /// What a caption must say of the cells behind a figure: reduced protocols and imports.
    pub(super) fn origin(&self, cells: &[&Cell]) -> String {
        let reduced = cells.iter().filter(|cell| !self.index.deviations(cell).is_empty()).count();
        let imported = cells.iter().filter(|cell| cell.origin.is_some()).count();
        let all = plural(cells.len(), "cell");
        let reduced = if reduced > 0 {
            let of = if reduced == cells.len() { String::new() } else { format!(" in {reduced} of {all}") };
            let reasons = self.index.reasons(cells);
            let more = reasons.len().saturating_sub(REASONS);
            let more = if more > 0 { format!("; and {more} more") } else { String::new() };
            format!(" Reduced protocol{of} ({}{more}).", reasons[..reasons.len().min(REASONS)].join("; "))
        } else {
            String::new()
        };
        let imported = if imported > 0 { format!(" Imported: {imported} of {all}.") } else { String::new() };
        reduced + &imported
    }

    /// Whether a cell's marks are hollow: its protocol is reduced, or it came from elsewhere.
    pub(super) fn is_hollow(&self, cell: &Cell) -> bool {
        cell.origin.is_some() || !self.index.deviations(cell).is_empty()
    }
}

impl<'a> Side<'a> {
    pub(super) fn scores(&self) -> impl Iterator<Item = &'a Scores> + '_ {
        self.cells.iter().filter_map(|cell| cell.scores.as_ref())
    }

    /// A value of every cell that has it.
    pub(super) fn values(&self, value: impl Fn(&Scores) -> Option<f64>) -> Vec<f64> {
        self.scores().filter_map(value).filter(|value| value.is_finite()).collect()
    }

    /// The mean over seeds, as text.
    pub(super) fn mean(&self, decimals: usize, value: impl Fn(&Scores) -> f64) -> String {
        stats::mean(&self.values(|scores| Some(value(scores)))).map_or("—".to_owned(), |mean| fixed(mean, decimals))
    }

    /// `CE (5 seeds)`
    pub(super) fn title(&self) -> String {
        format!("{} ({})", self.name, seeds(self.cells.len()))
    }
}

impl<'a> Pair<'a> {
    /// `Table 2: ResNet-18, initial weights: random`
    pub(super) fn setting(&self) -> String {
        format!("{}: {}, initial weights: {}", self.table, self.network, self.initialization)
    }

    /// `CE and FPL`
    pub(super) fn names(&self) -> String {
        format!("{} and {}", self.sides[0].name, self.sides[1].name)
    }

    pub(super) fn cells(&self) -> Vec<&'a Cell> {
        self.sides.iter().flat_map(|side| side.cells.iter().copied()).collect()
    }

    /// Cells of the same seed: CE's, the other's.
    pub(super) fn by_seed(&self) -> Vec<(&'a Cell, &'a Cell)> {
        let others: BTreeMap<u64, &Cell> = self.sides[1].cells.iter().map(|cell| (cell.seed, *cell)).collect();
        self.sides[0].cells.iter().filter_map(|cell| Some((*cell, *others.get(&cell.seed)?))).collect()
    }

    /// `means over 5 seeds`, `one seed`
    pub(super) fn basis(&self) -> String {
        let [ce, other] = self.sides.each_ref().map(|side| side.cells.len());
        match (ce, other) {
            (1, 1) => "one seed each".to_owned(),
            (ce, other) if ce == other => format!("{ce} seeds each"),
            _ => format!("{}: {}, {}: {}", self.sides[0].name, seeds(ce), self.sides[1].name, seeds(other)),
        }
    }
}

/// `1 seed`, `5 seeds`
pub(super) fn seeds(count: usize) -> String {
    plural(count, "seed")
}
