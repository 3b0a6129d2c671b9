//! The numbers that the paper prints, and its readings, held against our runs.

use serde::Serialize;

use super::claims::anchor;
use crate::number::{fixed, p_value};
use crate::paper::Claim;
use crate::report::input::ReportInput;
use crate::report::ledger::{Ledger, PrintedNumber, ReadNumber, RowReading, RowReadings};

/// A printed number.
#[derive(Debug, Serialize)]
pub struct PrintedView {
    /// The row's id.
    pub row: String,
    /// Claims that rest on the row: anchors and ids.
    pub claims: Vec<(String, String)>,
    /// Name and unit.
    pub measure: String,
    /// The paper's value.
    pub paper: String,
    /// Our mean; `None` without runs.
    pub ours: Option<String>,
    /// Runs behind it.
    pub runs: usize,
    /// Prediction interval; `None` if there is none.
    pub prediction: Option<String>,
    /// Its width.
    pub width: Option<String>,
    /// Whether its spread is that of other rows too.
    pub pooled: bool,
    /// Printed − ours.
    pub distance: Option<String>,
    /// Adjusted p.
    pub p: Option<String>,
    /// `inside`, `outside`, …
    pub level: &'static str,
    /// Why there is no interval; empty where there is one.
    pub why: String,
}

/// The readings of a row.
#[derive(Debug, Serialize)]
pub struct RowReadingsView {
    /// The row's id.
    pub row: String,
    /// The likeliest first.
    pub readings: Vec<ReadingFitView>,
}

/// A reading of a row.
#[derive(Debug, Serialize)]
pub struct ReadingFitView {
    /// What is open; empty for our own reading.
    pub about: String,
    /// How it is read.
    pub reading: String,
    /// Whether there are runs of it.
    pub run: bool,
    /// Log predictive density.
    pub log_density: Option<String>,
    /// Adjusted p.
    pub p: Option<String>,
    /// Whether it is excluded.
    pub excluded: bool,
    /// Per printed number: `false positives (images): paper 3,536, ours 5,440 (n = 1)`.
    pub numbers: Vec<String>,
    /// What it lacks.
    pub note: String,
}

/// All printed numbers.
pub(super) fn printed(input: &ReportInput, ledger: &Ledger) -> Vec<PrintedView> {
    ledger.numbers.iter().map(|number| printed_view(input, number)).collect()
}

fn printed_view(input: &ReportInput, number: &PrintedNumber) -> PrintedView {
    let (measure, runs) = (number.measure, number.runs);
    let rests = |claim: &&Claim| [&claim.cells, &claim.against].contains(&&number.row);
    let value = |value: f64| measure.value(value, 2);
    PrintedView {
        row: number.row.to_string(),
        claims: input.paper.claims.iter().filter(rests).map(|claim| (anchor(&claim.id), claim.id.clone())).collect(),
        measure: measure.named(),
        paper: measure.value(number.printed, 1),
        ours: number.mean.map(|mean| measure.value(mean, runs)),
        runs,
        prediction: number.prediction.map(|[low, high]| format!("{} to {}", value(low), value(high))),
        width: number.prediction.map(|[low, high]| value(high - low)),
        pooled: number.pooled,
        distance: number.distance().map(|distance| measure.effect(distance, runs)),
        p: number.p_holm.map(p_value),
        level: number.level.title(),
        why: number.why.clone(),
    }
}

/// The readings of every row that has runs under any.
pub(super) fn readings(ledger: &Ledger) -> Vec<RowReadingsView> {
    let has_runs = |row: &&RowReadings| row.readings.iter().any(|reading| reading.log_density.is_some());
    let view = |row: &RowReadings| RowReadingsView {
        row: row.row.to_string(),
        readings: row.readings.iter().map(reading_view).collect(),
    };
    ledger.readings.iter().filter(has_runs).map(view).collect()
}

/// Whether there is a run of every number.
fn is_run(reading: &RowReading) -> bool {
    reading.numbers.iter().all(|number| number.runs > 0)
}

/// Rows of the paper that have no run, each once.
pub(super) fn without_runs(ledger: &Ledger) -> Vec<String> {
    let mut rows: Vec<String> = Vec::new();
    for row in ledger.numbers.iter().filter(|number| number.runs == 0).map(|number| number.row.to_string()) {
        if !rows.contains(&row) {
            rows.push(row);
        }
    }
    rows
}

fn reading_view(reading: &RowReading) -> ReadingFitView {
    let number = |number: &ReadNumber| {
        let measure = number.measure;
        let ours = number.mean.map_or("not run".to_owned(), |mean| {
            format!("ours {} (n = {})", measure.value(mean, number.runs), number.runs)
        });
        format!("{}: paper {}, {ours}", measure.named(), measure.value(number.printed, 1))
    };
    ReadingFitView {
        about: reading.about.clone(),
        reading: reading.reading.clone(),
        run: is_run(reading),
        log_density: reading.log_density.map(|density| fixed(density, 1)),
        p: reading.p.map(p_value),
        excluded: reading.excluded,
        numbers: reading.numbers.iter().map(number).collect(),
        note: reading.note.clone(),
    }
}
