//! Figure 3: top-1 and top-5 accuracy on the test set over epochs, one curve per loss.
//!
//! A curve is the mean over seeds; its band reaches from the lowest to the highest seed.

use std::collections::BTreeMap;

use plotters::{prelude::*, style::text_anchor::HPos};

use super::canvas::{Area, Canvas, Look, Painted, text};
use super::style::{INK, RULE};
use crate::{
    artifact::EpochMetrics,
    error::Result,
    number::plural,
    report::input::{Cell, Row},
    stats,
};

const SIZE: (u32, u32) = (1520, 760);
/// Half the height of the legend, in half pixels.
const LEGEND: i32 = 40;
/// Up to this many epochs every epoch has a marker.
const FEW_EPOCHS: usize = 40;

/// The accuracy over epochs of one row of a table.
pub struct Curve {
    /// How the loss is drawn.
    look: Look,
    /// Name of the loss, with the number of seeds.
    pub title: String,
    /// Seeds that are averaged.
    pub seeds: usize,
    /// Top-1 per epoch.
    pub top1: Vec<Point>,
    /// Top-5 per epoch.
    pub top5: Vec<Point>,
}

/// An epoch of a curve, over seeds, in percent.
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

impl Curve {
    /// The curve of a row; `None` if none of its cells has metrics.
    pub(super) fn of(look: Look, row: &Row, cells: &[&Cell]) -> Option<Self> {
        let seeds: Vec<&[EpochMetrics]> = cells.iter().map(|cell| &*cell.metrics).filter(|m| !m.is_empty()).collect();
        let count = seeds.len();
        (count > 0).then(|| Self {
            look,
            title: format!("{} ({})", row.loss_title, plural(count, "seed")),
            seeds: count,
            top1: points(&seeds, |epoch| epoch.test_top1_pct),
            top5: points(&seeds, |epoch| epoch.test_top5_pct),
        })
    }
}

/// One panel per measure, side by side, under a legend.
pub fn curves(id: &str, title: &str, curves: &[Curve], description: &str) -> Result<String> {
    Canvas { id, title, description, size: SIZE }.draw(None, |area| {
        let (head, panels) = area.split_vertically(2 * LEGEND);
        legend(&head, curves)?;
        let (left, right) = panels.split_horizontally(SIZE.0 / 2);
        panel(&left, "test top-1 accuracy (%)", curves, |curve| &curve.top1)?;
        panel(&right, "test top-5 accuracy (%)", curves, |curve| &curve.top5)
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

fn legend(area: &Area, curves: &[Curve]) -> Painted {
    let mut left = 130;
    for curve in curves {
        curve.look.line(area, vec![(left, LEGEND), (left + 90, LEGEND)], 5)?;
        curve.look.mark(area, (left + 45, LEGEND), 8, false)?;
        area.draw(&Text::new(curve.title.clone(), (left + 106, LEGEND), text(30, HPos::Left)))?;
        left += 150 + 17 * curve.title.chars().count() as i32;
    }
    if curves.iter().any(|curve| curve.seeds > 1) {
        area.draw(&Text::new("band: lowest to highest seed", (left, LEGEND), text(28, HPos::Left)))?;
    }
    Ok(())
}

fn panel(area: &Area, label: &str, curves: &[Curve], of: impl Fn(&Curve) -> &[Point]) -> Painted {
    let last = curves.iter().flat_map(&of).map(|point| point.epoch).max().unwrap_or(1).max(2);
    let mut chart = ChartBuilder::on(area)
        .margin(16)
        .margin_right(36)
        .x_label_area_size(90)
        .y_label_area_size(110)
        .build_cartesian_2d(0.0..f64::from(last), range(curves.iter().flat_map(&of)))?;
    chart
        .configure_mesh()
        .bold_line_style(RULE.stroke_width(2))
        .light_line_style(TRANSPARENT)
        .axis_style(INK.stroke_width(2))
        .x_labels(usize::min(last as usize + 1, 11))
        .x_label_formatter(&|epoch| if epoch.fract() == 0.0 { format!("{epoch:.0}") } else { String::new() })
        .y_label_formatter(&|percent| format!("{}", (percent * 100.0).round() / 100.0))
        .x_desc("epoch")
        .y_desc(label)
        .label_style(text(28, HPos::Left))
        .axis_desc_style(text(30, HPos::Left))
        .draw()?;
    for curve in curves {
        let points = of(curve);
        let xy = |value: fn(&Point) -> f64| points.iter().map(move |point| (f64::from(point.epoch), value(point)));
        if curve.seeds > 1 {
            let outline = xy(|point| point.high).chain(xy(|point| point.low).rev()).collect::<Vec<_>>();
            chart.draw_series([Polygon::new(outline, curve.look.colour.mix(0.18))])?;
        }
        let mean = xy(|point| point.mean).map(|point| area_position(area, chart.backend_coord(&point)));
        let mean: Vec<(i32, i32)> = mean.collect();
        curve.look.line(area, mean.clone(), 4)?;
        if points.len() <= FEW_EPOCHS {
            for at in mean {
                curve.look.mark(area, at, 8, false)?;
            }
        }
    }
    Ok(())
}

/// Plotters gives positions on the whole figure, but draws at positions on the panel.
fn area_position(area: &Area, (x, y): (i32, i32)) -> (i32, i32) {
    let (left, top) = area.get_base_pixel();
    (x - left, y - top)
}

/// From below the lowest to above the highest value, at multiples of five or, for close values, of a half.
fn range<'a>(points: impl Iterator<Item = &'a Point>) -> std::ops::Range<f64> {
    let (low, high) =
        points.fold((100.0_f64, 0.0_f64), |(low, high), point| (low.min(point.low), high.max(point.high)));
    let step = if high - low < 4.0 { 0.5 } else { 5.0 };
    let (low, high) = ((low / step).floor() * step, (high / step).ceil() * step);
    let (low, high) = (low.max(0.0), high.min(100.0));
    if low < high { low..high } else { (low - 1.0).max(0.0)..(high + 1.0).min(100.0) }
}
