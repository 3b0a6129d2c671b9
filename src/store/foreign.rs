//! Results from other machines: `cache/foreign/<fingerprint of the evaluation>/`, brought in by `import`.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::{MANIFEST, Store, json_fault, manifests_below, read_manifest_file, sealed};
use crate::artifact::{Manifest, OutputFile};
use crate::error::{Error, Result};
use crate::fs;
use crate::report::input::Origin;

/// Manifest of the training, as the other machine wrote it.
pub const TRAIN_MANIFEST: &str = "train-manifest.json";
/// Manifest of the evaluation, likewise.
pub const EVALUATE_MANIFEST: &str = "evaluate-manifest.json";
/// Manifest of the data that the cell was tested on, likewise.
pub const DATA_MANIFEST: &str = "data-manifest.json";
/// One byte per test image: its class.
pub const LABELS: &str = "labels.bin";
/// The bundle that the results came in.
pub const ORIGIN: &str = "origin.json";

/// Results of a cell that another machine made.
#[derive(Debug, Clone)]
pub struct Foreign {
    /// Their folder.
    pub entry: PathBuf,
    /// The evaluation's manifest with the files that are here.
    pub manifest: Manifest,
    /// The training's.
    pub train: Manifest,
    /// The bundle they came in.
    pub origin: Origin,
}

impl Store {
    /// The folder of all results from other machines.
    pub fn foreign_root(&self) -> PathBuf {
        self.root().join("foreign")
    }

    /// Every entry from another machine whose manifest can be read.
    pub fn foreign_entries(&self) -> Vec<(PathBuf, Manifest)> {
        manifests_below(&self.foreign_root())
    }

    /// The results of an evaluation from another machine, if they are here.
    ///
    /// # Errors
    /// If they are not as they were written, or cannot be read.
    pub fn foreign(&self, fingerprint: &str) -> Result<Option<Foreign>> {
        let entry = self.foreign_root().join(fingerprint);
        if entry.symlink_metadata().is_err_and(|error| error.kind() == ErrorKind::NotFound) {
            return Ok(None);
        }
        let manifest = self.check(&entry, fingerprint, |_| true)?;
        let train = read_manifest_file(&entry.join(TRAIN_MANIFEST))?;
        let origin = entry.join(ORIGIN);
        let origin = serde_json::from_slice(&fs::read(&origin)?)
            .map_err(|error| Error::data(&origin, error.to_string(), "import the bundle again"))?;
        Ok(Some(Foreign { entry, manifest, train, origin }))
    }

    /// Adds results from another machine; false if some for the same fingerprint are here.
    ///
    /// The caller holds the lock `foreign`. The entry appears by one rename.
    pub fn add_foreign(&self, evaluate: &Manifest, files: &BTreeMap<&str, &[u8]>) -> Result<bool> {
        let entry = self.foreign_root().join(&evaluate.fingerprint);
        if matches!(self.foreign(&evaluate.fingerprint), Ok(Some(_))) {
            return Ok(false);
        }
        let staging = self.root().join("staging").join(format!("foreign-{}", evaluate.fingerprint));
        fs::remove(&staging)?;
        let added = write(&staging, evaluate, files)
            .and_then(|()| fs::sync_tree(&staging))
            .and_then(|()| fs::remove(&entry)) // It is damaged, or it would have been found.
            .and_then(|()| fs::rename(&staging, &entry));
        if added.is_err() {
            let _ = fs::remove(&staging); // The first error is the one to tell.
        }
        added.map(|()| true)
    }
}

fn write(folder: &Path, evaluate: &Manifest, files: &BTreeMap<&str, &[u8]>) -> Result<()> {
    let mut manifest = Manifest { outputs: BTreeMap::new(), ..evaluate.clone() };
    for (name, bytes) in files {
        fs::write_atomic(&folder.join(name), bytes)?;
        let output = OutputFile { sha256: fs::sha256_bytes(bytes), bytes: bytes.len() as u64 };
        manifest.outputs.insert((*name).to_owned(), output);
    }
    let text = serde_json::to_string_pretty(&sealed(manifest)).map_err(|error| json_fault(&error))?;
    fs::write_atomic(&folder.join(MANIFEST), text.as_bytes())
}
