//! Figure 2: test images of every class.

use plotters::{prelude::*, style::text_anchor::HPos};

use super::{
    canvas::{Canvas, Placed, text},
    png::Raster,
};
use crate::{error::Result, report::input::Image};

/// Gap between images, in their pixels.
const GAP: usize = 2;
/// Edge of an image's pixel, in half pixels.
const ZOOM: usize = 3;
/// Width of the class names, in half pixels.
const NAMES: i32 = 220;
const MARGIN: i32 = 28;

/// A row of images for every class, with the class's name.
pub fn samples(classes: &[String], samples: &[Vec<Image>], description: &str) -> Result<String> {
    let columns = samples.iter().map(Vec::len).max().unwrap_or_default();
    let mut raster = Raster::white(columns * (32 + GAP) - GAP, samples.len() * (32 + GAP) - GAP);
    for (row, images) in samples.iter().enumerate() {
        for (column, image) in images.iter().enumerate() {
            raster.put(column * (32 + GAP), row * (32 + GAP), &image.pixels);
        }
    }
    let size = (
        NAMES as u32 + (raster.width * ZOOM) as u32 + 2 * MARGIN as u32,
        (raster.height * ZOOM) as u32 + 2 * MARGIN as u32,
    );
    let image = Placed { raster, at: (NAMES + MARGIN, MARGIN), scale: ZOOM };
    let canvas = Canvas { id: "figure2-samples", title: "Test images of every class", description, size };
    canvas.draw(Some(&image), |area| {
        for row in 0..samples.len() {
            let name = classes.get(row).cloned().unwrap_or_else(|| format!("class {row}"));
            let middle = MARGIN + (row * (32 + GAP) * ZOOM + 16 * ZOOM) as i32;
            area.draw(&Text::new(name, (NAMES + MARGIN - 16, middle), text(32, HPos::Right)))?;
        }
        Ok(())
    })
}
