//! Does the loss suppress the second maximum: the distributions of p_F and of the margin p_T − p_F.

use plotters::prelude::*;

use super::{
    axes::{Panel, legend},
    canvas::Canvas,
    pair::{Context, Drawn, Pair, Side},
    steps::{self, Steps, percent},
    style::{GREY, WIDTH},
};
use crate::error::Result;

const SIZE: (u32, u32) = (WIDTH as u32, 716);
/// Left end, upper end, width and height of the panels, in half pixels.
const PANELS: [(i32, i32, i32, i32); 2] = [(140, 126, 590, 480), (900, 126, 590, 480)];

pub(super) fn subject(pair: &Pair) -> String {
    format!("Distribution of p_F and of the margin p_T − p_F with {} ({})", pair.names(), pair.setting())
}

pub(super) fn draw(context: &Context, pair: &Pair, id: &str) -> Result<Option<Drawn>> {
    let of = |side: &Side| {
        let p_false = Steps::sum(side.look, side.scores().map(|scores| scores.p_false_histogram.clone()))?;
        let margin = Steps::sum(side.look, side.scores().map(|scores| scores.margin_histogram.clone()))?;
        Some((p_false, margin))
    };
    let drawn: Vec<(&Side, (Steps, Steps))> = pair.sides.iter().filter_map(|side| Some((side, of(side)?))).collect();
    if drawn.is_empty() {
        return Ok(None);
    }
    let entries: Vec<_> = drawn.iter().map(|(side, _)| (side.look, side.title())).collect();
    let p_false: Vec<&Steps> = drawn.iter().map(|(_, (p_false, _))| p_false).collect();
    let margin: Vec<&Steps> = drawn.iter().map(|(_, (_, margin))| margin).collect();
    let describe = |(side, (p_false, margin)): &(&Side, (Steps, Steps))| {
        format!(
            "{}: p_F is {} on average and above 0.5 for {} of the images; the margin is {} on average and negative for {}",
            side.title(),
            side.mean(4, |scores| scores.p_false_mean),
            percent(p_false.since_bin(p_false.counts.len().div_ceil(2))),
            side.mean(4, |scores| scores.margin_mean),
            percent(margin.before_bin(margin.counts.len() / 2)),
        )
    };
    let alt = format!("Two distributions. {}.", drawn.iter().map(describe).collect::<Vec<_>>().join("; "));
    let caption = format!(
        "{}, all seeds together ({}). Left: p_F, the largest probability of a wrong class; right: the true class's \
         probability minus p_F, negative for misclassified images. Logarithmic vertical axes; at the lower end: no image.{}",
        subject(pair),
        pair.basis(),
        context.origin(&pair.cells())
    );
    let panel = |index: usize, x, all: &[&Steps]| {
        let (left, top, width, height) = PANELS[index];
        Panel { left, top, width, height, x, y: steps::range(all) }
    };
    let (left, right) = (panel(0, 0.0..1.0, &p_false), panel(1, -1.0..1.0, &margin));
    let svg = Canvas { id, title: &subject(pair), description: &alt, size: SIZE }.draw(None, |area| {
        legend(area, &entries, (60, 42), WIDTH / 2)?;
        let zero = right.at(0.0, right.y.start).0;
        area.draw(&PathElement::new([(zero, right.top), (zero, right.bottom())], GREY.stroke_width(3)))?;
        steps::draw(area, &left, &p_false, "p_F, largest probability of a wrong class")?;
        steps::draw(area, &right, &margin, "margin p_T − p_F")
    })?;
    Ok(Some(Drawn { caption, alt, svg, panels: vec![vec![[0, 760]], vec![[760, 1520]]] }))
}
