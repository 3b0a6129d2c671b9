//! Seed scatter: what each seed gave with CE and with another loss.

use plotters::{prelude::*, style::text_anchor::HPos};

use super::Strips;
use super::{
    axes::{Panel, SMALL, shortened, ticks, upright},
    canvas::{Area, Canvas, Painted, text},
    pair::{Context, Drawn, Pair, seeds},
    style::{GREY, WIDTH},
};
use crate::{error::Result, number::signed, report::input::Cell, stats};

pub(super) const SUBJECT: &str = "Top-1 accuracy on the test set of every seed, by loss";

/// Panels in a row, and their size with everything around, in half pixels.
const COLUMNS: usize = 4;
const EACH: (i32, i32) = (364, 520);
const LEFT: i32 = 44;
const TOP: i32 = 12;

pub(super) fn draw(context: &Context, pairs: &[Pair], id: &str) -> Result<Option<Drawn>> {
    let has_both = |pair: &&Pair| pair.sides.iter().all(|side| side.cells.iter().any(|cell| top1(cell).is_some()));
    let shown: Vec<&Pair> = pairs.iter().filter(has_both).collect();
    if shown.is_empty() {
        return Ok(None);
    }
    let cells: Vec<&Cell> = shown.iter().flat_map(|pair| pair.cells()).collect();
    let alt = format!("{SUBJECT}. {}.", shown.iter().map(|pair| describe(pair)).collect::<Vec<_>>().join("; "));
    let hollow = cells.iter().any(|cell| context.is_hollow(cell));
    let marks = if hollow { " Hollow: reduced protocol, or imported." } else { "" };
    let caption = format!(
        "{SUBJECT}: the same seed is joined by a line. The panels' axes differ and do not start at 0.{marks}{}",
        context.origin(&cells)
    );
    let rows = shown.len().div_ceil(COLUMNS) as i32;
    let size = (WIDTH as u32, (TOP + rows * EACH.1) as u32);
    let svg = Canvas { id, title: SUBJECT, description: &alt, size }.draw(None, |area| {
        for (index, pair) in shown.iter().enumerate() {
            let (column, row) = ((index % COLUMNS) as i32, (index / COLUMNS) as i32);
            let (left, top) = (LEFT + column * EACH.0, TOP + row * EACH.1);
            if column == 0 {
                upright(area, "test top-1 accuracy (%)", (24, top + 265))?;
            }
            panel(context, area, pair, (left, top))?;
        }
        Ok(())
    })?;
    Ok(Some(Drawn { caption, alt, svg, panels: panels(shown.len()) }))
}

/// Two panels beside each other, for narrow screens.
fn panels(shown: usize) -> Vec<Strips> {
    let half = (LEFT + 2 * EACH.0) as u32;
    let first = vec![[0, half]];
    if shown > 2 { vec![first, vec![[0, LEFT as u32], [half, WIDTH as u32]]] } else { vec![first] }
}

fn top1(cell: &Cell) -> Option<f64> {
    cell.scores.as_ref().map(|scores| scores.top1_pct).filter(|top1| top1.is_finite())
}

fn describe(pair: &Pair) -> String {
    let differences: Vec<f64> =
        pair.by_seed().iter().filter_map(|(ce, other)| Some(top1(other)? - top1(ce)?)).collect();
    let [ce, other] = pair.sides.each_ref().map(|side| side.name);
    let higher = differences.iter().filter(|difference| **difference > 0.0).count();
    match stats::mean(&differences) {
        Some(mean) => format!(
            "{}: {other} is above {ce} in {higher} of {} ({other} − {ce} on average {} points)",
            pair.setting(),
            seeds(differences.len()),
            signed(mean, 2)
        ),
        None => format!("{}: no seed with both losses", pair.setting()),
    }
}

fn panel(context: &Context, area: &Area, pair: &Pair, (left, top): (i32, i32)) -> Painted {
    let values = pair.cells().into_iter().filter_map(top1);
    let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)));
    let pad = (0.12 * (high - low)).max(0.05);
    let panel = Panel {
        left: left + 96,
        top: top + 90,
        width: EACH.0 - 120,
        height: 350,
        x: 0.0..1.0,
        y: low - pad..high + pad,
    };
    let middle = panel.left + panel.width / 2 - 24;
    let title = shortened(&format!("{}: {}", pair.table, pair.network), 28);
    area.draw(&Text::new(title, (middle, top + 24), text(SMALL, HPos::Center)))?;
    area.draw(&Text::new(
        shortened(&format!("weights: {}", pair.initialization), 26),
        (middle, top + 56),
        text(SMALL, HPos::Center),
    ))?;
    panel.rules(area, &ticks(&panel.y, 5))?;
    panel.axes(area, &[])?;
    let places = [0.22, 0.78];
    for (side, place) in pair.sides.iter().zip(places) {
        let at = (panel.at(place, panel.y.start).0, panel.bottom() + 28);
        area.draw(&Text::new(shortened(side.name, 12), at, text(SMALL, HPos::Center)))?;
    }
    for (ce, other) in pair.by_seed() {
        if let (Some(ce), Some(other)) = (top1(ce), top1(other)) {
            let ends = [panel.at(places[0], ce), panel.at(places[1], other)];
            area.draw(&PathElement::new(ends, GREY.stroke_width(3)))?;
        }
    }
    for (side, place) in pair.sides.iter().zip(places) {
        for (cell, value) in side.cells.iter().filter_map(|cell| Some((cell, top1(cell)?))) {
            side.look.mark(area, panel.at(place, value), 10, context.is_hollow(cell))?;
        }
    }
    Ok(())
}
