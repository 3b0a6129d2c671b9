//! What the paper does not report: further measures of the predictions, and what the trainings cost.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::paper::Measure;
use crate::report::{
    cells::{self, Index, Source},
    input::{Cell, ReportInput, Row},
    ledger,
    number::{duration, fixed, scientific},
    tables::Comparison,
};
use crate::stats;

/// Further measures.
#[derive(Debug, Serialize)]
pub struct Measures {
    /// Names and units.
    pub columns: Vec<&'static str>,
    /// One per row of the tables that has results.
    pub rows: Vec<MeasureRow>,
    /// One per cell with results.
    pub cells: Vec<CellRow>,
}

/// Measures of a cell.
#[derive(Debug, Serialize)]
pub struct CellRow {
    /// Anchor of the cell.
    pub anchor: String,
    /// Id of the cell.
    pub id: String,
    /// How its protocol differs from the paper's.
    pub reasons: Vec<String>,
    /// Top-1, then one per column.
    pub values: Vec<String>,
}

/// Further measures of a row, over seeds.
#[derive(Debug, Serialize)]
pub struct MeasureRow {
    /// `Table 3: ResNet-50, random, FPL`
    pub title: String,
    /// What is behind the numbers.
    pub source: Source,
    /// One per column.
    pub values: Vec<Comparison>,
}

/// What the trainings of a row cost.
#[derive(Debug, Serialize)]
pub struct Cost {
    /// `Table 3: ResNet-50, random, FPL`
    pub title: String,
    /// What is behind the numbers.
    pub source: Source,
    /// Epochs of a run.
    pub epochs: usize,
    /// Mean time of a run's training.
    pub per_run: String,
    /// Training images per second, over all epochs.
    pub throughput: String,
    /// Time of all runs.
    pub total: String,
}

type Column = (&'static str, fn(&Cell) -> Option<f64>, fn(f64) -> String);

const COLUMNS: [Column; 6] = [
    ("Eq. 9, pooled (%)", |cell| Some(cell.scores.as_ref()?.eq9_overall_pct), |value| fixed(value, 2)),
    ("p_F, mean", |cell| ledger::value(Measure::PFalse, cell), |value| fixed(value, 4)),
    ("p_F, median", |cell| Some(cell.scores.as_ref()?.p_false_median), scientific),
    ("Margin p_T − p_F, mean", |cell| Some(cell.scores.as_ref()?.margin_mean), |value| fixed(value, 4)),
    ("ECE (points)", |cell| Some(cell.scores.as_ref()?.ece_pct), |value| fixed(value, 2)),
    ("Roughness (points)", |cell| ledger::value(Measure::Roughness, cell), |value| fixed(value, 3)),
];

/// Of every row that has results.
pub(super) fn measures(input: &ReportInput, index: &Index) -> Measures {
    let view = |(title, row): (String, &Row)| {
        let cells = index.scored(row);
        (!cells.is_empty()).then(|| MeasureRow {
            title,
            source: index.source(row),
            values: COLUMNS.iter().map(|column| over_seeds(column, &cells)).collect(),
        })
    };
    Measures {
        columns: COLUMNS.iter().map(|(title, _, _)| *title).collect(),
        rows: titled(input).filter_map(view).collect(),
        cells: input.cells.iter().filter_map(|cell| cell_row(index, cell)).collect(),
    }
}

/// `None` without results.
fn cell_row(index: &Index, cell: &Cell) -> Option<CellRow> {
    let top1 = fixed(ledger::value(Measure::Top1, cell)?, 2);
    let written = |(_, value, format): &Column| value(cell).map_or_else(|| "—".to_owned(), format);
    Some(CellRow {
        anchor: cells::anchor(&cell.id),
        id: cell.id.clone(),
        reasons: index.deviations(cell),
        values: std::iter::once(top1).chain(COLUMNS.iter().map(written)).collect(),
    })
}

/// Of every row that has results.
pub(super) fn costs(input: &ReportInput, index: &Index) -> Vec<Cost> {
    let view = |(title, row): (String, &Row)| {
        let cells = index.scored(row);
        let seconds: Vec<f64> = cells.iter().map(|cell| cell.seconds).collect();
        Some(Cost {
            title,
            source: index.source(row),
            epochs: cells.iter().map(|cell| cell.metrics.len()).max()?,
            per_run: duration(stats::mean(&seconds)?),
            throughput: throughput(&cells).map_or_else(|| "—".to_owned(), |images| fixed(images, 0)),
            total: duration(seconds.iter().sum()),
        })
    };
    titled(input).filter_map(view).collect()
}

/// Rows, each once, even if its cells stand in two tables.
fn titled(input: &ReportInput) -> impl Iterator<Item = (String, &Row)> {
    let mut seen = BTreeSet::new();
    let rows = input.tables.iter().flat_map(|table| table.rows.iter().map(move |row| (table, row)));
    rows.filter(move |(_, row)| seen.insert(&row.cells)).map(|(table, row)| {
        (format!("{}: {}, {}, {}", table.number, row.network, row.initialization, row.loss_title), row)
    })
}

fn over_seeds((_, value, format): &Column, cells: &[&Cell]) -> Comparison {
    let values: Vec<f64> = cells.iter().filter_map(|cell| value(cell)).collect();
    Comparison {
        paper: None,
        ours: stats::mean(&values).map(format),
        sd: stats::sample_sd(&values).map(format),
        difference: None,
    }
}

/// Training images per second over all epochs of all cells; `None` if no time was recorded.
fn throughput(cells: &[&Cell]) -> Option<f64> {
    let epochs = || cells.iter().flat_map(|cell| &cell.metrics);
    let seconds: f64 = epochs().map(|epoch| epoch.seconds).sum();
    let images: f64 = epochs().map(|epoch| epoch.images_per_second * epoch.seconds).sum();
    (seconds > 0.0).then(|| images / seconds)
}
