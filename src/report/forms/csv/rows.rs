//! The rows of the tables: every measure over seeds, beside what the paper prints.

use super::{Records, class_name, ends, full, header, parts};
use crate::paper::measure::{ALL, FALSE_POSITIVES};
use crate::paper::{Measure, Paper, PaperRow};
use crate::report::derived::Derived;
use crate::report::input::{Cell, Row};
use crate::stats::{mean, sample_sd, t_interval};

/// The name of a measure of all classes together, in the column that names one.
const ALL_CLASSES: &str = "all";

/// One record per row of a table, measure and class.
pub(super) fn rows(derived: &Derived) -> Records {
    let mut records = vec![header(
        "row table network initialization loss measure class runs mean sd mean_interval95_low mean_interval95_high paper \
         reduced_runs imported_runs",
    )];
    for row in derived.input.tables.iter().flat_map(|table| &table.rows) {
        let Some(id) = row.cells.first().and_then(|cell| cell.rsplit_once('/')).map(|(row, _)| row) else { continue };
        records.extend(quantities(derived).map(|quantity| record(derived, id, row, quantity)));
    }
    records
}

/// What is measured of a row: a measure, or the false positives of a class.
#[derive(Debug, Clone, Copy)]
enum Quantity {
    Whole(&'static Measure),
    Class(usize),
}

impl Quantity {
    fn column(self) -> &'static str {
        match self {
            Self::Whole(measure) => measure.column,
            Self::Class(_) => FALSE_POSITIVES.column,
        }
    }

    fn of(self, cell: &Cell) -> Option<f64> {
        match self {
            Self::Whole(measure) => cell.measured(measure),
            Self::Class(class) => Some(f64::from(*cell.scores.as_ref()?.false_positives.get(class)?)),
        }
    }

    fn printed(self, paper: &Paper, row: &PaperRow) -> Option<f64> {
        match self {
            Self::Whole(measure) => (measure.paper)(paper, row),
            Self::Class(class) => row.false_positives.get(class).map(|count| f64::from(*count)),
        }
    }
}

/// Every measure, and the false positives of every class.
fn quantities(derived: &Derived) -> impl Iterator<Item = Quantity> {
    let classes = 0..derived.input.dataset.classes.len();
    ALL.into_iter().map(Quantity::Whole).chain(classes.map(Quantity::Class))
}

fn record(derived: &Derived, id: &str, row: &Row, quantity: Quantity) -> Vec<String> {
    let Derived { input, index, .. } = derived;
    let cells: Vec<&Cell> = index.scored(row).into_iter().filter(|cell| quantity.of(cell).is_some()).collect();
    let values: Vec<f64> = cells.iter().filter_map(|cell| quantity.of(cell)).collect();
    let class = match quantity {
        Quantity::Whole(_) => ALL_CLASSES.to_owned(),
        Quantity::Class(class) => class_name(&input.dataset.classes, class),
    };
    let reduced = cells.iter().filter(|cell| !index.deviations(cell).is_empty()).count();
    let imported = cells.iter().filter(|cell| cell.origin.is_some()).count();
    let mut record = vec![id.to_owned()];
    record.extend(parts(id));
    record.extend([quantity.column().to_owned(), class, values.len().to_string()]);
    record.extend([full(mean(&values)), full(sample_sd(&values))]);
    // Equal values have no interval: they say nothing of further seeds.
    let interval = t_interval(&values, 0.95).filter(|(low, high)| low < high);
    record.extend(ends(interval.map(|(low, high)| [low, high])));
    record.push(full(row.paper.as_ref().and_then(|row| quantity.printed(&input.paper, row))));
    record.extend([reduced, imported].map(|count| count.to_string()));
    record
}
