//! A report before any run: everything in it that no run decides, and how measured numbers are put into it.

use std::collections::BTreeMap;

use serde::Serialize;

use super::input::{Cell, CellState, Dataset, Example, Image, Origin, ReportInput, SetupRow, Table};
use super::noise::Noise;
use crate::artifact::{Environment, EpochMetrics, Scores, TrainingSet};
use crate::paper::{Paper, Registration};

/// What determines a report beside the results that it reads.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Frame {
    /// The paper.
    pub paper: Paper,
    /// What was registered beforehand.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub registrations: Vec<Registration>,
    /// Our readings of what it leaves open.
    pub readings: BTreeMap<String, String>,
    /// Name of the profile.
    pub profile: String,
    /// What the profile says about itself.
    pub profile_note: String,
    /// Options that choose this configuration again, as a shell takes them.
    pub invocation: String,
    /// The data; the names of the classes are those that the paper gives until the data are read.
    pub dataset: Dataset,
    /// Tables of results.
    pub tables: Vec<Table>,
    /// Every cell of the matrix.
    pub cells: Vec<Planned>,
    /// Which rows Figure 3 draws.
    pub curves: Vec<String>,
    /// How many test images of a class Figure 2 shows.
    pub samples_per_class: u32,
}

/// A cell without its results.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Planned {
    /// `table3/resnet50/imagenet/fpl/seed0`.
    pub id: String,
    /// Seed.
    pub seed: u64,
    /// Whether there are results.
    pub state: CellState,
    /// How the protocol differs from the paper's.
    pub deviations: Vec<String>,
    /// Fingerprint of the evaluation.
    pub fingerprint: String,
    /// Everything that determines the result.
    pub identity: serde_json::Value,
    /// The command that makes exactly this cell.
    pub command: String,
    /// The bundle that the results came in.
    pub origin: Option<Origin>,
}

/// What a cell's run gave.
#[derive(Debug, Clone, PartialEq)]
pub struct Results {
    /// Digest of what it says of single test images.
    pub predictions: String,
    /// Per epoch.
    pub metrics: Vec<EpochMetrics>,
    /// On the test set, after the last epoch.
    pub scores: Scores,
    /// What it was trained on, where that was made imbalanced or noisy.
    pub training_set: Option<TrainingSet>,
    /// Of the training.
    pub environment: Environment,
    /// Training time in seconds.
    pub seconds: f64,
    /// When the last session of the training began, RFC 3339, UTC.
    pub started: String,
    /// When the training ended, RFC 3339, UTC.
    pub finished: String,
}

/// What runs and data add to a frame.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Measured {
    /// By the ids of cells.
    pub results: BTreeMap<String, Results>,
    /// Table 1.
    pub setup: Vec<SetupRow>,
    /// Names of the classes as the data have them; `None` while there are no data.
    pub classes: Option<Vec<String>>,
    /// Figure 1.
    pub example: Option<Example>,
    /// Figure 2.
    pub samples: Vec<Vec<Image>>,
    /// Where the noise of claims comes from.
    pub noise: Vec<Noise>,
}

impl Frame {
    /// The report with what was measured.
    pub fn report(self, mut measured: Measured) -> ReportInput {
        let mut dataset = self.dataset;
        dataset.classes = measured.classes.unwrap_or(dataset.classes);
        let cells = self.cells.into_iter().map(|planned| {
            let results = measured.results.remove(&planned.id);
            planned.with(results)
        });
        ReportInput {
            paper: self.paper,
            registrations: self.registrations,
            readings: self.readings,
            profile: self.profile,
            profile_note: self.profile_note,
            invocation: self.invocation,
            dataset,
            setup: measured.setup,
            tables: self.tables,
            cells: cells.collect(),
            example: measured.example,
            samples_per_class: self.samples_per_class,
            samples: measured.samples,
            curves: self.curves,
            noise: measured.noise,
        }
    }
}

impl Planned {
    fn with(self, results: Option<Results>) -> Cell {
        let mut cell = Cell {
            id: self.id,
            seed: self.seed,
            state: self.state,
            deviations: self.deviations,
            fingerprint: self.fingerprint,
            identity: self.identity,
            command: self.command,
            predictions: String::new(),
            metrics: Vec::new(),
            scores: None,
            training_set: None,
            environment: None,
            seconds: 0.0,
            started: String::new(),
            finished: String::new(),
            origin: self.origin,
        };
        if let Some(results) = results {
            cell.predictions = results.predictions;
            (cell.metrics, cell.training_set) = (results.metrics, results.training_set);
            (cell.seconds, cell.started, cell.finished) = (results.seconds, results.started, results.finished);
            (cell.scores, cell.environment) = (Some(results.scores), Some(results.environment));
        }
        cell
    }
}
