//! What all figures share: the font, the colours, and an SVG that says what it shows.

use std::{error::Error as StdError, fmt::Write, sync::OnceLock};

use plotters::{
    coord::Shift,
    prelude::*,
    style::{
        FontStyle, register_font,
        text_anchor::{HPos, Pos, VPos},
    },
};

use super::png::Raster;
use crate::error::{Error, Result};

/// Figures are drawn on a grid of half pixels, because plotters rounds coordinates.
pub(super) const SCALE: u32 = 2;

/// Text is measured with the embedded DejaVu Sans on every machine; the reader's machine draws it with the first it has.
const FONT: &str = "DejaVu Sans, Verdana, sans-serif";

// Okabe and Ito's colours, which can be told apart with any colour vision.
pub(super) const BLUE: RGBColor = RGBColor(0x00, 0x72, 0xB2);
pub(super) const VERMILION: RGBColor = RGBColor(0xD5, 0x5E, 0x00);
pub(super) const GREEN: RGBColor = RGBColor(0x00, 0x9E, 0x73);
pub(super) const PURPLE: RGBColor = RGBColor(0xCC, 0x79, 0xA7);
pub(super) const ORANGE: RGBColor = RGBColor(0xE6, 0x9F, 0x00);
pub(super) const SKY: RGBColor = RGBColor(0x56, 0xB4, 0xE9);
pub(super) const GREY: RGBColor = RGBColor(0x9A, 0x9A, 0x9A);
pub(super) const INK: RGBColor = RGBColor(0x22, 0x22, 0x22);
pub(super) const RULE: RGBColor = RGBColor(0xDD, 0xDD, 0xDD);

/// The area figures are painted on.
pub(super) type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// What painting returns: plotters' errors have many types.
pub(super) type Painted = std::result::Result<(), Box<dyn StdError>>;

/// A figure without its drawing.
pub(super) struct Canvas<'a> {
    /// Distinguishes the elements of figures that stand in one page.
    pub(super) id: &'a str,
    /// Short name, read aloud.
    pub(super) title: &'a str,
    /// What it shows, read aloud.
    pub(super) description: &'a str,
    /// Width and height in half pixels.
    pub(super) size: (u32, u32),
}

/// An image in a figure.
pub(super) struct Placed {
    /// The pixels.
    pub(super) raster: Raster,
    /// Upper left corner in half pixels.
    pub(super) at: (i32, i32),
    /// Edge of a pixel in half pixels.
    pub(super) scale: usize,
}

impl Canvas<'_> {
    /// The figure as SVG: `paint`'s drawing and an image on a white ground, which makes it readable on every page.
    pub(super) fn draw(&self, image: Option<&Placed>, paint: impl FnOnce(&Area) -> Painted) -> Result<String> {
        let failed = |message: String| Error::Render { what: self.id.to_owned(), message };
        embed_font().map_err(failed)?;
        let mut drawing = String::new();
        {
            let area = SVGBackend::with_string(&mut drawing, self.size).into_drawing_area();
            paint(&area).and_then(|()| Ok(area.present()?)).map_err(|error| failed(error.to_string()))?;
        }
        // plotters' own `<svg>` says nothing about what it shows.
        let body = drawing.split_once(">\n").map(|(_, rest)| rest).unwrap_or_default();
        let body = body.trim_end().strip_suffix("</svg>").unwrap_or(body);
        let mut svg = self.head();
        svg.push_str(body);
        if let Some(image) = image {
            svg.push_str(&element(image).map_err(|error| failed(error.to_string()))?);
        }
        svg.push_str("</svg>\n");
        Ok(svg)
    }

    fn head(&self) -> String {
        let ((width, height), id) = (self.size, escape(self.id));
        let mut head = format!(r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}""#);
        // Writing to a string cannot fail.
        let _ = writeln!(head, r#" width="{}" height="{}" role="img""#, width / SCALE, height / SCALE);
        let _ = writeln!(head, r#" aria-labelledby="{id}-title {id}-desc">"#);
        let _ = writeln!(head, r#"<title id="{id}-title">{}</title>"#, escape(self.title));
        let _ = writeln!(head, r#"<desc id="{id}-desc">{}</desc>"#, escape(self.description));
        let _ = writeln!(head, r##"<rect width="{width}" height="{height}" rx="16" fill="#FFFFFF"/>"##);
        head
    }
}

/// Dark text of a size in half pixels, anchored at its left, middle or right.
pub(super) fn text(size: i32, horizontal: HPos) -> TextStyle<'static> {
    TextStyle::from((FONT, size).into_font()).color(&INK).pos(Pos::new(horizontal, VPos::Center))
}

fn embed_font() -> std::result::Result<(), String> {
    static REGISTERED: OnceLock<bool> = OnceLock::new();
    let font: &'static [u8] = include_bytes!("../../../templates/fonts/DejaVuSans.ttf");
    match REGISTERED.get_or_init(|| register_font(FONT, FontStyle::Normal, font).is_ok()) {
        true => Ok(()),
        false => Err("the embedded font is damaged".to_owned()),
    }
}

fn element(image: &Placed) -> std::io::Result<String> {
    let Placed { raster, at: (x, y), scale } = image;
    let (width, height) = (raster.width * scale, raster.height * scale);
    let uri = raster.data_uri()?;
    Ok(format!(
        r#"<image x="{x}" y="{y}" width="{width}" height="{height}" style="image-rendering:pixelated" href="{uri}"/>
"#
    ))
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
