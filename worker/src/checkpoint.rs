//! Checkpoints: what a training needs to go on after an epoch, in one file that ends in its own digest.
//!
//! A training that goes on from a changed number ends in other weights, and nothing later would notice. So everything that
//! is read back, the metrics included, stands in the one file, a safetensors file followed by its sha256, and a file whose
//! digest is not that of its content is not gone on from. The one before it is kept for that case.

use std::collections::BTreeMap;
use std::path::Path;

use tch::Tensor;

use crate::nn::weights;
use fpl_repro::artifact::{CHECKPOINT, EpochMetrics, PREVIOUS_CHECKPOINT};
use fpl_repro::error::{Error, Result};
use fpl_repro::fs;

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
    let (path, new) = (folder.join(CHECKPOINT), folder.join("checkpoint.tmp"));
    weights::write(&tensors, &new)?;
    fs::append(&new, fs::sha256_file(&new)?.as_bytes(), u64::MAX)?;
    fs::sync(&new)?;
    if path.exists() {
        fs::replace_by_link(&path, &folder.join(PREVIOUS_CHECKPOINT))?;
    }
    fs::rename(&new, &path)
}

/// The newest sound checkpoint in `folder`, if there is one; `say` is told of damaged ones.
///
/// # Errors
/// A file is there and cannot be read, which says nothing about its content.
pub fn read(folder: &Path, say: impl Fn(&str)) -> Result<Option<Checkpoint>> {
    for name in [CHECKPOINT, PREVIOUS_CHECKPOINT] {
        let path = folder.join(name);
        if !path.exists() {
            continue;
        }
        match parse(&fs::read(&path)?, &path) {
            Ok(checkpoint) => return Ok(Some(checkpoint)),
            Err(error) => say(&format!("{error}; it is not gone on from")),
        }
    }
    Ok(None)
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
