//! Was the experiment rebuilt: every number that the paper prints on the distribution of our runs.

use plotters::{prelude::*, style::text_anchor::HPos};

use super::{
    Expected, Figure,
    axes::{Panel, SMALL, ticks},
    canvas::{Area, Canvas, Look, Painted, look, text},
    effects::{GROUP, diamond},
    pair::{Context, Drawn},
    style::{GREY, NARROW, RULE},
};
use crate::{
    error::Result,
    paper::{Measure, audit::row_title, measure::FALSE_POSITIVES},
    report::{
        cells::prefix,
        input::Cell,
        ledger::{Ledger, PrintedNumber},
    },
};

/// The figure's file.
pub const FILE: &str = "figureV2-printed-numbers.svg";
const NUMBER: &str = "Figure V2";
const SUBJECT: &str = "The numbers that the paper prints, on the distribution of our runs";

/// Height of a number, of what stands around a panel, and of the legend, in half pixels.
const EACH: i32 = 72;
const AROUND: i32 = 124;
const TOP: i32 = 70;

/// A printed number as it is drawn.
struct Printed<'a> {
    number: &'a PrintedNumber,
    look: Look,
    cells: Vec<&'a Cell>,
}

pub(super) fn expected() -> Expected {
    Expected::ours(FILE, NUMBER, SUBJECT, GROUP)
}

/// `None` while no printed number has a run that it can be compared with.
pub(super) fn draw(context: &Context, ledger: &Ledger) -> Result<Option<Figure>> {
    let shown: Vec<Printed> = ledger.numbers.iter().filter_map(|number| Printed::of(context, number)).collect();
    if shown.is_empty() {
        return Ok(None);
    }
    let measures = measures(&shown);
    let alt = format!("{SUBJECT}. {}.", shown.iter().map(Printed::describe).collect::<Vec<_>>().join("; "));
    let cells: Vec<&Cell> = shown.iter().flat_map(|printed| printed.cells.iter().copied()).collect();
    let caption = format!(
        "{SUBJECT}: a diamond on the band may be a further run of ours, one beside it is none (at 5 %, each for itself). Bands: 95 % \
         prediction intervals of one further run. Marks: our seeds. Numbers without runs are in the table.{}",
        context.origin(&cells)
    );
    let heights: Vec<i32> = measures.iter().map(|measure| AROUND + EACH * of(&shown, measure).count() as i32).collect();
    let size = (NARROW as u32, (TOP + heights.iter().sum::<i32>()) as u32);
    let id = FILE.trim_end_matches(".svg");
    let svg = Canvas { id, title: SUBJECT, description: &alt, size }.draw(None, |area| {
        legend(area)?;
        let mut top = TOP;
        for (measure, height) in measures.iter().zip(&heights) {
            panel(context, area, measure, &of(&shown, measure).collect::<Vec<_>>(), top)?;
            top += height;
        }
        Ok(())
    })?;
    Ok(Some(expected().drawn(Drawn { caption, alt, svg, panels: Vec::new() })))
}

/// The measures that are drawn, each once.
fn measures(shown: &[Printed]) -> Vec<&'static Measure> {
    let mut measures: Vec<&'static Measure> = Vec::new();
    for printed in shown {
        if !measures.contains(&printed.number.measure) {
            measures.push(printed.number.measure);
        }
    }
    measures
}

fn of<'a, 'b>(shown: &'b [Printed<'a>], measure: &'b Measure) -> impl Iterator<Item = &'b Printed<'a>> {
    shown.iter().filter(move |printed| printed.number.measure == measure)
}

fn legend(area: &Area) -> Painted {
    diamond(area, (52, 32))?;
    area.draw(&Text::new("paper", (74, 32), text(SMALL, HPos::Left)))?;
    area.draw(&Rectangle::new([(180, 22), (260, 42)], GREY.mix(0.45).filled()))?;
    area.draw(&Text::new("where 95 % of further runs lie", (276, 32), text(SMALL, HPos::Left)))?;
    Ok(())
}

/// The numbers of a measure, one below the other on an axis.
fn panel(context: &Context, area: &Area, measure: &Measure, shown: &[&Printed], top: i32) -> Painted {
    let values = || shown.iter().flat_map(|printed| printed.values());
    let (low, high) = values().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)));
    let pad = (0.06 * (high - low)).max(0.02 * high.abs()).max(1e-6);
    let height = EACH * shown.len() as i32;
    let panel = Panel { left: 40, top, width: NARROW - 80, height, x: low - pad..high + pad, y: 0.0..1.0 };
    for (index, printed) in shown.iter().enumerate() {
        printed.draw(context, area, &panel, panel.top + EACH * index as i32)?;
    }
    panel.axes(area, &ticks(&panel.x, 6))?;
    panel.titles(area, &measure.named(), "", 0)
}

impl<'a> Printed<'a> {
    /// `None` without runs, and for counts of other numbers of images.
    fn of(context: &Context<'a>, number: &'a PrintedNumber) -> Option<Self> {
        let input = context.input;
        let has_it = |cell: &&Cell| cell.measured(number.measure).is_some();
        let mut cells: Vec<&Cell> =
            input.cells.iter().filter(|cell| prefix(&cell.id) == number.row.as_str()).filter(has_it).collect();
        cells.sort_by_key(|cell| cell.seed);
        let full = |cell: &&Cell| cell.scores.as_ref().is_some_and(|scores| scores.images == input.paper.test_images);
        let comparable = *number.measure != FALSE_POSITIVES || cells.iter().all(full);
        (!cells.is_empty() && comparable).then(|| Self { number, look: look(input, number.row.loss()), cells })
    }

    fn values(&self) -> impl Iterator<Item = f64> + '_ {
        let runs = self.cells.iter().filter_map(|cell| cell.measured(self.number.measure));
        let marks = runs.chain([self.number.printed]).filter(|value| value.is_finite());
        let marks: Vec<f64> = marks.collect();
        let (low, high) = marks.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(*v), h.max(*v)));
        let span = (high - low).max(1e-9);
        // A band without end is cut rather than everything else flattened.
        let band = self.number.prediction.into_iter().flatten();
        marks.clone().into_iter().chain(band.map(move |end| end.clamp(low - span, high + span)))
    }

    fn describe(&self) -> String {
        let number = self.number;
        let value = |value: f64| number.measure.value(value, number.runs);
        let ours = number.mean.map_or("—".to_owned(), value);
        let band = number.prediction.map_or("no interval".to_owned(), |[low, high]| {
            format!("95 % of further runs from {} to {}", value(low), value(high))
        });
        let printed = number.measure.value(number.printed, 1);
        format!(
            "{} of {}: paper {printed}, ours {ours} (n = {}), {band}",
            number.measure.named(),
            row_title(&number.row),
            number.runs
        )
    }

    fn draw(&self, context: &Context, area: &Area, panel: &Panel, top: i32) -> Painted {
        let y = top + 50;
        area.draw(&PathElement::new([(panel.left, top), (panel.right(), top)], RULE.stroke_width(1)))?;
        let label =
            format!("{} (n = {}): {}", row_title(&self.number.row), self.number.runs, self.number.level.title());
        area.draw(&Text::new(label, (panel.left + 10, top + 20), text(SMALL - 2, HPos::Left)))?;
        let at = |value: f64| (panel.at(value, 0.0).0, y);
        if let Some([low, high]) = self.number.prediction {
            let (left, right) = (at(low).0, at(high).0);
            area.draw(&Rectangle::new([(left, y - 12), (right, y + 12)], GREY.mix(0.45).filled()))?;
        }
        for cell in &self.cells {
            if let Some(value) = cell.measured(self.number.measure).filter(|value| value.is_finite()) {
                self.look.mark(area, at(value), 8, context.is_hollow(cell))?;
            }
        }
        diamond(area, at(self.number.printed))
    }
}
