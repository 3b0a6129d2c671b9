//! Everything the report shows: the only thing that crosses from running to reporting.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::noise::Noise;
use crate::artifact::{Environment, EpochMetrics, Scores, TrainingSet};
use crate::paper::measure::{Measure, Run};
use crate::paper::{Paper, PaperRow, Registration};

/// The report's content.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReportInput {
    /// The paper: what it reports, claims and leaves open.
    pub paper: Paper,
    /// What was registered beforehand, the latest last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub registrations: Vec<Registration>,
    /// Our readings of what it leaves open: the values of the configuration's keys that its assumptions name.
    pub readings: BTreeMap<String, String>,
    /// Name of the profile; `paper` when none was chosen.
    pub profile: String,
    /// What the profile says about itself; empty when none was chosen.
    pub profile_note: String,
    /// Options that choose this configuration again, as a shell takes them.
    pub invocation: String,
    /// The data.
    pub dataset: Dataset,
    /// Table 1 of the paper, row by row.
    pub setup: Vec<SetupRow>,
    /// Tables of results, in the paper's order.
    pub tables: Vec<Table>,
    /// Every cell of the matrix, in the order of the tables, then of seeds.
    pub cells: Vec<Cell>,
    /// Figure 1; `None` while no cell is evaluated.
    pub example: Option<Example>,
    /// Figure 2: how many test images of a class it shows, if there are so many.
    pub samples_per_class: u32,
    /// Figure 2: for every class some test images.
    pub samples: Vec<Vec<Image>>,
    /// Figure 3: which rows it draws, as prefixes of cell ids without loss and seed (`table3/resnet50/random`).
    pub curves: Vec<String>,
    /// Where the noise of claims comes from, by the predictions of single test images.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub noise: Vec<Noise>,
}

/// The data that the cells were trained and tested on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Dataset {
    /// `CIFAR-10` or `generated data`.
    pub name: String,
    /// Whether the content digest is that of CIFAR-10.
    pub genuine: bool,
    /// Class names in the order of labels.
    pub classes: Vec<String>,
    /// Training images in use.
    pub train_images: u32,
    /// Test images in use.
    pub test_images: u32,
    /// Fingerprint of the data; empty if they are not there.
    pub fingerprint: String,
    /// sha256 of the archive; empty for generated data.
    pub archive_sha256: String,
}

/// A row of Table 1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SetupRow {
    /// What is set up.
    pub name: String,
    /// The paper's value.
    pub paper: String,
    /// Ours, read from the manifests; empty if no cell ran.
    pub ours: String,
}

/// How a table is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TableKind {
    /// False positives per class and in total (Table 2).
    FalsePositives,
    /// Top-1 and top-5 accuracy (Table 3).
    Accuracy,
}

/// A table of results.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Table {
    /// First part of its cells' ids: `table2`.
    pub id: String,
    /// `Table 2`.
    pub number: String,
    /// The paper's caption.
    pub caption: String,
    /// Layout.
    pub kind: TableKind,
    /// One row per network, initialization and loss.
    pub rows: Vec<Row>,
}

/// A row of a table: one network × initialization × loss, over seeds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Row {
    /// `ResNet-50`.
    pub network: String,
    /// `random` or the name of the pretraining data.
    pub initialization: String,
    /// Key of the loss: `fpl`, `ce`, …
    pub loss: String,
    /// The loss's name in tables: `FPL`, `CE`, …
    pub loss_title: String,
    /// Training epochs of our cells.
    pub epochs: u32,
    /// What the paper reports; `None` for rows that the paper does not have.
    pub paper: Option<PaperRow>,
    /// Ids of the row's cells, one per seed.
    pub cells: Vec<String>,
}

/// One cell: network × loss × initialization × recipe × seed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Cell {
    /// `table3/resnet50/imagenet/fpl/seed0`.
    pub id: String,
    /// Seed.
    pub seed: u64,
    /// Whether there are results.
    pub state: CellState,
    /// How the protocol differs from the paper's: `epochs: 200 → 3`, … Empty: the paper's protocol. Not empty: reduced.
    pub deviations: Vec<String>,
    /// Fingerprint of the evaluation.
    pub fingerprint: String,
    /// Everything that determines the result: the fields of the fingerprints of training and evaluation.
    pub identity: serde_json::Value,
    /// The command that makes exactly this cell.
    pub command: String,
    /// Digest of what it says of single test images, by which a run that is there twice counts once; empty unless done, and in
    /// reports of older programs.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub predictions: String,
    /// Per epoch; empty unless done.
    pub metrics: Vec<EpochMetrics>,
    /// On the test set, after the last epoch.
    pub scores: Option<Scores>,
    /// What it was trained on, where that was made imbalanced or noisy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub training_set: Option<TrainingSet>,
    /// Of the training.
    pub environment: Option<Environment>,
    /// Training time in seconds.
    pub seconds: f64,
    /// When the last session of the training began, RFC 3339, UTC; empty unless done.
    #[serde(default)]
    pub started: String,
    /// When the training ended, RFC 3339, UTC; empty unless done.
    #[serde(default)]
    pub finished: String,
    /// The bundle that the results came in; `None` for those that were made in this cache.
    #[serde(default)]
    pub origin: Option<Origin>,
}

impl Cell {
    /// The cell's run; `None` if it has no results.
    pub fn run(&self) -> Option<Run<'_>> {
        let scores = self.scores.as_ref().filter(|_| self.state == CellState::Done)?;
        let training_set = self.training_set.as_ref();
        Some(Run { scores, metrics: &self.metrics, training_set, seconds: self.seconds })
    }

    /// By when its training had begun: that of several sessions took at least all their seconds. `None` if nobody knows.
    pub fn began(&self) -> Option<jiff::Timestamp> {
        let [started, finished] = [&self.started, &self.finished].map(|date| date.parse::<jiff::Timestamp>().ok());
        let seconds = jiff::SignedDuration::try_from_secs_f64(self.seconds).ok()?;
        Some(started?.min(finished?.checked_sub(seconds).ok()?))
    }

    /// Whether it is trained on data that are made imbalanced or noisy.
    pub fn changes_data(&self) -> bool {
        let fields = &self.identity["train"]["fields"];
        fields.get("imbalance").or_else(|| fields.get("noise")).is_some()
    }

    /// A measure of the cell's run.
    pub fn measured(&self, measure: &Measure) -> Option<f64> {
        (measure.of)(&self.run()?)
    }

    /// The standard error of a measure of the cell's run by its test images alone.
    pub fn standard_error(&self, measure: &Measure) -> Option<f64> {
        (measure.standard_error)(&self.run()?)
    }
}

/// Where results that were imported came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Origin {
    /// sha256 of the bundle.
    pub bundle: String,
    /// Its file's name.
    pub file: String,
}

/// Why a training that has a checkpoint has no results.
pub const INTERRUPTED: &str = "begun and interrupted: it goes on from its last epoch";

/// Whether a cell has results.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum CellState {
    /// Trained and evaluated.
    Done,
    /// Tried and failed.
    Failed {
        /// Why, in a line.
        reason: String,
    },
    /// Not tried, or something it needs is missing.
    NotRun {
        /// Why, in a line.
        reason: String,
    },
}

/// A 32×32 image with its label.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Image {
    /// Class.
    pub label: u8,
    /// 1,024 red, 1,024 green, 1,024 blue; base64 in JSON.
    #[serde(with = "base64_bytes")]
    #[schemars(with = "String")]
    pub pixels: Vec<u8>,
}

mod base64_bytes {
    use base64::{Engine, engine::general_purpose::STANDARD};
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        STANDARD.decode(String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

/// Figure 1: a test image and what a network says about it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Example {
    /// The cell that was asked.
    pub cell: String,
    /// Index in the test set.
    pub index: u32,
    /// The image.
    pub image: Image,
    /// Softmax probability of every class.
    pub probabilities: Vec<f64>,
}
