//! The rows of the tables in pairs, a loss beside CE: what the report's own figures compare.

use std::collections::BTreeMap;

use super::Strips;
use super::canvas::{Look, look};
use crate::{
    artifact::Scores,
    number::{fixed, plural, slug},
    paper::{BASELINE, PROPOSED},
    report::{
        cells::{Index, distinct_rows},
        input::{Cell, ReportInput, Row, Table},
        tables::MANY_CLASSES,
    },
    stats,
};

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
    /// As those of a figure.
    pub(super) panels: Vec<Strips>,
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

    /// All pairs, in the order of the tables; results that stand in two tables once.
    pub(super) fn pairs(&self) -> Vec<Pair<'a>> {
        let rows = distinct_rows(self.input).into_iter().filter(|(_, row)| row.loss != BASELINE);
        rows.filter_map(|(table, row)| self.pair(table, row)).collect()
    }

    pub(super) fn side(&self, row: &'a Row) -> Side<'a> {
        Side { name: &row.loss_title, row, look: look(self.input, &row.loss), cells: self.index.scored(row) }
    }

    fn pair(&self, table: &'a Table, row: &'a Row) -> Option<Pair<'a>> {
        let place = |row: &'a Row| (&row.network, &row.initialization);
        let ce = table.rows.iter().find(|other| other.loss == BASELINE && place(other) == place(row))?;
        // `table2/resnet18/random/fpl/seed0` without loss and seed.
        let place = row.cells.first().and_then(|id| id.rsplitn(3, '/').nth(2));
        let key = place.map_or_else(|| format!("{}/{}/{}", table.id, row.network, row.initialization), str::to_owned);
        let key = if row.loss == PROPOSED { slug(&key) } else { slug(&format!("{key}/{}", row.loss)) };
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
            format!(" Reduced protocol{of}: {}.", self.index.protocol_names(cells).join(", "))
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

/// Of more than [`MANY_CLASSES`] classes figures show so many.
const SOME_CLASSES: usize = 10;

/// Which classes a figure shows: all, or of many those with the largest values, in their order.
pub(super) fn chosen_classes(values: &[f64]) -> Vec<usize> {
    let mut classes: Vec<usize> = (0..values.len()).collect();
    if classes.len() > MANY_CLASSES {
        classes.sort_by(|a, b| values[*b].total_cmp(&values[*a]));
        classes.truncate(SOME_CLASSES);
        classes.sort_unstable();
    }
    classes
}

/// What a caption says of the classes that are left out; empty if none is.
pub(super) fn of_classes(shown: usize, all: usize) -> String {
    if shown < all { format!(" Of {all} classes the {shown} with the most errors.") } else { String::new() }
}

/// `1 seed`, `5 seeds`
pub(super) fn seeds(count: usize) -> String {
    plural(count, "seed")
}
