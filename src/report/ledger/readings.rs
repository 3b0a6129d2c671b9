//! Which reading of what is open is the paper's: for every row that it prints, how well each reading foretells its numbers.
//!
//! Readings of one row are compared, since they foretell the same numbers. One run per reading is enough where the spread of
//! other rows with the same architecture is known: a miss of 20 points is excluded by it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::gather::{Epoch, Gather};
use super::level::{Predicted, predict};
use super::verdict::LEVEL;
use crate::id::RowId;
use crate::paper::{Alternative, Measure, PROPOSED};
use crate::stats::{Prediction, mean, reading_fit};

/// The readings of a row, the likeliest first; those without runs last.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RowReadings {
    /// The row that the paper prints.
    pub row: RowId,
    /// Its readings.
    pub readings: Vec<RowReading>,
}

/// One reading of a row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RowReading {
    /// What is open; empty for the reading of the configuration's own table.
    pub about: String,
    /// How it is read.
    pub reading: String,
    /// The row whose runs stand for it.
    pub cells: RowId,
    /// The printed numbers and our runs under this reading.
    pub numbers: Vec<ReadNumber>,
    /// Sum over the numbers of the log density of a further run at what is printed: the higher, the likelier; `None` where a
    /// number has no prediction.
    pub log_density: Option<f64>,
    /// The smallest two-sided p of a printed number, adjusted by Holm over this reading's numbers.
    pub p: Option<f64>,
    /// Whether the reading is excluded at 5 %.
    pub excluded: bool,
    /// Why there is no density, or what its runs lack; may be empty.
    pub note: String,
}

/// A printed number under a reading.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReadNumber {
    /// Of what.
    pub measure: &'static Measure,
    /// As printed.
    pub printed: f64,
    /// Our runs.
    pub runs: usize,
    /// Their mean.
    pub mean: Option<f64>,
    /// What a further run would be, with 95 %.
    pub prediction: Option<[f64; 2]>,
    /// Whether the spread is that of other rows too.
    pub pooled: bool,
}

impl Epoch {
    /// The epoch that a reading reports.
    pub(super) fn of(reading: &Alternative) -> Self {
        if reading.best_epoch { Self::Best } else { Self::Last }
    }
}

/// Of every row that the paper prints and the configuration has.
pub(super) fn readings(gather: &Gather) -> Vec<RowReadings> {
    let paper = &gather.input.paper;
    paper.rows().map(|(row, _)| row).filter(|row| gather.has(row)).map(|row| of_row(gather, row)).collect()
}

fn of_row(gather: &Gather, row: RowId) -> RowReadings {
    let paper = &gather.input.paper;
    let rest_on = |claims: &[String]| {
        let mut of_row = paper.claims.iter().filter(|claim| [&claim.cells, &claim.against].contains(&&row));
        of_row.any(|claim| claims.contains(&claim.id))
    };
    let mut readings =
        vec![fit(gather, &row, ("", "as in the paper's table, the last epoch"), row.clone(), Epoch::Last)];
    for assumption in paper.assumptions.iter().filter(|assumption| rest_on(&assumption.claims)) {
        for other in &assumption.alternatives {
            // A reading of FPL alone leaves CE's rows as they are.
            let Some(cells) = other.cells(&row).filter(|_| other.loss.is_none() || row.loss() == PROPOSED) else {
                continue;
            };
            if gather.has(&cells) {
                readings.push(fit(gather, &row, (&assumption.about, &other.reading), cells, Epoch::of(other)));
            }
        }
    }
    let density = |reading: &RowReading| reading.log_density.unwrap_or(f64::NEG_INFINITY);
    readings.sort_by(|a, b| density(b).total_cmp(&density(a)));
    RowReadings { row, readings }
}

fn fit(gather: &Gather, row: &RowId, (about, reading): (&str, &str), cells: RowId, epoch: Epoch) -> RowReading {
    let paper = &gather.input.paper;
    let (mut fits, mut numbers, mut note): (Vec<(Prediction, f64)>, _, _) = (Vec::new(), Vec::new(), String::new());
    let printed = paper.row(row).into_iter().flat_map(|numbers| paper.printed(numbers));
    for (measure, printed) in printed {
        let runs = gather.values(&cells, measure, epoch);
        let mut number =
            ReadNumber { measure, printed, runs: runs.len(), mean: mean(&runs), prediction: None, pooled: false };
        match predict(gather, &cells, measure, epoch) {
            Ok(Predicted { prediction, pooled }) => {
                (number.prediction, number.pooled) = (prediction.interval(1.0 - LEVEL).ok(), pooled);
                fits.push((prediction, printed));
            }
            Err(_) if runs.is_empty() => "not run".clone_into(&mut note),
            Err(undefined) => note = undefined.to_string(),
        }
        numbers.push(number);
    }
    let deviations = gather.deviations(&cells);
    let fit = reading_fit(&fits).filter(|fit| fit.numbers == numbers.len() && deviations.is_empty());
    if !deviations.is_empty() {
        "reduced protocol".clone_into(&mut note);
    }
    RowReading {
        about: about.to_owned(),
        reading: reading.to_owned(),
        cells,
        numbers,
        log_density: fit.map(|fit| fit.log_density),
        p: fit.map(|fit| fit.p),
        excluded: fit.is_some_and(|fit| fit.p < LEVEL),
        note,
    }
}
