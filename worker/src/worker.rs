//! The worker process: takes one job from standard input, computes, and writes JSON lines to what was its standard output.
//!
//! It ends at once when its standard input does, so no worker outlives the program that started it.

use std::collections::BTreeMap;
use std::io::{BufRead, Read};
use std::path::Path;
use std::time::Instant;

use tch::nn::{ModuleT, VarStore};
use tch::{Device, Tensor};

use crate::checkpoint::{self, Checkpoint};
use crate::data::batches::Dataset;
use crate::data::sample::Sample;
use crate::device;
use crate::error::torch;
use crate::measure::measure;
use crate::nn::fit::{Fit, logits, maps, parameters};
use crate::nn::loss::Criterion;
use crate::nn::net::{self, Maps, Net};
use crate::nn::optim::Optimizer;
use crate::nn::weights;
use crate::say::{self, Pace, send};
use fpl_core::artifact::{EpochMetrics, LOGITS, METRICS, Scores, TRAINING_SET, WEIGHTS};
use fpl_core::artifact::{TEST_FILE, TRAIN_FILE};
use fpl_core::error::{Error, Result};
use fpl_core::fs::{self, Lock};
use fpl_core::interrupt;
use fpl_core::machine;
use fpl_core::protocol::{self, EvaluateJob, FailureKind, Hello, Job, Message, Tensors, TrainJob};
use fpl_core::recipe::{Initializer, Normalization, Recipe, Training};
use fpl_core::results::{records, write_metrics};
use fpl_core::scores;
use fpl_core::seed::{Purpose, torch_seed};
use fpl_core::stage::StageKind;

/// Runs the job on standard input; the exit code.
pub fn main() -> u8 {
    interrupt::survive_file_size_limit();
    say::begin();
    send(&Message::Hello(Hello {
        protocol: protocol::VERSION,
        train: StageKind::Train.version(),
        evaluate: StageKind::Evaluate.version(),
        host: machine::host(),
        cpu: machine::cpu(),
    }));
    let outcome = read_job().and_then(|job| {
        std::thread::spawn(exit_when_input_ends);
        // tch panics where libtorch throws, out of memory for one.
        std::panic::catch_unwind(|| run(&job)).unwrap_or_else(|payload| Err(Error::Torch(panic_text(payload.as_ref()))))
    });
    match outcome {
        Ok(tensors) => {
            send(&Message::Done { tensors });
            0
        }
        Err(error) => {
            let (about, message) = match &error {
                Error::Usage { message, .. } => (FailureKind::Job, message.clone()),
                Error::Device { message, .. } => (FailureKind::Device, message.clone()),
                Error::Weights { message, .. } => (FailureKind::Weights, message.clone()),
                Error::Cell { message, .. } => (FailureKind::Cell, message.clone()),
                _ if error.is_of_storage() => (FailureKind::Storage, error.to_string()),
                _ => (FailureKind::Cell, error.to_string()),
            };
            send(&Message::Failed { about, message, help: error.help().to_owned() });
            error.exit_code()
        }
    }
}

/// The first line of a panic's message; the rest is libtorch's own backtrace, which the log has.
fn panic_text(payload: &(dyn std::any::Any + Send)) -> String {
    let text = payload.downcast_ref::<String>().map(String::as_str).or_else(|| payload.downcast_ref::<&str>().copied());
    let text = text.unwrap_or("unknown failure").replace("\\n", "\n");
    let line = text.lines().next().unwrap_or_default();
    line.trim_start_matches("called `Result::unwrap()` on an `Err` value: Torch(\"").to_owned()
}

fn read_job() -> Result<Job> {
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).map_err(Error::io("read", "standard input"))?;
    serde_json::from_str(&line).map_err(|error| Error::Usage {
        message: format!("standard input holds no job: {error}"),
        help: "this program is started by `fpl-repro`".into(),
    })
}

fn exit_when_input_ends() {
    let mut rest = Vec::new();
    let _ = std::io::stdin().lock().read_to_end(&mut rest);
    // Not `exit`: libtorch's destructors would run under the threads that still compute.
    let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
}

/// The tensors that the results hold.
fn run(job: &Job) -> Result<Tensors> {
    match job {
        Job::Train(job) => train(job),
        Job::Evaluate(job) => evaluate(job),
        Job::Measure(job) => {
            send(&Message::Measured(measure(&job.training, prepare(&job.device, job.threads)?)?));
            Ok(Tensors::new())
        }
    }
}

fn train(job: &TrainJob) -> Result<Tensors> {
    let TrainJob { training, place, device, threads } = job;
    // A worker whose parent was killed may need a moment to notice.
    let waiting = || send(&Message::Note { text: "waits for the end of the process that trained it before".into() });
    let _lock = Lock::acquire(&place.work.join("worker.lock"), waiting)?;
    let device = prepare(device, *threads)?;
    let (shape, train_file, test_file) = (training.shape, place.data.join(TRAIN_FILE), place.data.join(TEST_FILE));
    let test_records = records(&test_file, shape, limit(training.test_limit))?;
    let train_records = records(&train_file, shape, limit(training.train_limit))?;
    let sample = Sample::new(train_records, &train_file, training, place.labels.as_deref())?;
    let wrong = sample.wrong();
    let data = Data {
        train: Dataset::from_records(&sample.records, shape, &train_file, device)?,
        wrong: (!wrong.is_empty()).then(|| Dataset::from_records(&wrong, shape, &train_file, device)).transpose()?,
        test: Dataset::from_records(&test_records, shape, &test_file, device)?,
        test_labels: test_records.iter().step_by(shape.record_bytes()).copied().collect(),
    };
    if training.changes_data() {
        let text = serde_json::to_string_pretty(&sample.summary())
            .map_err(|error| Error::Render { what: TRAINING_SET.into(), message: error.to_string() })?;
        fs::write_atomic(&place.out.join(TRAINING_SET), text.as_bytes())?;
    }
    drop(sample);

    let (mut cell, mut metrics) = TrainedCell::start(job, &data.train, device)?;
    if !metrics.is_empty() {
        send(&Message::Resumed { epochs: metrics.len() as u32 });
    }
    for epoch in metrics.len() as u32..training.recipe.epochs {
        let line = cell.epoch(training, &data, epoch)?;
        metrics.push(line.clone());
        write_metrics(&place.work.join(METRICS), &metrics)?;
        cell.checkpoint(&place.work, &metrics)?;
        send(&Message::Epoch(line));
    }
    write_metrics(&place.out.join(METRICS), &metrics)?;
    save(&cell.model_tensors(""), &place.out.join(WEIGHTS))
}

/// What a cell is trained and tested on.
struct Data {
    train: Dataset,
    /// The training images whose label was made wrong, if there are some.
    wrong: Option<Dataset>,
    test: Dataset,
    test_labels: Vec<u8>,
}

/// A network in training.
struct TrainedCell {
    store: VarStore,
    net: Box<dyn Net>,
    criterion: Criterion,
    optimizer: Optimizer,
    device: Device,
}

impl TrainedCell {
    fn new(training: &Training, weights: Option<&Path>, train: &Dataset, device: Device) -> Result<Self> {
        let Training { network, recipe, seed, initialization, .. } = training;
        let seed = torch_seed(*seed, Purpose::Weights, 0);
        let (store, net) = net::draw(*network, training.shape, recipe.initializer, maps(recipe), seed, device)?;
        if let Some(path) = weights {
            let load = |tensors| weights::load(&store, &tensors, &initialization.drop, path);
            weights::read(path).and_then(load).map_err(|error| match error {
                Error::Data { message, help, .. } => Error::Weights { message, help },
                other => other,
            })?;
        }
        let criterion = Criterion::new(&training.loss, train.class_counts());
        let optimizer = Optimizer::new(&recipe.optimizer, parameters(net.as_ref(), &store, &criterion));
        Ok(Self { store, net, criterion, optimizer, device })
    }

    fn epoch(&mut self, training: &Training, data: &Data, epoch: u32) -> Result<EpochMetrics> {
        let images = data.train.len();
        let steps = (images as u64).div_ceil(u64::from(training.recipe.batch_size));
        let mut fit = Fit {
            net: self.net.as_ref(),
            optimizer: &mut self.optimizer,
            train: &data.train,
            criterion: &self.criterion,
            recipe: &training.recipe,
            seed: training.seed,
            device: self.device,
        };
        let started = Instant::now();
        let mut pace = Pace::new();
        let result = fit.epoch(epoch, |step, done| {
            let images_per_second = done as f64 / started.elapsed().as_secs_f64();
            let (epoch, step, steps) = (epoch + 1, step as u32, steps as u32);
            pace.send(&Message::Step { epoch, step, steps, images_per_second });
        });
        let done = result.map_err(|non_finite| Error::Cell {
            cell: "training".into(),
            message: format!("the loss is not finite in epoch {}, step {} of {steps}", epoch + 1, non_finite.step),
            help: "lower the learning rate, or check the loss's configuration".into(),
        })?;
        let scores = score(self.net.as_ref(), data, training)?;
        Ok(EpochMetrics {
            epoch: epoch + 1,
            train_loss: done.loss,
            learning_rate: done.learning_rate,
            test_top1_pct: scores.top1_pct,
            test_top5_pct: scores.top5_pct,
            seconds: done.seconds,
            images_per_second: images as f64 / done.seconds,
            learned_alpha: self.criterion.learned_alpha(),
            memorized_pct: data.wrong.as_ref().map(|wrong| agreement_pct(self.net.as_ref(), wrong, &training.recipe)),
        })
    }

    /// All weights and buffers, sorted by name.
    fn model_tensors(&self, prefix: &str) -> Vec<(String, Tensor)> {
        let sorted: BTreeMap<String, Tensor> = self.store.variables().into_iter().collect();
        sorted.into_iter().map(|(name, tensor)| (format!("{prefix}{name}"), tensor.detach())).collect()
    }

    fn checkpoint(&self, work: &Path, metrics: &[EpochMetrics]) -> Result<()> {
        let mut tensors = self.model_tensors("model.");
        tensors.extend(self.optimizer.state().into_iter().map(|(name, tensor)| (format!("optimizer.{name}"), tensor)));
        let learned = self.criterion.parameters().into_iter();
        tensors.extend(learned.map(|(name, tensor)| (format!("loss.{name}"), tensor.detach())));
        checkpoint::write(work, tensors, metrics)
    }

    /// Goes on from the newest checkpoint that can be gone on from, or begins; the metrics so far.
    ///
    /// # Errors
    /// A checkpoint cannot be read. A damaged one, or one of another training, is said to be so and passed over.
    fn start(job: &TrainJob, train: &Dataset, device: Device) -> Result<(Self, Vec<EpochMetrics>)> {
        let TrainJob { training, place, .. } = job;
        let new = || Self::new(training, place.weights.as_deref(), train, device);
        for path in checkpoint::paths(&place.work) {
            let mut cell = new()?;
            let metrics = checkpoint::read(&path)
                .and_then(|checkpoint| cell.go_on_from(checkpoint, training.recipe.epochs, &path));
            match metrics {
                Ok(metrics) => return Ok((cell, metrics)),
                Err(error @ Error::Data { .. }) => {
                    send(&Message::Note { text: format!("{error}; it is not gone on from") });
                }
                Err(error) => return Err(error),
            }
        }
        Ok((new()?, Vec::new()))
    }

    /// Takes the state of a checkpoint; after an error it is neither the new nor the old.
    fn go_on_from(&mut self, checkpoint: Checkpoint, epochs: u32, path: &Path) -> Result<Vec<EpochMetrics>> {
        let Checkpoint { tensors, metrics } = checkpoint;
        let done = metrics.len() as u32;
        if done > epochs || !metrics.iter().map(|line| line.epoch).eq(1..=done) {
            return Err(Error::data(path, "the checkpoint is of another training: its epochs are others", ""));
        }
        let part = |prefix: &str| -> BTreeMap<String, Tensor> {
            let stripped = tensors
                .iter()
                .filter_map(|(name, tensor)| Some((name.strip_prefix(prefix)?.to_owned(), tensor.shallow_clone())));
            stripped.collect()
        };
        weights::load(&self.store, &part("model."), &[], path)?;
        self.optimizer.load_state(&part("optimizer."), path)?;
        weights::copy(self.criterion.parameters(), &part("loss."), path)?;
        Ok(metrics)
    }
}

fn evaluate(job: &EvaluateJob) -> Result<Tensors> {
    let EvaluateJob { evaluation, place, device, threads } = job;
    let device = prepare(device, *threads)?;
    let (shape, test_file) = (evaluation.shape, place.data.join(TEST_FILE));
    let test_records = records(&test_file, shape, limit(evaluation.test_limit))?;
    let test = Dataset::from_records(&test_records, shape, &test_file, device)?;
    let maps = Maps { side: i64::from(evaluation.input_size), decay: false };
    let (store, net) = net::draw(evaluation.network, shape, Initializer::Torchvision, maps, 0, device)?;
    weights::load(&store, &weights::read(&place.weights)?, &[], &place.weights)?;
    let logits = spoken_logits(net.as_ref(), &test, &evaluation.normalization, evaluation.input_size);
    save(&[("logits".into(), logits)], &place.out.join(LOGITS))
}

fn prepare(requested: &str, threads: u32) -> Result<Device> {
    let (device, info) = device::prepare(requested, threads)?;
    send(&Message::Device(info));
    Ok(device)
}

/// How many records to read; 0 in a job: all.
fn limit(limit: u32) -> u32 {
    if limit == 0 { u32::MAX } else { limit }
}

fn score(net: &dyn ModuleT, data: &Data, training: &Training) -> Result<Scores> {
    let Recipe { normalization, input_size, .. } = &training.recipe;
    let logits = spoken_logits(net, &data.test, normalization, *input_size);
    let logits = Vec::<f32>::try_from(logits.flatten(0, -1)).map_err(torch)?;
    scores::scores(&logits, &data.test_labels, training.shape.classes).map_err(|error| Error::Cell {
        cell: "training".into(),
        message: error.to_string(),
        help: "lower the learning rate, or check the loss's configuration".into(),
    })
}

/// The share of images that are predicted as their label says, in percent.
fn agreement_pct(net: &dyn ModuleT, data: &Dataset, recipe: &Recipe) -> f64 {
    let predicted = spoken_logits(net, data, &recipe.normalization, recipe.input_size).argmax(-1, false);
    let labels = data.labels().to_device(Device::Cpu);
    100.0 * predicted.eq_tensor(&labels).mean(tch::Kind::Double).double_value(&[])
}

/// Logits, while whose computation the program hears that it goes on.
fn spoken_logits(net: &dyn ModuleT, images: &Dataset, normalization: &Normalization, input_size: u32) -> Tensor {
    let mut pace = Pace::new();
    logits(net, images, normalization, input_size, || pace.send(&Message::Working))
}

/// Writes tensors to a safetensors file; their names and shapes.
fn save(tensors: &[(String, Tensor)], path: &Path) -> Result<Tensors> {
    fs::write_atomic(path, &weights::to_bytes(tensors)?)?;
    let shape = |tensor: &Tensor| tensor.size().iter().map(|&d| d as usize).collect();
    Ok(tensors.iter().map(|(name, tensor)| (name.clone(), shape(tensor))).collect())
}
