//! `import BUNDLE`: the cells of a verified bundle as evidence from elsewhere.

use std::collections::BTreeMap;

use super::archive::Archive;
use super::evidence::{Cell, Evidence};
use super::fault::Fault;
use super::layout::{DATA_MANIFEST, LABELS, cell_files, done, report_path};
use super::verify::verify;
use crate::artifact::{PREDICTIONS, PROBABILITIES};
use crate::error::{Error, Result};
use crate::fs;
use crate::plan::StageKind;
use crate::report::input::Origin;
use crate::store::{self, ORIGIN, Store};

/// What became of a bundle's cells.
#[derive(Debug, Default)]
pub struct Imported {
    /// Ids and fingerprints of the cells that were brought in.
    pub added: Vec<(String, String)>,
    /// Cells that were not, and why.
    pub left_out: Vec<(String, String)>,
}

/// Verifies a bundle and brings its cells into the cache as foreign.
///
/// # Errors
/// If the bundle does not verify, or the cache cannot be written to.
pub fn import(archive: &Archive, store: &Store) -> Result<Imported> {
    let refused = |fault: Fault| {
        Error::data(&archive.name, format!("not imported, since it does not verify: {fault}"), "get the bundle again")
    };
    verify(archive).map_err(refused)?;
    let report = serde_json::from_slice(&archive.files[&report_path()])
        .map_err(|error| refused(Fault::new(&report_path(), error.to_string())))?;
    let ids = done(&report).map_err(refused)?;
    let evidence = Evidence::read(&archive.files, &ids).map_err(refused)?;
    let _held = store.hold()?;
    let _lock = store.lock("foreign")?;
    let mut imported = Imported::default();
    for cell in &evidence.cells {
        let fingerprint = &cell.evaluate.fingerprint;
        if let Some(same) = same_run(archive, store, cell) {
            imported.left_out.push((cell.id.clone(), same));
            continue;
        }
        let origin = cell.origin.clone();
        let origin = origin.unwrap_or_else(|| Origin { bundle: archive.sha256.clone(), file: archive.name.clone() });
        let origin = crate::report::json(&origin)?;
        let bytes = |name: &str| archive.files[&format!("{}{name}", cell.folder)].as_slice();
        let mut files: BTreeMap<&str, &[u8]> = cell_files(&cell.train).map(|name| (name, bytes(name))).collect();
        files.insert(store::LABELS, &archive.files[LABELS]);
        files.insert(store::DATA_MANIFEST, &archive.files[DATA_MANIFEST]);
        files.insert(ORIGIN, &origin);
        if store.add_foreign(&cell.evaluate, &files)? {
            imported.added.push((cell.id.clone(), fingerprint.clone()));
        } else {
            imported.left_out.push((cell.id.clone(), "already there".to_owned()));
        }
    }
    Ok(imported)
}

/// Whether the same run is here under another fingerprint: what one training gave must not count twice.
fn same_run(archive: &Archive, store: &Store, cell: &Cell) -> Option<String> {
    let local = store.manifests(StageKind::Evaluate);
    let foreign = store.foreign_entries();
    let others = local.into_iter().chain(foreign).filter(|(_, manifest)| {
        manifest.subject == cell.evaluate.subject && manifest.fingerprint != cell.evaluate.fingerprint
    });
    let equal = |entry: &std::path::Path, name: &str| {
        fs::read(&entry.join(name)).is_ok_and(|bytes| bytes == archive.files[&format!("{}{name}", cell.folder)])
    };
    let mut same = others.filter(|(entry, _)| equal(entry, PREDICTIONS) && equal(entry, PROBABILITIES));
    let (_, manifest) = same.next()?;
    Some(format!("the same run is here under the fingerprint {}", manifest.fingerprint.get(..12).unwrap_or_default()))
}
