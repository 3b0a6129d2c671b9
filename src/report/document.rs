//! `report.json`: a report's content with what follows from it.

use schemars::JsonSchema;
use serde::Serialize;

use super::derived::Derived;
use super::input::ReportInput;
use super::ledger::Ledger;

/// `report.json`. Everything but the claims is the content, which is read back as [`ReportInput`]; the claims follow from
/// it.
#[derive(Serialize, JsonSchema)]
pub struct Document<'a> {
    /// Where the schema is, relative to the file.
    #[serde(rename = "$schema")]
    schema: &'static str,
    /// The content.
    #[serde(flatten)]
    content: &'a ReportInput,
    /// Every claim against our runs.
    claims: &'a Ledger,
}

impl<'a> Document<'a> {
    /// The keys of what is not the content.
    pub const DERIVED: [&'static str; 2] = ["$schema", "claims"];

    /// The document of a report.
    pub fn of(derived: &'a Derived) -> Self {
        Self { schema: "data/report.schema.json", content: derived.input, claims: &derived.ledger }
    }
}
