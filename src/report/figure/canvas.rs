//! What all figures share: the font, the colours, how a loss is drawn, and an SVG that says what it shows.

use std::{error::Error as StdError, fmt::Write, sync::OnceLock};

use plotters::{
    coord::Shift,
    element::DashedPathElement,
    prelude::*,
    style::{
        FontStyle, register_font,
        text_anchor::{HPos, Pos, VPos},
    },
};

use super::{
    compact::compact,
    png::Raster,
    style::{BLUE, FONT, GREEN, INK, INK_CODE, ORANGE, PURPLE, SCALE, SKY, VERMILION},
};
use crate::{
    error::{Error, Result},
    paper::{BASELINE, PROPOSED},
    report::{input::ReportInput, xml},
};

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
        svg.push_str(&compact(body));
        if let Some(image) = image {
            svg.push_str(&element(image).map_err(|error| failed(error.to_string()))?);
        }
        svg.push_str("</svg>\n");
        Ok(xml::text(&svg))
    }

    fn head(&self) -> String {
        let ((width, height), id) = (self.size, escape(self.id));
        let mut head = format!(r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}""#);
        // Writing to a string cannot fail.
        let _ = writeln!(head, r#" width="{}" height="{}" role="img""#, width / SCALE, height / SCALE);
        let _ = writeln!(head, r#" font-family="{FONT}" fill="{INK_CODE}""#);
        let _ = writeln!(head, r#" aria-labelledby="{id}-title {id}-desc">"#);
        let _ = writeln!(head, r#"<title id="{id}-title">{}</title>"#, escape(self.title));
        let _ = writeln!(head, r#"<desc id="{id}-desc">{}</desc>"#, escape(self.description));
        let _ = writeln!(head, r##"<rect width="{width}" height="{height}" rx="16" fill="#FFFFFF"/>"##);
        head
    }
}

/// How a loss is drawn in every figure: told apart by colour, line and mark, so without colour too.
#[derive(Debug, Clone, Copy)]
pub(super) struct Look {
    /// Of lines and marks.
    pub(super) colour: RGBColor,
    /// Length of dashes and gaps in half pixels; `None`: a solid line.
    dash: Option<(i32, i32)>,
    mark: Mark,
}

#[derive(Debug, Clone, Copy)]
enum Mark {
    Circle,
    Triangle,
    Square,
    Diamond,
    Inverted,
}

/// How the loss with this key is drawn: CE and FPL always alike, others by their order in the tables.
pub(super) fn look(input: &ReportInput, loss: &str) -> Look {
    const COLOURS: [RGBColor; 4] = [GREEN, PURPLE, ORANGE, SKY];
    const MARKS: [Mark; 3] = [Mark::Square, Mark::Diamond, Mark::Inverted];
    match loss {
        BASELINE => Look { colour: BLUE, dash: Some((16, 8)), mark: Mark::Circle },
        PROPOSED => Look { colour: VERMILION, dash: None, mark: Mark::Triangle },
        _ => {
            let mut others: Vec<&str> = Vec::new();
            for row in input.tables.iter().flat_map(|table| &table.rows) {
                if !matches!(&*row.loss, BASELINE | PROPOSED) && !others.contains(&&*row.loss) {
                    others.push(&row.loss);
                }
            }
            let position = others.iter().position(|other| *other == loss).unwrap_or(others.len());
            Look { colour: COLOURS[position % 4], dash: Some((5, 7)), mark: MARKS[position % 3] }
        }
    }
}

impl Look {
    /// A line through points, in half pixels.
    pub(super) fn line(self, area: &Area, points: Vec<(i32, i32)>, width: u32) -> Painted {
        let style = self.colour.stroke_width(width);
        match self.dash {
            None => area.draw(&PathElement::new(points, style))?,
            Some((dash, gap)) => area.draw(&DashedPathElement::new(points, dash, gap, style))?,
        }
        Ok(())
    }

    /// A mark of about this radius in half pixels.
    pub(super) fn mark(self, area: &Area, at: (i32, i32), radius: i32, hollow: bool) -> Painted {
        let Self { colour, mark, .. } = self;
        let fill = if hollow { WHITE } else { colour };
        if matches!(mark, Mark::Circle) {
            area.draw(&Circle::new(at, radius, fill.filled()))?;
        } else {
            area.draw(&Polygon::new(mark.outline(at, radius), fill))?;
        }
        if hollow { self.outlined(area, at, radius) } else { Ok(()) }
    }

    /// The outline of a mark, through which others are seen.
    pub(super) fn outlined(self, area: &Area, at: (i32, i32), radius: i32) -> Painted {
        let style = self.colour.stroke_width(3);
        if matches!(self.mark, Mark::Circle) {
            area.draw(&Circle::new(at, radius, style))?;
            return Ok(());
        }
        let outline = self.mark.outline(at, radius);
        let closed: Vec<_> = outline.iter().copied().chain(outline.iter().copied().take(2)).collect();
        area.draw(&PathElement::new(closed, style))?;
        Ok(())
    }
}

impl Mark {
    /// Corners that cover about as much as a circle of this radius.
    fn outline(self, (x, y): (i32, i32), radius: i32) -> Vec<(i32, i32)> {
        let (wide, side) = (radius * 5 / 4, radius * 9 / 10);
        match self {
            Self::Circle | Self::Square => {
                vec![(x - side, y - side), (x + side, y - side), (x + side, y + side), (x - side, y + side)]
            }
            Self::Triangle => vec![(x, y - wide), (x + wide, y + side), (x - wide, y + side)],
            Self::Inverted => vec![(x, y + wide), (x - wide, y - side), (x + wide, y - side)],
            Self::Diamond => vec![(x, y - wide), (x + wide, y), (x, y + wide), (x - wide, y)],
        }
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

/// A line of text in XML.
fn escape(text: &str) -> String {
    let text = text.replace(char::is_control, " ");
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
