//! The report as Markdown for GitHub; figures are files beside it.

use std::io::{self, Write};

use serde::Serialize;
use tera::{Context, Kwargs, State, Tera, Value};

use super::{derived::Derived, figure::Figure, subscript::pieces, view::View};
use crate::error::{Error, Result};

const NAME: &str = "report.md";

/// The most bytes that the report may have: GitHub shows longer files as text only, and mail programs cut them.
pub const MOST_BYTES: usize = 60_000;

/// The view, and how much of it to show: 3 is all; 2 leaves out supplementary figures and details of further tables; 1
/// also the list of cells; 0 all of tables that the paper does not have. What is left out is in the HTML report.
#[derive(Serialize)]
struct Detailed<'a> {
    #[serde(flatten)]
    view: &'a View<'a>,
    detail: u8,
}

/// The report as Markdown, as detailed as [`MOST_BYTES`] allow. `figures` are those of [`super::figures`], expected as
/// `figures/<file>` beside the report.
pub fn markdown(derived: &Derived, figures: &[Figure]) -> Result<String> {
    let mut view = View::new(derived, figures);
    let with =
        |view: &View, detail| render(NAME, include_str!("../../templates/report.md"), &Detailed { view, detail });
    for detail in [3, 2, 1] {
        let text = with(&view, detail)?;
        if text.len() <= MOST_BYTES {
            return Ok(text);
        }
    }
    for shorten in [View::keep_the_papers, View::leave_out_readings] {
        shorten(&mut view);
        let text = with(&view, 0)?;
        if text.len() <= MOST_BYTES {
            return Ok(text);
        }
    }
    Ok(cut(&with(&view, 0)?))
}

/// As many lines as fit, for reports that no configuration of sensible size has.
fn cut(text: &str) -> String {
    const NOTE: &str = "\n**There is no room for more here: the rest is in the HTML report.**\n";
    let mut short = String::new();
    for line in text.split_inclusive('\n') {
        if short.len() + line.len() + NOTE.len() > MOST_BYTES {
            break;
        }
        short.push_str(line);
    }
    short + NOTE
}

/// Renders a template with Markdown's escapes.
///
/// # Errors
/// If the template cannot be rendered: a fault of the program.
pub fn render(name: &'static str, template: &str, view: &impl Serialize) -> Result<String> {
    rendered(name, template, view).map_err(|error| Error::Render { what: name.to_owned(), message: error.to_string() })
}

fn rendered(name: &'static str, template: &str, view: &impl Serialize) -> tera::TeraResult<String> {
    let mut tera = Tera::new();
    // Not HTML's escapes, but Markdown's own, everywhere.
    tera.set_escape_fn(escape);
    tera.autoescape_on([".md"]);
    tera.register_filter("code", code);
    tera.register_filter("address", address);
    tera.register_filter("alternative", alternative);
    tera.add_raw_template(name, template)?;
    tera.render(name, &Context::from_serialize(view)?)
}

/// Text as Markdown, the paper's symbols with their subscripts.
fn escape(text: &str, output: &mut dyn Write) -> io::Result<()> {
    for (plain, subscript) in pieces(text) {
        escape_plain(plain, output)?;
        if !subscript.is_empty() {
            write!(output, "<sub>{subscript}</sub>")?;
        }
    }
    Ok(())
}

/// Escapes what Markdown, its tables and HTML in it would interpret; a line stays a line.
fn escape_plain(text: &str, output: &mut dyn Write) -> io::Result<()> {
    for character in text.chars() {
        match character {
            '&' => output.write_all(b"&amp;")?,
            '<' => output.write_all(b"&lt;")?,
            '>' => output.write_all(b"&gt;")?,
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' => write!(output, "\\{character}")?,
            '\n' | '\r' => output.write_all(b" ")?,
            // GitHub would notify people of that name, and set what stands between two of these as mathematics.
            '@' => output.write_all(b"@<!-- -->")?,
            '$' => output.write_all(b"<span>$</span>")?,
            _ => write!(output, "{character}")?,
        }
    }
    Ok(())
}

/// Text as code: GitHub's tables want `|` escaped even there, and a backtick would end it.
fn code(text: &str, _: Kwargs, _: &State) -> Value {
    if text.is_empty() {
        return Value::safe_string("");
    }
    let text = text.replace(['\n', '\r'], " ").replace('`', "'").replace('|', "\\|");
    Value::safe_string(&format!("`{text}`"))
}

/// What stands for an image, where there is no markup.
fn alternative(text: &str, _: Kwargs, _: &State) -> Value {
    let mut escaped = Vec::new();
    // Writing to a vector cannot fail.
    let _ = escape_plain(text, &mut escaped);
    Value::safe_string(&String::from_utf8_lossy(&escaped))
}

/// An address as a link, if it is one of the web.
fn address(text: &str, _: Kwargs, _: &State) -> Value {
    let web = ["https://", "http://"].iter().any(|scheme| text.starts_with(scheme));
    if web && !text.contains(|c: char| c.is_whitespace() || matches!(c, '<' | '>' | '\\')) {
        Value::safe_string(&format!("<{text}>"))
    } else {
        Value::from(text)
    }
}
