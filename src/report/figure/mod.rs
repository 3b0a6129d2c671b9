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
mod example;
mod false_positives;
mod recall;
mod severity;
mod samples;
mod seeds;
mod smoothness;
mod supplement;

use std::collections::HashMap;

pub use curves::{Curve, Point, curves};
pub use example::{example, false_positive_class};
pub use samples::samples;

use self::pair::Context;
use super::input::{Cell, Image, ReportInput, Row};
use crate::error::{Error, Result};
use crate::number;

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

/// All figures whose data exist: the paper's in its order, then the report's own.
pub fn figures(input: &ReportInput) -> Result<Vec<Figure>> {
    let mut figures = Vec::new();
    figures.extend(figure1(input)?);
    figures.extend(figure2(input)?);
    for (expected, prefix) in figure3_expected(input).into_iter().zip(&input.curves) {
        figures.extend(figure3(input, expected, prefix)?);
    }
    figures.extend(supplement::figures(&Context::new(input))?);
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
    }))
}

fn figure2(input: &ReportInput) -> Result<Option<Figure>> {
    let count: usize = input.samples.iter().map(Vec::len).sum();
    if count == 0 {
        return Ok(None);
    }
    for image in input.samples.iter().flatten() {
        check(image, &input.dataset.classes, "figure2-samples.svg")?;
    }
    let alt = format!("{count} test images in rows: {}.", input.dataset.classes.join(", "));
    let caption = format!("Test images of every class of {}.", input.dataset.name);
    let svg = samples(&input.dataset.classes, &input.samples, &alt)?;
    Ok(Some(Figure {
        file: "figure2-samples.svg".to_owned(),
        number: "Figure 2".to_owned(),
        group: String::new(),
        caption,
        alt,
        svg,
    }))
}

fn figure3(input: &ReportInput, expected: Expected, prefix: &str) -> Result<Option<Figure>> {
    let cells: HashMap<&str, &Cell> = input.cells.iter().map(|cell| (cell.id.as_str(), cell)).collect();
    let of_row =
        |row: &Row| -> Vec<&Cell> { row.cells.iter().filter_map(|id| cells.get(id.as_str()).copied()).collect() };
    let lines: Vec<Curve> =
        rows(input, prefix).filter_map(|row| Curve::of(canvas::look(input, &row.loss), row, &of_row(row))).collect();
    if lines.is_empty() {
        return Ok(None);
    }
    let last = |curve: &Curve| match (curve.top1.last(), curve.top5.last()) {
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
    let svg = curves(id, &expected.subject, &lines, &alt)?;
    let drawn = |cell: &Cell| !cell.metrics.is_empty() && rows(input, prefix).any(|row| row.cells.contains(&cell.id));
    let caption = format!("{}. Curves are means over seeds.{}", expected.subject, origin(input, drawn));
    Ok(Some(Figure { file: expected.file, number: expected.number, group: expected.group, caption, alt, svg }))
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
