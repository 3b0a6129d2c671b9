//! False positives per class: ours with intervals over seeds, and the paper's.

use plotters::{prelude::*, style::text_anchor::HPos};

use super::{
    axes::{NORMAL, Panel, SMALL, round_up, shortened, ticks, width_of},
    canvas::{Area, Canvas, Painted, text},
    pair::{Context, Drawn, Pair, Side},
    style::{RULE, WIDTH},
};
use crate::{
    error::Result,
    number::{fixed, signed},
    stats,
};

const SIZE: (u32, u32) = (WIDTH as u32, 674);
/// Distance of marks from the middle of their class, as shares of its width: ours, the paper's.
const PLACES: [[f64; 2]; 2] = [[-0.3, -0.14], [0.14, 0.3]];

/// A loss's counts of one class.
struct Count {
    mean: f64,
    /// 95 %, by Student's t; `None` for one seed.
    interval: Option<(f64, f64)>,
    paper: Option<f64>,
}

pub(super) fn subject(pair: &Pair) -> String {
    format!("False positives per class with {} ({})", pair.names(), pair.setting())
}

pub(super) fn draw(context: &Context, pair: &Pair, id: &str) -> Result<Option<Drawn>> {
    let classes: Vec<String> = context.input.dataset.classes.iter().map(|name| shortened(name, 12)).collect();
    let counts = pair.sides.each_ref().map(|side| counts(side, classes.len(), context.input.paper.test_images));
    if counts.iter().all(Vec::is_empty) {
        return Ok(None);
    }
    let quoted = counts.iter().flatten().any(|count| count.paper.is_some());
    let alt = alt(pair, &classes, &counts);
    let caption = format!("{}: images wrongly predicted as the class. {}", subject(pair), basis(context, pair, quoted));
    let panel = Panel {
        left: 130,
        top: 96,
        width: WIDTH - 130 - 30,
        height: 480,
        x: 0.0..classes.len() as f64,
        y: 0.0..top(&counts),
    };
    let svg = Canvas { id, title: &subject(pair), description: &alt, size: SIZE }.draw(None, |area| {
        head(area, pair, &counts, quoted)?;
        panel.rules(area, &ticks(&panel.y, 6))?;
        for (class, name) in classes.iter().enumerate() {
            let (x, bottom) = panel.at(class as f64, 0.0);
            if class > 0 {
                area.draw(&PathElement::new([(x, panel.top), (x, bottom)], RULE.stroke_width(2)))?;
            }
            let at = (panel.at(class as f64 + 0.5, 0.0).0, bottom + 26);
            area.draw(&Text::new(name.clone(), at, text(SMALL, HPos::Center)))?;
        }
        panel.axes(area, &[])?;
        panel.titles(area, "class", "false positives (images)", 100)?;
        for ((side, counts), places) in pair.sides.iter().zip(&counts).zip(PLACES) {
            marks(area, &panel, side, counts, places)?;
        }
        Ok(())
    })?;
    Ok(Some(Drawn { caption, alt, svg }))
}

/// One per class; none without results.
fn counts(side: &Side, classes: usize, paper_images: u32) -> Vec<Count> {
    let comparable = side.scores().all(|scores| scores.images == paper_images);
    let paper = side.row.paper.as_ref().filter(|paper| comparable && paper.false_positives.len() == classes);
    let of_class = |class: usize| {
        let values = side.values(|scores| scores.false_positives.get(class).map(|count| f64::from(*count)));
        Some(Count {
            mean: stats::mean(&values)?,
            interval: stats::t_interval(&values, 0.95),
            paper: paper.map(|paper| f64::from(paper.false_positives[class])),
        })
    };
    (0..classes).map_while(of_class).collect()
}

/// The upper end of the axis: wide intervals are cut rather than everything else flattened.
fn top(counts: &[Vec<Count>; 2]) -> f64 {
    let all = || counts.iter().flatten();
    let marks = all().flat_map(|count| [count.mean, count.paper.unwrap_or_default()]).fold(0.0, f64::max);
    let ends = all().filter_map(|count| count.interval).map(|(_, high)| high).fold(marks, f64::max);
    let end = 1.06 * ends.min(1.5 * marks).max(1.0);
    let step = round_up(end / 6.0);
    (end / step).ceil() * step
}

fn basis(context: &Context, pair: &Pair, quoted: bool) -> String {
    let cells = pair.cells();
    let mut text = if pair.sides.iter().all(|side| side.cells.len() < 2) {
        "One seed, so there are no intervals.".to_owned()
    } else {
        format!(
            "Filled: our means with 95 % t-intervals over seeds ({}), without a cap where the axis cuts them.",
            pair.basis()
        )
    };
    let reported =
        pair.sides.iter().any(|side| side.row.paper.as_ref().is_some_and(|row| !row.false_positives.is_empty()));
    text += match (quoted, reported) {
        (true, _) => " Hollow: quoted from the paper, one run.",
        (false, true) => " The paper's counts are of 10,000 test images, ours are not: they are not drawn.",
        (false, false) => " The paper reports none here.",
    };
    text + &context.origin(&cells)
}

fn alt(pair: &Pair, classes: &[String], counts: &[Vec<Count>; 2]) -> String {
    let total = |counts: &Vec<Count>| fixed(counts.iter().map(|count| count.mean).sum::<f64>(), 1);
    let side = |(side, counts): (&Side, &Vec<Count>)| {
        let most = counts.iter().zip(classes).max_by(|a, b| a.0.mean.total_cmp(&b.0.mean));
        most.map(|(count, class)| {
            format!("{}: {} in all, most for {class} ({})", side.title(), total(counts), fixed(count.mean, 1))
        })
    };
    let mut parts: Vec<String> = pair.sides.iter().zip(counts).filter_map(side).collect();
    let apart = counts[1].iter().zip(&counts[0]).map(|(other, ce)| other.mean - ce.mean).zip(classes);
    if let Some((difference, class)) = apart.max_by(|a, b| a.0.abs().total_cmp(&b.0.abs())) {
        let names = format!("{} − {}", pair.sides[1].name, pair.sides[0].name);
        parts.push(format!("they differ most for {class} ({names}: {})", signed(difference, 1)));
    }
    format!("False positives per class. {}.", parts.join("; "))
}

/// The legend.
fn head(area: &Area, pair: &Pair, counts: &[Vec<Count>; 2], quoted: bool) -> Painted {
    let drawn = || pair.sides.iter().zip(counts).filter(|(_, counts)| !counts.is_empty());
    let mut x = 130;
    for (side, counts) in drawn() {
        let many = counts.iter().any(|count| count.interval.is_some());
        let label = if many { format!("{}: mean, 95 % interval", side.title()) } else { side.title() };
        side.look.mark(area, (x + 10, 44), 10, false)?;
        area.draw(&Text::new(label.clone(), (x + 32, 44), text(NORMAL, HPos::Left)))?;
        x += 80 + width_of(area, &label, NORMAL)?;
    }
    if quoted {
        for (side, _) in drawn() {
            side.look.mark(area, (x + 10, 44), 10, true)?;
            x += 30;
        }
        area.draw(&Text::new("quoted from the paper", (x + 2, 44), text(NORMAL, HPos::Left)))?;
    }
    Ok(())
}

fn marks(area: &Area, panel: &Panel, side: &Side, counts: &[Count], [ours, paper]: [f64; 2]) -> Painted {
    let style = side.look.colour.stroke_width(4);
    for (class, count) in counts.iter().enumerate() {
        let at = |value: f64, place: f64| panel.at(class as f64 + 0.5 + place, value);
        if let Some((low, high)) = count.interval {
            let ends = [at(low, ours), at(high, ours)];
            area.draw(&PathElement::new(ends, style))?;
            for (value, (x, y)) in [low, high].into_iter().zip(ends) {
                if panel.y.contains(&value) {
                    area.draw(&PathElement::new([(x - 8, y), (x + 8, y)], style))?;
                }
            }
        }
        side.look.mark(area, at(count.mean, ours), 9, false)?;
        if let Some(value) = count.paper {
            side.look.mark(area, at(value, paper), 9, true)?;
        }
    }
    Ok(())
}
