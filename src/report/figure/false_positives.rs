//! False positives per class: ours with intervals over seeds, and the paper's.

use plotters::{prelude::*, style::text_anchor::HPos};

use super::{
    Strips,
    axes::{NORMAL, Panel, SMALL, round_up, shortened, ticks, width_of},
    canvas::{Area, Canvas, Painted, text},
    pair::{Context, Drawn, Pair, Side, chosen_classes, of_classes},
    style::{RULE, WIDTH},
};
use crate::{
    error::Result,
    number::{fixed, signed},
    stats,
};

const SIZE: (u32, u32) = (WIDTH as u32, 714);
/// Distance of marks from the middle of their class, as shares of its width: ours, the paper's.
const PLACES: [[f64; 2]; 2] = [[-0.3, -0.14], [0.14, 0.3]];
/// Left end of the panel, in half pixels.
const LEFT: i32 = 130;
/// Fewer seeds than this are drawn themselves: their interval says little.
const ENOUGH: usize = 5;

/// A loss's counts of one class.
struct Count {
    mean: f64,
    /// Every seed.
    seeds: Vec<f64>,
    /// 95 %, by Student's t; `None` for fewer than [`ENOUGH`] seeds.
    interval: Option<(f64, f64)>,
    paper: Option<f64>,
}

pub(super) fn subject(pair: &Pair) -> String {
    format!("False positives per class with {} ({})", pair.names(), pair.setting())
}

pub(super) fn draw(context: &Context, pair: &Pair, id: &str) -> Result<Option<Drawn>> {
    let names = &context.input.dataset.classes;
    let shown = chosen_classes(&(0..names.len()).map(|class| total(pair, class)).collect::<Vec<_>>());
    let classes: Vec<String> = shown.iter().map(|class| shortened(&names[*class], 12)).collect();
    let counts = pair.sides.each_ref().map(|side| counts(side, &shown, names.len(), context.input.paper.test_images));
    if counts.iter().all(Vec::is_empty) {
        return Ok(None);
    }
    let quoted = counts.iter().flatten().any(|count| count.paper.is_some());
    let alt = alt(pair, &classes, &counts);
    let caption = format!(
        "{}: images wrongly predicted as the class.{} {}",
        subject(pair),
        of_classes(classes.len(), names.len()),
        basis(context, pair, quoted)
    );
    let panel = Panel {
        left: LEFT,
        top: 136,
        width: WIDTH - LEFT - 30,
        height: 480,
        x: 0.0..classes.len() as f64,
        y: 0.0..top(&counts),
    };
    let svg = Canvas { id, title: &subject(pair), description: &alt, size: SIZE }.draw(None, |area| {
        head(area, pair, quoted)?;
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
        panel.titles(area, "", "false positives (images)", 100)?;
        // Not in the middle, where a narrow screen cuts the figure.
        let below = (panel.left + panel.width / 4, panel.bottom() + 62);
        area.draw(&Text::new("class", below, text(NORMAL, HPos::Center)))?;
        for ((side, counts), places) in pair.sides.iter().zip(&counts).zip(PLACES) {
            marks(area, &panel, side, counts, places)?;
        }
        Ok(())
    })?;
    Ok(Some(Drawn { caption, alt, svg, panels: panels(classes.len()) }))
}

/// The cut in the middle, for narrow screens.
fn panels(classes: usize) -> Vec<Strips> {
    let middle = (LEFT + (WIDTH - LEFT - 30) * (classes as i32 / 2) / classes.max(1) as i32) as u32;
    vec![vec![[0, middle]], vec![[0, LEFT as u32], [middle, WIDTH as u32]]]
}

/// Both losses' counts of a class.
fn total(pair: &Pair, class: usize) -> f64 {
    let of = |side: &Side| side.values(|scores| scores.false_positives.get(class).map(|count| f64::from(*count)));
    pair.sides.iter().flat_map(of).sum()
}

/// One per class that is shown; none without results.
fn counts(side: &Side, shown: &[usize], classes: usize, paper_images: u32) -> Vec<Count> {
    let comparable = side.scores().all(|scores| scores.images == paper_images);
    let paper = side.row.paper.as_ref().filter(|paper| comparable && paper.false_positives.len() == classes);
    let of_class = |class: &usize| {
        let values = side.values(|scores| scores.false_positives.get(*class).map(|count| f64::from(*count)));
        Some(Count {
            mean: stats::mean(&values)?,
            interval: stats::t_interval(&values, 0.95).filter(|_| values.len() >= ENOUGH),
            paper: paper.map(|paper| f64::from(paper.false_positives[*class])),
            seeds: values,
        })
    };
    shown.iter().map_while(of_class).collect()
}

/// The upper end of the axis: wide intervals are cut rather than everything else flattened.
fn top(counts: &[Vec<Count>; 2]) -> f64 {
    let all = || counts.iter().flatten();
    let most = |count: &Count| count.seeds.iter().copied().fold(count.paper.unwrap_or_default(), f64::max);
    let marks = all().map(most).fold(0.0, f64::max);
    let ends = all().filter_map(|count| count.interval).map(|(_, high)| high).fold(marks, f64::max);
    let end = 1.06 * ends.min(1.5 * marks).max(1.0);
    let step = round_up(end / 6.0);
    (end / step).ceil() * step
}

fn basis(context: &Context, pair: &Pair, quoted: bool) -> String {
    let cells = pair.cells();
    let most = pair.sides.iter().map(|side| side.cells.len()).max().unwrap_or_default();
    let mut text = match most {
        0 | 1 => "One seed, so there are no intervals.".to_owned(),
        2..ENOUGH => format!(
            "Filled: every seed of ours, with a bar at their mean ({}); so few give no interval worth drawing.",
            pair.basis()
        ),
        _ => format!(
            "Filled: our means with 95 % t-intervals over seeds ({}), without a cap where the axis cuts them.",
            pair.basis()
        ),
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

/// The legend: ours, and below it the paper's.
fn head(area: &Area, pair: &Pair, quoted: bool) -> Painted {
    let drawn = || pair.sides.iter().filter(|side| !side.cells.is_empty());
    let mut x = LEFT;
    for side in drawn() {
        let label = side.title();
        side.look.mark(area, (x + 10, 36), 10, false)?;
        area.draw(&Text::new(label.clone(), (x + 32, 36), text(NORMAL, HPos::Left)))?;
        x += 80 + width_of(area, &label, NORMAL)?;
    }
    if quoted {
        x = LEFT;
        for side in drawn() {
            side.look.mark(area, (x + 10, 82), 10, true)?;
            x += 30;
        }
        area.draw(&Text::new("quoted from the paper", (x + 2, 82), text(NORMAL, HPos::Left)))?;
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
            side.look.mark(area, at(count.mean, ours), 9, false)?;
        } else {
            for value in &count.seeds {
                side.look.mark(area, at(*value, ours), if count.seeds.len() > 1 { 6 } else { 9 }, false)?;
            }
            if count.seeds.len() > 1 {
                let (x, y) = at(count.mean, ours);
                area.draw(&PathElement::new([(x - 14, y), (x + 14, y)], style))?;
            }
        }
        if let Some(value) = count.paper {
            side.look.mark(area, at(value, paper), 9, true)?;
        }
    }
    Ok(())
}
