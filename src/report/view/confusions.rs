//! Confusion matrices, averaged over seeds.

use serde::Serialize;

use crate::number::{fixed, mean_of};
use crate::report::{
    cells::{Index, Source, title},
    input::{Cell, ReportInput},
    tables::MANY_CLASSES,
};
use crate::stats;

/// The confusion matrix of a row, averaged over seeds.
#[derive(Debug, Serialize)]
pub struct Confusion {
    /// Anchor.
    pub anchor: String,
    /// `Table 3: ResNet-50, random, FPL (mean of 5 seeds)`
    pub title: String,
    /// What is behind the numbers.
    pub source: Source,
    /// Names of the classes.
    pub classes: Vec<String>,
    /// A row per true class.
    pub rows: Vec<ConfusionRow>,
}

/// A true class of a confusion matrix.
#[derive(Debug, Serialize)]
pub struct ConfusionRow {
    /// The true class.
    pub class: String,
    /// Images predicted as each class, and whether it is the true one.
    pub counts: Vec<(String, bool)>,
    /// Eq. 9 of this class against the rest, in percent.
    pub eq9: String,
}

/// One per row with results; none of so many classes that no reader finds a field.
pub(super) fn confusions(input: &ReportInput, index: &Index) -> Vec<Confusion> {
    let mut all = Vec::new();
    if input.dataset.classes.len() > MANY_CLASSES {
        return all;
    }
    for (table, row) in input.tables.iter().flat_map(|table| table.rows.iter().map(move |row| (table, row))) {
        let scored = index.scored(row);
        if scored.is_empty() {
            continue;
        }
        let source = index.source(row);
        let seeds = mean_of(scored.len(), "seed");
        all.push(Confusion {
            anchor: format!("confusion-{}", source.href.trim_start_matches('#')),
            title: format!("{} ({seeds})", title(table, row)),
            source,
            classes: input.dataset.classes.clone(),
            rows: rows(&scored, &input.dataset.classes),
        });
    }
    all
}

fn rows(scored: &[&Cell], classes: &[String]) -> Vec<ConfusionRow> {
    let mean = |value: &dyn Fn(&Cell) -> Option<f64>, decimals: usize| {
        let values: Vec<f64> = scored.iter().filter_map(|cell| value(cell)).collect();
        stats::mean(&values).map_or_else(|| "—".to_owned(), |mean| fixed(mean, decimals))
    };
    let decimals = usize::from(scored.len() > 1);
    let count = |cell: &Cell, truth: usize, predicted: usize| {
        cell.scores.as_ref()?.confusion.get(truth)?.get(predicted).copied().map(f64::from)
    };
    let row = |(truth, name): (usize, &String)| ConfusionRow {
        class: name.clone(),
        counts: (0..classes.len())
            .map(|predicted| (mean(&|cell| count(cell, truth, predicted), decimals), truth == predicted))
            .collect(),
        eq9: mean(&|cell| cell.scores.as_ref()?.eq9_accuracy_pct.get(truth).copied(), 2),
    };
    classes.iter().enumerate().map(row).collect()
}
