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

mod fault;
mod archive;
mod compare;
mod layout;
mod evidence;
mod readme;
mod rocrate;
mod remake;
mod verify;
mod write;
mod weights;
mod import;

pub use archive::{Archive, Files, Packing, pack};
pub use fault::Fault;
pub use import::{Imported, import};
pub use layout::{
    Attribution, Author, CONFIG, CRATE, Configuration, DATA_MANIFEST, LABELS, Listing, MANIFEST, PLOT_MANIFEST, README,
    REPORT, REPORT_MANIFEST, SCHEMA, cell_folder, is_web,
};
pub use verify::{Verified, verify};
pub use weights::{Weights, write_weights};
pub use write::{Written, write};

use std::collections::BTreeSet;
use std::path::Path;

use crate::error::{Error, Result};
use crate::report::input::ReportInput;
use crate::store::{EVALUATE_MANIFEST, TRAIN_MANIFEST, parse_manifest};

/// The `report.json` of a bundle.
///
/// # Errors
/// If the archive cannot be read, or holds no report that this program can read. Nothing is verified.
pub fn report(path: &Path) -> Result<ReportInput> {
    let archive = Archive::read(path)?;
    let name = layout::report_path();
    let wrong = |message: String| Error::data(path, message, "it must be a bundle that `fpl-repro bundle` wrote");
    let bytes = archive.files.get(&name).ok_or_else(|| wrong(format!("holds no `{name}`")))?;
    serde_json::from_slice(bytes).map_err(|error| wrong(format!("`{name}` is not a report of this version: {error}")))
}

/// The fingerprints of the trainings and evaluations that a bundle shows. Nothing is verified.
///
/// # Errors
/// If the archive or a manifest in it cannot be read.
pub fn results(path: &Path) -> Result<BTreeSet<String>> {
    let files = Archive::read(path)?.files;
    let manifests =
        files.iter().filter(|(name, _)| name.ends_with(TRAIN_MANIFEST) || name.ends_with(EVALUATE_MANIFEST));
    manifests
        .map(|(name, bytes)| parse_manifest(&path.join(name), bytes).map(|manifest| manifest.fingerprint))
        .collect()
}
