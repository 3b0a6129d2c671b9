//! Claim F3: how smoothly the test accuracy rises, as its changes from epoch to epoch.

use std::collections::BTreeMap;

use plotters::{prelude::*, style::text_anchor::HPos};

use super::{
    axes::{NORMAL, Panel, Tick, shortened, whole_ticks},
    canvas::{Area, Canvas, Painted, text},
    pair::{Context, Drawn, Side, seeds},
    style::{INK, NARROW},
};
use crate::{
    artifact::EpochMetrics,
    error::Result,
    number::{fixed, signed},
    report::input::{Cell, Row},
    stats,
};

/// Distance of panels, their height and the first one's upper end, in half pixels.
const EACH: i32 = 432;
const HEIGHT: i32 = 320;
const TOP: i32 = 74;
/// Changes of so many points are drawn as they are; the axis is logarithmic beyond.
const LINEAR: f64 = 0.3;
/// Up to so many epochs every change has a mark.
const FEW_EPOCHS: usize = 40;

/// The changes with one loss.
struct Changes<'a> {
    side: Side<'a>,
    /// Cells with two epochs or more.
    cells: usize,
    /// Per epoch, from the second: mean, lowest, highest, in points.
    epochs: Vec<(u32, f64, f64, f64)>,
    /// Mean over seeds of the noise around the curve's own trend, in points.
    roughness: Option<f64>,
}

pub(super) fn draw<'a>(context: &Context<'a>, rows: &[&'a Row], subject: &str, id: &str) -> Result<Option<Drawn>> {
    let all: Vec<Changes> = rows.iter().filter_map(|row| Changes::of(context.side(row))).collect();
    if all.is_empty() {
        return Ok(None);
    }
    let alt = format!("{subject}. {}.", all.iter().map(Changes::describe).collect::<Vec<_>>().join("; "));
    let cells: Vec<&Cell> = all.iter().flat_map(|changes| changes.side.cells.iter().copied()).collect();
    let caption = format!(
        "{subject}. Strong: mean over seeds ({}); pale: lowest to highest seed. The vertical axis is linear around 0 and \
         logarithmic beyond. Roughness: standard deviation of top-1 around its own locally linear trend, mean over seeds.{}",
        all.iter().map(|c| format!("{}: {}", c.side.name, seeds(c.cells))).collect::<Vec<_>>().join(", "),
        context.origin(&cells)
    );
    let size = (NARROW as u32, (TOP + EACH * all.len() as i32) as u32);
    let epochs = all.iter().flat_map(|changes| &changes.epochs);
    let largest = epochs.clone().flat_map(|(_, _, low, high)| [low.abs(), high.abs()]).fold(0.1, f64::max);
    let last = f64::from(epochs.map(|(epoch, ..)| *epoch).max().unwrap_or(2));
    let svg = Canvas { id, title: subject, description: &alt, size }.draw(None, |area| {
        for (index, changes) in all.iter().enumerate() {
            let end = bent(1.1 * largest);
            let top = TOP + EACH * index as i32;
            let panel = Panel { left: 140, top, width: NARROW - 170, height: HEIGHT, x: 1.0..last + 0.5, y: -end..end };
            let title = if index + 1 == all.len() { "epoch" } else { "" };
            changes.draw(area, &panel, title)?;
        }
        Ok(())
    })?;
    Ok(Some(Drawn { caption, alt, svg, panels: Vec::new() }))
}

/// Linear around 0, logarithmic beyond.
fn bent(points: f64) -> f64 {
    (points / LINEAR).asinh()
}

impl<'a> Changes<'a> {
    fn of(side: Side<'a>) -> Option<Self> {
        let curves = side.cells.iter().map(|cell| curve(&cell.metrics)).filter(|curve| curve.len() > 1);
        let curves: Vec<Vec<(u32, f64)>> = curves.collect();
        let mut by_epoch: BTreeMap<u32, Vec<f64>> = BTreeMap::new();
        for pair in curves.iter().flat_map(|curve| curve.windows(2)).filter(|pair| pair[1].0 == pair[0].0 + 1) {
            by_epoch.entry(pair[1].0).or_default().push(pair[1].1 - pair[0].1);
        }
        let epoch = |(epoch, values): (u32, Vec<f64>)| {
            let low = values.iter().copied().fold(f64::INFINITY, f64::min);
            Some((epoch, stats::mean(&values)?, low, values.iter().copied().fold(f64::NEG_INFINITY, f64::max)))
        };
        let epochs: Vec<_> = by_epoch.into_iter().filter_map(epoch).collect();
        let noise = |cell: &&Cell| {
            let top1: Vec<f64> = cell.metrics.iter().map(|epoch| epoch.test_top1_pct).collect();
            stats::curve_noise(&top1).filter(|noise| noise.is_finite())
        };
        let roughness = stats::mean(&side.cells.iter().filter_map(noise).collect::<Vec<_>>());
        (!epochs.is_empty()).then_some(Self { side, cells: curves.len(), epochs, roughness })
    }

    fn title(&self) -> String {
        let roughness = self.roughness.map_or("needs 3 epochs".to_owned(), |r| format!("{} points", fixed(r, 3)));
        format!("{} ({}): roughness {roughness}", self.side.name, seeds(self.cells))
    }

    fn describe(&self) -> String {
        let falls = self.epochs.iter().filter(|(_, mean, ..)| *mean < 0.0).count();
        let worst = self.epochs.iter().min_by(|a, b| a.1.total_cmp(&b.1));
        let worst = worst.filter(|(_, mean, ..)| *mean < 0.0);
        let worst = worst.map_or(String::new(), |(epoch, mean, ..)| {
            format!(", most in epoch {epoch} ({} points)", signed(*mean, 2))
        });
        format!("{}; the mean top-1 falls in {falls} of {} epochs{worst}", self.title(), self.epochs.len())
    }

    fn draw(&self, area: &Area, panel: &Panel, title: &str) -> Painted {
        let look = self.side.look;
        look.line(area, vec![(panel.left, panel.top - 34), (panel.left + 84, panel.top - 34)], 5)?;
        look.mark(area, (panel.left + 42, panel.top - 34), 9, false)?;
        let name = shortened(&self.title(), 48);
        area.draw(&Text::new(name, (panel.left + 98, panel.top - 34), text(NORMAL, HPos::Left)))?;
        panel.rules(area, &change_ticks(panel))?;
        panel.axes(
            area,
            &whole_ticks(&(0.0..panel.x.end), 10).into_iter().filter(|tick| tick.at >= 1.0).collect::<Vec<_>>(),
        )?;
        panel.titles(area, title, "change (points)", 96)?;
        let stem = |epoch: u32, from: f64, to: f64| {
            [panel.at(f64::from(epoch), bent(from)), panel.at(f64::from(epoch), bent(to))]
        };
        let width = (f64::from(panel.width) / panel.x.end * 0.5).clamp(2.0, 8.0) as u32;
        if self.cells > 1 {
            let pale = look.colour.mix(0.3).stroke_width(width);
            for (epoch, _, low, high) in &self.epochs {
                area.draw(&PathElement::new(stem(*epoch, *low, *high), pale))?;
            }
        }
        for (epoch, mean, ..) in &self.epochs {
            area.draw(&PathElement::new(stem(*epoch, 0.0, *mean), look.colour.stroke_width(width)))?;
        }
        let zero = panel.at(0.0, 0.0).1;
        area.draw(&PathElement::new([(panel.left, zero), (panel.right(), zero)], INK.stroke_width(1)))?;
        for (epoch, mean, ..) in self.epochs.iter().filter(|_| self.epochs.len() <= FEW_EPOCHS) {
            look.mark(area, panel.at(f64::from(*epoch), bent(*mean)), 8, false)?;
        }
        Ok(())
    }
}

/// Epochs and top-1 of a cell, in their order.
fn curve(metrics: &[EpochMetrics]) -> Vec<(u32, f64)> {
    let top1 = metrics.iter().map(|epoch| (epoch.epoch, epoch.test_top1_pct));
    top1.filter(|(_, top1)| top1.is_finite()).collect()
}

/// 0, and changes of both signs that are far enough apart.
fn change_ticks(panel: &Panel) -> Vec<Tick> {
    let place = |points: f64| panel.at(0.0, bent(points)).1;
    let mut shown = vec![0.0];
    for points in [0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0] {
        let previous = shown.last().copied().unwrap_or_default();
        if bent(points) <= panel.y.end && place(previous) - place(points) >= 34 {
            shown.push(points);
        }
    }
    let negative: Vec<f64> = shown.iter().skip(1).map(|points| -points).collect();
    let decimals = |points: f64| usize::from(points.fract().abs() > 0.0);
    let tick = |points: f64| Tick { at: bent(points), label: signed(points, decimals(points)) };
    negative.into_iter().chain(shown).map(tick).collect()
}
