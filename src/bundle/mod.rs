//! The bundle: one `.tar.gz` with a report and everything that its numbers follow from, which checks itself.
//!
//! ```text
//! MANIFEST.json                      sha256 and size of every other file
//! config.json                        the configuration with all its values
//! ro-crate-metadata.json             the same as a Workflow Run RO-Crate
//! report/…                           every file of the report
//! evidence/labels.bin                the class of every test image, one byte each
//! evidence/data-manifest.json        manifest of the data, and of the figures and the report
//! evidence/plot-manifest.json
//! evidence/report-manifest.json
//! evidence/cells/<cell>/             predictions.bin, probabilities.bin, scores.json, metrics.jsonl, train-manifest.json,
//!                                    evaluate-manifest.json; origin.json if the cell was itself imported
//! ```
//!
//! It holds no weights, and no images of the data but the few that the report shows.
//!
//! [`verify()`] trusts nothing that it can compute: scores follow from predictions and labels, the report's frame from the
//! configuration, the report's content from frame and evidence, every file of the report from its content, fingerprints
//! from the manifests' fields, the RO-Crate from all of it; what is left is held against digests.
//!
//! What it cannot find: evidence that was invented consistently. Whoever makes up predictions and computes everything
//! else from them, with this program or another, has a bundle that verifies, as has whoever changes what nothing else
//! depends on (when a stage started, the log-loss of an epoch) in all places where it stands. A digest that was published
//! elsewhere, as [`Archive::sha256`], ties a bundle to what was published; only training the cells again ties it to
//! reality.

mod archive;
mod compare;
mod content;
mod contents;
mod evidence;
mod import;
mod rocrate;
mod verify;

pub use archive::{Archive, Files, pack};
pub use contents::{Written, write};
pub use import::{Imported, import};
pub use verify::{Fault, Verified, verify};

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::artifact::OutputFile;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::fingerprint::Fingerprint;
use crate::report::input::ReportInput;

/// Format of a bundle that this program writes and reads.
pub const SCHEMA: u32 = 1;
/// The list of all files.
pub const MANIFEST: &str = "MANIFEST.json";
/// The configuration.
pub const CONFIG: &str = "config.json";
/// The RO-Crate's metadata.
pub const CRATE: &str = "ro-crate-metadata.json";
/// Folder of the report.
pub const REPORT: &str = "report/";
/// The class of every test image.
pub const LABELS: &str = "evidence/labels.bin";
/// Manifest of the data.
pub const DATA_MANIFEST: &str = "evidence/data-manifest.json";
/// Manifest of the figures.
pub const PLOT_MANIFEST: &str = "evidence/plot-manifest.json";
/// Manifest of the report.
pub const REPORT_MANIFEST: &str = "evidence/report-manifest.json";

/// `MANIFEST.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Listing {
    /// Format of the bundle.
    pub schema: u32,
    /// Every other file.
    pub files: BTreeMap<String, OutputFile>,
}

/// `config.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Configuration {
    /// The program that made the report.
    pub program: String,
    /// Digest of the configuration as the program that wrote the bundle ships it: what "reduced" is measured against.
    pub shipped: String,
    /// The configuration with all its values.
    pub config: Config,
}

impl Listing {
    /// The list of `files`.
    pub fn of(files: &Files) -> Self {
        let listed = |(name, bytes): (&String, &Vec<u8>)| {
            let output = OutputFile { sha256: crate::fs::sha256_bytes(bytes), bytes: bytes.len() as u64 };
            (name.clone(), output)
        };
        let files = files.iter().filter(|(name, _)| *name != MANIFEST).map(listed).collect();
        Self { schema: SCHEMA, files }
    }
}

/// The folder of a cell's evidence, whatever characters its id has.
pub fn cell_folder(id: &str) -> String {
    let part = |part: &str| -> String {
        let escaped: String = part.bytes().map(escape).collect();
        // `.` and `..` are folders of another kind, and an empty part is none.
        if escaped.bytes().all(|byte| byte == b'.') { format!("={escaped}") } else { escaped }
    };
    format!("evidence/cells/{}/", id.split('/').map(part).collect::<Vec<_>>().join("/"))
}

fn escape(byte: u8) -> String {
    if byte.is_ascii_alphanumeric() || b"-_.".contains(&byte) {
        char::from(byte).to_string()
    } else {
        format!("={byte:02X}")
    }
}

/// The `report.json` of a bundle.
///
/// # Errors
/// If the archive cannot be read, or holds no report that this program can read. Nothing is verified.
pub fn report(path: &std::path::Path) -> Result<ReportInput> {
    let archive = Archive::read(path)?;
    let name = format!("{REPORT}{}", crate::report::CONTENT);
    let wrong = |message: String| Error::data(path, message, "it must be a bundle that `fpl-repro bundle` wrote");
    let bytes = archive.files.get(&name).ok_or_else(|| wrong(format!("holds no `{name}`")))?;
    serde_json::from_slice(bytes).map_err(|error| wrong(format!("`{name}` is not a report of this version: {error}")))
}

/// What identifies the configuration that this program ships.
fn shipped_digest(shipped: &Config) -> String {
    Fingerprint::of(&serde_json::to_value(shipped).unwrap_or_default()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cells_folder_is_always_below_the_evidence() {
        assert_eq!(cell_folder("table2/resnet18/seed0"), "evidence/cells/table2/resnet18/seed0/");
        assert_eq!(cell_folder("../a b//ü%"), "evidence/cells/=../a=20b/=/=C3=BC=25/");
    }
}
