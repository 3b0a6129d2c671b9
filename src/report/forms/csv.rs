//! Everything as tidy CSV: one observation per row, one value per field, no lists, so that a data frame is right as it is
//! read. Numbers are in full, the shortest digits that give the same double; units stand in the header. A number that does
//! not exist is an empty field, and a column of words is never empty.

mod cells;
mod ledger;
mod paper;
mod rows;

use csv::Writer;

use crate::error::{Error, Result};
use crate::report::File;
use crate::report::derived::Derived;

/// A header and records.
type Records = Vec<Vec<String>>;

/// All CSV files.
pub(super) fn files(derived: &Derived) -> Result<Vec<File>> {
    let Derived { input, index, ledger, .. } = derived;
    [
        ("data/rows.csv", rows::rows(derived)),
        ("data/cells.csv", cells::cells(input, index)),
        ("data/runs.csv", cells::runs(input)),
        ("data/classes.csv", cells::classes(input)),
        ("data/epochs.csv", cells::epochs(input)),
        ("data/confusion.csv", cells::confusion(input)),
        ("data/deviations.csv", cells::deviations(input, index)),
        ("data/missing.csv", cells::missing(input)),
        ("data/imports.csv", cells::imports(input)),
        ("data/paper.csv", paper::tables(input)),
        ("data/statements.csv", paper::statements(input)),
        ("data/claims.csv", ledger::claims(ledger)),
        ("data/claim-readings.csv", ledger::claim_readings(ledger)),
        ("data/pairs.csv", ledger::pairs(ledger)),
        ("data/printed.csv", ledger::printed(ledger)),
        ("data/readings.csv", ledger::readings(ledger)),
    ]
    .into_iter()
    .map(|(name, records)| {
        let fault = |message: String| Error::Render { what: name.to_owned(), message };
        let mut writer = Writer::from_writer(Vec::new());
        for record in records {
            writer.write_record(&record).map_err(|error| fault(error.to_string()))?;
        }
        let bytes = writer.into_inner().map_err(|error| fault(error.to_string()))?;
        Ok((name.to_owned(), bytes))
    })
    .collect()
}

fn header(names: &str) -> Vec<String> {
    names.split_whitespace().map(str::to_owned).collect()
}

/// A number in full, or nothing.
fn full(value: Option<f64>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

/// The ends of an interval, as two fields.
fn ends(interval: Option<[f64; 2]>) -> [String; 2] {
    [0, 1].map(|at| full(interval.map(|ends| ends[at])))
}

/// The name of a class, or its number where it has none.
fn class_name(classes: &[String], at: usize) -> String {
    classes.get(at).cloned().unwrap_or_else(|| at.to_string())
}

/// `table2/resnet18/random/fpl` as its four parts: table, network, initialization, loss.
fn parts(row: &str) -> [String; 4] {
    let mut parts = row.split('/');
    [(); 4].map(|()| parts.next().unwrap_or_default().to_owned())
}
