//! A figure in a page: whole, and for narrow screens cut into panels that stand one below the other.

use std::fmt::Write;

use crate::report::figure::{Figure, Strips};
use crate::report::xml;

/// Where the drawing of a figure begins: after its white ground.
const GROUND: &str = "fill=\"#FFFFFF\"/>\n";

/// The figure as it stands in a page; the panels show parts of the same drawing, so that nothing is there twice.
pub(super) fn in_page(figure: &Figure) -> String {
    let Some((head, body)) = figure.svg.split_once(GROUND).filter(|_| !figure.panels.is_empty()) else {
        return figure.svg.clone();
    };
    let id = format!("{}-drawing", figure.file.trim_end_matches(".svg"));
    let body = body.trim_end().trim_end_matches("</svg>");
    let head = head.replacen("<svg ", "<svg class=\"whole\" ", 1);
    let mut page = format!("{head}{GROUND}<g id=\"{id}\">\n{body}</g></svg>\n");
    let height = height(&figure.svg);
    // Writing to a string cannot fail.
    let _ = write!(page, "<div class=\"panels\" role=\"img\" aria-label=\"{}\">", attribute(&figure.alt));
    for strips in &figure.panels {
        page.push_str(&panel(strips, height, &id));
    }
    page + "</div>\n"
}

/// Strips of a drawing beside each other.
fn panel(strips: &Strips, height: u32, id: &str) -> String {
    let width: u32 = strips.iter().map(|[from, to]| to - from).sum();
    let mut svg = format!("<svg viewBox=\"0 0 {width} {height}\">");
    let mut x = 0;
    for [from, to] in strips {
        let wide = to - from;
        let _ = write!(
            svg,
            "<svg x=\"{x}\" width=\"{wide}\" height=\"{height}\" viewBox=\"{from} 0 {wide} {height}\">\
             <use href=\"#{id}\"/></svg>"
        );
        x += wide;
    }
    svg + "</svg>"
}

/// The last number of the `viewBox`.
fn height(svg: &str) -> u32 {
    let numbers = svg.split_once("viewBox=\"").and_then(|(_, rest)| rest.split('"').next()).unwrap_or_default();
    numbers.rsplit(' ').next().and_then(|height| height.parse().ok()).unwrap_or_default()
}

/// A line of text in a quoted attribute.
fn attribute(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
    xml::text(&text.replace(char::is_control, " "))
}
