//! Checkpoints: what a training needs to go on after an epoch, in one file that ends in its own digest.
//!
//! A training that goes on from a changed number ends in other weights, and nothing later would notice. So everything that
//! is read back, the metrics included, stands in the one file, a safetensors file followed by its sha256, and a file whose
//! digest is not that of its content is not gone on from. The one before it is kept for that case.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use tch::Tensor;

use crate::nn::weights;
use fpl_core::artifact::{CHECKPOINT, EpochMetrics, PREVIOUS_CHECKPOINT};
use fpl_core::error::{Error, Result};
use fpl_core::fs;

/// Hexadecimal digits of a sha256.
const DIGEST: usize = 64;
const HELP: &str = "remove the folder to train the cell from the start";

/// The state of a training after an epoch.
pub struct Checkpoint {
    /// Weights, optimizer and loss.
    pub tensors: BTreeMap<String, Tensor>,
    /// Of every epoch so far.
    pub metrics: Vec<EpochMetrics>,
}

/// Writes a checkpoint to `folder`; the last one becomes the one before.
///
/// # Errors
/// The disk is full, for one; then the last checkpoint is still there.
pub fn write(folder: &Path, mut tensors: Vec<(String, Tensor)>, metrics: &[EpochMetrics]) -> Result<()> {
    let text = serde_json::to_vec(metrics)
        .map_err(|error| Error::Render { what: CHECKPOINT.into(), message: error.to_string() })?;
    tensors.push(("metrics".into(), Tensor::from_slice(&text)));
    let mut bytes = weights::to_bytes(&tensors)?;
    let digest = fs::sha256_bytes(&bytes);
    bytes.reserve_exact(DIGEST); // Not twice as much, as a vector grows by itself.
    bytes.extend(digest.as_bytes());
    let (path, new) = (folder.join(CHECKPOINT), folder.join("checkpoint.tmp"));
    fs::write_atomic(&new, &bytes)?;
    if path.exists() {
        fs::replace_by_link(&path, &folder.join(PREVIOUS_CHECKPOINT))?;
    }
    fs::rename(&new, &path)
}

/// Where checkpoints are in `folder`, if they are there, the newest first.
pub fn paths(folder: &Path) -> Vec<PathBuf> {
    let paths = [CHECKPOINT, PREVIOUS_CHECKPOINT].map(|name| folder.join(name));
    paths.into_iter().filter(|path| path.exists()).collect()
}

/// A checkpoint.
///
/// # Errors
/// [`Error::Data`] for one that is damaged; [`Error::Cell`] for one that cannot be read, which says nothing of its
/// content.
pub fn read(path: &Path) -> Result<Checkpoint> {
    let bytes = fs::read(path).map_err(|error| match error {
        Error::Io { .. } => Error::Cell { cell: "training".into(), message: error.to_string(), help: HELP.into() },
        other => other,
    })?;
    parse(&bytes, path)
}

fn parse(bytes: &[u8], path: &Path) -> Result<Checkpoint> {
    let damaged = |message: &str| Error::data(path, message, HELP);
    let (content, digest) = bytes
        .len()
        .checked_sub(DIGEST)
        .map(|end| bytes.split_at(end))
        .ok_or_else(|| damaged("the checkpoint is cut off"))?;
    if fs::sha256_bytes(content).as_bytes() != digest {
        return Err(damaged("the checkpoint is damaged: its content has another digest than it says"));
    }
    let mut tensors = weights::parse(content, path)?;
    let text = tensors.remove("metrics").and_then(|tensor| Vec::<u8>::try_from(tensor).ok());
    let metrics = text.and_then(|text| serde_json::from_slice(&text).ok());
    let metrics = metrics.ok_or_else(|| damaged("the checkpoint is of another version: it has no metrics"))?;
    Ok(Checkpoint { tensors, metrics })
}
