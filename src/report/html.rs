//! The report as one HTML file that requests nothing: style sheet, figures and a small script are in it. The script sorts
//! tables and opens what is folded for printing; nothing is missing without it.

use std::io::{self, Write};

use tera::{Context, Kwargs, State, Tera, Value};

use super::{derived::Derived, figure::Figure, subscript::pieces, view::View};
use crate::error::{Error, Result};

const NAME: &str = "report.html";

/// The report as HTML. `figures` are those of [`super::figures`].
pub fn html(derived: &Derived, figures: &[Figure]) -> Result<String> {
    render(&View::new(derived, figures))
        .map_err(|error| Error::Render { what: NAME.to_owned(), message: error.to_string() })
}

fn render(view: &View) -> tera::TeraResult<String> {
    let mut tera = Tera::new();
    // Everything is escaped but what the template calls safe: the figures, which escape their own text.
    tera.set_escape_fn(escape);
    tera.autoescape_on([".html"]);
    tera.register_filter("named", named);
    tera.register_filter("prose", prose);
    tera.add_raw_template("report.css", include_str!("../../templates/report.css"))?;
    tera.add_raw_template("runs.html", include_str!("../../templates/runs.html"))?;
    tera.add_raw_template("report.js", include_str!("../../templates/report.js"))?;
    tera.add_raw_template(NAME, include_str!("../../templates/report.html"))?;
    tera.render(NAME, &Context::from_serialize(view)?)
}

/// The end of a cell's tag with the name that its column has on a phone: an attribute, or where that has a subscript, for which
/// attributes have no room, an element.
fn named(column: &str, _: Kwargs, _: &State) -> Value {
    let mut tag = Vec::new();
    let has_subscript = pieces(column).len() > 1;
    let [before, after]: [&[u8]; 2] = if has_subscript {
        [b" data-label=\"\"><span class=\"label\">", b"</span>"]
    } else {
        [b" data-label=\"", b"\">"]
    };
    // Writing to a vector cannot fail.
    let _ = tag.write_all(before);
    let _ = escape(column, &mut tag);
    let _ = tag.write_all(after);
    Value::safe_string(&String::from_utf8_lossy(&tag))
}

/// Sentences as HTML, what stands between backticks as code.
fn prose(text: &str, _: Kwargs, _: &State) -> Value {
    let mut escaped = Vec::new();
    for (index, part) in text.split('`').enumerate() {
        let code = index % 2 == 1;
        // Writing to a vector cannot fail.
        let _ = escaped.write_all(if code { b"<code>" } else { b"" });
        let _ = escape(part, &mut escaped);
        let _ = escaped.write_all(if code { b"</code>" } else { b"" });
    }
    Value::safe_string(&String::from_utf8_lossy(&escaped))
}

/// Text as HTML, the paper's symbols with their subscripts.
fn escape(text: &str, output: &mut dyn Write) -> io::Result<()> {
    for (plain, subscript) in pieces(text) {
        tera::escape_html(plain, output)?;
        if !subscript.is_empty() {
            write!(output, "<sub>{subscript}</sub>")?;
        }
    }
    Ok(())
}
