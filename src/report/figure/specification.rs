//! Specification curve: a claim's effect under every reading of what the paper leaves open, and below it what each assumes.
//!
//! What a reading assumes is taken from its cells, not from its words: every field of their training that differs from that of
//! the cells under our reading.

use std::collections::BTreeSet;

use plotters::{element::DashedPathElement, prelude::*, style::text_anchor::HPos};
use serde_json::Value;

use super::{
    Strips,
    axes::{NORMAL, Panel, SMALL, shortened, ticks, upright},
    canvas::{Area, Canvas, Painted, text},
    pair::{Context, Drawn},
    style::{BLUE, GREY, INK, RULE, VERMILION, WIDTH},
};
use crate::{
    error::Result,
    fingerprint::differences,
    number::{fixed, plural},
    report::{
        cells::prefix,
        input::Cell,
        ledger::{LEVEL, Specification, SpecificationCurve, specification_curves},
    },
};

/// Left end of the columns, height of the upper panel, and of a line of the matrix, in half pixels.
const LEFT: i32 = 600;
const TOP: i32 = 70;
const HEIGHT: i32 = 430;
const LINE: i32 = 40;
/// Characters of a line's label that have room.
const LABEL: usize = 34;

/// A reading that has runs, with the cells behind it.
struct Column<'a> {
    specification: &'a Specification,
    mean: f64,
    assumes: BTreeSet<String>,
    hollow: bool,
}

/// A curve of fewer readings is a table's business.
const FEWEST: usize = 3;

/// The curves of claims that have runs under enough readings.
pub(super) fn curves(context: &Context) -> Vec<SpecificationCurve> {
    let run = |curve: &SpecificationCurve| curve.specifications.iter().filter(|one| one.evidence.pairs() > 0).count();
    specification_curves(context.input).into_iter().filter(|curve| run(curve) >= FEWEST).collect()
}

pub(super) fn subject(curve: &SpecificationCurve) -> String {
    format!("{}, {}, under every reading", curve.claim.id, curve.claim.measure.difference())
}

pub(super) fn draw(context: &Context, curve: &SpecificationCurve, id: &str) -> Result<Option<Drawn>> {
    let columns = columns(context, curve);
    if columns.len() < FEWEST {
        return Ok(None);
    }
    let lines: Vec<String> =
        columns.iter().flat_map(|column| column.assumes.iter().cloned()).collect::<BTreeSet<_>>().into_iter().collect();
    let cells: Vec<&Cell> =
        columns.iter().flat_map(|column| cells(context, &column.specification.evidence.cells)).collect();
    let alt = format!(
        "{}. {}.",
        subject(curve),
        columns.iter().map(|column| described(curve, column)).collect::<Vec<_>>().join("; ")
    );
    let caption = format!("{} {}{}", explained(curve, &columns), inferred(&columns), context.origin(&cells));
    let size = (WIDTH as u32, (TOP + HEIGHT + 100 + LINE * (lines.len() as i32 + 1)) as u32);
    let svg = Canvas { id, title: &subject(curve), description: &alt, size }.draw(None, |area| {
        let panel = effects(area, curve, &columns)?;
        matrix(area, &panel, &columns, &lines)
    })?;
    Ok(Some(Drawn { caption, alt, svg, panels: panels(columns.len()) }))
}

/// Each half of the columns with the lines' labels, for narrow screens.
fn panels(columns: usize) -> Vec<Strips> {
    let middle = (LEFT + (WIDTH - LEFT - 30) * columns.div_ceil(2) as i32 / columns.max(1) as i32) as u32;
    vec![vec![[0, middle]], vec![[0, LEFT as u32], [middle, WIDTH as u32]]]
}

/// The readings with runs, in the order of their effects.
fn columns<'a>(context: &Context, curve: &'a SpecificationCurve) -> Vec<Column<'a>> {
    let ours = curve.specifications.first();
    let fields = |one: &Specification| {
        let cell = context.input.cells.iter().find(|cell| prefix(&cell.id) == one.evidence.cells);
        cell.map(|cell| cell.identity["train"]["fields"].clone()).unwrap_or_default()
    };
    let own = ours.map(fields).unwrap_or_default();
    let column = |one: &'a Specification| {
        let evidence = &one.evidence;
        Some(Column {
            mean: evidence.mean.filter(|mean| mean.is_finite())?,
            assumes: assumed(&own, &fields(one), one.best_epoch),
            hollow: evidence.imported > 0 || cells(context, &evidence.cells).iter().any(|cell| context.is_hollow(cell)),
            specification: one,
        })
    };
    let mut columns: Vec<Column> = curve.specifications.iter().filter_map(column).collect();
    columns.sort_by(|a, b| a.mean.total_cmp(&b.mean));
    columns
}

/// The cells of a row with results.
fn cells<'a>(context: &Context<'a>, row: &str) -> Vec<&'a Cell> {
    context.input.cells.iter().filter(|cell| prefix(&cell.id) == row && cell.run().is_some()).collect()
}

/// What cells with these fields of their training assume otherwise than ours, as `optimizer lr: 1`.
fn assumed(own: &Value, other: &Value, best_epoch: bool) -> BTreeSet<String> {
    let mut all: BTreeSet<String> = differences(own, other)
        .iter()
        .filter(|difference| difference.field != "seed")
        .map(|difference| {
            let field = difference.field.trim_start_matches("recipe.").replace(['.', '_'], " ");
            let value = difference.new.as_ref().map_or_else(|| "none".to_owned(), plain);
            shortened(&format!("{field}: {value}"), LABEL)
        })
        .collect();
    if best_epoch {
        all.insert("epoch: the best on the test set".to_owned());
    }
    all
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string().replace('"', ""), str::to_owned)
}

/// `our reading: +129.0, 95 % +94.0 to +164.0 (n = 3)`
fn described(curve: &SpecificationCurve, column: &Column) -> String {
    let (measure, evidence) = (curve.claim.measure, &column.specification.evidence);
    let interval = evidence.interval.map_or_else(
        || evidence.no_interval().to_owned(),
        |ends| format!("95 % {}", measure.interval(ends, evidence.pairs())),
    );
    format!(
        "{}: {}, {interval} (n = {})",
        named(column.specification),
        measure.effect(column.mean, evidence.pairs()),
        evidence.pairs()
    )
}

fn named(one: &Specification) -> String {
    if one.about.is_empty() { "our reading".to_owned() } else { format!("{}: {}", one.about, one.reading) }
}

fn explained(curve: &SpecificationCurve, columns: &[Column]) -> String {
    format!(
        "{}, {}, under {}, each with its 95 % interval (none of one pair), in the order of the effects; vermilion: our \
         reading; hollow: reduced protocol, or imported; dashed: what the paper reports. Below, a filled square where the cells \
         of a reading were trained otherwise than ours.",
        curve.claim.id,
        curve.claim.measure.difference(),
        plural(columns.len(), "reading")
    )
}

/// What the curve says as a whole.
fn inferred(columns: &[Column]) -> String {
    let of = |holds: &dyn Fn(&Column) -> bool| columns.iter().filter(|column| holds(column)).count();
    let (above, below) = (of(&|column| column.mean > 0.0), of(&|column| column.mean < 0.0));
    let rejected = of(&|column| column.specification.p_adjusted.is_some_and(|p| p <= LEVEL));
    let least = columns.iter().filter_map(|column| column.specification.p_adjusted).reduce(f64::min);
    let p = least.map_or_else(String::new, |p| format!(" (the smallest adjusted p is {})", fixed(p, 4)));
    format!(
        "The effect is above 0 in {above} and below in {below}; joint sign flips over all readings reject “no difference” in \
         {rejected}{p}."
    )
}

/// The upper panel: effects with their intervals.
fn effects(
    area: &Area,
    curve: &SpecificationCurve,
    columns: &[Column],
) -> std::result::Result<Panel, Box<dyn std::error::Error>> {
    let ends = columns.iter().flat_map(|column| column.specification.evidence.interval.unwrap_or([column.mean; 2]));
    let drawn = ends.chain([0.0]).chain(curve.paper_effect);
    let (low, high) = drawn.fold((0.0_f64, 0.0_f64), |(low, high), value| (low.min(value), high.max(value)));
    let pad = (0.08 * (high - low)).max(1e-9);
    let y = low - pad..high + pad;
    let width = WIDTH - LEFT - 30;
    let panel = Panel { left: LEFT, top: TOP, width, height: HEIGHT, x: 0.0..columns.len() as f64, y };
    panel.rules(area, &ticks(&panel.y, 6))?;
    panel.axes(area, &[])?;
    upright(area, &curve.claim.measure.difference(), (LEFT - 130, TOP + HEIGHT / 2))?;
    let across = |value: f64| [panel.at(panel.x.start, value), panel.at(panel.x.end, value)];
    area.draw(&PathElement::new(across(0.0), INK.stroke_width(3)))?;
    if let Some(paper) = curve.paper_effect {
        area.draw(&DashedPathElement::new(across(paper), 14, 10, BLUE.stroke_width(3)))?;
        let (x, y) = panel.at(panel.x.start, paper);
        area.draw(&Text::new("paper", (x - 170, y), text(SMALL, HPos::Right)))?;
    }
    for (index, column) in columns.iter().enumerate() {
        effect(area, &panel, index, column)?;
    }
    Ok(panel)
}

fn colour(column: &Column) -> RGBColor {
    if column.specification.about.is_empty() { VERMILION } else { INK }
}

fn effect(area: &Area, panel: &Panel, index: usize, column: &Column) -> Painted {
    let (x, colour) = (index as f64 + 0.5, colour(column));
    if let Some([low, high]) = column.specification.evidence.interval {
        area.draw(&PathElement::new([panel.at(x, low), panel.at(x, high)], colour.stroke_width(4)))?;
    }
    let at = panel.at(x, column.mean);
    area.draw(&Circle::new(at, 10, colour.filled()))?;
    if column.hollow {
        area.draw(&Circle::new(at, 6, WHITE.filled()))?;
    }
    let label = format!("n={}", column.specification.evidence.pairs());
    area.draw(&Text::new(label, (at.0, panel.bottom() + 26), text(SMALL, HPos::Center)))?;
    Ok(())
}

/// Below the panel, a line per assumption.
fn matrix(area: &Area, panel: &Panel, columns: &[Column], lines: &[String]) -> Painted {
    let top = panel.bottom() + 70;
    let head = "assumes otherwise than ours";
    area.draw(&Text::new(head, (20, top), text(NORMAL, HPos::Left)))?;
    for (index, line) in lines.iter().enumerate() {
        let y = top + LINE * (index as i32 + 1);
        area.draw(&PathElement::new([(20, y + LINE / 2), (panel.right(), y + LINE / 2)], RULE.stroke_width(1)))?;
        area.draw(&Text::new(line.clone(), (20, y), text(SMALL, HPos::Left)))?;
        for (place, column) in columns.iter().enumerate() {
            let x = panel.at(place as f64 + 0.5, panel.y.start).0;
            if column.assumes.contains(line) {
                area.draw(&Rectangle::new([(x - 9, y - 9), (x + 9, y + 9)], colour(column).filled()))?;
            } else {
                area.draw(&Circle::new((x, y), 3, GREY.filled()))?;
            }
        }
    }
    Ok(())
}
