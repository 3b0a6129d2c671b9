//! How long a training will take and how much memory it needs, from what was measured here before.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Options;
use crate::artifact::METRICS;
use crate::error::{Error, Result};
use crate::plan::{Cell, StageKind};
use crate::protocol::Measured;
use crate::recipe::{Stem, Training};
use crate::results::read_metrics;
use crate::store::Store;
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
    speeds: Vec<Speed>,
    cpu: String,
    device: String,
    threads: u32,
    jobs: usize,
}

impl Estimator {
    /// Reads the metrics of every trained cell, and what was measured. `options` say how cells will run.
    pub fn new(store: &Store, options: &Options) -> Self {
        let mut speeds = read(store);
        speeds.extend(store.manifests(StageKind::Train).into_iter().filter_map(|(entry, manifest)| {
            let metrics = read_metrics(&entry.join(METRICS)).ok()?;
            let rate = metrics.last()?.images_per_second;
            let fields = &manifest.identity["fields"];
            POSSIBLE.contains(&rate).then(|| Speed {
                kind: kind(&fields["network"], &fields["recipe"]),
                cpu: manifest.environment.cpu,
                device: manifest.environment.cuda.is_empty().then(|| "cpu".to_owned()),
                threads: manifest.environment.threads,
                jobs: None,
                finished: manifest.finished,
                // An image of the test set costs a forward pass, about a third of a step.
                measured: Measured {
                    seconds_per_image: 1.0 / rate,
                    seconds_per_test_image: 1.0 / rate / 3.0,
                    peak_bytes: 0,
                },
            })
        }));
        let Options { device, threads, jobs, .. } = options;
        Self { speeds, cpu: machine::cpu(), device: device.clone(), threads: *threads, jobs: *jobs }
    }

    /// Estimated seconds of a training with the tests after its epochs; `None` if nothing like it was trained or measured.
    pub fn training(&self, cell: &Cell) -> Option<f64> {
        let Measured { seconds_per_image, seconds_per_test_image, .. } = self.best(&cell.training)?.measured;
        let (images, tested) = (f64::from(cell.images.0), f64::from(cell.images.1));
        let epoch = seconds_per_image * images + seconds_per_test_image * tested;
        Some(epoch * f64::from(cell.training.recipe.epochs))
    }

    /// Whether a training's speed was seen on this machine under the same conditions.
    pub(super) fn knows(&self, training: &Training) -> bool {
        self.best(training).is_some_and(|speed| self.likeness(speed) == (true, true, true))
    }

    /// The speed that was measured under the likest conditions; of several the latest.
    fn best(&self, training: &Training) -> Option<&Speed> {
        let kind = kind_of(training);
        let like = self.speeds.iter().filter(|speed| speed.kind == kind);
        like.max_by(|a, b| (self.likeness(a), &a.finished).cmp(&(self.likeness(b), &b.finished)))
    }

    /// Whether the machine, the threads and the company were the same.
    fn likeness(&self, speed: &Speed) -> (bool, bool, bool) {
        let device = speed.device.as_ref().is_none_or(|device| *device == self.device || self.device == "auto");
        let machine = device && speed.cpu == self.cpu;
        (machine, speed.threads == self.threads, speed.jobs.is_none_or(|jobs| jobs == self.jobs))
    }

    /// Bytes that a training's process needs: as measured, or else at most so many.
    pub(super) fn memory(&self, training: &Training) -> u64 {
        let kind = kind_of(training);
        let measured = self.speeds.iter().filter(|speed| speed.kind == kind).map(|speed| speed.measured.peak_bytes);
        measured.max().filter(|&bytes| bytes > 0).unwrap_or_else(|| at_most(training))
    }
}

/// More than a training needs, by what was measured of all networks (`bench/README.md`): libtorch, the weights with gradients
/// and optimizer state, and what is kept of every pixel of a minibatch for the backward pass.
fn at_most(training: &Training) -> u64 {
    const ALWAYS: u64 = 700 << 20;
    const PER_PIXEL: u64 = 2800;
    let recipe = &training.recipe;
    let pixels = u64::from(recipe.batch_size) * u64::from(recipe.input_size).pow(2);
    // The CIFAR stem keeps maps of the input's size, the ImageNet stem of a quarter of its side.
    let maps = if training.network.stem == Stem::Cifar { 16 } else { 1 };
    ALWAYS + pixels * PER_PIXEL * maps
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

    /// Peaks of the float32 steps as `bench/step/run.py` measured them, in MiB: `bench/README.md`, column "MiB, ours".
    #[test]
    fn nothing_measured_needs_more_than_the_bound() {
        let config = crate::config::shipped().unwrap();
        let measured = [("resnet18", "table2", 64, 32, 301), ("efficientnetv2-s", "table2", 64, 32, 690)];
        for (network, recipe, batch_size, input_size, mib) in measured {
            let mut training = crate::plan::plan(&config, &config, None, &[]).unwrap().cells[0].training.clone();
            training.network = config.networks[network];
            training.recipe = config.recipes[recipe].clone();
            (training.recipe.batch_size, training.recipe.input_size) = (batch_size, input_size);
            assert!(at_most(&training) > mib << 20, "{network}");
        }
    }
}
