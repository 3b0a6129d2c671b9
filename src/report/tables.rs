//! The tables of the report as plain data, for all formats: the paper's values beside ours, never mixed.

use serde::Serialize;

use super::{
    cells::{Index, Source},
    input::{Cell, ReportInput, Row, Table, TableKind},
};
use crate::artifact::Scores;
use crate::number::{count, slug};
use crate::paper::measure::{ACCURACY_IMPLIED, FALSE_POSITIVES, TOP1, TOP5};
use crate::paper::{BASELINE, Measure, Paper, PaperRow};
use crate::stats::{self, Undefined};

/// With more classes than this, tables leave single classes out, and figures show some of them.
pub const MANY_CLASSES: usize = 20;

/// A table of results.
#[derive(Debug, Clone, Serialize)]
pub struct TableView {
    /// First part of its cells' ids.
    pub id: String,
    /// Anchor.
    pub anchor: String,
    /// `Table 2`
    pub number: String,
    /// The paper's caption.
    pub caption: String,
    /// `false-positives` or `accuracy`
    pub kind: TableKind,
    /// Whether the paper has it.
    pub of_paper: bool,
    /// Whether any of its cells has results.
    pub done: bool,
    /// The table, once per reading of its measures; the first is the main one.
    pub readings: Vec<Reading>,
}

/// A table of results under one reading of its measures.
#[derive(Debug, Clone, Serialize)]
pub struct Reading {
    /// What distinguishes it: `missed`; empty for the main one.
    pub key: &'static str,
    /// Anchor.
    pub anchor: String,
    /// How the measures are read; empty if there is one reading only.
    pub title: &'static str,
    /// Whether the paper has any of its rows.
    pub in_paper: bool,
    /// The measures.
    pub columns: Vec<ColumnView>,
    /// Rows.
    pub rows: Vec<RowView>,
    /// What a reader of any row must know, each once.
    pub notes: Vec<String>,
}

/// A column of a table.
#[derive(Debug, Clone, Serialize)]
pub struct ColumnView {
    /// Without the unit: `Top-1`, or the name of a class.
    pub name: String,
    /// With the unit: `Top-1 (%)`.
    pub heading: String,
    /// Whether it is about a single class.
    pub of_class: bool,
}

/// A row: one network × initialization × loss, over seeds.
#[derive(Debug, Clone, Serialize)]
pub struct RowView {
    /// Network.
    pub network: String,
    /// Initial weights.
    pub initialization: String,
    /// Loss.
    pub loss: String,
    /// Training epochs of our cells.
    pub epochs: u32,
    /// Training epochs of the paper.
    pub paper_epochs: Option<u32>,
    /// Whether the paper has this row.
    pub in_paper: bool,
    /// Where our numbers came from.
    pub source: Source,
    /// One per column.
    pub values: Vec<Comparison>,
    /// What a reader of the row must know, in sentences.
    pub notes: Vec<String>,
}

/// The paper's value and ours.
#[derive(Debug, Clone, Serialize)]
pub struct Comparison {
    /// The paper's value.
    pub paper: Option<String>,
    /// Our mean over seeds.
    pub ours: Option<String>,
    /// Our sample standard deviation over seeds; `None` of one run, and where all are equal.
    pub sd: Option<String>,
    /// Whether there are several runs and all are equal, which says nothing of further ones.
    pub equal: bool,
    /// Ours − the paper's.
    pub difference: Option<String>,
}

/// The difference between a loss and CE, in one measure.
#[derive(Debug, Clone, Serialize)]
pub struct Contrast {
    /// `Table 3`
    pub table: String,
    /// Whether the paper has the table.
    pub of_paper: bool,
    /// Anchor of the table.
    pub href: String,
    /// Network.
    pub network: String,
    /// Initial weights.
    pub initialization: String,
    /// `FPL − CE`
    pub pair: String,
    /// `top-1 (points)`
    pub measure: String,
    /// The paper's difference and ours, paired by seed.
    pub value: Comparison,
    /// Pairs of cells with the same seed.
    pub pairs: usize,
    /// In how many pairs the difference has the paper's sign: `3 of 5`. `None` if either is missing.
    pub agreement: Option<String>,
    /// Whether a result behind it is from a reduced run.
    pub reduced: bool,
    /// Whether a result behind it was made elsewhere.
    pub imported: bool,
    /// Cells behind it, or why there are none.
    pub sources: Vec<Source>,
}

/// A column of a table.
enum Column<'a> {
    /// False positives of a class, or under the other reading the images of it that are missed.
    Class { index: usize, name: &'a str, missed: bool },
    /// A measure, under another heading where it has one here.
    Whole { measure: &'static Measure, heading: Option<&'static str> },
}

impl Column<'_> {
    /// What is measured, which decides the digits.
    fn measure(&self) -> &'static Measure {
        match self {
            Self::Class { .. } => &FALSE_POSITIVES,
            Self::Whole { measure, .. } => measure,
        }
    }

    /// The paper's value.
    fn quoted(&self, paper: &Paper, row: &PaperRow) -> Option<f64> {
        match self {
            Self::Class { index, .. } => row.false_positives.get(*index).copied().map(f64::from),
            Self::Whole { measure, .. } => (measure.paper)(paper, row),
        }
    }

    /// Ours.
    fn measured(&self, cell: &Cell) -> Option<f64> {
        match self {
            Self::Class { index, missed, .. } => {
                let scores = cell.scores.as_ref()?;
                let counts = if *missed { &scores.false_negatives } else { &scores.false_positives };
                counts.get(*index).copied().map(f64::from)
            }
            Self::Whole { measure, .. } => cell.measured(measure),
        }
    }

    fn view(&self) -> ColumnView {
        match self {
            Self::Class { name, .. } => {
                ColumnView { name: (*name).to_owned(), heading: (*name).to_owned(), of_class: true }
            }
            Self::Whole { measure, heading } => ColumnView {
                name: heading.unwrap_or(measure.title).to_owned(),
                heading: heading.map_or_else(|| measure.heading(), str::to_owned),
                of_class: false,
            },
        }
    }
}

/// A table's columns under one reading.
struct Columns<'a> {
    key: &'static str,
    title: &'static str,
    list: Vec<Column<'a>>,
}

/// All tables of results.
pub fn tables(input: &ReportInput, index: &Index) -> Vec<TableView> {
    let view = |table: &Table| TableView {
        id: table.id.clone(),
        anchor: slug(&table.id),
        number: table.number.clone(),
        caption: table.caption.clone(),
        kind: table.kind,
        of_paper: input.paper.has_table(&table.id),
        done: table.rows.iter().any(|row| !index.scored(row).is_empty()),
        readings: columns(table, &input.dataset.classes)
            .iter()
            .map(|columns| reading(input, table, index, columns))
            .collect(),
    };
    input.tables.iter().map(view).collect()
}

/// Every loss against CE, for every network × initialization of every table.
pub fn contrasts(input: &ReportInput, index: &Index) -> Vec<Contrast> {
    let mut all = Vec::new();
    for table in &input.tables {
        let measures: &[&'static Measure] = match table.kind {
            TableKind::FalsePositives => &[&FALSE_POSITIVES, &ACCURACY_IMPLIED],
            TableKind::Accuracy => &[&TOP1, &TOP5],
        };
        for row in table.rows.iter().filter(|row| row.loss != BASELINE) {
            let alike = |other: &&Row| (&other.network, &other.initialization) == (&row.network, &row.initialization);
            let Some(ce) = table.rows.iter().filter(alike).find(|other| other.loss == BASELINE) else { continue };
            all.extend(measures.iter().map(|measure| contrast(input, table, index, (row, ce), measure)));
        }
    }
    all
}

/// A table's columns, once per reading of its measures; the first is the main one.
fn columns<'a>(table: &Table, classes: &'a [String]) -> Vec<Columns<'a>> {
    let whole = |measure, heading| Column::Whole { measure, heading };
    let totals = || vec![whole(&FALSE_POSITIVES, Some("Total")), whole(&ACCURACY_IMPLIED, None)];
    let counts = |missed| -> Vec<Column> {
        let of_class = |(index, name): (usize, &'a String)| Column::Class { index, name, missed };
        classes.iter().enumerate().map(of_class).chain(totals()).collect()
    };
    match table.kind {
        // Both readings have the same totals.
        TableKind::FalsePositives if classes.len() > MANY_CLASSES => {
            vec![Columns { key: "", title: "Single classes are in data/confusion.csv", list: totals() }]
        }
        TableKind::FalsePositives => vec![
            Columns {
                key: "",
                title: "False positives of a class: images wrongly predicted as the class",
                list: counts(false),
            },
            Columns {
                key: "missed",
                title: "The other reading: images of the class that are predicted as another",
                list: counts(true),
            },
        ],
        TableKind::Accuracy => {
            vec![Columns { key: "", title: "", list: vec![whole(&TOP1, None), whole(&TOP5, None)] }]
        }
    }
}

fn reading(input: &ReportInput, table: &Table, index: &Index, columns: &Columns) -> Reading {
    let rows: Vec<RowView> = table.rows.iter().map(|row| row_view(&input.paper, index, row, &columns.list)).collect();
    let mut notes: Vec<String> = Vec::new();
    for note in rows.iter().flat_map(|row| &row.notes) {
        if !notes.contains(note) {
            notes.push(note.clone());
        }
    }
    let dash = if columns.key.is_empty() { "" } else { "-" };
    Reading {
        key: columns.key,
        anchor: format!("{}{dash}{}", slug(&table.id), columns.key),
        title: columns.title,
        in_paper: table.rows.iter().any(|row| row.paper.is_some()),
        columns: columns.list.iter().map(Column::view).collect(),
        rows,
        notes,
    }
}

fn row_view(paper: &Paper, index: &Index, row: &Row, columns: &[Column]) -> RowView {
    let cells = index.scored(row);
    let counts = columns.iter().any(|column| *column.measure() == FALSE_POSITIVES);
    RowView {
        network: row.network.clone(),
        initialization: row.initialization.clone(),
        loss: row.loss_title.clone(),
        epochs: row.epochs,
        paper_epochs: row.paper.as_ref().map(|paper| paper.epochs).filter(|&epochs| epochs > 0),
        in_paper: row.paper.is_some(),
        source: index.source(row),
        values: columns.iter().map(|column| comparison(paper, column, row.paper.as_ref(), &cells)).collect(),
        notes: if counts { notes(paper, row.paper.as_ref(), &cells) } else { Vec::new() },
    }
}

fn comparison(paper: &Paper, column: &Column, row: Option<&PaperRow>, cells: &[&Cell]) -> Comparison {
    let measure = column.measure();
    let quoted = row.and_then(|row| column.quoted(paper, row));
    let values: Vec<f64> = cells.iter().filter_map(|cell| column.measured(cell)).collect();
    let (mean, runs) = (stats::mean(&values), values.len());
    // Counts of other numbers of images have no difference.
    let comparable = *measure != FALSE_POSITIVES || is_full_test_set(paper, cells);
    Comparison {
        paper: quoted.map(|value| measure.value(value, 1)),
        ours: mean.map(|value| measure.value(value, runs)),
        sd: stats::spread(&values).ok().map(|sd| measure.value(sd, runs)),
        equal: stats::spread(&values) == Err(Undefined::ZeroSpread),
        difference: mean.zip(quoted).filter(|_| comparable).map(|(ours, paper)| measure.effect(ours - paper, runs)),
    }
}

/// What a reader of counts must know.
fn notes(paper: &Paper, row: Option<&PaperRow>, cells: &[&Cell]) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some((row, total)) = row.and_then(|row| Some((row, row.total_false_positives?))) {
        let sum: u32 = row.false_positives.iter().sum();
        if !row.false_positives.is_empty() && sum != total {
            notes.push(format!("The paper’s classes add up to {sum}, not to its total of {total}."));
        }
    }
    if let (Some(scores), false) = (cells.iter().find_map(|cell| cell.scores.as_ref()), is_full_test_set(paper, cells))
    {
        notes.push(format!(
            "Our counts are of {} test images, the paper’s of {}: only the accuracy can be compared.",
            count(scores.images.into()),
            count(paper.test_images.into())
        ));
    }
    notes
}

/// Whether counts are of as many images as the paper's.
fn is_full_test_set(paper: &Paper, cells: &[&Cell]) -> bool {
    let full = |scores: &Scores| scores.images == paper.test_images;
    cells.iter().filter_map(|cell| cell.scores.as_ref()).all(full)
}

fn contrast(
    input: &ReportInput,
    table: &Table,
    index: &Index,
    (row, ce): (&Row, &Row),
    measure: &'static Measure,
) -> Contrast {
    let differences = differences(&index.scored(row), &index.scored(ce), measure);
    let pairs = differences.len();
    let of_paper = |row: &Row| row.paper.as_ref().and_then(|row| (measure.paper)(&input.paper, row));
    let paper = of_paper(row).zip(of_paper(ce)).map(|(loss, ce)| loss - ce);
    let agree = |paper: f64| differences.iter().filter(|&&ours| ours * paper > 0.0).count();
    let sources = vec![index.source(row), index.source(ce)];
    Contrast {
        table: table.number.clone(),
        of_paper: input.paper.has_table(&table.id),
        href: format!("#{}", slug(&table.id)),
        network: row.network.clone(),
        initialization: row.initialization.clone(),
        pair: format!("{} − {}", row.loss_title, ce.loss_title),
        measure: measure.difference(),
        pairs,
        agreement: paper.filter(|_| pairs > 0).map(|paper| format!("{} of {pairs}", agree(paper))),
        reduced: pairs > 0 && sources.iter().any(|source| source.reduced),
        imported: pairs > 0 && sources.iter().any(|source| !source.imported.is_empty()),
        value: Comparison {
            paper: paper.map(|value| measure.effect(value, 1)),
            ours: stats::mean(&differences).map(|mean| measure.effect(mean, pairs)),
            sd: stats::spread(&differences).ok().map(|sd| measure.value(sd, pairs)),
            equal: stats::spread(&differences) == Err(Undefined::ZeroSpread),
            difference: None,
        },
        sources,
    }
}

/// Loss − CE for every seed that both have.
fn differences(loss: &[&Cell], ce: &[&Cell], measure: &Measure) -> Vec<f64> {
    let pair = |cell: &&Cell| {
        let other = ce.iter().find(|other| other.seed == cell.seed)?;
        Some(cell.measured(measure)? - other.measured(measure)?)
    };
    loss.iter().filter_map(pair).collect()
}
