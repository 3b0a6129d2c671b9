//! Panels with axes, ticks at round values, and legends.

use std::ops::Range;

use plotters::{
    prelude::*,
    style::{FontTransform, text_anchor::HPos},
};

use super::canvas::{Area, Look, Painted, text};
use super::style::{INK, RULE};
use crate::number::fixed;

/// Size of tick labels, and of titles, in half pixels.
pub(super) const SMALL: i32 = 26;
pub(super) const NORMAL: i32 = 29;

/// A rectangle in half pixels that shows ranges of values.
pub(super) struct Panel {
    pub(super) left: i32,
    pub(super) top: i32,
    pub(super) width: i32,
    pub(super) height: i32,
    pub(super) x: Range<f64>,
    pub(super) y: Range<f64>,
}

/// A marked value.
pub(super) struct Tick {
    pub(super) at: f64,
    pub(super) label: String,
}

impl Panel {
    /// Where a value is drawn; values beyond the axes at their ends.
    pub(super) fn at(&self, x: f64, y: f64) -> (i32, i32) {
        (self.left + along(&self.x, x, self.width), self.top + self.height - along(&self.y, y, self.height))
    }

    pub(super) fn right(&self) -> i32 {
        self.left + self.width
    }

    pub(super) fn bottom(&self) -> i32 {
        self.top + self.height
    }

    /// Horizontal rules with their labels on the left.
    pub(super) fn rules(&self, area: &Area, ticks: &[Tick]) -> Painted {
        for y in ticks.iter().map(|tick| self.at(self.x.start, tick.at).1) {
            area.draw(&PathElement::new([(self.left, y), (self.right(), y)], RULE.stroke_width(2)))?;
        }
        for tick in ticks {
            let at = (self.left - 12, self.at(self.x.start, tick.at).1);
            area.draw(&Text::new(tick.label.clone(), at, text(SMALL, HPos::Right)))?;
        }
        Ok(())
    }

    /// The lower axis with its labels, and the left one.
    pub(super) fn axes(&self, area: &Area, ticks: &[Tick]) -> Painted {
        let corner = (self.left, self.bottom());
        area.draw(&PathElement::new([(self.left, self.top), corner, (self.right(), corner.1)], INK.stroke_width(2)))?;
        for x in ticks.iter().map(|tick| self.at(tick.at, self.y.start).0) {
            area.draw(&PathElement::new([(x, corner.1), (x, corner.1 + 8)], INK.stroke_width(2)))?;
        }
        for tick in ticks {
            let at = (self.at(tick.at, self.y.start).0, corner.1 + 26);
            area.draw(&Text::new(tick.label.clone(), at, text(SMALL, HPos::Center)))?;
        }
        Ok(())
    }

    /// What the axes show, with units, where that is not empty; `distance` is that of the left axis.
    pub(super) fn titles(&self, area: &Area, x: &str, y: &str, distance: i32) -> Painted {
        if !x.is_empty() {
            let at = (self.left + self.width / 2, self.bottom() + 68);
            area.draw(&Text::new(x.to_owned(), at, text(NORMAL, HPos::Center)))?;
        }
        if !y.is_empty() {
            upright(area, y, (self.left - distance, self.top + self.height / 2))?;
        }
        Ok(())
    }
}

/// Text that is read from below.
pub(super) fn upright(area: &Area, label: &str, at: (i32, i32)) -> Painted {
    let style = text(NORMAL, HPos::Center).transform(FontTransform::Rotate270);
    area.draw(&Text::new(label.to_owned(), at, style))?;
    Ok(())
}

fn along(range: &Range<f64>, value: f64, length: i32) -> i32 {
    let span = range.end - range.start;
    let share = if span > 0.0 { (value - range.start) / span } else { 0.5 };
    // What is not a number becomes 0.
    (share.clamp(0.0, 1.0) * f64::from(length)).round() as i32
}

/// 1, 2 or 5 times a power of ten, a step between ticks: the least that is at least `value`.
pub(super) fn round_up(value: f64) -> f64 {
    rounded_up(value, &[1.0, 2.0, 5.0])
}

/// The end of a scale: as [`round_up`], but closer.
pub(super) fn scale_end(value: f64) -> f64 {
    rounded_up(value, &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0])
}

fn rounded_up(value: f64, factors: &[f64]) -> f64 {
    if !(value.is_finite() && value > 0.0) {
        return 1.0;
    }
    let power = 10_f64.powf(value.log10().floor());
    // 1.999999 times a power is 2 times it.
    let end = factors.iter().find(|factor| *factor * power >= value * (1.0 - 1e-9));
    end.map_or(10.0 * power, |factor| factor * power)
}

/// At most about `most` round values in a range.
pub(super) fn ticks(range: &Range<f64>, most: u32) -> Vec<Tick> {
    let step = round_up((range.end - range.start) / f64::from(most));
    let decimals = (-step.log10().floor()).max(0.0) as usize;
    let (first, last) = ((range.start / step - 1e-9).ceil() as i64, (range.end / step + 1e-9).floor() as i64);
    let tick = |index: i64| Tick { at: index as f64 * step, label: fixed(index as f64 * step, decimals) };
    (first..=last.min(first + 100)).map(tick).collect()
}

/// [`ticks`] at whole numbers.
pub(super) fn whole_ticks(range: &Range<f64>, most: u32) -> Vec<Tick> {
    let whole = ticks(range, most).into_iter().filter(|tick| (tick.at - tick.at.round()).abs() < 1e-9);
    whole.map(|tick| Tick { label: fixed(tick.at, 0), ..tick }).collect()
}

/// The powers of ten in a range of logarithms; if they are fewer than two, 2 and 5 times them too.
pub(super) fn decades(range: &Range<f64>) -> Vec<Tick> {
    let factors: &[f64] = if range.end - range.start < 2.0 { &[1.0, 2.0, 5.0] } else { &[1.0] };
    let all = (range.start.floor() as i32..=range.end.ceil() as i32)
        .flat_map(|power| factors.iter().map(move |factor| (power, *factor)))
        .map(|(power, factor)| {
            (f64::from(power) + factor.log10(), factor * 10_f64.powi(power), (-power).max(0) as usize)
        });
    let inside = all.filter(|(at, _, _)| (range.start - 1e-9..=range.end + 1e-9).contains(at));
    inside.map(|(at, value, decimals)| Tick { at, label: fixed(value, decimals) }).collect()
}

/// A row of lines with marks and texts, from (`left`, `y`); a text that would leave the figure goes to the next row.
pub(super) fn legend(area: &Area, entries: &[(Look, String)], (left, mut y): (i32, i32), right: i32) -> Painted {
    let mut x = left;
    for (look, label) in entries {
        let width = 104 + width_of(area, label, NORMAL)?;
        if x > left && x + width > right {
            (x, y) = (left, y + 40);
        }
        look.line(area, vec![(x, y), (x + 84, y)], 5)?;
        look.mark(area, (x + 42, y), 9, false)?;
        area.draw(&Text::new(label.clone(), (x + 98, y), text(NORMAL, HPos::Left)))?;
        x += width + 50;
    }
    Ok(())
}

/// Width of a text in half pixels, with a little room for a reader's other font.
pub(super) fn width_of(area: &Area, label: &str, size: i32) -> Result<i32, Box<dyn std::error::Error>> {
    Ok(area.estimate_text_size(label, &text(size, HPos::Left))?.0 as i32)
}

/// At most `length` characters.
pub(super) fn shortened(name: &str, length: usize) -> String {
    if name.chars().count() <= length {
        return name.to_owned();
    }
    name.chars().take(length.saturating_sub(1)).chain(['…']).collect()
}
