//! What the paper does not report: further measures of the predictions, and what the trainings cost.

use serde::Serialize;

use crate::number::{duration, fixed};
use crate::paper::Measure;
use crate::paper::measure::{Place, TOP1};
use crate::report::{
    cells::{self, Index, Source},
    input::{Cell, ReportInput, Row},
    tables::Comparison,
};
use crate::stats;

/// Further measures.
#[derive(Debug, Serialize)]
pub struct Measures {
    /// Names and units.
    pub columns: Vec<String>,
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
    /// Whether the paper has its table.
    pub of_paper: bool,
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
    /// Whether the paper has its table.
    pub of_paper: bool,
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

/// Of every row that has results.
pub(super) fn measures(input: &ReportInput, index: &Index) -> Measures {
    let view = |(of_paper, title, row): (bool, String, &Row)| {
        let cells = index.scored(row);
        (!cells.is_empty()).then(|| MeasureRow {
            of_paper,
            title,
            source: index.source(row),
            values: Measure::at(Place::Further).map(|measure| over_seeds(measure, &cells)).collect(),
        })
    };
    Measures {
        columns: Measure::at(Place::Further).map(Measure::heading).collect(),
        rows: titled(input).filter_map(view).collect(),
        cells: input.cells.iter().filter_map(|cell| cell_row(index, cell)).collect(),
    }
}

/// `None` without results.
fn cell_row(index: &Index, cell: &Cell) -> Option<CellRow> {
    cell.run()?;
    let written =
        |measure: &Measure| cell.measured(measure).map_or_else(|| "—".to_owned(), |value| measure.value(value, 1));
    Some(CellRow {
        anchor: cells::anchor(&cell.id),
        id: cell.id.clone(),
        reasons: index.deviations(cell),
        values: std::iter::once(&TOP1).chain(Measure::at(Place::Further)).map(written).collect(),
    })
}

/// Of every row that has results.
pub(super) fn costs(input: &ReportInput, index: &Index) -> Vec<Cost> {
    let view = |(of_paper, title, row): (bool, String, &Row)| {
        let cells = index.scored(row);
        let seconds: Vec<f64> = cells.iter().map(|cell| cell.seconds).collect();
        Some(Cost {
            of_paper,
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

/// Rows, each once, even if its results stand in two tables, and whether the paper has their table.
pub(super) fn titled(input: &ReportInput) -> impl Iterator<Item = (bool, String, &Row)> {
    cells::distinct_rows(input)
        .into_iter()
        .map(|(table, row)| (input.paper.has_table(&table.id), cells::title(table, row), row))
}

pub(super) fn over_seeds(measure: &Measure, cells: &[&Cell]) -> Comparison {
    let values: Vec<f64> = cells.iter().filter_map(|cell| cell.measured(measure)).collect();
    let mean = stats::mean(&values);
    Comparison {
        paper: None,
        ours: mean.map(|mean| measure.value(mean, values.len())),
        sd: mean.zip(stats::spread(&values).ok()).map(|(mean, sd)| measure.spread(sd, mean, values.len())),
        equal: stats::spread(&values) == Err(stats::Undefined::ZeroSpread),
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
