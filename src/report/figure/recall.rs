//! Recall of each class against its training images, of trainings on imbalanced data.

use std::ops::Range;

use super::{
    axes::{Panel, decades, legend, ticks},
    canvas::{Canvas, Look},
    pair::{Context, Drawn, Side},
    style::WIDTH,
};
use crate::artifact::Scores;
use crate::error::Result;
use crate::number::fixed;
use crate::report::input::{Cell, Row, Table};
use crate::stats;

/// Rows of one network and initial weights.
pub(super) struct Setting<'a> {
    table: &'a Table,
    rows: Vec<&'a Row>,
}

/// A loss's classes: training images, and the mean recall over seeds in percent.
struct Line {
    name: String,
    look: Look,
    points: Vec<(f64, f64)>,
}

/// From this ratio of the largest to the smallest class on, a training set is shown: noise alone changes sizes by less.
const IMBALANCED: f64 = 1.5;

/// The settings that have results on imbalanced data, in the order of the tables.
pub(super) fn settings<'a>(context: &Context<'a>) -> Vec<Setting<'a>> {
    let mut settings: Vec<Setting> = Vec::new();
    for table in &context.input.tables {
        for row in table.rows.iter().filter(|row| context.index.scored(row).iter().any(|cell| sizes(cell).is_some())) {
            let alike = |setting: &&mut Setting| {
                let first = setting.rows[0];
                setting.table.id == table.id
                    && (&first.network, &first.initialization) == (&row.network, &row.initialization)
            };
            match settings.iter_mut().find(alike) {
                Some(setting) => setting.rows.push(row),
                None => settings.push(Setting { table, rows: vec![row] }),
            }
        }
    }
    settings
}

impl Setting<'_> {
    /// For file names: `imbalance-ResNet-18-random`, before it is made a slug.
    pub(super) fn key(&self) -> String {
        format!("{}/{}/{}", self.table.id, self.rows[0].network, self.rows[0].initialization)
    }

    pub(super) fn subject(&self) -> String {
        format!(
            "Recall of each class against its training images ({}: {}, initial weights: {})",
            self.table.number, self.rows[0].network, self.rows[0].initialization
        )
    }
}

pub(super) fn draw(context: &Context, setting: &Setting, id: &str) -> Result<Option<Drawn>> {
    let sides: Vec<Side> = setting.rows.iter().map(|row| context.side(row)).collect();
    let lines: Vec<Line> = sides.iter().filter_map(Line::of).collect();
    if lines.is_empty() {
        return Ok(None);
    }
    let subject = setting.subject();
    let cells: Vec<&Cell> = sides.iter().flat_map(|side| side.cells.iter().copied()).collect();
    let alt = format!("{subject}. {}.", lines.iter().map(Line::describe).collect::<Vec<_>>().join("; "));
    let caption = format!("{subject}: means over seeds; the axis of images is logarithmic.{}", context.origin(&cells));
    // Four names in a row of the legend, at least.
    let head = 40 * lines.len().div_ceil(4) as i32;
    let panel =
        Panel { left: 130, top: 56 + head, width: WIDTH - 160, height: 480, x: log_range(&lines), y: 0.0..100.0 };
    let size = (WIDTH as u32, (panel.bottom() + 110) as u32);
    let svg = Canvas { id, title: &subject, description: &alt, size }.draw(None, |area| {
        let entries: Vec<_> = lines.iter().map(|line| (line.look, line.name.clone())).collect();
        legend(area, &entries, (panel.left, 36), panel.right())?;
        panel.rules(area, &ticks(&panel.y, 5))?;
        panel.axes(area, &decades(&panel.x))?;
        panel.titles(area, "training images of the class", "recall on the test set (%)", 100)?;
        for line in &lines {
            let places: Vec<_> = line.points.iter().map(|(images, recall)| panel.at(images.log10(), *recall)).collect();
            line.look.line(area, places.clone(), 4)?;
            places.into_iter().try_for_each(|at| line.look.mark(area, at, 8, false))?;
        }
        Ok(())
    })?;
    Ok(Some(Drawn { caption, alt, svg, panels: Vec::new() }))
}

/// The classes' training images, where they are imbalanced.
fn sizes(cell: &Cell) -> Option<&[u32]> {
    let counts = &cell.training_set.as_ref()?.class_counts;
    let (least, most) = (*counts.iter().min()?, *counts.iter().max()?);
    (f64::from(most) >= IMBALANCED * f64::from(least)).then_some(counts)
}

impl Line {
    fn of(side: &Side) -> Option<Self> {
        // Seeds have the same numbers of images, though not the same images.
        let sizes = side.cells.iter().find_map(|cell| sizes(cell))?;
        let mean =
            |class: usize| stats::mean(&side.values(|scores: &Scores| scores.recalls_pct().nth(class).flatten()));
        let mut points: Vec<(f64, f64)> = sizes
            .iter()
            .enumerate()
            .filter_map(|(class, &images)| Some((f64::from(images.max(1)), mean(class)?)))
            .collect();
        points.sort_by(|a, b| b.0.total_cmp(&a.0));
        Some(Self { name: side.title(), look: side.look, points })
    }

    fn describe(&self) -> String {
        let end = |point: Option<&(f64, f64)>| {
            point.map_or_else(String::new, |(images, recall)| format!("{} % with {images} images", fixed(*recall, 1)))
        };
        format!("{}: {}, {}", self.name, end(self.points.first()), end(self.points.last()))
    }
}

fn log_range(lines: &[Line]) -> Range<f64> {
    let all = || lines.iter().flat_map(|line| &line.points).map(|(images, _)| images.log10());
    all().fold(f64::INFINITY, f64::min) - 0.1..all().fold(0.0, f64::max) + 0.1
}
