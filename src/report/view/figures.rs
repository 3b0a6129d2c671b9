//! Figures and the places of those that have no data yet.

use serde::Serialize;

use crate::report::{
    figure::{self, Expected, Figure},
    input::ReportInput,
    number::slug,
};

/// The report's figures.
#[derive(Debug, Serialize)]
pub struct Figures<'a> {
    /// The paper's, by number: Figure 1, 2 and 3.
    pub paper: [Vec<Slot<'a>>; 3],
    /// Ours.
    pub supplementary: Vec<FigureGroup<'a>>,
}

/// Figures under one heading.
#[derive(Debug, Serialize)]
pub struct FigureGroup<'a> {
    /// Anchor of the heading.
    pub anchor: String,
    /// Heading.
    pub title: String,
    /// Figures.
    pub slots: Vec<Slot<'a>>,
}

/// A figure, or its place.
#[derive(Debug, Serialize)]
pub struct Slot<'a> {
    /// Anchor.
    pub anchor: String,
    /// File name.
    pub file: String,
    /// `Figure 3`
    pub number: String,
    /// What it is about.
    pub subject: String,
    /// `None` if it has no data.
    pub figure: Option<Shown<'a>>,
}

/// A figure that exists.
#[derive(Debug, Serialize)]
pub struct Shown<'a> {
    /// What stands under it.
    pub caption: &'a str,
    /// What it shows, for those who do not see it.
    pub alt: &'a str,
    /// The figure.
    pub svg: &'a str,
}

impl<'a> Figures<'a> {
    /// All of `input`'s, drawn or not.
    pub(super) fn new(input: &ReportInput, figures: &'a [Figure]) -> Self {
        let mut paper = [Vec::new(), Vec::new(), Vec::new()];
        let mut supplementary: Vec<FigureGroup> = Vec::new();
        for expected in figure::expected(input) {
            let (number, group) = (expected.number.clone(), group(&expected));
            let slot = slot(expected, figures);
            let Some(title) = group else {
                let of_paper = ["Figure 1", "Figure 2", "Figure 3"];
                let at = of_paper.iter().position(|of_paper| number.starts_with(of_paper)).unwrap_or(2);
                paper[at].push(slot);
                continue;
            };
            if let Some(group) = supplementary.iter_mut().find(|group| group.title == title) {
                group.slots.push(slot);
            } else {
                let anchor = format!("group-{}", slug(&title));
                supplementary.push(FigureGroup { anchor, title, slots: vec![slot] });
            }
        }
        Self { paper, supplementary }
    }
}

/// The heading of a figure that the paper does not have; `None` of the paper's own.
fn group(expected: &Expected) -> Option<String> {
    let group = expected.number.split('.').next().unwrap_or_default();
    group.starts_with("Figure S").then(|| group.to_owned())
}

fn slot(expected: Expected, figures: &[Figure]) -> Slot<'_> {
    let figure = figures.iter().find(|figure| figure.file == expected.file);
    Slot {
        anchor: slug(expected.file.trim_end_matches(".svg")),
        file: expected.file,
        number: expected.number,
        subject: expected.subject,
        figure: figure.map(|figure| Shown { caption: &figure.caption, alt: &figure.alt, svg: &figure.svg }),
    }
}
