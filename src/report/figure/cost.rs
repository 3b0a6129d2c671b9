//! What every cell's training took.

use std::{collections::BTreeMap, ops::Range};

use plotters::{prelude::*, style::text_anchor::HPos};

use super::{
    axes::{Panel, SMALL, Tick, decades, round_up, shortened, ticks},
    canvas::{Area, Canvas, Painted, text},
    pair::{Context, Drawn, Side},
    style::{NARROW, RULE},
};
use crate::{
    error::Result,
    number::{duration, plural},
    report::{
        cells::{distinct_rows, title},
        input::{Cell, Row, Table},
    },
    stats,
};

pub(super) const SUBJECT: &str = "Training time of every cell";

/// Height of a row, where in it its name and its marks are, and the first one's upper end, in half pixels.
const EACH: i32 = 74;
const NAME: i32 = 16;
const MARKS: i32 = 42;
const TOP: i32 = 16;
const LEFT: i32 = 40;
/// Times that differ by more than this factor are on a logarithmic axis.
const FAR: f64 = 20.0;

/// A row's training times.
struct Times<'a> {
    label: String,
    side: Side<'a>,
    /// Cells and seconds.
    seconds: Vec<(&'a Cell, f64)>,
}

/// The axis of times.
struct Axis {
    title: &'static str,
    /// Seconds in its unit.
    unit: f64,
    logarithmic: bool,
}

pub(super) fn draw(context: &Context, id: &str) -> Result<Option<Drawn>> {
    let rows = distinct_rows(context.input).into_iter();
    let all: Vec<Times> = rows.filter_map(|(table, row)| Times::of(context, table, row)).collect();
    let seconds = || all.iter().flat_map(|times| &times.seconds).map(|(_, seconds)| *seconds);
    if all.is_empty() {
        return Ok(None);
    }
    let (least, most) = (seconds().fold(f64::INFINITY, f64::min), seconds().fold(0.0, f64::max));
    let axis = Axis::of(least, most);
    let cells: Vec<&Cell> = all.iter().flat_map(|times| &times.seconds).map(|(cell, _)| *cell).collect();
    let hollow = cells.iter().any(|cell| context.is_hollow(cell));
    let marks = if hollow { " Hollow: reduced protocol, or imported." } else { "" };
    let scale = if axis.logarithmic { " The axis is logarithmic." } else { "" };
    let caption = format!(
        "{SUBJECT}, over all of its sessions; one mark per seed.{scale}{marks} Devices: {}.{}",
        devices(&cells),
        context.origin(&cells)
    );
    let alt =
        format!("{SUBJECT}, mean over seeds. {}.", all.iter().map(Times::describe).collect::<Vec<_>>().join("; "));
    let panel = Panel {
        left: LEFT,
        top: TOP,
        width: NARROW - 2 * LEFT,
        height: EACH * all.len() as i32,
        x: axis.range(least, most),
        y: 0.0..all.len() as f64,
    };
    let size = (NARROW as u32, (panel.bottom() + 110) as u32);
    let svg = Canvas { id, title: SUBJECT, description: &alt, size }.draw(None, |area| {
        panel.axes(area, &axis.ticks(&panel.x))?;
        panel.titles(area, axis.title, "", 0)?;
        for (index, times) in all.iter().enumerate() {
            times.draw(context, area, &panel, panel.top + EACH * index as i32, &axis)?;
        }
        Ok(())
    })?;
    Ok(Some(Drawn { caption, alt, svg, panels: Vec::new() }))
}

impl<'a> Times<'a> {
    fn of(context: &Context<'a>, table: &Table, row: &'a Row) -> Option<Self> {
        let side = context.side(row);
        let seconds = side.cells.iter().map(|cell| (*cell, cell.seconds));
        let seconds: Vec<_> = seconds.filter(|(_, seconds)| seconds.is_finite() && *seconds > 0.0).collect();
        let label = title(table, row);
        (!seconds.is_empty()).then_some(Self { label, side, seconds })
    }

    fn describe(&self) -> String {
        let mean = stats::mean(&self.seconds.iter().map(|(_, seconds)| *seconds).collect::<Vec<_>>());
        format!("{}: {}", self.label, duration(mean.unwrap_or_default()))
    }

    fn draw(&self, context: &Context, area: &Area, panel: &Panel, top: i32, axis: &Axis) -> Painted {
        let y = top + MARKS;
        area.draw(&PathElement::new([(panel.left, y), (panel.right(), y)], RULE.stroke_width(2)))?;
        area.draw(&Text::new(shortened(&self.label, 56), (panel.left + 10, top + NAME), text(SMALL, HPos::Left)))?;
        for (cell, seconds) in &self.seconds {
            let x = panel.at(axis.place(*seconds), 0.0).0;
            self.side.look.mark(area, (x, y), 10, context.is_hollow(cell))?;
        }
        Ok(())
    }
}

impl Axis {
    fn of(least: f64, most: f64) -> Self {
        let (title, unit) = match most {
            most if most < 120.0 => ("training time (s)", 1.0),
            most if most < 7200.0 => ("training time (min)", 60.0),
            _ => ("training time (h)", 3600.0),
        };
        Self { title, unit, logarithmic: most > FAR * least }
    }

    fn place(&self, seconds: f64) -> f64 {
        let value = seconds / self.unit;
        if self.logarithmic { value.log10() } else { value }
    }

    fn range(&self, least: f64, most: f64) -> Range<f64> {
        if self.logarithmic {
            return (0.8 * least / self.unit).log10()..(1.25 * most / self.unit).log10();
        }
        let step = round_up(1.02 * most / self.unit / 6.0);
        0.0..(1.02 * most / self.unit / step).ceil() * step
    }

    fn ticks(&self, range: &Range<f64>) -> Vec<Tick> {
        if self.logarithmic { decades(range) } else { ticks(range, 6) }
    }
}

/// `NVIDIA H100 (40 cells)`
fn devices(cells: &[&Cell]) -> String {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for environment in cells.iter().filter_map(|cell| cell.environment.as_ref()) {
        *counts.entry(environment.device_title()).or_default() += 1;
    }
    let all: Vec<String> =
        counts.iter().map(|(device, count)| format!("{device} ({})", plural(*count, "cell"))).collect();
    if all.is_empty() { "not known".to_owned() } else { all.join("; ") }
}
