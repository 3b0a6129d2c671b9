//! How long a training will take and how much memory it needs, from what was measured here before.

use std::collections::HashMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Options;
use crate::artifact::{Environment, METRICS};
use crate::error::{Error, Result};
use crate::plan::{Cell, StageKind};
use crate::protocol::Measured;
use crate::recipe::{Architecture, Stem, Training};
use crate::results::read_metrics;
use crate::store::{self, Store};
use crate::{fs, machine};

/// Images per second that a machine can have come to; other numbers say nothing of the next training.
const POSSIBLE: std::ops::Range<f64> = 1e-3..1e9;
/// What `plan --calibrate` measured, in the cache.
const CALIBRATION: &str = "calibration.json";

/// Seconds per image of one kind of training on one machine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Speed {
    /// What is trained: [`kind`].
    kind: String,
    /// The processor.
    cpu: String,
    /// `auto`, `cpu`, `cuda` or `cuda:N`, as it was asked for; `None` of a training, which names the GPU itself.
    device: Option<String>,
    /// libtorch threads.
    threads: u32,
    /// Programs that computed at the same time; `None` if that is not known.
    jobs: Option<usize>,
    /// When it was measured.
    finished: String,
    /// What was measured.
    measured: Measured,
}

/// What is known of speeds.
#[derive(Debug, Default)]
pub struct Estimator {
    /// By kind of training.
    known: HashMap<String, Known>,
}

/// What is known of one kind of training.
#[derive(Debug)]
struct Known {
    /// What was measured under the likest conditions; of several the latest.
    speed: Measured,
    /// Whether those were the same: the machine, the threads and the company.
    likeness: Likeness,
    /// The most memory that was measured, under any conditions; 0 if none was.
    peak_bytes: u64,
}

/// Whether the machine, the threads and the company were the same.
type Likeness = (bool, bool, bool);

impl Estimator {
    /// Looks at the records of every trained cell, and at what was measured. `options` say how cells will run.
    pub fn new(store: &Store, options: &Options) -> Self {
        let cpu = machine::cpu();
        let mut kinds: HashMap<String, Vec<Record>> = HashMap::new();
        for record in read(store).into_iter().map(Record::of_measurement).chain(trainings(store)) {
            kinds.entry(record.speed.kind.clone()).or_default().push(record);
        }
        let known = kinds.into_iter().filter_map(|(kind, records)| Some((kind, Known::of(records, options, &cpu)?)));
        Self { known: known.collect() }
    }

    /// Estimated seconds of a training with the tests after its epochs; `None` if nothing like it was trained or measured.
    pub fn training(&self, cell: &Cell) -> Option<f64> {
        let Measured { seconds_per_image, seconds_per_test_image, .. } = self.of(&cell.training)?.speed;
        let (images, tested) = (f64::from(cell.images.0), f64::from(cell.images.1));
        let epoch = seconds_per_image * images + seconds_per_test_image * tested;
        Some(epoch * f64::from(cell.training.recipe.epochs))
    }

    /// Whether a training's speed was seen on this machine under the same conditions.
    pub(super) fn knows(&self, training: &Training) -> bool {
        self.of(training).is_some_and(|known| known.likeness == (true, true, true))
    }

    fn of(&self, training: &Training) -> Option<&Known> {
        // Before the first training nothing is known, and a plan of thousands need not be looked up.
        if self.known.is_empty() { None } else { self.known.get(&kind_of(training)) }
    }

    /// Bytes that a training's process needs: as measured, or else at most so many.
    pub(super) fn memory(&self, training: &Training) -> u64 {
        let measured = self.of(training).map(|known| known.peak_bytes).filter(|&bytes| bytes > 0);
        measured.unwrap_or_else(|| at_most(training))
    }
}

impl Known {
    /// What the records of one kind of training come to; `None` if none of them can be read.
    fn of(mut records: Vec<Record>, options: &Options, cpu: &str) -> Option<Self> {
        let peak_bytes = records.iter().map(|record| record.speed.measured.peak_bytes).max().unwrap_or_default();
        let likeness = |speed: &Speed| {
            let device = speed.device.as_ref();
            let device = device.is_none_or(|device| *device == options.device || options.device == "auto");
            let jobs = speed.jobs.is_none_or(|jobs| jobs == options.jobs);
            (device && speed.cpu == cpu, speed.threads == options.threads, jobs)
        };
        records.sort_by(|a, b| (likeness(&a.speed), &a.speed.finished).cmp(&(likeness(&b.speed), &b.speed.finished)));
        records
            .iter()
            .rev()
            .find_map(|record| Some(Self { speed: record.measured()?, likeness: likeness(&record.speed), peak_bytes }))
    }
}

/// A speed, or the training whose records have it.
struct Record {
    speed: Speed,
    /// The metrics of a training, which are read only if its speed is wanted.
    metrics: Option<PathBuf>,
}

impl Record {
    fn of_measurement(speed: Speed) -> Self {
        Self { speed, metrics: None }
    }

    /// `None` of a training whose records cannot be read or be true.
    fn measured(&self) -> Option<Measured> {
        let Some(metrics) = &self.metrics else { return Some(self.speed.measured) };
        let rate = read_metrics(metrics).ok()?.last()?.images_per_second;
        // An image of the test set costs a forward pass, about a third of a step.
        let measured =
            Measured { seconds_per_image: 1.0 / rate, seconds_per_test_image: 1.0 / rate / 3.0, peak_bytes: 0 };
        POSSIBLE.contains(&rate).then_some(measured)
    }
}

/// The part of a training's manifest that decides its speed.
#[derive(Deserialize)]
struct Conditions {
    identity: Identity,
    environment: Environment,
    finished: String,
}

#[derive(Deserialize)]
struct Identity {
    fields: Fields,
}

#[derive(Deserialize)]
struct Fields {
    network: Value,
    recipe: Value,
}

/// Every training in the cache.
fn trainings(store: &Store) -> impl Iterator<Item = Record> {
    fs::entries(&store.root().join(StageKind::Train.name())).into_iter().filter_map(|entry| {
        let Conditions { identity: Identity { fields }, environment, finished } = store::glance(&entry)?;
        let nothing = Measured { seconds_per_image: 0.0, seconds_per_test_image: 0.0, peak_bytes: 0 };
        let speed = Speed {
            kind: kind(&fields.network, &fields.recipe),
            cpu: environment.cpu,
            device: environment.cuda.is_empty().then(|| "cpu".to_owned()),
            threads: environment.threads,
            jobs: None,
            finished,
            measured: nothing,
        };
        Some(Record { speed, metrics: Some(entry.join(METRICS)) })
    })
}

/// More than a training needs, by what was measured of networks up to ResNet-50 (`bench/README.md`): libtorch, the weights with
/// gradients and optimizer state, and what is kept of every pixel of a minibatch for the backward pass. Larger networks are
/// taken to need in proportion.
fn at_most(training: &Training) -> u64 {
    const ALWAYS: u64 = 700 << 20;
    const PER_PIXEL: u64 = 2800;
    let recipe = &training.recipe;
    let pixels = u64::from(recipe.batch_size) * u64::from(recipe.input_size).pow(2);
    // The CIFAR stem keeps maps of the input's size, the ImageNet stem of a quarter of its side.
    let maps = if training.network.stem == Stem::Cifar { 16 } else { 1 };
    let measured = Architecture::ResNet50.parameters();
    let parameters = training.network.architecture.parameters().max(measured);
    (ALWAYS + pixels * PER_PIXEL * maps) * parameters / measured
}

/// Adds a measurement to those of the cache; one of the same kind under the same conditions is replaced.
pub(super) fn keep(store: &Store, measured: Speed) -> Result<()> {
    let same = |a: &Speed, b: &Speed| {
        (&a.kind, &a.cpu, &a.device, a.threads, a.jobs) == (&b.kind, &b.cpu, &b.device, b.threads, b.jobs)
    };
    let mut all = read(store);
    all.retain(|old| !same(old, &measured));
    all.push(measured);
    let text = serde_json::to_vec_pretty(&all)
        .map_err(|error| Error::Render { what: CALIBRATION.into(), message: error.to_string() })?;
    fs::write_atomic(&store.root().join(CALIBRATION), &text)
}

/// What was measured; what cannot be read was not.
fn read(store: &Store) -> Vec<Speed> {
    let bytes = fs::read(&store.root().join(CALIBRATION)).unwrap_or_default();
    let speeds: Vec<Speed> = serde_json::from_slice(&bytes).unwrap_or_default();
    let possible = |speed: &Speed| POSSIBLE.contains(&(1.0 / speed.measured.seconds_per_image));
    speeds.into_iter().filter(possible).collect()
}

impl Speed {
    /// A measurement of now.
    pub(super) fn now(training: &Training, options: &Options, jobs: usize, measured: Measured) -> Self {
        Self {
            kind: kind_of(training),
            cpu: machine::cpu(),
            device: Some(options.device.clone()),
            threads: options.threads,
            jobs: Some(jobs),
            finished: super::environment::now(),
            measured,
        }
    }
}

/// What decides the time of a step but for the machine. The loss does not: it is less than a hundredth of it.
pub(super) fn kind_of(training: &Training) -> String {
    let value = |plain: serde_json::Result<Value>| plain.unwrap_or_default(); // Plain data: cannot fail.
    kind(&value(serde_json::to_value(training.network)), &value(serde_json::to_value(&training.recipe)))
}

fn kind(network: &Value, recipe: &Value) -> String {
    // A field that older trainings had not is null in both.
    let of = |name: &str| &recipe[name];
    format!("{network} {} {} {} {}", of("input_size"), of("batch_size"), of("precision"), recipe["optimizer"]["kind"])
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failure here is a failed test")]
mod tests {
    use super::*;

    /// Peaks of the float32 steps in MiB, as `bench/step/run.py` measured them (`bench/README.md`, column "MiB, ours"), and those
    /// of EfficientNetV2-M and -L as `plan --calibrate` did.
    #[test]
    fn nothing_measured_needs_more_than_the_bound() {
        let config = crate::config::shipped().unwrap();
        let measured = [
            ("resnet18", "table2", 64, 32, 301),
            ("efficientnetv2-s", "table2", 64, 32, 690),
            ("efficientnetv2-m", "table2", 64, 32, 1337),
            ("efficientnetv2-l", "table2", 64, 32, 2503),
        ];
        for (network, recipe, batch_size, input_size, mib) in measured {
            let mut training = crate::plan::plan(&config, &config, None, &[]).unwrap().cells[0].training.clone();
            training.network = config.networks[network];
            training.recipe = config.recipes[recipe].clone();
            (training.recipe.batch_size, training.recipe.input_size) = (batch_size, input_size);
            assert!(at_most(&training) > mib << 20, "{network}");
        }
    }
}
