//! Trains or evaluates a cell by a worker process, and passes on what it says.

use std::path::{Path, PathBuf};

use super::worker::{Worker, ending};
use super::{Options, Runner, environment, fetch, outputs, work};
use crate::artifact::{Environment, EpochMetrics, LOGITS, PREDICTIONS, PROBABILITIES, SCORES, WEIGHTS};
use crate::data::TEST_FILE;
use crate::error::{Error, Result};
use crate::event::Event;
use crate::fs;
use crate::plan::{Cell, Node, StageKind, Work};
use crate::protocol::{
    self, DeviceInfo, EvaluateJob, EvaluatePlace, FailureKind, Hello, Job, MeasureJob, Measured, Message, Tensors,
    TrainJob, TrainPlace,
};
use crate::results::{read_labels, read_logits};
use crate::scores;

/// Trains a cell, from what `folder` has of it; where it ran, and the training time over all sessions.
pub(super) fn train(
    runner: &Runner,
    node: &Node,
    cell: &Cell,
    folder: &Path,
    out: &Path,
) -> Result<(Environment, Option<f64>)> {
    let data = &runner.plan.nodes[cell.data];
    let weights = source_of_weights(runner, node, cell).map(|source| weights_file(runner, source));
    work::prepare(folder, |text| warn(runner, cell, text))?;
    let job = Job::Train(Box::new(TrainJob {
        training: cell.training.clone(),
        place: TrainPlace {
            data: absolute(&runner.store.entry(data)),
            weights,
            labels: cell.labels_file.as_ref().map(|path| absolute(&runner.loaded.root_path(path))),
            work: absolute(folder),
            out: absolute(out),
        },
        device: runner.options.device.clone(),
        threads: runner.options.threads,
    }));
    let session = Session::run(runner, node, cell, &job)?;
    let metrics = outputs::trained(out, cell, &session.tensors).map_err(|error| unfit(runner, node, cell, error))?;
    let seconds = metrics.iter().map(|epoch| epoch.seconds).sum();
    Ok((session.environment(resumptions(folder, session.resumed)?), Some(seconds)))
}

/// The stage whose weights a training starts from; `None` where all are drawn.
fn source_of_weights<'a>(runner: &'a Runner, node: &Node, cell: &Cell) -> Option<&'a Node> {
    let input = node.inputs.iter().find(|&&input| input != cell.data)?;
    Some(&runner.plan.nodes[*input])
}

/// Where in the cache they are.
fn weights_file(runner: &Runner, source: &Node) -> PathBuf {
    let name = if source.stage == StageKind::Train { WEIGHTS } else { fetch::WEIGHTS_FILE };
    absolute(&runner.store.entry(source).join(name))
}

/// The initial weights of a training by the name that the user gave them, beside that of their copy in the cache.
fn named_weights(runner: &Runner, node: &Node, cell: &Cell) -> String {
    let Some(source) = source_of_weights(runner, node, cell) else { return "initial weights".into() };
    let copy = weights_file(runner, source);
    match &source.work {
        Work::Weights(file) => {
            let known = if file.path.is_empty() { &file.url } else { &file.path };
            format!("`{known}` (`{}`)", copy.display())
        }
        _ => format!("`{}`", copy.display()),
    }
}

/// Counts how often a training went on from a checkpoint, over all its sessions.
fn resumptions(work: &Path, resumed: bool) -> Result<u32> {
    let path = work.join("resumed");
    let before = std::fs::read_to_string(&path).ok().and_then(|text| text.trim().parse::<u16>().ok());
    let before = before.map_or(0, u32::from);
    if resumed {
        fs::write_atomic(&path, (before + 1).to_string().as_bytes())?;
    }
    Ok(before + u32::from(resumed))
}

/// Evaluates a cell with its `weights`: the worker computes logits, everything else follows from them here.
pub(super) fn evaluate(
    runner: &Runner,
    node: &Node,
    cell: &Cell,
    weights: &Path,
    out: &Path,
) -> Result<(Environment, Option<f64>)> {
    let data = runner.store.entry(&runner.plan.nodes[cell.data]);
    let shape = cell.training.shape;
    let job = Job::Evaluate(EvaluateJob {
        evaluation: cell.training.evaluation(),
        place: EvaluatePlace { data: absolute(&data), weights: absolute(weights), out: absolute(out) },
        device: runner.options.device.clone(),
        threads: runner.options.threads,
    });
    let session = Session::run(runner, node, cell, &job)?;
    let labels = read_labels(&data.join(TEST_FILE), shape, cell.images.1)?;
    let expected = Tensors::from([("logits".to_owned(), vec![labels.len(), shape.classes])]);
    let logits = outputs::holds(&out.join(LOGITS), &expected)
        .and_then(|()| read_logits(&out.join(LOGITS), shape.classes))
        .map_err(|error| unfit(runner, node, cell, error))?;
    let predictions = scores::predictions(&logits, &labels, shape.classes).map_err(|error| Error::Cell {
        cell: cell.id.to_string(),
        message: error.to_string(),
        help: String::new(),
    })?;
    fs::write_atomic(&out.join(PREDICTIONS), &scores::to_bytes(&predictions, shape.classes))?;
    fs::write_atomic(&out.join(PROBABILITIES), &scores::probabilities_to_bytes(&predictions))?;
    let scores = scores::of_predictions(&predictions, &labels, shape.classes);
    let text = serde_json::to_string_pretty(&scores)
        .map_err(|error| Error::Render { what: SCORES.into(), message: error.to_string() })?;
    fs::write_atomic(&out.join(SCORES), text.as_bytes())?;
    Ok((session.environment(0), None))
}

/// Measures the steps of a cell's training.
pub(super) fn measure(runner: &Runner, cell: &Cell) -> Result<Measured> {
    let Options { device, threads, .. } = runner.options;
    let job = MeasureJob { training: cell.training.clone(), device: device.clone(), threads: *threads };
    let node = &runner.plan.nodes[cell.train];
    let session = Session::run(runner, node, cell, &Job::Measure(Box::new(job)))?;
    session.measured.ok_or_else(|| Error::Cell {
        cell: cell.id.to_string(),
        message: "its process measured nothing".into(),
        help: format!("log: `{}`", runner.store.log(node).display()),
    })
}

/// Results that are not what they must be: a failure of the cell, and nothing of it is kept.
fn unfit(runner: &Runner, node: &Node, cell: &Cell, error: Error) -> Error {
    if error.is_of_storage() {
        return error;
    }
    Error::Cell {
        cell: cell.id.to_string(),
        message: format!("its process left no sound result: {error}"),
        help: format!("run the same command again; log: `{}`", runner.store.log(node).display()),
    }
}

fn warn(runner: &Runner, cell: &Cell, text: &str) {
    runner.reporter.emit(&Event::Note(&format!("warning: {}: {text}", cell.id)));
}

/// What a worker said about itself and its results.
#[derive(Default)]
struct Session {
    hello: Hello,
    device: DeviceInfo,
    resumed: bool,
    tensors: Tensors,
    measured: Option<Measured>,
}

impl Session {
    fn environment(&self, resumed: u32) -> Environment {
        let cpu = self.device.device == "cpu";
        Environment {
            device: if cpu { "CPU".into() } else { self.device.name.clone() },
            cuda: if cpu { String::new() } else { self.device.cuda.clone() },
            libtorch: self.device.libtorch.clone(),
            threads: self.device.threads,
            resumed,
            host: self.hello.host.clone(),
            cpu: self.hello.cpu.clone(),
            ..environment::here()
        }
    }

    /// Runs a worker to its end.
    fn run(runner: &Runner, node: &Node, cell: &Cell, job: &Job) -> Result<Self> {
        let mut worker = Worker::start(job, cell.id.as_str(), &runner.store.log(node), runner.options.silence)?;
        let mut session = Self::default();
        let done = session.follow(runner, node, cell, &mut worker)?;
        match (done, worker.end()?) {
            (true, Some(status)) if status.success() => Ok(session),
            (true, None) => {
                // What it has to do is done, and looked at next.
                warn(runner, cell, "its process did not end after its last word, and was killed");
                Ok(session)
            }
            (_, status) => Err(worker.failed(&ending(status))),
        }
    }

    /// Passes the worker's messages on; whether it said that it is done.
    fn follow(&mut self, runner: &Runner, node: &Node, cell: &Cell, worker: &mut Worker) -> Result<bool> {
        let mut greeted = false;
        // Whoever lost a cell to another machine is of no more use to it.
        let go_on = || if runner.store.has_lost(node) { Err(runner.store.held(node)) } else { Ok(()) };
        while let Some(message) = worker.hear(go_on)? {
            match message {
                Message::Hello(hello) => {
                    check_versions(&hello)?;
                    (self.hello, greeted) = (hello, true);
                }
                _ if !greeted => return Err(another_version("it does not say which")),
                Message::Done { tensors } => {
                    self.tensors = tensors;
                    return Ok(true);
                }
                Message::Failed { about, message, help } => {
                    let message = match about {
                        FailureKind::Weights => format!("{}: {message}", named_weights(runner, node, cell)),
                        _ => message,
                    };
                    return Err(failure(runner, worker, about, message, help));
                }
                Message::Step { epoch, .. } | Message::Epoch(EpochMetrics { epoch, .. })
                    if !(1..=cell.training.recipe.epochs).contains(&epoch) =>
                {
                    return Err(worker.failed(&format!("its process speaks of epoch {epoch}, which it has not")));
                }
                message => self.tell(runner, cell, message),
            }
        }
        Ok(false)
    }

    fn tell(&mut self, runner: &Runner, cell: &Cell, message: Message) {
        let subject = cell.id.as_str();
        let epochs = cell.training.recipe.epochs;
        let images = f64::from(cell.images.0);
        match message {
            Message::Device(info) => {
                runner.reporter.emit(&Event::Device(
                    subject,
                    &format!("{} ({}), {} threads", info.device, info.name, info.threads),
                ));
                self.device = info;
            }
            Message::Note { text } => warn(runner, cell, &text),
            Message::Resumed { epochs } => {
                self.resumed = true;
                runner.reporter.emit(&Event::Resumed(subject, epochs));
            }
            Message::Step { epoch, step, steps, images_per_second } => {
                let done = f64::from(step) / f64::from(steps.max(1));
                let remaining = (f64::from(epochs - epoch) + 1.0 - done) * images / images_per_second;
                runner.reporter.emit(&Event::Step { subject, epoch, epochs, done, images_per_second, remaining });
            }
            Message::Epoch(metrics) => {
                let EpochMetrics { epoch, seconds, .. } = metrics;
                let remaining = f64::from(epochs - epoch) * seconds;
                runner.reporter.emit(&Event::Epoch { subject, epochs, metrics: &metrics, remaining });
            }
            Message::Measured(measured) => self.measured = Some(measured),
            Message::Hello(_) | Message::Working | Message::Done { .. } | Message::Failed { .. } => {}
        }
    }
}

/// The worker computes what this program's fingerprints say.
fn check_versions(hello: &Hello) -> Result<()> {
    let (train, evaluate) = (StageKind::Train.version(), StageKind::Evaluate.version());
    let pairs = [
        ("protocol", hello.protocol, protocol::VERSION),
        ("train", hello.train, train),
        ("evaluate", hello.evaluate, evaluate),
    ];
    let other = pairs.iter().find(|(_, worker, own)| worker != own);
    other.map_or(Ok(()), |(what, worker, own)| Err(another_version(&format!("its {what} is {worker}, not {own}"))))
}

fn another_version(how: &str) -> Error {
    Error::Worker {
        message: format!("`fpl-repro-worker` beside this program is of another version: {how}"),
        help: "build both programs: `cargo build --release`".into(),
    }
}

/// A failure as the worker reports it: of one cell, or of what every cell needs.
fn failure(runner: &Runner, worker: &Worker, about: FailureKind, message: String, help: String) -> Error {
    match about {
        FailureKind::Job => another_version(&message),
        FailureKind::Device => Error::Device { device: runner.options.device.clone(), message, help },
        FailureKind::Storage => Error::Storage { message, help },
        FailureKind::Cell | FailureKind::Weights => worker.failed_with_help(&message, &help),
    }
}

/// Workers have the same folder as this program, but a path in a job must not depend on that.
fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf())
}
