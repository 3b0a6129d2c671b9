//! A figure for a column of 3.3 inches: its panels one below the other, so that its text has 8 points there.

use std::fmt::Write as _; // Writing to a String cannot fail.

use crate::report::figure::{Figure, Strips};

/// Where the drawing of a figure begins: after its white ground.
const GROUND: &str = "fill=\"#FFFFFF\"/>\n";
/// Units of the drawing to a pixel.
const SCALE: u32 = 2;

/// The panels of a figure as one drawing; `None` if it has none.
pub(super) fn column(figure: &Figure) -> Option<Figure> {
    let (head, body) = figure.svg.split_once(GROUND).filter(|_| !figure.panels.is_empty())?;
    let root = head.get(..=head.find('>')?)?;
    let height: u32 = value(root, "viewBox")?.rsplit(' ').next()?.parse().ok()?;
    let wide = |strips: &Strips| strips.iter().map(|[from, to]| to - from).sum::<u32>();
    let (width, all) = (figure.panels.iter().map(wide).max()?, height * figure.panels.len() as u32);
    let (font, ink) = (value(root, "font-family")?, value(root, "fill")?);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {all}\" width=\"{}\" height=\"{}\" \
         font-family=\"{font}\" fill=\"{ink}\">\n<defs><g id=\"drawing\">\n{}</g></defs>\n",
        width / SCALE,
        all / SCALE,
        body.trim_end().trim_end_matches("</svg>")
    );
    for (at, strips) in (0..).zip(&figure.panels) {
        panel(&mut svg, strips, height, at * height);
    }
    svg.push_str("</svg>\n");
    let file = format!("{}-column.svg", figure.file.trim_end_matches(".svg"));
    Some(Figure { file, svg, ..figure.clone() })
}

/// Strips of the drawing beside each other.
fn panel(svg: &mut String, strips: &Strips, height: u32, y: u32) {
    let mut x = 0;
    for [from, to] in strips {
        let wide = to - from;
        let _ = writeln!(
            svg,
            "<svg x=\"{x}\" y=\"{y}\" width=\"{wide}\" height=\"{height}\" viewBox=\"{from} 0 {wide} {height}\">\
             <use href=\"#drawing\"/></svg>"
        );
        x += wide;
    }
}

/// An attribute of a tag.
fn value<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    tag.split_once(&format!(" {name}=\"")).or_else(|| tag.split_once(&format!("\n{name}=\"")))?.1.split('"').next()
}
