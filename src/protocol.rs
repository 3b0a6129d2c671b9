//! What `fpl-repro` and `fpl-repro-worker` say to each other: one job in, JSON lines out.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::artifact::EpochMetrics;
use crate::recipe::{Loss, Network, Normalization, Recipe};

/// The only line that a worker reads from its standard input. Its end means: stop at once.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "job", rename_all = "kebab-case")]
pub enum Job {
    /// Say which device would be used.
    Probe {
        /// `auto`, `cpu`, `cuda` or `cuda:N`.
        device: String,
    },
    /// Train a cell.
    Train(Box<TrainJob>),
    /// Score a trained cell on the test set.
    Evaluate(EvaluateJob),
}

/// Everything a worker needs to train a cell.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TrainJob {
    /// Architecture and stem.
    pub network: Network,
    /// Loss.
    pub loss: Loss,
    /// Recipe.
    pub recipe: Recipe,
    /// Seed.
    pub seed: u64,
    /// Folder with `train.bin` and `test.bin`.
    pub data: PathBuf,
    /// Training images in use; 0: all.
    pub train_limit: u32,
    /// Test images in use; 0: all.
    pub test_limit: u32,
    /// Initial weights; `None`: all are drawn.
    pub weights: Option<PathBuf>,
    /// Prefixes of tensors that are drawn although the file has them.
    pub drop: Vec<String>,
    /// Folder of checkpoint and metrics, which survives the worker.
    pub work: PathBuf,
    /// Folder for the results.
    pub out: PathBuf,
    /// `auto`, `cpu`, `cuda` or `cuda:N`.
    pub device: String,
    /// libtorch threads.
    pub threads: u32,
}

/// Everything a worker needs to evaluate a cell.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct EvaluateJob {
    /// Architecture and stem.
    pub network: Network,
    /// Constants of the normalisation.
    pub normalization: Normalization,
    /// Width and height that the network sees, in pixels.
    pub input_size: u32,
    /// Folder with `test.bin`.
    pub data: PathBuf,
    /// Test images in use; 0: all.
    pub test_limit: u32,
    /// The cell's weights.
    pub weights: PathBuf,
    /// Folder for the results.
    pub out: PathBuf,
    /// `auto`, `cpu`, `cuda` or `cuda:N`.
    pub device: String,
    /// libtorch threads.
    pub threads: u32,
}

/// A line that a worker writes to its standard output.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Message {
    /// The device is ready.
    Device(DeviceInfo),
    /// The cell goes on from a checkpoint.
    Resumed {
        /// Epochs that are done.
        epochs: u32,
    },
    /// About once a second while training.
    Step {
        /// Epoch, counted from 1.
        epoch: u32,
        /// Steps done in the epoch.
        step: u32,
        /// Steps in an epoch.
        steps: u32,
        /// Images per second over the epoch so far.
        images_per_second: f64,
    },
    /// An epoch is done and checkpointed.
    Epoch(EpochMetrics),
    /// The results are written.
    Done,
    /// The cell failed.
    Failed {
        /// Why.
        message: String,
        /// What to do.
        help: String,
        /// The exit code that this kind of failure has.
        code: u8,
    },
}

/// The device a worker computes on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceInfo {
    /// `cpu` or `cuda:N`.
    pub device: String,
    /// The GPU's name, or `CPU`.
    pub name: String,
    /// What was found of CUDA: library, driver, devices.
    pub cuda: String,
    /// libtorch's version.
    pub libtorch: String,
    /// libtorch threads.
    pub threads: u32,
}
