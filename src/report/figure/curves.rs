//! Two quantities over epochs side by side, one curve per loss: Figure 3, and the training loss.
//!
//! A curve is the mean over seeds; its band reaches from the lowest to the highest seed. Beside the right end stand the paper's
//! numbers, each with a hollow mark at its height.

use std::collections::BTreeMap;

use plotters::{prelude::*, style::text_anchor::HPos};

use super::Strips;
use super::axes::{SMALL, legend, round_up};
use super::canvas::{Area, Canvas, Look, Painted, text};
use super::style::{INK, QUOTED, RULE};
use crate::{
    artifact::EpochMetrics,
    error::Result,
    number::{fixed, plural},
    report::input::{Cell, Row},
    stats,
};

const SIZE: (u32, u32) = (1520, 760);
/// Height of the legend, in half pixels.
const LEGEND: i32 = 88;
/// Room beside a panel for the paper's numbers, and the least distance of two of them, in half pixels.
const PAPER: i32 = 190;
const APART: i32 = 30;
/// Up to this many epochs every epoch has a marker.
const FEW_EPOCHS: usize = 40;

/// What a row of a table has over epochs.
pub struct Curve {
    /// How the loss is drawn.
    look: Look,
    /// Name of the loss, with the number of seeds.
    pub title: String,
    /// Seeds that are averaged.
    pub seeds: usize,
    /// Of the left panel.
    pub left: Vec<Point>,
    /// Of the right panel.
    pub right: Vec<Point>,
    /// What the paper prints for the end of either.
    pub paper: [Option<f64>; 2],
}

/// An epoch of a curve, over seeds.
pub struct Point {
    /// Epoch, from 1.
    pub epoch: u32,
    /// Mean.
    pub mean: f64,
    /// Lowest.
    pub low: f64,
    /// Highest.
    pub high: f64,
}

/// What a panel shows.
pub(super) struct Quantity {
    /// With its unit.
    pub(super) label: &'static str,
    /// Of an epoch.
    pub(super) of: fn(&EpochMetrics) -> f64,
    /// Whether it is a share in percent.
    pub(super) percent: bool,
}

pub(super) const TOP1: Quantity =
    Quantity { label: "test top-1 accuracy (%)", of: |epoch| epoch.test_top1_pct, percent: true };
pub(super) const TOP5: Quantity =
    Quantity { label: "test top-5 accuracy (%)", of: |epoch| epoch.test_top5_pct, percent: true };
pub(super) const LOSS: Quantity = Quantity { label: "training loss", of: |epoch| epoch.train_loss, percent: false };

/// The panels, for screens that are too narrow for both.
pub(super) fn panels() -> Vec<Strips> {
    let half = SIZE.0 / 2;
    vec![vec![[0, half]], vec![[half, SIZE.0]]]
}

impl Curve {
    /// The curves of a row; `None` if none of its cells has metrics.
    pub(super) fn of(look: Look, row: &Row, cells: &[&Cell], quantities: &[Quantity; 2]) -> Option<Self> {
        let seeds: Vec<&[EpochMetrics]> = cells.iter().map(|cell| &*cell.metrics).filter(|m| !m.is_empty()).collect();
        let count = seeds.len();
        (count > 0).then(|| Self {
            look,
            title: format!("{} ({})", row.loss_title, plural(count, "seed")),
            seeds: count,
            left: points(&seeds, quantities[0].of),
            right: points(&seeds, quantities[1].of),
            paper: [None, None],
        })
    }
}

/// One panel per quantity, side by side, under a legend.
pub(super) fn curves(
    id: &str,
    title: &str,
    quantities: &[Quantity; 2],
    curves: &[Curve],
    description: &str,
) -> Result<String> {
    Canvas { id, title, description, size: SIZE }.draw(None, |area| {
        let entries: Vec<_> = curves.iter().map(|curve| (curve.look, curve.title.clone())).collect();
        legend(area, &entries, (40, LEGEND / 2), SIZE.0 as i32 / 2)?;
        let (_, panels) = area.split_vertically(LEGEND);
        let (left, right) = panels.split_horizontally(SIZE.0 / 2);
        panel(&left, &quantities[0], curves, |curve| (&curve.left, curve.paper[0]))?;
        panel(&right, &quantities[1], curves, |curve| (&curve.right, curve.paper[1]))
    })
}

fn points(seeds: &[&[EpochMetrics]], value: impl Fn(&EpochMetrics) -> f64) -> Vec<Point> {
    let mut epochs: BTreeMap<u32, Vec<f64>> = BTreeMap::new();
    for epoch in seeds.iter().copied().flatten().filter(|epoch| value(epoch).is_finite()) {
        epochs.entry(epoch.epoch).or_default().push(value(epoch));
    }
    let point = |(epoch, values): (u32, Vec<f64>)| Point {
        epoch,
        mean: stats::mean(&values).unwrap_or_default(),
        low: values.iter().copied().fold(f64::INFINITY, f64::min),
        high: values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
    };
    epochs.into_iter().map(point).collect()
}

fn panel<'a>(
    area: &Area,
    quantity: &Quantity,
    curves: &'a [Curve],
    of: impl Fn(&'a Curve) -> (&'a [Point], Option<f64>),
) -> Painted {
    let last = curves.iter().flat_map(|curve| of(curve).0).map(|point| point.epoch).max().unwrap_or(1).max(2);
    let values = curves.iter().flat_map(|curve| {
        let (points, paper) = of(curve);
        points.iter().flat_map(|point| [point.low, point.high]).chain(paper)
    });
    let printed: Vec<(Look, f64)> = curves.iter().filter_map(|curve| Some((curve.look, of(curve).1?))).collect();
    let mut chart = ChartBuilder::on(area)
        .margin(16)
        .margin_right(if printed.is_empty() { 36 } else { PAPER })
        .x_label_area_size(90)
        .y_label_area_size(110)
        .build_cartesian_2d(0.0..f64::from(last), range(values, quantity.percent))?;
    chart
        .configure_mesh()
        .bold_line_style(RULE.stroke_width(2))
        .light_line_style(TRANSPARENT)
        .axis_style(INK.stroke_width(2))
        .x_labels(usize::min(last as usize + 1, 11))
        .x_label_formatter(&|epoch| if epoch.fract() == 0.0 { format!("{epoch:.0}") } else { String::new() })
        .y_label_formatter(&|value| format!("{}", (value * 100.0).round() / 100.0))
        .x_desc("epoch")
        .y_desc(quantity.label)
        .label_style(text(28, HPos::Left))
        .axis_desc_style(text(30, HPos::Left))
        .draw()?;
    for curve in curves {
        let (points, _) = of(curve);
        let xy = |value: fn(&Point) -> f64| points.iter().map(move |point| (f64::from(point.epoch), value(point)));
        if curve.seeds > 1 {
            let outline = xy(|point| point.high).chain(xy(|point| point.low).rev()).collect::<Vec<_>>();
            chart.draw_series([Polygon::new(outline, curve.look.colour.mix(0.18))])?;
        }
        let position = |point: (f64, f64)| area_position(area, chart.backend_coord(&point));
        let mean: Vec<(i32, i32)> = xy(|point| point.mean).map(position).collect();
        curve.look.line(area, mean.clone(), 4)?;
        if points.len() <= FEW_EPOCHS {
            for at in mean {
                curve.look.mark(area, at, 8, false)?;
            }
        }
    }
    let height = |value: f64| area_position(area, chart.backend_coord(&(f64::from(last), value)));
    papers(area, printed.into_iter().map(|(look, value)| (look, value, height(value))).collect())
}

/// The paper's numbers, the highest first: marks at their heights, and the numbers beside them where they have room.
fn papers(area: &Area, mut printed: Vec<(Look, f64, (i32, i32))>) -> Painted {
    printed.sort_by_key(|(_, _, (_, y))| *y);
    // Below the word above them.
    let mut free = APART + 16;
    for (place, (look, value, (x, y))) in printed.iter().enumerate() {
        let words = (*y).max(free);
        free = words + APART;
        if place == 0 {
            let head = Text::new("paper", (x + 62, words - APART), text(SMALL, HPos::Left).color(&QUOTED));
            area.draw(&head)?;
        }
        look.outlined(area, (x + 24, *y), 10)?;
        look.outlined(area, (x + 62 + 10, words), 8)?;
        area.draw(&Text::new(fixed(*value, 2), (x + 62 + 28, words), text(SMALL, HPos::Left).color(&QUOTED)))?;
    }
    Ok(())
}

/// Plotters gives positions on the whole figure, but draws at positions on the panel.
fn area_position(area: &Area, (x, y): (i32, i32)) -> (i32, i32) {
    let (left, top) = area.get_base_pixel();
    (x - left, y - top)
}

/// From below the lowest to above the highest value, at round values.
fn range(values: impl Iterator<Item = f64>, percent: bool) -> std::ops::Range<f64> {
    let values = values.filter(|value| value.is_finite());
    let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)));
    let (low, high) = if low <= high { (low, high) } else { (0.0, 1.0) };
    let step = match high - low {
        span if !percent => round_up((span / 8.0).max(1e-6)),
        span if span < 4.0 => 0.5,
        _ => 5.0,
    };
    let most = if percent { 100.0 } else { f64::INFINITY };
    let (low, high) = (((low / step).floor() * step).max(0.0), ((high / step).ceil() * step).min(most));
    if low < high { low..high } else { (low - step).max(0.0)..(high + step).min(most) }
}
