//! The tables of the report as plain data, for all formats: the paper's values beside ours, never mixed.

use serde::Serialize;

use super::{
    cells::{Index, Source},
    input::{Cell, ReportInput, Row, Table, TableKind},
    number::{fixed, signed, slug},
};
use crate::artifact::Scores;
use crate::paper::PaperRow;
use crate::stats;

/// Test images of CIFAR-10, on which the paper's counts are.
const PAPER_IMAGES: u32 = 10_000;

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
    /// The table, once per reading of its measures; the first is the main one.
    pub readings: Vec<Reading>,
}

/// A table of results under one reading of its measures.
#[derive(Debug, Clone, Serialize)]
pub struct Reading {
    /// Anchor.
    pub anchor: String,
    /// How the measures are read; empty if there is one reading only.
    pub title: String,
    /// Whether the paper has any of its rows.
    pub in_paper: bool,
    /// Names of the measures.
    pub columns: Vec<String>,
    /// Rows.
    pub rows: Vec<RowView>,
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
    /// Our sample standard deviation over seeds.
    pub sd: Option<String>,
    /// Ours − the paper's.
    pub difference: Option<String>,
}

/// The difference between a loss and CE, in one measure.
#[derive(Debug, Clone, Serialize)]
pub struct Contrast {
    /// `Table 3`
    pub table: String,
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

/// What a measure is of a run, ours or the paper's.
type Value<Run> = Box<dyn Fn(&Run) -> Option<f64>>;

/// A column of a table.
struct Measure {
    title: String,
    /// For [`Contrast`]; `None` where the per-class differences would be too many.
    contrast: Option<&'static str>,
    count: bool,
    paper: Value<PaperRow>,
    ours: Value<Scores>,
}

impl Measure {
    /// Counts of one run are whole.
    fn decimals(&self, n: usize) -> usize {
        match (self.count, n) {
            (true, 0 | 1) => 0,
            (true, _) => 1,
            (false, _) => 2,
        }
    }
}

/// All tables of results.
pub fn tables(input: &ReportInput, index: &Index) -> Vec<TableView> {
    let view = |table: &Table| TableView {
        id: table.id.clone(),
        anchor: slug(&table.id),
        number: table.number.clone(),
        caption: table.caption.clone(),
        kind: table.kind,
        readings: readings(table, &input.dataset.classes)
            .into_iter()
            .map(|(anchor, title, measures)| reading(table, index, anchor, title, &measures))
            .collect(),
    };
    input.tables.iter().map(view).collect()
}

/// Every loss against CE, for every network × initialization of every table.
pub fn contrasts(input: &ReportInput, index: &Index) -> Vec<Contrast> {
    let mut all = Vec::new();
    for table in &input.tables {
        let measures = readings(table, &input.dataset.classes).into_iter().next().map(|(_, _, measures)| measures);
        for row in table.rows.iter().filter(|row| row.loss != "ce") {
            let alike = |other: &&Row| (&other.network, &other.initialization) == (&row.network, &row.initialization);
            let Some(ce) = table.rows.iter().filter(alike).find(|other| other.loss == "ce") else { continue };
            let named = measures.iter().flatten().filter_map(|measure| Some((measure.contrast?, measure)));
            all.extend(named.map(|(name, measure)| contrast(table, index, (row, ce), (name, measure))));
        }
    }
    all
}

fn readings(table: &Table, classes: &[String]) -> Vec<(&'static str, &'static str, Vec<Measure>)> {
    match table.kind {
        TableKind::FalsePositives => vec![
            ("", "False positives of a class: images wrongly predicted as the class", false_positives(classes, false)),
            (
                "-missed",
                "The other reading: images of the class that are predicted as another",
                false_positives(classes, true),
            ),
        ],
        TableKind::Accuracy => vec![("", "", accuracies())],
    }
}

fn false_positives(classes: &[String], missed: bool) -> Vec<Measure> {
    let counts =
        move |scores: &Scores| if missed { scores.false_negatives.clone() } else { scores.false_positives.clone() };
    let of_class = |(class, name): (usize, &String)| Measure {
        title: name.clone(),
        contrast: None,
        count: true,
        paper: Box::new(move |row| row.false_positives.get(class).copied().map(f64::from)),
        ours: Box::new(move |scores| counts(scores).get(class).copied().map(f64::from)),
    };
    let mut measures: Vec<Measure> = classes.iter().enumerate().map(of_class).collect();
    measures.push(Measure {
        title: "Total".to_owned(),
        contrast: Some("total false positives (images)"),
        count: true,
        paper: Box::new(|row| row.total_false_positives.map(f64::from)),
        ours: Box::new(move |scores| Some(f64::from(counts(scores).iter().sum::<u32>()))),
    });
    measures.push(Measure {
        title: "Accuracy implied (%)".to_owned(),
        contrast: Some("accuracy implied (points)"),
        count: false,
        paper: Box::new(|row| {
            row.total_false_positives.map(|total| 100.0 * (1.0 - f64::from(total) / f64::from(PAPER_IMAGES)))
        }),
        ours: Box::new(move |scores| {
            let wrong = f64::from(counts(scores).iter().sum::<u32>());
            (scores.images > 0).then(|| 100.0 * (1.0 - wrong / f64::from(scores.images)))
        }),
    });
    measures
}

fn accuracies() -> Vec<Measure> {
    vec![
        Measure {
            title: "Top-1 (%)".to_owned(),
            contrast: Some("top-1 (points)"),
            count: false,
            paper: Box::new(|row| row.top1_pct),
            ours: Box::new(|scores| Some(scores.top1_pct)),
        },
        Measure {
            title: "Top-5 (%)".to_owned(),
            contrast: Some("top-5 (points)"),
            count: false,
            paper: Box::new(|row| row.top5_pct),
            ours: Box::new(|scores| Some(scores.top5_pct)),
        },
    ]
}

fn reading(table: &Table, index: &Index, anchor: &str, title: &str, measures: &[Measure]) -> Reading {
    Reading {
        anchor: format!("{}{anchor}", slug(&table.id)),
        title: title.to_owned(),
        in_paper: table.rows.iter().any(|row| row.paper.is_some()),
        columns: measures.iter().map(|measure| measure.title.clone()).collect(),
        rows: table.rows.iter().map(|row| row_view(index, row, measures)).collect(),
    }
}

fn row_view(index: &Index, row: &Row, measures: &[Measure]) -> RowView {
    let cells = index.scored(row);
    let scores: Vec<&Scores> = cells.iter().filter_map(|cell| cell.scores.as_ref()).collect();
    RowView {
        network: row.network.clone(),
        initialization: row.initialization.clone(),
        loss: row.loss_title.clone(),
        epochs: row.epochs,
        paper_epochs: row.paper.as_ref().map(|paper| paper.epochs).filter(|&epochs| epochs > 0),
        in_paper: row.paper.is_some(),
        source: index.source(row),
        values: measures.iter().map(|measure| comparison(measure, row.paper.as_ref(), &scores)).collect(),
        notes: notes(row.paper.as_ref(), &scores, measures.iter().any(|measure| measure.count)),
    }
}

fn comparison(measure: &Measure, paper: Option<&PaperRow>, scores: &[&Scores]) -> Comparison {
    let quoted = paper.and_then(|row| (measure.paper)(row));
    let values: Vec<f64> = scores.iter().filter_map(|scores| (measure.ours)(scores)).collect();
    let comparable = !measure.count || is_full_test_set(scores);
    compared(measure, quoted, &values, comparable)
}

fn compared(measure: &Measure, paper: Option<f64>, values: &[f64], comparable: bool) -> Comparison {
    let (mean, decimals) = (stats::mean(values), measure.decimals(values.len()));
    let difference = mean.zip(paper).filter(|_| comparable);
    Comparison {
        paper: paper.map(|value| fixed(value, measure.decimals(1))),
        ours: mean.map(|value| fixed(value, decimals)),
        sd: stats::sample_sd(values).map(|sd| fixed(sd, decimals)),
        difference: difference.map(|(ours, paper)| signed(ours - paper, decimals)),
    }
}

fn notes(paper: Option<&PaperRow>, scores: &[&Scores], counts: bool) -> Vec<String> {
    let mut notes = Vec::new();
    if !counts {
        return notes;
    }
    if let Some((row, total)) = paper.and_then(|row| Some((row, row.total_false_positives?))) {
        let sum: u32 = row.false_positives.iter().sum();
        if !row.false_positives.is_empty() && sum != total {
            notes.push(format!("The paper’s classes add up to {sum}, not to its total of {total}."));
        }
    }
    if let (Some(first), false) = (scores.first(), is_full_test_set(scores)) {
        notes.push(format!(
            "Our counts are of {} test images, the paper’s of 10,000: only the accuracy can be compared.",
            fixed(f64::from(first.images), 0)
        ));
    }
    notes
}

fn is_full_test_set(scores: &[&Scores]) -> bool {
    scores.iter().all(|scores| scores.images == PAPER_IMAGES)
}

fn contrast(table: &Table, index: &Index, (row, ce): (&Row, &Row), (name, measure): (&str, &Measure)) -> Contrast {
    let pairs = pairs(&index.scored(row), &index.scored(ce), &measure.ours);
    let of_paper = |row: &Row| row.paper.as_ref().and_then(|paper| (measure.paper)(paper));
    let paper = of_paper(row).zip(of_paper(ce)).map(|(loss, ce)| loss - ce);
    let agree = |paper: f64| pairs.iter().filter(|&&ours| ours * paper > 0.0).count();
    let sources = vec![index.source(row), index.source(ce)];
    let mut value = compared(measure, paper, &pairs, false);
    value.paper = paper.map(|value| signed(value, measure.decimals(1)));
    value.ours = stats::mean(&pairs).map(|mean| signed(mean, measure.decimals(pairs.len())));
    Contrast {
        table: table.number.clone(),
        href: format!("#{}", slug(&table.id)),
        network: row.network.clone(),
        initialization: row.initialization.clone(),
        pair: format!("{} − {}", row.loss_title, ce.loss_title),
        measure: name.to_owned(),
        pairs: pairs.len(),
        agreement: paper.filter(|_| !pairs.is_empty()).map(|paper| format!("{} of {}", agree(paper), pairs.len())),
        reduced: !pairs.is_empty() && sources.iter().any(|source| source.reduced),
        imported: !pairs.is_empty() && sources.iter().any(|source| !source.imported.is_empty()),
        value,
        sources,
    }
}

/// Loss − CE for every seed that both have.
fn pairs(loss: &[&Cell], ce: &[&Cell], value: &dyn Fn(&Scores) -> Option<f64>) -> Vec<f64> {
    let of = |cell: &Cell| cell.scores.as_ref().and_then(value);
    let pair = |cell: &&Cell| {
        let other = ce.iter().find(|other| other.seed == cell.seed)?;
        Some(of(cell)? - of(other)?)
    };
    loss.iter().filter_map(pair).collect()
}
