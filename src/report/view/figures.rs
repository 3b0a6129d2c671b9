//! Figures and the places of those that have no data yet.

use serde::Serialize;

use super::panels::in_page;
use crate::number::slug;
use crate::report::{
    figure::{self, Expected, Figure},
    input::ReportInput,
};

/// The report's figures.
#[derive(Debug, Serialize)]
pub struct Figures<'a> {
    /// What held up, for the first screen; `None` if it has no data.
    pub effects: Option<Slot<'a>>,
    /// The printed numbers on our distribution, likewise.
    pub levels: Option<Slot<'a>>,
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
    /// Those that have data.
    pub slots: Vec<Slot<'a>>,
    /// Numbers of those that have none.
    pub missing: Vec<String>,
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
    /// The figure as it stands in a page.
    pub svg: String,
}

impl<'a> Figures<'a> {
    /// All of `input`'s, drawn or not.
    pub(super) fn new(input: &ReportInput, figures: &'a [Figure]) -> Self {
        let (mut effects, mut levels) = (None, None);
        let mut paper = [Vec::new(), Vec::new(), Vec::new()];
        let mut supplementary: Vec<FigureGroup> = Vec::new();
        for expected in figure::expected(input) {
            let (of_paper, number, title) = (expected.of_paper, expected.number.clone(), expected.group.clone());
            let slot = slot(expected, figures);
            if let Some(number) = of_paper {
                paper[number - 1].push(slot);
                continue;
            }
            if [figure::EFFECTS, figure::LEVELS].contains(&slot.file.as_str()) {
                let place = if slot.file == figure::EFFECTS { &mut effects } else { &mut levels };
                *place = Some(slot).filter(|slot| slot.figure.is_some());
                continue;
            }
            let at = supplementary.iter().position(|group| group.title == title).unwrap_or_else(|| {
                let anchor = format!("group-{}", slug(&title));
                supplementary.push(FigureGroup { anchor, title, slots: Vec::new(), missing: Vec::new() });
                supplementary.len() - 1
            });
            match slot.figure {
                Some(_) => supplementary[at].slots.push(slot),
                None => supplementary[at].missing.push(number),
            }
        }
        Self { effects, levels, paper, supplementary }
    }
}

fn slot(expected: Expected, figures: &[Figure]) -> Slot<'_> {
    let figure = figures.iter().find(|figure| figure.file == expected.file);
    Slot {
        anchor: slug(expected.file.trim_end_matches(".svg")),
        file: expected.file,
        number: expected.number,
        subject: expected.subject,
        figure: figure.map(|figure| Shown { caption: &figure.caption, alt: &figure.alt, svg: in_page(figure) }),
    }
}
