//! Tables for a paper's LaTeX, in two widths: `\input` them into any document that uses booktabs, or take them with caption
//! and label from `floats.tex`. What holds for all of them stands once, in `tables/notes.tex`.

mod claims;
mod floats;
mod notes;
mod results;

use super::tex::comment;
use crate::report::File;
use crate::report::derived::Derived;
use crate::report::figure::Figure;
use crate::report::input::Row;
use crate::report::tables::{Reading, RowView, TableView};

/// How wide a table may become.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// The text of a page: 345 pt of an article are the least.
    Page,
    /// A column of two: 229 pt of an article in two columns are the least, 252 pt of IEEEtran usual.
    Column,
}

impl Form {
    const ALL: [Self; 2] = [Self::Page, Self::Column];

    /// What the names of files end in.
    fn suffix(self) -> &'static str {
        match self {
            Self::Page => "",
            Self::Column => "-column",
        }
    }

    /// Type size and the space between columns, until `\endgroup`.
    fn opening(self) -> &'static str {
        match self {
            Self::Page => "\\begingroup\\small\\setlength{\\tabcolsep}{4pt}\n",
            Self::Column => "\\begingroup\\footnotesize\\setlength{\\tabcolsep}{2pt}\n",
        }
    }
}

/// Every LaTeX file but the macros of numbers. `figures` are those that have a PDF.
pub(super) fn files(derived: &Derived, figures: &[Figure]) -> Vec<File> {
    let mut files = vec![
        ("floats.tex".to_owned(), floats::floats(derived, figures).into_bytes()),
        ("tables/notes.tex".to_owned(), notes::notes(derived).into_bytes()),
    ];
    for form in Form::ALL {
        let mut add = |name: &str, title: &str, body: &str| {
            let text = format!(
                "% {}\n% Needs \\usepackage{{booktabs}}. Italic: quoted from the paper. Upright: measured.\n{}{body}\\endgroup\n",
                comment(title),
                form.opening()
            );
            files.push((format!("tables/{name}{}.tex", form.suffix()), text.into_bytes()));
        };
        for (view, reading, rows) in readings(derived) {
            let title = format!("{}: {} {}", view.number, view.caption, reading.title);
            add(&reading.anchor, &title, &results::results(derived, reading, &rows, form));
        }
        add("claims", "The paper's claims against our runs", &claims::claims(&derived.ledger, form));
    }
    files
}

/// A row of a table with what is shown of it.
type TableRow<'a> = (&'a Row, &'a RowView);

/// Every table of results, once per reading of its measures.
fn readings<'a>(derived: &'a Derived) -> impl Iterator<Item = (&'a TableView, &'a Reading, Vec<TableRow<'a>>)> {
    derived.input.tables.iter().zip(&derived.tables).flat_map(|(table, view)| {
        view.readings.iter().map(move |reading| (view, reading, table.rows.iter().zip(&reading.rows).collect()))
    })
}

/// The marks of a number in a table.
fn mark(reduced: bool, imported: bool) -> &'static str {
    match (reduced, imported) {
        (true, true) => "$^{\\dagger\\ddagger}$",
        (true, false) => "$^\\dagger$",
        (false, true) => "$^\\ddagger$",
        (false, false) => "",
    }
}
