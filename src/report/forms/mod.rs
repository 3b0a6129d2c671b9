//! The report in further forms: for a pull request, for a paper's LaTeX, for a spreadsheet, for a test runner.
//!
//! Like the report they are functions of its input, byte for byte the same on every machine. Measured and quoted numbers
//! never look the same, a reduced or an imported one says so, and a missing one can be seen.

mod authors;
mod column;
mod convert;
mod csv;
mod junit;
mod tex;
mod latex;
mod numbers;
mod schema;
mod summary;

use schemars::JsonSchema;
use serde::Serialize;

use super::cells::Index;
use super::derived::Derived;
use super::figure::Figure;
use super::input::{Cell, CellState};
use super::ledger::Ledger;
use super::{File, json};
use crate::error::Result;
use crate::paper::audit::Audit;

pub use schema::{file as schema_file, schemas};
pub use summary::{MARKER, MOST_BYTES, summary};
pub use tex::{escape as latex_text, name as latex_name};

/// `claims.json`: the verdicts on the paper's claims, and the paper against itself.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Claims<'a> {
    /// Every claim against our runs.
    pub ledger: &'a Ledger,
    /// The paper's numbers held against each other.
    pub audit: &'a Audit,
}

/// Every further form of a report. `figures` are those of [`super::figures`].
pub fn files(derived: &Derived, figures: &[Figure]) -> Result<Vec<File>> {
    let Derived { input, ledger, audit, .. } = derived;
    let text = |name: &str, text: String| (name.to_owned(), text.into_bytes());
    let mut files = vec![
        text("summary.md", summary(derived)?),
        text(authors::NAME, authors::authors(derived)?),
        ("claims.json".to_owned(), json(&Claims { ledger, audit })?),
        text("claims.xml", junit::junit(input, ledger)?),
        text("numbers.tex", numbers::numbers(derived)),
    ];
    files.extend(latex::files(derived, figures));
    files.extend(csv::files(derived)?);
    files.extend(schemas()?.into_iter().map(|(name, bytes)| (format!("data/{name}"), bytes)));
    for figure in figures {
        let name = figure.file.trim_end_matches(".svg");
        let convert::Converted { pdf, png } = convert::convert(figure)?;
        files.extend([(format!("figures/{name}.pdf"), pdf), (format!("figures/{name}.png"), png)]);
        if let Some(column) = column::column(figure) {
            files.push((format!("figures/{name}-column.pdf"), convert::convert(&column)?.pdf));
        }
    }
    Ok(files)
}

/// What a cell's numbers are worth: `measured`, `reduced`, `imported`, `not run` or `failed`. A reduced run is reduced
/// wherever it was made.
fn grade(index: &Index, cell: &Cell) -> &'static str {
    match cell.state {
        CellState::Failed { .. } => "failed",
        CellState::NotRun { .. } => "not run",
        CellState::Done if !index.deviations(cell).is_empty() => "reduced",
        CellState::Done if cell.origin.is_some() => "imported",
        CellState::Done => "measured",
    }
}
