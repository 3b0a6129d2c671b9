//! Calibration: how often a network is right when it is how sure.

use plotters::{element::DashedPathElement, prelude::*};

use super::{
    axes::{Panel, legend, ticks},
    canvas::{Area, Canvas, Painted},
    pair::{Context, Drawn, Pair, Side},
    steps::{self, Steps},
    style::{GREY, WIDTH},
};
use crate::{
    error::Result,
    number::{fixed, signed},
};

const SIZE: (u32, u32) = (WIDTH as u32, 816);
/// Left end, upper end, width and height of the panels, in half pixels.
const PANELS: [(i32, i32, i32, i32); 2] = [(140, 126, 580, 580), (900, 126, 590, 580)];
/// Bins with fewer images have small marks, which no line joins.
const FEW: f64 = 20.0;

/// A bin of a reliability diagram, over seeds, in percent.
struct Bin {
    count: f64,
    confidence: f64,
    accuracy: f64,
}

/// A loss's reliability diagram.
struct Curve<'a> {
    side: &'a Side<'a>,
    bins: Vec<Bin>,
    counts: Steps,
}

pub(super) fn subject(pair: &Pair) -> String {
    format!("Calibration with {} ({})", pair.names(), pair.setting())
}

pub(super) fn draw(context: &Context, pair: &Pair, id: &str) -> Result<Option<Drawn>> {
    let curves: Vec<Curve> = pair.sides.iter().filter_map(Curve::of).collect();
    if curves.is_empty() {
        return Ok(None);
    }
    let ece = |curve: &Curve| curve.side.mean(2, |scores| scores.ece_pct);
    let label = |curve: &Curve| format!("{}: ECE {} points", curve.side.title(), ece(curve));
    let entries: Vec<_> = curves.iter().map(|curve| (curve.side.look, label(curve))).collect();
    let alt =
        format!("Reliability diagram. {}.", curves.iter().map(|c| c.describe(&ece(c))).collect::<Vec<_>>().join("; "));
    let caption = format!(
        "{}, all seeds together ({}), in {} bins. Left: accuracy over the predicted class's probability; below the diagonal the \
         network is surer than it is right; small marks: fewer than {FEW} images. Right: images per bin; logarithmic, at the \
         lower end: no image. ECE: expected calibration error, mean over seeds.{}",
        subject(pair),
        pair.basis(),
        curves[0].counts.counts.len(),
        context.origin(&pair.cells())
    );
    let counts: Vec<&Steps> = curves.iter().map(|curve| &curve.counts).collect();
    let panel = |index: usize, y| {
        let (left, top, width, height) = PANELS[index];
        Panel { left, top, width, height, x: 0.0..100.0, y }
    };
    let (left, right) = (panel(0, 0.0..100.0), panel(1, steps::range(&counts)));
    let svg = Canvas { id, title: &subject(pair), description: &alt, size: SIZE }.draw(None, |area| {
        legend(area, &entries, (60, 42), WIDTH / 2)?;
        reliability(area, &left, &curves)?;
        steps::draw(area, &right, &counts, "confidence (%)")
    })?;
    Ok(Some(Drawn { caption, alt, svg, panels: vec![vec![[0, 760]], vec![[760, 1520]]] }))
}

impl<'a> Curve<'a> {
    fn of(side: &'a Side<'a>) -> Option<Self> {
        let counts = Steps::sum(side.look, side.scores().map(|s| s.reliability.iter().map(|bin| bin.count).collect()))?;
        let bin = |index: usize| {
            let bins = || side.scores().filter_map(|scores| scores.reliability.get(index)).filter(|bin| bin.count > 0);
            let count: f64 = bins().map(|bin| f64::from(bin.count)).sum();
            let correct: f64 = bins().map(|bin| f64::from(bin.correct)).sum();
            let confidence: f64 = bins().map(|bin| f64::from(bin.count) * bin.confidence).sum();
            Bin { count, confidence: 100.0 * confidence / count, accuracy: 100.0 * correct / count }
        };
        let bins =
            (0..counts.counts.len()).map(bin).filter(|bin| bin.count > 0.0 && bin.confidence.is_finite()).collect();
        Some(Self { side, bins, counts })
    }

    fn describe(&self, ece: &str) -> String {
        let total: f64 = self.bins.iter().map(|bin| bin.count).sum();
        let gap = self.bins.iter().map(|bin| bin.count * (bin.confidence - bin.accuracy)).sum::<f64>() / total;
        let tendency = if gap >= 0.0 { "surer than it is right" } else { "more often right than it is sure" };
        let name = self.side.name;
        format!(
            "{}: expected calibration error {ece} points; on average {name} is {tendency} (confidence − accuracy: {} points), \
             and {} % of the images are in the bin of the highest confidence",
            self.side.title(),
            signed(gap, 2),
            fixed(self.counts.since_bin(self.counts.counts.len() - 1), 1)
        )
    }
}

fn reliability(area: &Area, panel: &Panel, curves: &[Curve]) -> Painted {
    panel.rules(area, &ticks(&panel.y, 5))?;
    panel.axes(area, &ticks(&panel.x, 5))?;
    panel.titles(area, "confidence (%)", "accuracy (%)", 90)?;
    let diagonal = [panel.at(0.0, 0.0), panel.at(100.0, 100.0)];
    area.draw(&DashedPathElement::new(diagonal, 4, 10, GREY.stroke_width(4)))?;
    for curve in curves.iter().rev() {
        let at = |bin: &Bin| panel.at(bin.confidence, bin.accuracy);
        curve.side.look.line(area, curve.bins.iter().filter(|bin| bin.count >= FEW).map(at).collect(), 4)?;
        for bin in &curve.bins {
            curve.side.look.mark(area, at(bin), if bin.count < FEW { 5 } else { 10 }, false)?;
        }
    }
    Ok(())
}
