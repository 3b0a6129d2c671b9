//! Reads and writes what cells and data leave behind, without libtorch.

use std::io::Read;
use std::path::Path;

use safetensors::{Dtype, SafeTensors};

use crate::artifact::EpochMetrics;
use crate::error::{Error, Result};
use crate::fs;
use crate::recipe::Shape;

/// The tensor `logits` of a safetensors file: float32 `[images, classes]`, row by row.
pub fn read_logits(path: &Path, classes: usize) -> Result<Vec<f32>> {
    parse_logits(path, &fs::read(path)?, classes)
}

/// As [`read_logits`], of the content of a file that is called `path`.
pub fn parse_logits(path: &Path, bytes: &[u8], classes: usize) -> Result<Vec<f32>> {
    let wrong = |message: String| Error::data(path, message, "evaluate the cell again: `fpl-repro evaluate --force`");
    let tensors = SafeTensors::deserialize(bytes).map_err(|error| wrong(error.to_string()))?;
    let logits = tensors.tensor("logits").map_err(|error| wrong(error.to_string()))?;
    if logits.dtype() != Dtype::F32 || logits.shape().len() != 2 || logits.shape()[1] != classes {
        return Err(wrong(format!(
            "`logits` is {:?} {:?}, expected F32 [images, {classes}]",
            logits.dtype(),
            logits.shape()
        )));
    }
    Ok(logits
        .data()
        .chunks_exact(4)
        .map(|bytes| f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
        .collect())
}

/// The first records of a data file.
pub fn records(path: &Path, shape: Shape, count: u32) -> Result<Vec<u8>> {
    let mut records = Vec::new();
    let file = std::fs::File::open(path).map_err(Error::io("open", path))?;
    file.take(u64::from(count) * shape.record_bytes() as u64)
        .read_to_end(&mut records)
        .map_err(Error::io("read", path))?;
    Ok(records)
}

/// The labels of the first records of a data file.
pub fn read_labels(path: &Path, shape: Shape, count: u32) -> Result<Vec<u8>> {
    Ok(records(path, shape, count)?.iter().step_by(shape.record_bytes()).copied().collect())
}

/// Writes a `metrics.jsonl`.
pub fn write_metrics(path: &Path, metrics: &[EpochMetrics]) -> Result<()> {
    let lines: Vec<String> = metrics.iter().filter_map(|line| serde_json::to_string(line).ok()).collect();
    fs::write_atomic(path, (lines.join("\n") + "\n").as_bytes())
}

/// Reads a `metrics.jsonl`.
pub fn read_metrics(path: &Path) -> Result<Vec<EpochMetrics>> {
    parse_metrics(path, &fs::read_to_string(path)?)
}

/// As [`read_metrics`], of the content of a file that is called `path`.
pub fn parse_metrics(path: &Path, text: &str) -> Result<Vec<EpochMetrics>> {
    text.lines()
        .enumerate()
        .map(|(index, line)| {
            serde_json::from_str(line).map_err(|error| {
                Error::data(path, format!("line {}: {error}", index + 1), "remove the folder to train from the start")
            })
        })
        .collect()
}
