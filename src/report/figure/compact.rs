//! Rewrites plotters' SVG in a third of its bytes, to the same picture.

use std::fmt::Write;

use super::style::{FONT, INK_CODE};
use crate::report::subscript::pieces;

/// `body` without attributes that repeat a default or the root's, and with strokes of one style as one path (plotters
/// makes an element of every dash).
pub(super) fn compact(body: &str) -> String {
    let font = format!(r#" font-family="{FONT}""#);
    let ink = format!(r#" fill="{INK_CODE}""#);
    let mut out = String::new();
    let mut path = Stroke::default();
    let mut lines = body.lines();
    while let Some(line) = lines.next() {
        // Quotes in texts are escaped, so nothing that readers see is taken for an attribute.
        let line =
            [r#" opacity="1""#, r#" stroke="none""#, r#" stroke-width="1""#].iter().fold(line.to_owned(), drop_all);
        if let Some((style, points)) = stroke(&line) {
            path.extend(style, points, &mut out);
            continue;
        }
        path.finish(&mut out);
        if line.starts_with("<text") {
            let head = [&*font, &ink, r#" text-anchor="start""#].iter().fold(line, drop_all);
            out.push_str(&rounded_size(&head));
            let words: Vec<&str> = lines.by_ref().take_while(|line| *line != "</text>").collect();
            out.push_str(&subscripts(&words.join(" ")));
            out.push_str("</text>\n");
        } else if !line.is_empty() {
            out.push_str(&line);
            out.push('\n');
        }
    }
    path.finish(&mut out);
    out
}

fn drop_all(line: String, part: &&str) -> String {
    if line.contains(*part) { line.replace(*part, "") } else { line }
}

/// The style and the points of a polyline.
fn stroke(line: &str) -> Option<(&str, &str)> {
    let (style, rest) = line.strip_prefix("<polyline ")?.split_once(r#" points=""#)?;
    Some((style, rest.strip_suffix(r#""/>"#)?.trim_end()))
}

/// Polylines of one style.
#[derive(Default)]
struct Stroke {
    style: String,
    moves: String,
}

impl Stroke {
    fn extend(&mut self, style: &str, points: &str, out: &mut String) {
        if style != self.style {
            self.finish(out);
            style.clone_into(&mut self.style);
        }
        self.moves.push('M');
        self.moves.push_str(points);
    }

    fn finish(&mut self, out: &mut String) {
        let Self { style, moves } = std::mem::take(self);
        if !moves.is_empty() {
            // Writing to a string cannot fail.
            let _ = writeln!(out, r#"<path {style} d="{moves}"/>"#);
        }
    }
}

/// Text with its subscripts lowered; `em` of a smaller font is smaller.
fn subscripts(words: &str) -> String {
    let mut text = String::new();
    let mut lowered = false;
    for (plain, subscript) in pieces(words) {
        match (lowered, plain.is_empty()) {
            (true, false) => {
                // Writing to a string cannot fail.
                let _ = write!(text, r#"<tspan dy="-0.21em">{plain}</tspan>"#);
            }
            _ => text.push_str(plain),
        }
        lowered = !subscript.is_empty();
        if lowered {
            let _ = write!(text, r#"<tspan dy="0.28em" font-size="75%">{subscript}</tspan>"#);
        }
    }
    text
}

/// plotters writes font sizes with 15 digits.
fn rounded_size(head: &str) -> String {
    let round = || {
        let (before, rest) = head.split_once(r#" font-size=""#)?;
        let (size, after) = rest.split_once('"')?;
        Some(format!(r#"{before} font-size="{:.1}"{after}"#, size.parse::<f64>().ok()?))
    };
    round().unwrap_or_else(|| head.to_owned())
}
