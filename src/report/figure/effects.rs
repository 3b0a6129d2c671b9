//! What held up, in one drawing: our effects with their intervals beside the paper's, in units of what matters.

use std::ops::Range;

use plotters::{prelude::*, style::text_anchor::HPos};

use super::{
    Expected, Figure,
    axes::{Panel, SMALL, ticks},
    canvas::{Area, Canvas, Painted, text},
    pair::{Context, Drawn},
    style::{GREY, INK, NARROW, QUOTED, RULE},
};
use crate::{
    error::Result,
    number::plural,
    paper::{Claim, measure::FALSE_POSITIVES},
    recipe::Architecture,
    report::{
        input::{Cell, ReportInput},
        ledger::{Entry, Ledger},
    },
};

/// The figure's file.
pub const FILE: &str = "figureV1-effects.svg";
const NUMBER: &str = "Figure V1";
const SUBJECT: &str = "Effects of the claims, the paper's and ours";
pub(super) const GROUP: &str = "What held up";

/// Height of a claim, of its words, and of the legend, in half pixels.
const EACH: i32 = 76;
const WORDS: i32 = 20;
const TOP: i32 = 60;

/// A claim as it is drawn: positive where the claim's first loss is the better one, in units of the smallest difference that
/// matters.
struct Effect<'a> {
    entry: &'a Entry,
    what: String,
    numbers: String,
    paper: Option<f64>,
    ours: Option<f64>,
    interval: Option<[f64; 2]>,
    hollow: bool,
}

pub(super) fn expected() -> Expected {
    Expected::ours(FILE, NUMBER, SUBJECT, GROUP)
}

/// `None` while no claim has a pair of runs.
pub(super) fn draw(context: &Context, ledger: &Ledger) -> Result<Option<Figure>> {
    let shown: Vec<Effect> = ledger.entries.iter().filter_map(|entry| Effect::of(context.input, entry)).collect();
    if shown.iter().all(|effect| effect.ours.is_none()) {
        return Ok(None);
    }
    let alt = format!("{SUBJECT}. {}.", shown.iter().map(Effect::describe).collect::<Vec<_>>().join("; "));
    let cells: Vec<&Cell> = shown.iter().flat_map(|effect| cells(context.input, &effect.entry.claim)).collect();
    let caption = format!(
        "{SUBJECT}: mean difference between the two losses of a claim, in units of the smallest difference that matters, \
         positive where the first is the better one. Shaded: too small to matter. Bars: 95 % intervals over pairs of \
         seeds{}.{}{}",
        cut_off(&shown),
        left_out(ledger, &shown),
        context.origin(&cells)
    );
    let end = end(&shown);
    let height = EACH * shown.len() as i32;
    let panel = Panel { left: 40, top: TOP, width: NARROW - 80, height, x: -end..end, y: 0.0..1.0 };
    let size = (NARROW as u32, (panel.bottom() + 104) as u32);
    let id = FILE.trim_end_matches(".svg");
    let svg = Canvas { id, title: SUBJECT, description: &alt, size }.draw(None, |area| {
        ground(area, &panel, shown.iter().any(|effect| effect.hollow))?;
        for (index, effect) in shown.iter().enumerate() {
            effect.draw(area, &panel, panel.top + EACH * index as i32)?;
        }
        panel.axes(area, &ticks(&panel.x, 8))?;
        panel.titles(area, "← worse · difference / smallest that matters · better →", "", 0)
    })?;
    Ok(Some(expected().drawn(Drawn { caption, alt, svg, panels: Vec::new() })))
}

/// The results behind a claim.
fn cells<'a>(input: &'a ReportInput, claim: &'a Claim) -> impl Iterator<Item = &'a Cell> {
    let of = |cell: &&Cell| {
        [&claim.cells, &claim.against].iter().any(|row| crate::report::cells::prefix(&cell.id) == row.as_str())
    };
    input.cells.iter().filter(|cell| cell.scores.is_some()).filter(of)
}

/// Which claims have no place on this axis.
fn left_out(ledger: &Ledger, shown: &[Effect]) -> String {
    let drawn = |entry: &&Entry| shown.iter().any(|effect| effect.entry.claim.id == entry.claim.id);
    let ids: Vec<&str> =
        ledger.entries.iter().filter(|entry| !drawn(entry)).map(|entry| entry.claim.id.as_str()).collect();
    if ids.is_empty() {
        return String::new();
    }
    format!(" Not here, for lack of a number or of a smallest difference that matters: {}.", ids.join(", "))
}

/// Says so where an interval is wider than the axis.
fn cut_off(shown: &[Effect]) -> &'static str {
    let end = end(shown);
    let wider = shown.iter().filter_map(|effect| effect.interval).flatten().any(|value| value.abs() > end);
    if wider { ", those without a cap cut off" } else { "" }
}

/// The right end of the axis: wide intervals are cut rather than everything else flattened.
fn end(shown: &[Effect]) -> f64 {
    let marks = shown.iter().flat_map(|effect| [effect.paper, effect.ours]).flatten().map(f64::abs).fold(1.2, f64::max);
    let ends = shown.iter().filter_map(|effect| effect.interval).flatten().map(f64::abs).fold(marks, f64::max);
    1.08 * ends.min(1.6 * marks)
}

/// What lies behind the claims, and the legend.
fn ground(area: &Area, panel: &Panel, hollow: bool) -> Painted {
    let at = |value: f64| panel.at(value, 0.0).0;
    area.draw(&Rectangle::new([(at(-1.0), panel.top), (at(1.0), panel.bottom())], RULE.mix(0.45).filled()))?;
    area.draw(&PathElement::new([(at(0.0), panel.top), (at(0.0), panel.bottom())], GREY.stroke_width(3)))?;
    diamond(area, (panel.left + 12, 30))?;
    area.draw(&Text::new("paper", (panel.left + 34, 30), text(SMALL, HPos::Left)))?;
    area.draw(&Circle::new((panel.left + 152, 30), 9, INK.filled()))?;
    let ours = if hollow { "ours, 95 % interval (hollow: reduced)" } else { "ours, 95 % interval" };
    area.draw(&Text::new(ours, (panel.left + 174, 30), text(SMALL, HPos::Left)))?;
    Ok(())
}

/// The paper's mark.
pub(super) fn diamond(area: &Area, (x, y): (i32, i32)) -> Painted {
    let corners = vec![(x, y - 12), (x + 12, y), (x, y + 12), (x - 12, y)];
    area.draw(&Polygon::new(corners.clone(), WHITE))?;
    let closed: Vec<_> = corners.iter().copied().chain(corners.iter().copied().take(2)).collect();
    area.draw(&PathElement::new(closed, QUOTED.stroke_width(4)))?;
    Ok(())
}

impl<'a> Effect<'a> {
    /// `None` for claims without a number or without a smallest difference that matters.
    fn of(input: &ReportInput, entry: &'a Entry) -> Option<Self> {
        let (claim, evidence) = (&entry.claim, &entry.evidence);
        let margin = input.paper.margin(claim.measure)?;
        let scale = |value: f64| claim.measure.better.factor() * value / margin;
        let of_all_images =
            |cell: &Cell| cell.scores.as_ref().is_none_or(|scores| scores.images == input.paper.test_images);
        // Counts of other numbers of images have another unit.
        let comparable = *claim.measure != FALSE_POSITIVES || cells(input, claim).all(of_all_images);
        let ours = evidence.mean.filter(|_| comparable);
        if ours.is_none() && entry.paper_effect.is_none() {
            return None;
        }
        Some(Self {
            what: format!("{}: {}", setting(claim), claim.measure.title),
            numbers: numbers(entry, ours),
            paper: entry.paper_effect.map(scale),
            ours: ours.map(scale),
            interval: evidence.interval.filter(|_| comparable).map(|ends| {
                let [a, b] = ends.map(scale);
                [a.min(b), a.max(b)]
            }),
            hollow: !evidence.deviations.is_empty(),
            entry,
        })
    }

    fn describe(&self) -> String {
        let interval = self.entry.evidence.interval.filter(|_| self.interval.is_some());
        let pairs = self.entry.evidence.pairs();
        let interval = interval.map_or_else(String::new, |ends| {
            format!(" ({}, {})", self.entry.claim.measure.interval(ends, pairs), plural(pairs, "pair"))
        });
        format!("{}, {}: {}{interval}", self.entry.claim.id, self.what, self.numbers)
    }

    fn draw(&self, area: &Area, panel: &Panel, top: i32) -> Painted {
        let (words, y) = (top + WORDS, top + 52);
        area.draw(&PathElement::new([(panel.left, top), (panel.right(), top)], RULE.stroke_width(1)))?;
        let label = format!("{}  {}", self.entry.claim.id, self.what);
        area.draw(&Text::new(label, (panel.left + 10, words), text(SMALL + 1, HPos::Left)))?;
        area.draw(&Text::new(self.numbers.clone(), (panel.right(), words), text(SMALL + 1, HPos::Right)))?;
        let at = |value: f64| (panel.at(value, 0.0).0, y);
        if let Some([low, high]) = self.interval {
            area.draw(&PathElement::new([at(low), at(high)], INK.stroke_width(4)))?;
            caps(area, &panel.x, [low, high], at)?;
        }
        if let Some(ours) = self.ours {
            let fill = if self.hollow { WHITE } else { INK };
            area.draw(&Circle::new(at(ours), 9, fill.filled()))?;
            if self.hollow {
                area.draw(&Circle::new(at(ours), 9, INK.stroke_width(3)))?;
            }
        }
        self.paper.map_or(Ok(()), |paper| diamond(area, at(paper)))
    }
}

/// The caps of an interval, but where the axis cuts it.
fn caps(area: &Area, axis: &Range<f64>, ends: [f64; 2], at: impl Fn(f64) -> (i32, i32)) -> Painted {
    for value in ends.into_iter().filter(|value| axis.contains(value)) {
        let (x, y) = at(value);
        area.draw(&PathElement::new([(x, y - 8), (x, y + 8)], INK.stroke_width(4)))?;
    }
    Ok(())
}

/// `paper −5, ours +129.0`
fn numbers(entry: &Entry, ours: Option<f64>) -> String {
    let measure = entry.claim.measure;
    let paper =
        entry.paper_effect.map_or("paper —".to_owned(), |effect| format!("paper {}", measure.effect(effect, 1)));
    let pairs = entry.evidence.pairs();
    match ours {
        Some(mean) => format!("{paper}, ours {}", measure.effect(mean, pairs)),
        None if pairs > 0 => format!("{paper}, not comparable"),
        None => format!("{paper}, not run"),
    }
}

/// `ResNet-50 (imagenet)`, `ResNet-18`
fn setting(claim: &Claim) -> String {
    let setting = claim.cells.setting();
    let known = Architecture::ALL.into_iter().find(|known| known.id() == setting.architecture());
    let title = known.map_or_else(|| setting.architecture().to_owned(), |known| known.title().to_owned());
    match setting.initialization() {
        "random" => title,
        other => format!("{title} ({other})"),
    }
}
