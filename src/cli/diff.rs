//! `diff`: two reports side by side.

use std::path::{Path, PathBuf};

use super::print;
use crate::bundle;
use crate::error::{Error, Result};
use crate::fs;
use crate::report::diff::Diff;
use crate::report::input::ReportInput;

/// Prints what differs; exit code 0.
pub(super) fn diff(before: &Path, after: &Path, markdown: bool) -> Result<u8> {
    print(Diff::of(&read(before)?, &read(after)?).text(markdown).trim_end());
    Ok(0)
}

/// A `report.json`, or that of a report's folder or of a bundle.
pub(super) fn read(path: &Path) -> Result<ReportInput> {
    if path.is_file() && path.extension().is_some_and(|extension| extension == "gz" || extension == "tgz") {
        return bundle::report(path);
    }
    let file: PathBuf = if path.is_dir() { path.join("report.json") } else { path.to_path_buf() };
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
