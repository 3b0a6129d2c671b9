//! The report as one HTML file that requests nothing: style sheet, figures and a small script are in it. The script sorts
//! tables and opens what is folded for printing; nothing is missing without it.

use tera::{Context, Tera};

use super::{derived::Derived, figure::Figure, view::View};
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
    tera.autoescape_on([".html"]);
    tera.add_raw_template("report.css", include_str!("../../templates/report.css"))?;
    tera.add_raw_template("report.js", include_str!("../../templates/report.js"))?;
    tera.add_raw_template(NAME, include_str!("../../templates/report.html"))?;
    tera.render(NAME, &Context::from_serialize(view)?)
}
