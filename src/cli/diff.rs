//! `diff`: two reports side by side.

use std::path::{Path, PathBuf};

use super::{print, print_json};
use crate::bundle;
use crate::error::{Error, Result};
use crate::fs;
use crate::report::CONTENT;
use crate::report::diff::Diff;
use crate::report::input::ReportInput;

/// How a comparison is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Text,
    Markdown,
    Json,
}

impl Format {
    /// As the options say; clap lets only one of them through.
    pub(super) fn of(markdown: bool, json: bool) -> Self {
        match (markdown, json) {
            (_, true) => Self::Json,
            (true, _) => Self::Markdown,
            _ => Self::Text,
        }
    }
}

/// Prints what differs; exit code 0.
pub(super) fn diff(before: &Path, after: &Path, format: Format) -> Result<u8> {
    let diff = Diff::of(&read(before)?, &read(after)?);
    if format == Format::Json {
        print_json(&diff)?;
    } else {
        print(diff.text(format == Format::Markdown).trim_end());
    }
    Ok(0)
}

/// A `report.json`, or that of a report's folder or of a bundle.
pub(super) fn read(path: &Path) -> Result<ReportInput> {
    if path.is_file() && path.extension().is_some_and(|extension| extension == "gz" || extension == "tgz") {
        return bundle::report(path);
    }
    // A bundle that was unpacked has its report below.
    let unpacked = path.join(bundle::REPORT);
    let path = if unpacked.join(CONTENT).is_file() { &unpacked } else { path };
    let file: PathBuf = if path.is_dir() { path.join(CONTENT) } else { path.to_path_buf() };
    if !file.exists() {
        return Err(Error::Usage {
            message: format!("`{}` does not exist", file.display()),
            help: "name a report's folder, like `reports/quickstart`, its `report.json`, or a bundle".into(),
        });
    }
    serde_json::from_slice(&fs::read(&file)?).map_err(|error| {
        let help = "it must be the `report.json` that `fpl-repro report` writes, of this version";
        Error::data(&file, format!("not a report: {error}"), help)
    })
}
