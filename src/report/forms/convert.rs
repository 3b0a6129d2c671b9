//! Figures as PDF, for LaTeX, and as PNG, for everything else: the same drawing with the same embedded font.

use std::sync::{Arc, OnceLock};

use krilla::geom::Size;
use krilla::page::PageSettings;
use krilla::{Document, SerializeSettings};
use krilla_svg::{SurfaceExt, SvgSettings};
use resvg::tiny_skia::{Color, Pixmap, Transform};
use resvg::usvg::{Options, Tree, fontdb::Database};

use crate::error::{Error, Result};
use crate::report::figure::Figure;

const FONT: &[u8] = include_bytes!("../../../templates/fonts/DejaVuSans.ttf");
/// Points, 1/72 inch, of a CSS pixel, 1/96 inch.
const POINTS: f32 = 0.75;
/// Pixels of the PNG per CSS pixel: 192 to an inch.
const ZOOM: f32 = 2.0;

/// A figure in other formats.
pub(super) struct Converted {
    pub(super) pdf: Vec<u8>,
    pub(super) png: Vec<u8>,
}

/// Converts a figure. Its text stays text in the PDF.
pub(super) fn convert(figure: &Figure) -> Result<Converted> {
    let fault = |message: String| Error::Render { what: figure.file.clone(), message };
    let tree = Tree::from_str(&figure.svg, options()).map_err(|error| fault(error.to_string()))?;
    let pdf = pdf(&tree).map_err(|message| fault(format!("PDF: {message}")))?;
    let png = png(&tree).map_err(|message| fault(format!("PNG: {message}")))?;
    Ok(Converted { pdf, png })
}

/// No font but the embedded one, so that every machine draws the same.
fn options() -> &'static Options<'static> {
    static OPTIONS: OnceLock<Options> = OnceLock::new();
    OPTIONS.get_or_init(|| {
        let mut fonts = Database::new();
        fonts.load_font_data(FONT.to_vec());
        Options { fontdb: Arc::new(fonts), ..Options::default() }
    })
}

fn pdf(tree: &Tree) -> Result<Vec<u8>, String> {
    let (width, height) = (tree.size().width() * POINTS, tree.size().height() * POINTS);
    let size = Size::from_wh(width, height).ok_or("it has no size")?;
    // Metadata would hold nothing that is not beside the figure.
    let mut document = Document::new_with(SerializeSettings { xmp_metadata: false, ..SerializeSettings::default() });
    let mut page = document.start_page_with(PageSettings::new(size));
    let mut surface = page.surface();
    surface.draw_svg(tree, size, SvgSettings::default()).ok_or("it cannot be drawn")?;
    surface.finish();
    page.finish();
    document.finish().map_err(|error| format!("{error:?}"))
}

fn png(tree: &Tree) -> Result<Vec<u8>, String> {
    let pixels = |length: f32| (length * ZOOM).ceil() as u32;
    let mut pixmap = Pixmap::new(pixels(tree.size().width()), pixels(tree.size().height()))
        .ok_or("it is too large or has no size")?;
    // Without the rounded corners' transparency a viewer cannot show a dark fringe.
    pixmap.fill(Color::WHITE);
    resvg::render(tree, Transform::from_scale(ZOOM, ZOOM), &mut pixmap.as_mut());
    pixmap.encode_png().map_err(|error| error.to_string())
}
