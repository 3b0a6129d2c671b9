//! The whole report as plain data: what both formats show, in their order.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{
    cells::{self, Group, Index, images},
    figure::{self, Figure},
    input::{Cell, CellState, ReportInput, SetupRow},
    number::{fixed, slug},
    tables::{Contrast, TableView, contrasts, tables},
};
use crate::paper::Paper;
use crate::stats;

/// The report.
#[derive(Debug, Serialize)]
#[expect(missing_docs, reason = "the names are the report's parts")]
pub struct View<'a> {
    pub paper: &'a Paper,
    /// Whether the paper's address can be linked to.
    pub linked: bool,
    pub profile: &'a str,
    pub profile_note: &'a str,
    pub status: Status,
    pub setup: &'a [SetupRow],
    pub data: Data<'a>,
    pub contrasts: Vec<Contrast>,
    pub tables: Vec<TableView>,
    pub figure1: Vec<Slot<'a>>,
    pub figure2: Vec<Slot<'a>>,
    pub figure3: Vec<Slot<'a>>,
    pub confusions: Vec<Confusion>,
    pub groups: Vec<Group>,
}

/// How much of the matrix there is, and what it is worth.
#[derive(Debug, Serialize)]
pub struct Status {
    /// All cells.
    pub cells: usize,
    /// Trained and evaluated.
    pub done: usize,
    /// Tried and failed.
    pub failed: usize,
    /// Not tried.
    pub not_run: usize,
    /// Cells with results that are reduced.
    pub reduced_done: usize,
    /// Cells that are reduced, with results or without.
    pub reduced: usize,
    /// Whether the data are there and not CIFAR-10.
    pub other_data: bool,
    /// What differs from the paper's protocol, with the number of cells.
    pub deviations: Vec<(String, usize)>,
}

/// The data.
#[derive(Debug, Serialize)]
#[expect(missing_docs, reason = "the names are the rows")]
pub struct Data<'a> {
    pub name: &'a str,
    pub genuine: bool,
    pub present: bool,
    pub train_images: String,
    pub test_images: String,
    pub classes: String,
    pub fingerprint: &'a str,
    pub archive_sha256: &'a str,
}

/// A figure, or its place.
#[derive(Debug, Serialize)]
#[expect(missing_docs, reason = "as in `Figure`")]
pub struct Slot<'a> {
    pub anchor: String,
    pub file: String,
    pub number: String,
    pub subject: String,
    pub figure: Option<Shown<'a>>,
}

/// A figure that exists.
#[derive(Debug, Serialize)]
#[expect(missing_docs, reason = "as in `Figure`")]
pub struct Shown<'a> {
    pub caption: &'a str,
    pub alt: &'a str,
    pub svg: &'a str,
}

/// The confusion matrix of a row, averaged over seeds.
#[derive(Debug, Serialize)]
pub struct Confusion {
    /// Anchor.
    pub anchor: String,
    /// `Table 3: ResNet-50, random, FPL (5 seeds)`
    pub title: String,
    /// Where the numbers link to.
    pub href: String,
    /// Whether a result behind it is from a reduced run.
    pub reduced: bool,
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

impl<'a> View<'a> {
    /// What the report says about `input`.
    pub fn new(input: &'a ReportInput, figures: &'a [Figure]) -> Self {
        let index = Index::new(input);
        let slots = |number: &str| -> Vec<Slot<'a>> {
            let of_number = figure::expected(input).into_iter().filter(|figure| figure.number.starts_with(number));
            of_number.map(|expected| slot(expected, figures)).collect()
        };
        Self {
            paper: &input.paper,
            linked: ["https://", "http://"].iter().any(|scheme| input.paper.url.starts_with(scheme)),
            profile: &input.profile,
            profile_note: &input.profile_note,
            status: status(input, &index),
            setup: &input.setup,
            data: data(input),
            contrasts: contrasts(input, &index),
            tables: tables(input, &index),
            figure1: slots("Figure 1"),
            figure2: slots("Figure 2"),
            figure3: slots("Figure 3"),
            confusions: confusions(input, &index),
            groups: cells::groups(input, &index),
        }
    }
}

fn status(input: &ReportInput, index: &Index) -> Status {
    let number = |keep: &dyn Fn(&&Cell) -> bool| input.cells.iter().filter(keep).count();
    let is_reduced = |cell: &&Cell| !index.deviations(cell).is_empty();
    let mut deviations: BTreeMap<String, usize> = BTreeMap::new();
    for deviation in input.cells.iter().flat_map(|cell| index.deviations(cell)) {
        *deviations.entry(deviation).or_default() += 1;
    }
    Status {
        cells: input.cells.len(),
        done: number(&|cell| cell.state == CellState::Done),
        failed: number(&|cell| matches!(cell.state, CellState::Failed { .. })),
        not_run: number(&|cell| matches!(cell.state, CellState::NotRun { .. })),
        reduced_done: number(&|cell| cell.state == CellState::Done && is_reduced(cell)),
        reduced: number(&is_reduced),
        other_data: cells::is_other_data(&input.dataset),
        deviations: deviations.into_iter().collect(),
    }
}

fn data(input: &ReportInput) -> Data<'_> {
    let dataset = &input.dataset;
    Data {
        name: &dataset.name,
        genuine: dataset.genuine,
        present: !dataset.fingerprint.is_empty(),
        train_images: images(dataset.train_images),
        test_images: images(dataset.test_images),
        classes: dataset.classes.join(", "),
        fingerprint: &dataset.fingerprint,
        archive_sha256: &dataset.archive_sha256,
    }
}

fn slot(expected: figure::Expected, figures: &[Figure]) -> Slot<'_> {
    let figure = figures.iter().find(|figure| figure.file == expected.file);
    Slot {
        anchor: slug(expected.file.trim_end_matches(".svg")),
        file: expected.file,
        number: expected.number,
        subject: expected.subject,
        figure: figure.map(|figure| Shown { caption: &figure.caption, alt: &figure.alt, svg: &figure.svg }),
    }
}

fn confusions(input: &ReportInput, index: &Index) -> Vec<Confusion> {
    let mut all = Vec::new();
    for (table, row) in input.tables.iter().flat_map(|table| table.rows.iter().map(move |row| (table, row))) {
        let scored = index.scored(row);
        if scored.is_empty() {
            continue;
        }
        let source = index.source(row);
        let seeds = if scored.len() == 1 { "1 seed".to_owned() } else { format!("mean of {} seeds", scored.len()) };
        all.push(Confusion {
            anchor: format!("confusion-{}", source.href.trim_start_matches('#')),
            title: format!("{}: {}, {}, {} ({seeds})", table.number, row.network, row.initialization, row.loss_title),
            href: source.href,
            reduced: source.reduced,
            classes: input.dataset.classes.clone(),
            rows: confusion_rows(&scored, &input.dataset.classes),
        });
    }
    all
}

fn confusion_rows(scored: &[&Cell], classes: &[String]) -> Vec<ConfusionRow> {
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
