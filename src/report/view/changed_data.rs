//! What trainings on imbalanced or noisy data saw, and the measures that are about it.

use serde::Serialize;

use super::measures::{over_seeds, titled};
use crate::artifact::TrainingSet;
use crate::number::{count, fixed};
use crate::paper::Measure;
use crate::paper::measure::{Place, TOP1};
use crate::report::cells::{Index, Source};
use crate::report::input::{Cell, ReportInput};
use crate::report::tables::Comparison;
use crate::stats;

/// Trainings on imbalanced or noisy data.
#[derive(Debug, Serialize)]
pub struct ChangedData {
    /// Names and units of the measures that any row has.
    pub columns: Vec<String>,
    /// One per row of the tables with results on such data.
    pub rows: Vec<ChangedRow>,
}

/// A row over seeds.
#[derive(Debug, Serialize)]
pub struct ChangedRow {
    /// Whether the paper has its table.
    pub of_paper: bool,
    /// `Imbalance: ResNet-18, random, FPL`
    pub title: String,
    /// What is behind the numbers.
    pub source: Source,
    /// `12,406`
    pub images: String,
    /// Images of the largest and of the smallest class, by the labels that the network was told: `5,000 to 50`.
    pub classes: String,
    /// `39.9 %`; empty where no label was made wrong.
    pub wrong_labels: String,
    /// One per column.
    pub values: Vec<Comparison>,
}

/// Of every row that has results on such data.
pub(super) fn changed_data(input: &ReportInput, index: &Index) -> ChangedData {
    let rows: Vec<_> = titled(input)
        .map(|(of_paper, title, row)| (of_paper, title, row, index.scored(row)))
        .filter(|(.., cells)| cells.iter().any(|cell| cell.training_set.is_some()))
        .collect();
    let has = |measure: &&Measure| rows.iter().flat_map(|row| &row.3).any(|cell| cell.measured(measure).is_some());
    let measures: Vec<&Measure> =
        std::iter::once(&TOP1).chain(Measure::at(Place::ChangedData)).filter(|measure| has(measure)).collect();
    let view = |(of_paper, title, row, cells): (bool, String, _, Vec<&Cell>)| {
        let sets: Vec<&TrainingSet> = cells.iter().filter_map(|cell| cell.training_set.as_ref()).collect();
        ChangedRow {
            of_paper,
            title,
            source: index.source(row),
            images: range(sets.iter().map(|set| set.images())),
            classes: format!(
                "{} to {}",
                range(sets.iter().filter_map(|set| set.class_counts.iter().max().copied())),
                range(sets.iter().filter_map(|set| set.class_counts.iter().min().copied()))
            ),
            wrong_labels: wrong_labels(&sets),
            values: measures.iter().map(|measure| over_seeds(measure, &cells)).collect(),
        }
    };
    ChangedData {
        columns: measures.iter().map(|measure| measure.heading()).collect(),
        rows: rows.into_iter().map(view).collect(),
    }
}

/// Where seeds differ, from the least to the most.
fn range(values: impl Iterator<Item = u32>) -> String {
    let values: std::collections::BTreeSet<u32> = values.collect();
    match (values.first(), values.last()) {
        (Some(least), Some(most)) if least < most => format!("{}–{}", count((*least).into()), count((*most).into())),
        (Some(value), _) => count((*value).into()),
        _ => String::new(),
    }
}

/// The mean share over seeds.
fn wrong_labels(sets: &[&TrainingSet]) -> String {
    let share = |set: &&TrainingSet| 100.0 * f64::from(set.wrong_labels) / f64::from(set.images().max(1));
    let shares: Vec<f64> = sets.iter().map(share).collect();
    stats::mean(&shares).filter(|share| *share > 0.0).map_or_else(String::new, |share| format!("{} %", fixed(share, 1)))
}
