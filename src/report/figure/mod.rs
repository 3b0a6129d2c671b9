//! The paper's figures, then the report's own, as SVG: the same bytes on every machine.

mod style;
mod png;
mod compact;
mod canvas;
mod axes;
mod steps;
mod pair;
mod calibration;
mod confusion;
mod cost;
mod curves;
mod distribution;
mod effects;
mod example;
mod false_positives;
mod levels;
mod recall;
mod severity;
mod samples;
mod seeds;
mod smoothness;
mod specification;
mod training_loss;
mod supplement;

use std::collections::HashMap;

pub use curves::{Curve, Point};
pub use effects::FILE as EFFECTS;
pub use example::{example, false_positive_class};
pub use levels::FILE as LEVELS;
pub use samples::samples;
pub(super) use style::WIDTH;

use self::pair::{Context, Drawn};
use super::input::{Cell, Image, ReportInput, Row};
use super::ledger::ledger;
use super::tables::MANY_CLASSES;
use crate::error::{Error, Result};
use crate::number;

/// Ranges of a figure along its width, side by side, in units of its `viewBox`.
pub type Strips = Vec<[u32; 2]>;

/// A figure of the report.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Figure {
    /// File name: `figure3-table3-resnet50-random.svg`.
    pub file: String,
    /// `Figure 3`.
    pub number: String,
    /// Heading of the figures that it belongs to; empty for the paper's.
    pub group: String,
    /// What stands under it.
    pub caption: String,
    /// What it shows, for those who do not see it.
    pub alt: String,
    /// The figure.
    pub svg: String,
    /// How it is cut into panels that stand one below the other on a narrow screen; none: it fits as it is.
    pub panels: Vec<Strips>,
}

/// A figure that the report has, or would have if its data existed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    /// File name.
    pub file: String,
    /// `Figure 3`.
    pub number: String,
    /// What it is about.
    pub subject: String,
    /// Which of the paper's figures it is, from 1; `None` for our own.
    pub of_paper: Option<usize>,
    /// Heading of the figures that it belongs to; empty for the paper's.
    pub group: String,
}

impl Expected {
    /// A figure of our own.
    fn ours(file: impl Into<String>, number: impl Into<String>, subject: impl Into<String>, group: &str) -> Self {
        let (file, number, subject) = (file.into(), number.into(), subject.into());
        Self { file, number, subject, of_paper: None, group: group.to_owned() }
    }

    /// The figure in this place.
    fn drawn(self, drawn: Drawn) -> Figure {
        let (Self { file, number, group, .. }, Drawn { caption, alt, svg, panels }) = (self, drawn);
        Figure { file, number, group, caption, alt, svg, panels }
    }
}

/// All figures whose data exist: the paper's in its order, then the report's own.
pub fn figures(input: &ReportInput) -> Result<Vec<Figure>> {
    let mut figures = Vec::new();
    let (context, ledger) = (Context::new(input), ledger(input));
    figures.extend(effects::draw(&context, &ledger)?);
    figures.extend(levels::draw(&context, &ledger)?);
    figures.extend(figure1(input)?);
    figures.extend(figure2(input)?);
    for (expected, prefix) in figure3_expected(input).into_iter().zip(&input.curves) {
        figures.extend(figure3(input, expected, prefix)?);
    }
    figures.extend(supplement::figures(&context)?);
    Ok(figures)
}

/// All figures that the report has a place for: the paper's in its order, then the report's own.
pub fn expected(input: &ReportInput) -> Vec<Expected> {
    let figure = |file: &str, number: usize, subject: &str| Expected {
        file: file.to_owned(),
        number: format!("Figure {number}"),
        subject: subject.to_owned(),
        of_paper: Some(number),
        group: String::new(),
    };
    let mut all = vec![
        effects::expected(),
        levels::expected(),
        figure("figure1-example.svg", 1, "A test image and its predicted probabilities"),
        figure("figure2-samples.svg", 2, "Test images of every class"),
    ];
    all.extend(figure3_expected(input));
    all.extend(supplement::expected(&Context::new(input)));
    all
}

fn figure1(input: &ReportInput) -> Result<Option<Figure>> {
    let Some(shown) = &input.example else { return Ok(None) };
    let (classes, label) = (&input.dataset.classes, usize::from(shown.image.label));
    check(&shown.image, classes, "figure1-example.svg")?;
    if shown.probabilities.len() != classes.len() || classes.len() < 2 {
        let message = format!("{} probabilities for {} classes", shown.probabilities.len(), classes.len());
        return Err(Error::Render { what: "figure1-example.svg".to_owned(), message });
    }
    let wrong = false_positive_class(&shown.probabilities, label);
    let (p_true, p_false) = (shown.probabilities[label], shown.probabilities[wrong]);
    let verdict =
        if p_true >= p_false { "so the image is classified correctly" } else { "so the image is misclassified" };
    let alt = format!(
        "Test image {} is of class {} with probability {p_true:.3}; the most probable wrong class is {} with {p_false:.3}, \
         {verdict}.",
        shown.index, classes[label], classes[wrong]
    );
    let caption = format!(
        "The true class and the false positive class (the most probable wrong class) of test image {}, according to cell \
         {}.{}",
        shown.index,
        shown.cell,
        origin(input, |cell| cell.id == shown.cell)
    );
    let svg = example(classes, shown, &alt)?;
    Ok(Some(Figure {
        file: "figure1-example.svg".to_owned(),
        number: "Figure 1".to_owned(),
        group: String::new(),
        caption,
        alt,
        svg,
        panels: example::panels(),
    }))
}

fn figure2(input: &ReportInput) -> Result<Option<Figure>> {
    let count: usize = input.samples.iter().take(MANY_CLASSES).map(Vec::len).sum();
    if count == 0 {
        return Ok(None);
    }
    for image in input.samples.iter().flatten() {
        check(image, &input.dataset.classes, "figure2-samples.svg")?;
    }
    let names: Vec<&str> = input.dataset.classes.iter().take(MANY_CLASSES).map(String::as_str).collect();
    let alt = format!("{count} test images in rows: {}.", names.join(", "));
    let shown = &input.samples[..input.samples.len().min(MANY_CLASSES)];
    let which = if shown.len() < input.samples.len() {
        format!("the first {} classes", shown.len())
    } else {
        "every class".to_owned()
    };
    let caption = format!("Test images of {which} of {}.", input.dataset.name);
    let svg = samples(&input.dataset.classes, shown, &alt)?;
    Ok(Some(Figure {
        file: "figure2-samples.svg".to_owned(),
        number: "Figure 2".to_owned(),
        group: String::new(),
        caption,
        alt,
        svg,
        panels: Vec::new(),
    }))
}

fn figure3(input: &ReportInput, expected: Expected, prefix: &str) -> Result<Option<Figure>> {
    let cells: HashMap<&str, &Cell> = input.cells.iter().map(|cell| (cell.id.as_str(), cell)).collect();
    let of_row =
        |row: &Row| -> Vec<&Cell> { row.cells.iter().filter_map(|id| cells.get(id.as_str()).copied()).collect() };
    let quantities = [curves::TOP1, curves::TOP5];
    let line = |row: &Row| {
        let mut curve = Curve::of(canvas::look(input, &row.loss), row, &of_row(row), &quantities)?;
        curve.paper = row.paper.as_ref().map_or([None, None], |paper| [paper.top1_pct, paper.top5_pct]);
        Some(curve)
    };
    let lines: Vec<Curve> = rows(input, prefix).filter_map(line).collect();
    if lines.is_empty() {
        return Ok(None);
    }
    let last = |curve: &Curve| match (curve.left.last(), curve.right.last()) {
        (Some(top1), Some(top5)) => format!(
            "{}: top-1 {} %, top-5 {} % after epoch {}",
            curve.title,
            number::fixed(top1.mean, 2),
            number::fixed(top5.mean, 2),
            top1.epoch
        ),
        _ => format!("{}: no finite accuracy", curve.title),
    };
    let alt = format!("{}. {}.", expected.subject, lines.iter().map(last).collect::<Vec<_>>().join("; "));
    let id = expected.file.trim_end_matches(".svg");
    let svg = curves::curves(id, &expected.subject, &quantities, &lines, &alt)?;
    let drawn = |cell: &Cell| !cell.metrics.is_empty() && rows(input, prefix).any(|row| row.cells.contains(&cell.id));
    let hollow = if lines.iter().any(|line| line.paper != [None, None]) {
        " Hollow, beside the right end: what the paper prints for its last epoch."
    } else {
        ""
    };
    let caption = format!(
        "{}. Curves are means over seeds, bands reach from the lowest to the highest.{hollow}{}",
        expected.subject,
        origin(input, drawn)
    );
    let Expected { file, number, group, .. } = expected;
    Ok(Some(Figure { file, number, group, caption, alt, svg, panels: curves::panels() }))
}

/// Which of the cells that `is_shown` are reduced or imported.
fn origin(input: &ReportInput, is_shown: impl Fn(&Cell) -> bool) -> String {
    Context::new(input).origin(&input.cells.iter().filter(|cell| is_shown(cell)).collect::<Vec<_>>())
}

fn figure3_expected(input: &ReportInput) -> Vec<Expected> {
    let several = input.curves.len() > 1;
    let expected = |(index, prefix): (usize, &String)| {
        let setting = rows(input, prefix)
            .next()
            .map_or_else(|| prefix.clone(), |row| format!("{}, initial weights: {}", row.network, row.initialization));
        Expected {
            file: format!("figure3-{}.svg", number::slug(prefix)),
            number: if several { format!("Figure 3.{}", index + 1) } else { "Figure 3".to_owned() },
            subject: format!("Top-1 and top-5 accuracy on the test set over epochs ({setting})"),
            of_paper: Some(3),
            group: String::new(),
        }
    };
    input.curves.iter().enumerate().map(expected).collect()
}

/// The rows whose cells' ids start with `prefix` and a loss.
fn rows<'a>(input: &'a ReportInput, prefix: &'a str) -> impl Iterator<Item = &'a Row> {
    let matches = move |id: &String| {
        let mut rest = id.strip_prefix(prefix).unwrap_or_default().split('/');
        // Empty, loss, seed.
        rest.next() == Some("") && rest.count() == 2
    };
    input.tables.iter().flat_map(|table| &table.rows).filter(move |row| row.cells.iter().any(matches))
}

fn check(image: &Image, classes: &[String], what: &str) -> Result<()> {
    let message = if image.pixels.len() != 3 * 1024 {
        format!("an image has {} bytes: expected 3072", image.pixels.len())
    } else if usize::from(image.label) >= classes.len() {
        format!("an image has label {} of {} classes", image.label, classes.len())
    } else {
        return Ok(());
    };
    Err(Error::Render { what: what.to_owned(), message })
}
