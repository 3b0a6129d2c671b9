//! A row per claim that was run, for FLoRA, FORRT's library of replication attempts: its columns, and its words.
//!
//! Source: the checks of the library's own data, `R/validate_flora.R` in <https://github.com/forrtproject/FReD-data>.

use crate::error::{Error, Result};
use crate::report::derived::Derived;
use crate::report::ledger::{Entry, Verdict};

/// The library's names; `_o` is the original study, `_r` the replication.
const COLUMNS: [&str; 12] = [
    "doi_o",
    "study_o",
    "title_o",
    "year_o",
    "doi_r",
    "url_r",
    "title_r",
    "year_r",
    "type",
    "outcome",
    "outcome_quote",
    "source",
];

/// CSV with [`COLUMNS`]. Where the report is published is not known: either `doi_r` or `url_r` is to be filled in.
///
/// # Errors
/// If it cannot be written as CSV.
pub fn forrt(derived: &Derived) -> Result<Vec<u8>> {
    let fault = |error: csv::Error| Error::Render { what: "the rows for FORRT".into(), message: error.to_string() };
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(COLUMNS).map_err(fault)?;
    for entry in &derived.ledger.entries {
        if let Some(outcome) = outcome(entry.verdict) {
            writer.write_record(row(derived, entry, outcome)).map_err(fault)?;
        }
    }
    writer.into_inner().map_err(|error| Error::Render { what: "the rows for FORRT".into(), message: error.to_string() })
}

/// The library's word for a verdict; `None` for a claim without runs, which is no replication.
fn outcome(verdict: Verdict) -> Option<&'static str> {
    match verdict {
        Verdict::Reproduced => Some("successful"),
        // A difference that is smaller than what matters is not the one that was claimed.
        Verdict::Contradicted | Verdict::NoDifference => Some("failed"),
        // Nothing is decided, or it was another experiment.
        Verdict::NotRebuilt | Verdict::DirectionOnly | Verdict::OtherDirection | Verdict::Inconclusive => {
            Some("uninformative")
        }
        Verdict::NotRun => None,
    }
}

fn row(derived: &Derived, entry: &Entry, outcome: &str) -> [String; 12] {
    let paper = &derived.input.paper;
    let last = derived.input.cells.iter().filter_map(|cell| cell.finished.get(..4)).max().unwrap_or_default();
    [
        paper.doi.clone(),
        format!("{}: {}", entry.claim.id, entry.claim.text),
        paper.title.clone(),
        paper.year.to_string(),
        String::new(),
        String::new(),
        format!("Reproduction of “{}”", paper.title),
        last.to_owned(),
        // New runs of a program of ours; a reproduction is what the authors' own code and data give.
        "replication".to_owned(),
        outcome.to_owned(),
        entry.why.clone(),
        "replications".to_owned(),
    ]
}
