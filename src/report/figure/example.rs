//! Figure 1: a test image and the probabilities that a network gives it, with the true and the false positive class.

use plotters::{prelude::*, style::text_anchor::HPos};

use super::{
    Strips,
    canvas::{Area, Canvas, Painted, Placed, text},
    pair::chosen_classes,
    png::Raster,
    style::{GREEN, GREY, RULE, VERMILION, WIDTH},
};
use crate::{error::Result, report::input::Example};

const MARGIN: i32 = 32;
/// Edge of an image's pixel, in half pixels.
const ZOOM: usize = 14;
/// Left end and length of the bars, in half pixels.
const BARS: (i32, i32) = (720, 440);
/// Upper end of the first bar, and distance between bars.
const ROWS: (i32, i32) = (40, 56);

/// The image, and the bars.
pub(super) fn panels() -> Vec<Strips> {
    let between = (2 * MARGIN + 32 * ZOOM as i32) as u32;
    vec![vec![[0, between]], vec![[between, WIDTH as u32]]]
}

/// The most probable wrong class, which FPL penalises; of equals the first.
pub fn false_positive_class(probabilities: &[f64], label: usize) -> usize {
    let mut wrong = (0..probabilities.len()).filter(|&class| class != label);
    let first = wrong.next().unwrap_or_default();
    wrong.fold(first, |best, class| if probabilities[class] > probabilities[best] { class } else { best })
}

/// The image, enlarged, beside a bar for every class; of many classes, for the most probable ones.
pub fn example(classes: &[String], example: &Example, description: &str) -> Result<String> {
    let shown = shown(example);
    let mut raster = Raster::white(32, 32);
    raster.put(0, 0, &example.image.pixels);
    let bars = ROWS.1 * shown.len() as i32;
    let height = ROWS.0 + bars.max(32 * ZOOM as i32) + 100;
    let below = MARGIN + 32 * ZOOM as i32;
    let image = Placed { raster, at: (MARGIN, MARGIN + 8), scale: ZOOM };
    let title = "A test image and its predicted probabilities";
    let canvas = Canvas { id: "figure1-example", title, description, size: (WIDTH as u32, height as u32) };
    canvas.draw(Some(&image), |area| {
        let label = usize::from(example.image.label);
        let caption = format!("test image {}: {}", example.index, classes[label]);
        area.draw(&Text::new(caption, (MARGIN, below + 44), text(30, HPos::Left)))?;
        axis(area, ROWS.0 + bars)?;
        let wrong = false_positive_class(&example.probabilities, label);
        for (row, class) in shown.iter().copied().enumerate() {
            let (colour, role) = match class {
                _ if class == label => (GREEN, "true class"),
                _ if class == wrong => (VERMILION, "false positive class"),
                _ => (GREY, ""),
            };
            bar(area, row, &classes[class], example.probabilities[class], (colour, role))?;
        }
        Ok(())
    })
}

/// The classes that have a bar: all, or of many the most probable ones and the true one.
fn shown(example: &Example) -> Vec<usize> {
    let label = usize::from(example.image.label);
    let mut shown = chosen_classes(&example.probabilities);
    if !shown.contains(&label) {
        shown.push(label);
    }
    shown
}

fn axis(area: &Area, bottom: i32) -> Painted {
    for tick in 0..=4 {
        let x = BARS.0 + BARS.1 * tick / 4;
        area.draw(&PathElement::new([(x, ROWS.0 - 8), (x, bottom)], RULE.stroke_width(2)))?;
        let share = f64::from(tick) / 4.0;
        area.draw(&Text::new(format!("{share:.2}"), (x, bottom + 22), text(28, HPos::Center)))?;
    }
    let middle = BARS.0 + BARS.1 / 2;
    area.draw(&Text::new("predicted probability", (middle, bottom + 64), text(30, HPos::Center)))?;
    Ok(())
}

fn bar(area: &Area, row: usize, name: &str, probability: f64, (colour, role): (RGBColor, &str)) -> Painted {
    let top = ROWS.0 + ROWS.1 * row as i32;
    let (middle, right) = (top + 20, BARS.0 + (f64::from(BARS.1) * probability.clamp(0.0, 1.0)).round() as i32);
    area.draw(&Text::new(name.to_owned(), (BARS.0 - 16, middle), text(32, HPos::Right)))?;
    area.draw(&Rectangle::new([(BARS.0, top), (right, top + 40)], colour.filled()))?;
    let value = if role.is_empty() { format!("{probability:.3}") } else { format!("{probability:.3}  {role}") };
    area.draw(&Text::new(value, (right + 14, middle), text(28, HPos::Left)))?;
    Ok(())
}
