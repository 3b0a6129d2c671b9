//! Accuracy against how imbalanced, or how wrongly labelled, the training set was.

use std::collections::BTreeSet;
use std::ops::Range;

use super::{
    axes::{Panel, Tick, decades, legend, ticks},
    canvas::{Canvas, Look, look},
    pair::{Context, Drawn},
    style::WIDTH,
};
use crate::error::Result;
use crate::number::fixed;
use crate::recipe::{Imbalance, LabelNoise};
use crate::report::input::Cell;
use crate::stats;

/// What was done to training sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    /// The largest class has so many times the images of the smallest.
    Imbalance,
    /// So many percent of the labels are wrong.
    Noise,
}

/// Results of one network with one kind of initial weights, on training sets that were changed to different extents.
pub(super) struct Series<'a> {
    change: Change,
    network: &'a str,
    initialization: &'a str,
    /// By loss, in the order of the tables.
    lines: Vec<Line<'a>>,
}

struct Line<'a> {
    name: &'a str,
    look: Look,
    /// Extents with the cells that were trained so.
    points: Vec<(f64, Vec<&'a Cell>)>,
}

/// All series that have results for more than one extent, in the order of the tables.
pub(super) fn series<'a>(context: &Context<'a>) -> Vec<Series<'a>> {
    let mut found: Vec<Series> = Vec::new();
    for row in context.input.tables.iter().flat_map(|table| &table.rows) {
        let cells = context.index.scored(row);
        let Some((change, extent)) = cells.first().and_then(|cell| extent(cell)) else { continue };
        let (network, initialization) = (row.network.as_str(), row.initialization.as_str());
        let alike = |series: &Series| {
            (series.change, series.network, series.initialization) == (change, network, initialization)
        };
        let place = found.iter().position(alike).unwrap_or_else(|| {
            found.push(Series { change, network, initialization, lines: Vec::new() });
            found.len() - 1
        });
        let lines = &mut found[place].lines;
        match lines.iter_mut().find(|line| line.name == row.loss_title) {
            Some(line) => line.points.push((extent, cells)),
            None => lines.push(Line {
                name: &row.loss_title,
                look: look(context.input, &row.loss),
                points: vec![(extent, cells)],
            }),
        }
    }
    found.retain(|series| series.extents().len() > 1);
    found
}

/// How a cell's training set was changed, if in one of the two ways alone.
fn extent(cell: &Cell) -> Option<(Change, f64)> {
    let fields = &cell.identity["train"]["fields"];
    let imbalance: Option<Imbalance> = serde_json::from_value(fields["imbalance"].clone()).ok()?;
    let noise: Option<LabelNoise> = serde_json::from_value(fields["noise"].clone()).ok()?;
    match (imbalance, noise) {
        (Some(imbalance), None) => Some((Change::Imbalance, imbalance.factor())),
        (None, Some(LabelNoise::Symmetric { rate } | LabelNoise::Asymmetric { rate, .. })) => {
            Some((Change::Noise, 100.0 * rate))
        }
        _ => None,
    }
}

impl Change {
    fn title(self) -> &'static str {
        match self {
            Self::Imbalance => "imbalance factor",
            Self::Noise => "wrong training labels (%)",
        }
    }

    /// Where an extent stands on its axis, which is logarithmic for factors.
    fn place(self, extent: f64) -> f64 {
        match self {
            Self::Imbalance => extent.log10(),
            Self::Noise => extent,
        }
    }

    fn ticks(self, range: &Range<f64>) -> Vec<Tick> {
        match self {
            Self::Imbalance => decades(range),
            Self::Noise => ticks(range, 6),
        }
    }
}

impl Series<'_> {
    /// For file names, before it is made a slug.
    pub(super) fn key(&self) -> String {
        let change = match self.change {
            Change::Imbalance => "imbalance",
            Change::Noise => "noise",
        };
        format!("{change}/{}/{}", self.network, self.initialization)
    }

    pub(super) fn subject(&self) -> String {
        format!(
            "Top-1 accuracy against the {} ({}, initial weights: {})",
            self.change.title(),
            self.network,
            self.initialization
        )
    }

    /// In thousandths, so that they can be told apart.
    fn extents(&self) -> BTreeSet<i64> {
        let points = self.lines.iter().flat_map(|line| &line.points);
        points.map(|(extent, _)| (extent * 1000.0).round() as i64).collect()
    }

    /// The axes: a twentieth wider than the values.
    fn ranges(&self) -> (Range<f64>, Range<f64>) {
        let points = || self.lines.iter().flat_map(|line| &line.points);
        let xs = points().map(|(extent, _)| self.change.place(*extent));
        let ys = points().flat_map(|(_, cells)| accuracies(cells));
        (widened(xs), widened(ys))
    }
}

fn accuracies(cells: &[&Cell]) -> Vec<f64> {
    cells.iter().filter_map(|cell| Some(cell.run()?.scores.top1_pct)).collect()
}

fn widened(values: impl Iterator<Item = f64>) -> Range<f64> {
    let (least, most) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), x| (a.min(x), b.max(x)));
    let room = ((most - least) / 20.0).max(0.05);
    least - room..most + room
}

pub(super) fn draw(context: &Context, series: &Series, id: &str) -> Result<Option<Drawn>> {
    let subject = series.subject();
    let cells: Vec<&Cell> =
        series.lines.iter().flat_map(|line| &line.points).flat_map(|(_, cells)| cells.iter().copied()).collect();
    let alt = format!("{subject}. {}.", series.lines.iter().map(Line::describe).collect::<Vec<_>>().join("; "));
    let scale = if series.change == Change::Imbalance { "; the axis of factors is logarithmic" } else { "" };
    let caption = format!("{subject}: every seed, and a line through the means{scale}.{}", context.origin(&cells));
    // Four names in a row of the legend, at least.
    let head = 40 * series.lines.len().div_ceil(4) as i32;
    let (x, y) = series.ranges();
    let panel = Panel { left: 130, top: 56 + head, width: WIDTH - 160, height: 440, x, y };
    let size = (WIDTH as u32, (panel.bottom() + 110) as u32);
    let svg = Canvas { id, title: &subject, description: &alt, size }.draw(None, |area| {
        let entries: Vec<_> = series.lines.iter().map(|line| (line.look, line.name.to_owned())).collect();
        legend(area, &entries, (panel.left, 36), panel.right())?;
        panel.rules(area, &ticks(&panel.y, 5))?;
        panel.axes(area, &series.change.ticks(&panel.x))?;
        panel.titles(area, series.change.title(), "top-1 accuracy on the test set (%)", 100)?;
        for line in &series.lines {
            let at = |extent: f64, accuracy: f64| panel.at(series.change.place(extent), accuracy);
            let means = line.means().into_iter().map(|(extent, mean)| at(extent, mean));
            line.look.line(area, means.collect(), 4)?;
            for (extent, cells) in &line.points {
                accuracies(cells).into_iter().try_for_each(|y| line.look.mark(area, at(*extent, y), 7, false))?;
            }
        }
        Ok(())
    })?;
    Ok(Some(Drawn { caption, alt, svg }))
}

impl Line<'_> {
    /// Extents in their order, with the mean accuracy of all their cells.
    fn means(&self) -> Vec<(f64, f64)> {
        let mean = |(extent, cells): &(f64, Vec<&Cell>)| Some((*extent, stats::mean(&accuracies(cells))?));
        let mut means: Vec<(f64, f64)> = self.points.iter().filter_map(mean).collect();
        means.sort_by(|a, b| a.0.total_cmp(&b.0));
        means
    }

    fn describe(&self) -> String {
        let at = |(extent, mean): (f64, f64)| format!("{} % at {extent}", fixed(mean, 1));
        format!("{}: {}", self.name, self.means().into_iter().map(at).collect::<Vec<_>>().join(", "))
    }
}
