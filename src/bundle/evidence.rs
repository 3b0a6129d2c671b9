//! What a bundle's numbers are made of, read and held against each other.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use super::archive::Files;
use super::compare;
use super::fault::Fault;
use super::layout::{DATA_MANIFEST, LABELS, PLOT_MANIFEST, REPORT_MANIFEST, canonical, cell_folder, get};
use crate::artifact::{
    Environment, EpochMetrics, METRICS, Manifest, PREDICTIONS, PROBABILITIES, SCORES, Scores, TRAINING_SET, TrainingSet,
};
use crate::fingerprint::Fingerprint;
use crate::plan::StageKind;
use crate::recipe::Shape;
use crate::report::input::Origin;
use crate::scores;
use crate::store::{self, EVALUATE_MANIFEST, ORIGIN, TRAIN_MANIFEST};

/// Everything in a bundle that a report's numbers follow from.
#[derive(Debug)]
pub(super) struct Evidence {
    /// Manifest of the data; `None` in a bundle without results.
    pub(super) data: Option<Manifest>,
    /// Manifest of the figures.
    pub(super) plot: Manifest,
    /// Manifest of the report.
    pub(super) report: Manifest,
    /// The class of every test image.
    pub(super) labels: Vec<u8>,
    /// The cells with results, in the report's order.
    pub(super) cells: Vec<Cell>,
}

/// What a cell's numbers follow from.
#[derive(Debug)]
pub(super) struct Cell {
    /// Its id.
    pub(super) id: String,
    /// Its folder in the bundle, with a `/` at its end.
    pub(super) folder: String,
    /// What it said about every test image.
    pub(super) predictions: Vec<scores::Prediction>,
    /// What follows from that.
    pub(super) scores: Scores,
    /// The training's epochs.
    pub(super) metrics: Vec<EpochMetrics>,
    /// What it was trained on, where that was made imbalanced or noisy.
    pub(super) training_set: Option<TrainingSet>,
    /// Manifest of the training.
    pub(super) train: Manifest,
    /// Manifest of the evaluation.
    pub(super) evaluate: Manifest,
    /// The bundle that it came in before.
    pub(super) origin: Option<Origin>,
}

impl Evidence {
    /// Reads the evidence of the cells that the report has as done.
    pub(super) fn read(files: &Files, done: &[String]) -> Result<Self, Fault> {
        let labels = if done.is_empty() { Vec::new() } else { get(files, LABELS)?.to_vec() };
        Ok(Self {
            data: files
                .contains_key(DATA_MANIFEST)
                .then(|| manifest(files, DATA_MANIFEST, StageKind::Fetch))
                .transpose()?,
            plot: manifest(files, PLOT_MANIFEST, StageKind::Plot)?,
            report: manifest(files, REPORT_MANIFEST, StageKind::Report)?,
            cells: done.iter().map(|id| Cell::read(files, id, &labels)).collect::<Result<_, _>>()?,
            labels,
        })
    }

    /// Every manifest with the file that it stands in.
    pub(super) fn manifests(&self) -> Vec<(String, &Manifest)> {
        let data = self.data.iter().map(|data| (DATA_MANIFEST.to_owned(), data));
        let cells = self.cells.iter().flat_map(|cell| {
            [
                (format!("{}{TRAIN_MANIFEST}", cell.folder), &cell.train),
                (format!("{}{EVALUATE_MANIFEST}", cell.folder), &cell.evaluate),
            ]
        });
        let summaries = [(PLOT_MANIFEST.to_owned(), &self.plot), (REPORT_MANIFEST.to_owned(), &self.report)];
        data.chain(cells).chain(summaries).collect()
    }

    /// Every stage read what its inputs' manifests say that they wrote.
    pub(super) fn check_chain(&self) -> Result<(), Fault> {
        // Of imported cells, summaries read a copy whose manifest stayed in that cache.
        let imported = |fingerprint: &str| {
            self.cells.iter().any(|cell| cell.origin.is_some() && cell.evaluate.fingerprint == fingerprint)
        };
        let manifests = self.manifests();
        let known: BTreeMap<&str, &(String, &Manifest)> =
            manifests.iter().map(|named| (named.1.fingerprint.as_str(), named)).collect();
        for (place, manifest) in &manifests {
            let reader = StageKind::ALL.into_iter().find(|stage| stage.name() == manifest.stage);
            let Some(reader) = reader else { continue };
            for (fingerprint, says) in &manifest.inputs {
                let Some((written, input)) = known.get(fingerprint.as_str()) else { continue };
                let follows = store::content(input, reader);
                if follows != *says && !(reader >= StageKind::Plot && imported(fingerprint)) {
                    let message = format!("inputs.{fingerprint}: says {says}, follows {follows} ({written})");
                    return Err(Fault::new(place, message));
                }
            }
        }
        Ok(())
    }

    /// The cells were trained and tested on the data of the manifest.
    pub(super) fn check_data(&self) -> Result<(), Fault> {
        for cell in &self.cells {
            let data = self.data.as_ref().ok_or_else(|| Fault::missing(DATA_MANIFEST))?;
            for (name, manifest) in [(TRAIN_MANIFEST, &cell.train), (EVALUATE_MANIFEST, &cell.evaluate)] {
                let says = &manifest.identity["inputs"]["data"];
                if *says != data.fingerprint.as_str() {
                    let message = format!("identity.inputs.data: says {says}, follows \"{}\"", data.fingerprint);
                    return Err(Fault::new(&format!("{}{name}", cell.folder), message));
                }
            }
        }
        Ok(())
    }
}

impl Cell {
    fn read(files: &Files, id: &str, labels: &[u8]) -> Result<Self, Fault> {
        let folder = cell_folder(id);
        let path = |name: &str| format!("{folder}{name}");
        let bytes = |name: &str| get(files, &path(name));
        let evaluate = manifest(files, &path(EVALUATE_MANIFEST), StageKind::Evaluate)?;
        let classes = Shape::of_fields(&evaluate.identity["fields"]).classes;
        let predictions = scores::from_bytes(bytes(PREDICTIONS)?, bytes(PROBABILITIES)?, labels, classes)
            .map_err(|error| Fault::new(&path(PREDICTIONS), error.to_string()))?;
        if predictions.is_empty() {
            return Err(Fault::new(LABELS, "there are no test images"));
        }
        let train = manifest(files, &path(TRAIN_MANIFEST), StageKind::Train)?;
        let changed = train.outputs.contains_key(TRAINING_SET);
        let cell = Self {
            training_set: changed.then(|| canonical(&path(TRAINING_SET), bytes(TRAINING_SET)?)).transpose()?,
            id: id.to_owned(),
            scores: scores::of_predictions(&predictions, labels, classes),
            predictions,
            metrics: lines(&path(METRICS), bytes(METRICS)?)?,
            train,
            evaluate,
            origin: files.get(&path(ORIGIN)).map(|bytes| canonical(&path(ORIGIN), bytes)).transpose()?,
            folder: folder.clone(),
        };
        let evaluated = cell.evaluate.identity["version"] == StageKind::Evaluate.version();
        follows(&path(SCORES), bytes(SCORES)?, &cell.scores, evaluated)?;
        let (says, weights) = (&cell.evaluate.identity["inputs"]["weights"], &cell.train.fingerprint);
        if says != weights.as_str() {
            let message = format!("identity.inputs.weights: says {says}, follows \"{weights}\"");
            return Err(Fault::new(&path(EVALUATE_MANIFEST), message));
        }
        Ok(cell)
    }

    /// The last epoch's accuracies are the evaluation's, which is another forward pass with the same weights.
    ///
    /// On one processor they are equal to the last bit, and a fault if not. GPUs and other processors may round another
    /// way: then the difference is only told.
    pub(super) fn check_last_epoch(&self) -> Result<Option<String>, Fault> {
        let place = format!("{}{METRICS}", self.folder);
        let last = self.metrics.last().ok_or_else(|| Fault::new(&place, "holds no epoch"))?;
        let pairs = [
            ("test_top1_pct", last.test_top1_pct, self.scores.top1_pct),
            ("test_top5_pct", last.test_top5_pct, self.scores.top5_pct),
        ];
        // Both are ratios of whole numbers, computed in the same way.
        #[expect(clippy::float_cmp)]
        let Some((name, says, follows)) = pairs.into_iter().find(|(_, says, follows)| says != follows) else {
            return Ok(None);
        };
        if same_machine(&self.train.environment, &self.evaluate.environment) {
            let message = format!("line {}: {name}: says {says}, follows {follows}", self.metrics.len());
            return Err(Fault::new(&place, message));
        }
        let devices = [&self.train.environment.device, &self.evaluate.environment.device];
        Ok(Some(format!(
            "{}: {name} of the last epoch is {says} (trained on {}), of the evaluation {follows} (on {}): devices round \
             differently",
            self.id, devices[0], devices[1]
        )))
    }
}

/// Whether two stages computed on one kind of processor with the same number of threads.
fn same_machine(a: &Environment, b: &Environment) -> bool {
    a.cuda.is_empty()
        && (&a.cpu, &a.device, &a.cuda, &a.libtorch, a.threads) == (&b.cpu, &b.device, &b.cuda, &b.libtorch, b.threads)
}

/// Holds a JSON file against the value that it must be; of another version's, only what both know.
fn follows(name: &str, bytes: &[u8], value: &impl Serialize, same_version: bool) -> Result<(), Fault> {
    let fault = |error: serde_json::Error| Fault::new(name, error.to_string());
    let says: Value = serde_json::from_slice(bytes).map_err(fault)?;
    let value_follows = serde_json::to_value(value).map_err(fault)?;
    let difference = if same_version {
        let again = serde_json::to_vec_pretty(value).map_err(fault)?;
        compare::json(&says, &value_follows).or_else(|| compare::bytes(bytes, &again))
    } else {
        compare::common(&says, &value_follows)
    };
    difference.map_or(Ok(()), |difference| Err(Fault::new(name, difference)))
}

fn lines(name: &str, bytes: &[u8]) -> Result<Vec<EpochMetrics>, Fault> {
    let text = std::str::from_utf8(bytes).map_err(|_| Fault::new(name, "is not text"))?;
    let read = |(index, line): (usize, &str)| {
        serde_json::from_str(line).map_err(|error| Fault::new(name, format!("line {}: {error}", index + 1)))
    };
    let metrics: Vec<EpochMetrics> = text.lines().enumerate().map(read).collect::<Result<_, _>>()?;
    let again: String = metrics.iter().filter_map(|line| Some(serde_json::to_string(line).ok()? + "\n")).collect();
    compare::bytes(bytes, again.as_bytes()).map_or(Ok(metrics), |difference| Err(Fault::new(name, difference)))
}

fn manifest(files: &Files, name: &str, stage: StageKind) -> Result<Manifest, Fault> {
    let manifest: Manifest = canonical(name, get(files, name)?)?;
    if manifest.schema > store::SCHEMA {
        let message = format!("schema: says {}, this program reads up to {}", manifest.schema, store::SCHEMA);
        return Err(Fault::new(name, message));
    }
    if !store::is_sealed(&manifest) {
        return Err(Fault::new(name, "sha256: is not that of the manifest".to_owned()));
    }
    if manifest.stage != stage.name() {
        return Err(Fault::new(name, format!("stage: says {}, follows {}", manifest.stage, stage.name())));
    }
    let follows = Fingerprint::of(&manifest.identity);
    if follows.as_str() != manifest.fingerprint {
        return Err(Fault::new(name, format!("fingerprint: says {}, follows {follows}", manifest.fingerprint)));
    }
    let named = |input: &str| {
        let inputs = manifest.identity["inputs"].as_object();
        inputs.is_some_and(|inputs| inputs.values().any(|fingerprint| fingerprint == input))
    };
    if let Some(input) = manifest.inputs.keys().find(|input| !named(input)) {
        return Err(Fault::new(name, format!("inputs: says that {input} was read, which the identity does not name")));
    }
    Ok(manifest)
}
