//! The JSON Schemas of what commands print with `--json`, as the repository has them in `schemas/`.

use super::{bundle, gc, survey, verify};
use crate::error::Result;
use crate::report::File;
use crate::report::diff::Diff;
use crate::report::forms::schema_file;

/// Every schema of the command line. Those of `claims`, `readings` and `audit` are parts of `claims.schema.json`.
///
/// # Errors
/// If one cannot be written as JSON.
pub fn schemas() -> Result<Vec<File>> {
    Ok(vec![
        schema_file::<survey::PlanDocument>("plan", "fpl-repro plan --json")?,
        schema_file::<Vec<survey::Entry>>("status", "fpl-repro status --json")?,
        schema_file::<Diff>("diff", "fpl-repro diff --json")?,
        schema_file::<verify::Checked>("verify", "fpl-repro verify --json")?,
        schema_file::<bundle::Verification>("verify-bundle", "fpl-repro verify BUNDLE --json")?,
        schema_file::<gc::Collected>("gc", "fpl-repro gc --json")?,
    ])
}
