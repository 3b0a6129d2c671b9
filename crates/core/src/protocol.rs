//! What `fpl-repro` and `fpl-repro-worker` say to each other: one job in, JSON lines out.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::artifact::EpochMetrics;
use crate::recipe::{Evaluation, Training};

/// Bumped when jobs or messages change.
pub const VERSION: u32 = 3;

/// Names and shapes of the tensors in a file.
pub type Tensors = BTreeMap<String, Vec<usize>>;

/// The only line that a worker reads from its standard input. Its end means: stop at once.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "job", rename_all = "kebab-case")]
pub enum Job {
    /// Train a cell.
    Train(Box<TrainJob>),
    /// Score a trained cell on the test set.
    Evaluate(EvaluateJob),
    /// Measure how long the steps of a training take.
    Measure(Box<MeasureJob>),
}

/// A training: what decides its result, then where and on what it runs, which must not.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TrainJob {
    /// Everything that is hashed.
    pub training: Training,
    /// Where its files are.
    pub place: TrainPlace,
    /// `auto`, `cpu`, `cuda` or `cuda:N`.
    pub device: String,
    /// libtorch threads.
    pub threads: u32,
}

/// An evaluation, likewise.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct EvaluateJob {
    /// Everything that is hashed.
    pub evaluation: Evaluation,
    /// Where its files are.
    pub place: EvaluatePlace,
    /// `auto`, `cpu`, `cuda` or `cuda:N`.
    pub device: String,
    /// libtorch threads.
    pub threads: u32,
}

/// A measurement. It reads no data.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct MeasureJob {
    /// What would be trained.
    pub training: Training,
    /// `auto`, `cpu`, `cuda` or `cuda:N`.
    pub device: String,
    /// libtorch threads.
    pub threads: u32,
}

/// What a measurement found.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// Seconds per training image.
    pub seconds_per_image: f64,
    /// Seconds per test image.
    pub seconds_per_test_image: f64,
    /// The most memory that the worker held, in bytes; on a GPU, of the host.
    pub peak_bytes: u64,
}

/// The files and folders of a training. What is read there is hashed by its content.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TrainPlace {
    /// Folder with `train.bin` and `test.bin`.
    pub data: PathBuf,
    /// Initial weights; `None`: all are drawn.
    pub weights: Option<PathBuf>,
    /// File with the training labels, whose digest is in the training; `None`: they come with the data.
    pub labels: Option<PathBuf>,
    /// Folder of checkpoint and metrics, which survives the worker.
    pub work: PathBuf,
    /// Folder for the results.
    pub out: PathBuf,
}

/// The files and folders of an evaluation, likewise.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct EvaluatePlace {
    /// Folder with `test.bin`.
    pub data: PathBuf,
    /// The cell's weights.
    pub weights: PathBuf,
    /// Folder for the results.
    pub out: PathBuf,
}

/// A line that a worker writes to its standard output.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Message {
    /// The first line, before the job is read.
    Hello(Hello),
    /// The device is ready.
    Device(DeviceInfo),
    /// The cell goes on from a checkpoint.
    Resumed {
        /// Epochs that are done.
        epochs: u32,
    },
    /// Something that the user should know and that stops nothing.
    Note {
        /// In words.
        text: String,
    },
    /// About once a second where there are no steps, while a test set is computed: silence means that something hangs.
    Working,
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
    /// What was measured.
    Measured(Measured),
    /// The results are written.
    Done {
        /// What their safetensors file must hold.
        tensors: Tensors,
    },
    /// The cell failed.
    Failed {
        /// What it concerns.
        about: FailureKind,
        /// Why.
        message: String,
        /// What to do.
        help: String,
    },
}

/// What a worker is, and where it runs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// [`VERSION`] of the worker.
    pub protocol: u32,
    /// Version of the training that it does: that of the stage.
    pub train: u32,
    /// Likewise of the evaluation.
    pub evaluate: u32,
    /// Name of the machine, which need not be the program's.
    pub host: String,
    /// Its processor.
    pub cpu: String,
}

/// What a failure concerns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FailureKind {
    /// The job, which the worker cannot read.
    Job,
    /// The device, and so every cell.
    Device,
    /// The disk that results are written to, and so every cell.
    Storage,
    /// What is in the file of the initial weights, which the program knows by the user's name for it.
    Weights,
    /// This cell.
    Cell,
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
