//! The published JSON Schemas, made from the types: of `report.json` and of `claims.json`.

use schemars::{JsonSchema, schema_for};

use super::Claims;
use crate::error::Result;
use crate::report::document::Document;
use crate::report::{File, json};

/// What the identifiers of the schemas begin with; the end is the document's name.
const ID: &str = "urn:fpl-repro:schema:";

/// Every schema, as the report has it in `data/` and the repository in `schemas/`.
pub fn schemas() -> Result<Vec<File>> {
    Ok(vec![file::<Document>("report", "fpl-repro: report.json")?, file::<Claims>("claims", "fpl-repro: claims.json")?])
}

/// The schema of a type as a file, with an identifier by which other schemas and validators know it.
///
/// # Errors
/// If it cannot be written as JSON.
pub fn file<T: JsonSchema>(name: &str, title: &str) -> Result<File> {
    let mut schema = schema_for!(T);
    schema.insert("$id".to_owned(), format!("{ID}{name}").into());
    schema.insert("title".to_owned(), title.into());
    let mut bytes = json(&schema)?;
    bytes.push(b'\n');
    Ok((format!("{name}.schema.json"), bytes))
}
