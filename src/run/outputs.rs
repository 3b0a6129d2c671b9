//! Whether a worker's results are what they must be: looked at before they are kept.

use std::path::Path;

use safetensors::{Dtype, SafeTensors};

use crate::artifact::{EpochMetrics, METRICS, TRAINING_SET, TrainingSet, WEIGHTS};
use crate::error::{Error, Result};
use crate::fs;
use crate::plan::Cell;
use crate::protocol::Tensors;
use crate::results::read_metrics;

const HELP: &str = "run the same command again";

/// The metrics of a training whose files in `out` are complete: weights with these tensors, and a line per epoch.
///
/// # Errors
/// What is missing or is not as it must be.
pub(super) fn trained(out: &Path, cell: &Cell, tensors: &Tensors) -> Result<Vec<EpochMetrics>> {
    holds(&out.join(WEIGHTS), tensors)?;
    let path = out.join(METRICS);
    let metrics = read_metrics(&path)?;
    let epochs = cell.training.recipe.epochs;
    if !metrics.iter().map(|line| line.epoch).eq(1..=epochs) {
        let found = metrics.len();
        return Err(Error::data(path, format!("has {found} lines, not one for each of {epochs} epochs"), HELP));
    }
    if let Some(line) = metrics.iter().find(|line| !is_possible(line)) {
        return Err(Error::data(path, format!("has numbers that cannot be in epoch {}", line.epoch), HELP));
    }
    if cell.training.changes_data() {
        let path = out.join(TRAINING_SET);
        let read = serde_json::from_slice::<TrainingSet>(&fs::read(&path)?);
        read.map_err(|error| Error::data(&path, error.to_string(), HELP))?;
    }
    Ok(metrics)
}

fn is_possible(line: &EpochMetrics) -> bool {
    let share = |percent: f64| (0.0..=100.0).contains(&percent);
    line.train_loss.is_finite()
        && share(line.test_top1_pct)
        && share(line.test_top5_pct)
        && line.seconds.is_finite()
        && line.seconds >= 0.0
}

/// A safetensors file holds exactly these tensors, of finite float32.
///
/// # Errors
/// What is missing, too much, or of another shape, or a number that is not finite.
pub(super) fn holds(path: &Path, expected: &Tensors) -> Result<()> {
    let wrong = |message: String| Error::data(path, message, HELP);
    let bytes = fs::read(path)?;
    let file =
        SafeTensors::deserialize(&bytes).map_err(|error| wrong(format!("is not a sound safetensors file: {error}")))?;
    if let Some(name) = file.names().into_iter().find(|name| !expected.contains_key(*name)) {
        return Err(wrong(format!("has a tensor `{name}`, which does not belong there")));
    }
    for (name, shape) in expected {
        let tensor = file.tensor(name).map_err(|_| wrong(format!("has no tensor `{name}`")))?;
        if tensor.dtype() != Dtype::F32 || tensor.shape() != shape {
            let (kind, found) = (tensor.dtype(), tensor.shape());
            return Err(wrong(format!("tensor `{name}` is {kind:?} {found:?}, not F32 {shape:?}")));
        }
        let (numbers, _) = tensor.data().as_chunks::<4>();
        if !numbers.iter().all(|&bytes| f32::from_le_bytes(bytes).is_finite()) {
            return Err(wrong(format!("tensor `{name}` holds NaN or infinity")));
        }
    }
    Ok(())
}
