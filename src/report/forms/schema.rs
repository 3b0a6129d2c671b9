//! The published JSON Schemas, made from the types: of `report.json` and of `claims.json`.

use schemars::{Schema, schema_for};

use super::Claims;
use crate::error::Result;
use crate::report::input::ReportInput;
use crate::report::{File, json};

/// Every schema, as the report has it in `data/` and the repository in `schemas/`.
pub fn schemas() -> Result<Vec<File>> {
    let file = |name: &str, schema: Schema| {
        let mut bytes = json(&schema)?;
        bytes.push(b'\n');
        Ok((name.to_owned(), bytes))
    };
    Ok(vec![file("report.schema.json", schema_for!(ReportInput))?, file("claims.schema.json", schema_for!(Claims))?])
}
