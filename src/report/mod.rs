//! Tables, figures and the report, as functions of [`input::ReportInput`].

pub mod noise;
pub mod input;
pub mod frame;
mod xml;
mod subscript;
pub mod protocols;
pub mod cells;
pub mod tables;
pub mod ledger;
pub mod figure;
mod status;
pub mod derived;
pub mod document;
pub mod diff;
pub mod view;
pub mod html;
pub mod markdown;
pub mod forms;

pub use figure::{Figure, figures};
pub use html::html;
pub use markdown::{markdown, render as markdown_template};

use crate::error::{Error, Result};
use derived::Derived;
use document::Document;

/// The file that holds a report's whole content, and the claims: every other file of the report follows from it.
pub const CONTENT: &str = "report.json";

/// The files of a report that are in none of its folders.
pub const TOP: [&str; 9] = [
    "report.html",
    "report.md",
    CONTENT,
    "summary.md",
    "authors.md",
    "claims.json",
    "claims.xml",
    "numbers.tex",
    "floats.tex",
];

/// The folders of a report.
pub const FOLDERS: [&str; 3] = ["figures", "tables", "data"];

/// A file of a report: its path relative to the report's folder, and its content.
pub type File = (String, Vec<u8>);

/// Every file of a report, byte for byte the same on every machine. `figures` are those of [`figures`].
pub fn files(derived: &Derived, figures: &[Figure]) -> Result<Vec<File>> {
    let mut files = vec![
        ("report.html".to_owned(), html(derived, figures)?.into_bytes()),
        ("report.md".to_owned(), markdown(derived, figures)?.into_bytes()),
        (CONTENT.to_owned(), json(&Document::of(derived))?),
    ];
    files.extend(figures.iter().map(|figure| (format!("figures/{}", figure.file), figure.svg.clone().into_bytes())));
    files.extend(forms::files(derived, figures)?);
    Ok(files)
}

/// A value as the JSON files of reports and bundles have it.
pub fn json(value: &impl serde::Serialize) -> Result<Vec<u8>> {
    serde_json::to_vec_pretty(value)
        .map_err(|error| Error::Render { what: "JSON".to_owned(), message: error.to_string() })
}
