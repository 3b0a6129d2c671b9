//! What stages write and the report reads: plain data, no knowledge of how it came about.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::fs::sha256_bytes;
use crate::number::plural;

/// Training records of a fetched data set.
pub const TRAIN_FILE: &str = "train.bin";
/// Test records of a fetched data set.
pub const TEST_FILE: &str = "test.bin";
/// Class names of a fetched data set, one per line.
pub const CLASSES_FILE: &str = "classes.txt";
/// Weights of a trained cell.
pub const WEIGHTS: &str = "weights.safetensors";
/// Metrics of every epoch of a training.
pub const METRICS: &str = "metrics.jsonl";
/// What an imbalanced or noisy training set came to.
pub const TRAINING_SET: &str = "training-set.json";
/// State of a training after an epoch.
pub const CHECKPOINT: &str = "checkpoint.safetensors";
/// The checkpoint before it, in case that one is damaged.
pub const PREVIOUS_CHECKPOINT: &str = "checkpoint.previous.safetensors";
/// Logits of the test set.
pub const LOGITS: &str = "logits.safetensors";
/// The predicted class of every test image and how many classes come before the true one
/// (`scores::to_bytes`).
pub const PREDICTIONS: &str = "predictions.bin";
/// Two little-endian float32 per test image: p_T and p_F.
pub const PROBABILITIES: &str = "probabilities.bin";
/// Everything derived from the predictions.
pub const SCORES: &str = "scores.json";

/// One line of a cell's `metrics.jsonl`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EpochMetrics {
    /// Epoch, counted from 1.
    pub epoch: u32,
    /// Mean training loss per image over the epoch.
    pub train_loss: f64,
    /// Learning rate used in the epoch.
    pub learning_rate: f64,
    /// Top-1 accuracy on the test set after the epoch, in percent.
    pub test_top1_pct: f64,
    /// Top-5 accuracy on the test set after the epoch, in percent.
    pub test_top5_pct: f64,
    /// Training time of the epoch, without evaluation, in seconds.
    pub seconds: f64,
    /// Training images per second.
    pub images_per_second: f64,
    /// α_T and α_F after the epoch, of a loss that learns them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub learned_alpha: Option<[f64; 2]>,
    /// Of the training images whose label was made wrong, the share that is predicted as that label after the epoch, in
    /// percent; none where no label was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memorized_pct: Option<f64>,
}

/// A cell's `training-set.json`: what it was trained on. Only of training sets that were made imbalanced or noisy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TrainingSet {
    /// Images of each class, by the labels that the network was told.
    pub class_counts: Vec<u32>,
    /// Images whose label was made wrong.
    pub wrong_labels: u32,
}

impl TrainingSet {
    /// Images of all classes.
    pub fn images(&self) -> u32 {
        self.class_counts.iter().sum()
    }
}

/// A cell's `scores.json`: everything derived from its predictions on the test set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Scores {
    /// Test images.
    pub images: u32,
    /// Top-1 accuracy in percent.
    pub top1_pct: f64,
    /// Top-5 accuracy in percent.
    pub top5_pct: f64,
    /// `confusion[t][p]`: images of class t predicted as p.
    pub confusion: Vec<Vec<u32>>,
    /// Images wrongly predicted as the class: off-diagonal column sums of the confusion matrix.
    pub false_positives: Vec<u32>,
    /// Images of the class predicted as another: off-diagonal row sums.
    pub false_negatives: Vec<u32>,
    /// Eq. 9 with each class against the rest, in percent.
    pub eq9_accuracy_pct: Vec<f64>,
    /// Eq. 9 with TP, TN, FP, FN summed over the classes, in percent.
    pub eq9_overall_pct: f64,
    /// Counts of p_F, the largest probability among the wrong classes, in equal bins over 0 to 1.
    pub p_false_histogram: Vec<u32>,
    /// Mean of p_F.
    pub p_false_mean: f64,
    /// Median of p_F.
    pub p_false_median: f64,
    /// Counts of the margin p_T − p_F in equal bins over −1 to 1.
    pub margin_histogram: Vec<u32>,
    /// Mean margin.
    pub margin_mean: f64,
    /// The reliability diagram: equal bins of the predicted class's probability over 0 to 1.
    pub reliability: Vec<ReliabilityBin>,
    /// Expected calibration error in percentage points: Σ (count/images)·|accuracy − confidence| over the bins (Naeini et
    /// al., 2015; Guo et al., 2017).
    pub ece_pct: f64,
}

impl Scores {
    /// The recall of every class in percent, the share of its test images that are predicted as it; `None` for a class
    /// without test images.
    pub fn recalls_pct(&self) -> impl Iterator<Item = Option<f64>> {
        self.confusion.iter().enumerate().map(|(class, row)| {
            let images: u32 = row.iter().sum();
            (images > 0).then(|| 100.0 * f64::from(row[class]) / f64::from(images))
        })
    }
}

/// A bin of a reliability diagram.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReliabilityBin {
    /// Images whose confidence, the predicted class's probability, is in the bin.
    pub count: u32,
    /// Those that are classified correctly.
    pub correct: u32,
    /// Mean confidence; 0 for an empty bin.
    pub confidence: f64,
}

/// A file in an entry of the cache.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputFile {
    /// Lower-case hexadecimal.
    pub sha256: String,
    /// Size.
    pub bytes: u64,
}

/// Where and how a stage ran. Recorded, never part of a fingerprint.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Environment {
    /// Version of this program.
    pub program: String,
    /// Git commit of the working tree, with `-dirty` if it had changes; empty outside git.
    pub git_commit: String,
    /// Name of the machine.
    pub host: String,
    /// Processor model.
    pub cpu: String,
    /// `cpu` or the name of the GPU; empty for stages that do not compute on a device.
    pub device: String,
    /// NVIDIA driver, CUDA and cuDNN as far as they are known; empty on a CPU.
    pub cuda: String,
    /// libtorch version; empty for stages that do not use it.
    pub libtorch: String,
    /// Threads of libtorch; 0 for stages that do not use it.
    pub threads: u32,
    /// How often the stage was continued from a checkpoint.
    pub resumed: u32,
}

impl Environment {
    /// `NVIDIA H100`, or `CPU, AMD EPYC, 2 threads per cell`.
    pub fn device_title(&self) -> String {
        if !self.cuda.is_empty() {
            return self.device.clone();
        }
        format!("CPU, {}, {} per cell", self.cpu, plural(self.threads as usize, "thread"))
    }
}

/// `manifest.json` beside the outputs of a stage: what determined them, and where they were made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// Format of this file.
    pub schema: u32,
    /// `fetch`, `train`, `evaluate`, `plot` or `report`.
    pub stage: String,
    /// What the stage was about: a cell's id, or the name of the data.
    pub subject: String,
    /// The profile it was made for; another profile with the same fingerprint uses it all the same.
    #[serde(default)]
    pub profile: String,
    /// sha256 of the canonical JSON of `identity`.
    pub fingerprint: String,
    /// Everything that determines the result.
    pub identity: serde_json::Value,
    /// For each input's fingerprint the digest of the files that were read.
    pub inputs: BTreeMap<String, String>,
    /// The files beside the manifest.
    pub outputs: BTreeMap<String, OutputFile>,
    /// Where it ran.
    pub environment: Environment,
    /// Start, RFC 3339, UTC.
    pub started: String,
    /// End, RFC 3339, UTC.
    pub finished: String,
    /// Time spent, in seconds, over all sessions.
    pub seconds: f64,
    /// sha256 of the canonical JSON of all other fields; `None` in manifests of schema 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
}

impl Manifest {
    /// [`digest_of_predictions`] of an evaluation.
    pub fn predictions(&self) -> String {
        let of = |name: &str| self.outputs.get(name).map_or("", |file| file.sha256.as_str());
        digest_of_predictions(of(PREDICTIONS), of(PROBABILITIES))
    }
}

/// One digest of all that an evaluation says of single test images, from those of its two files: runs that share it are one.
/// Classes alone may be equal by chance, where few images leave few mistakes.
pub fn digest_of_predictions(classes: &str, probabilities: &str) -> String {
    sha256_bytes(format!("{classes}{probabilities}").as_bytes())
}
