//! Starts a worker process for a cell and follows what it says.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::Ordering;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::Duration;

use super::{INTERRUPTED, Options, Runner, environment, fetch, interrupted};
use crate::artifact::{Environment, EpochMetrics, LOGITS, METRICS, PREDICTIONS, PROBABILITIES, SCORES, WEIGHTS};
use crate::data::TEST_FILE;
use crate::error::{Error, Result};
use crate::event::Event;
use crate::fs;
use crate::plan::{Cell, Node, StageKind, Work};
use crate::protocol::{
    self, DeviceInfo, EvaluateJob, EvaluatePlace, FailureKind, Hello, Job, MeasureJob, Measured, Message, TrainJob,
    TrainPlace,
};
use crate::results::{read_labels, read_logits, read_metrics};
use crate::scores;

/// Trains a cell; where it ran, and the training time over all sessions.
pub(super) fn train(runner: &Runner, node: &Node, cell: &Cell, out: &Path) -> Result<(Environment, Option<f64>)> {
    let data = &runner.plan.nodes[cell.data];
    let weights = node.inputs.iter().find(|&&input| input != cell.data).map(|&input| {
        let source = &runner.plan.nodes[input];
        let name = if source.stage == StageKind::Train { WEIGHTS } else { fetch::WEIGHTS_FILE };
        absolute(&runner.store.entry(source).join(name))
    });
    let work = runner.store.work(node);
    fs::create_dir_all(&work)?;
    let job = Job::Train(Box::new(TrainJob {
        training: cell.training.clone(),
        place: TrainPlace {
            data: absolute(&runner.store.entry(data)),
            weights,
            labels: cell.labels_file.as_ref().map(|path| absolute(&runner.loaded.root_path(path))),
            work: absolute(&work),
            out: absolute(out),
        },
        device: runner.options.device.clone(),
        threads: runner.options.threads,
    }));
    let session = Session::run(runner, node, cell, &job).map_err(|error| by_known_names(runner, node, error))?;
    let metrics = read_metrics(&out.join(METRICS))?;
    let seconds = metrics.iter().map(|epoch| epoch.seconds).sum();
    Ok((session.environment(resumptions(&work, session.resumed)?), Some(seconds)))
}

/// An error that speaks of a weights file by the name that the user knows, beside that of its copy in the cache.
fn by_known_names(runner: &Runner, node: &Node, error: Error) -> Error {
    let Error::Cell { cell, mut message, help } = error else { return error };
    for &input in &node.inputs {
        let source = &runner.plan.nodes[input];
        if let Work::Weights(file) = &source.work {
            let copy = absolute(&runner.store.entry(source).join(fetch::WEIGHTS_FILE)).display().to_string();
            let known = if file.path.is_empty() { &file.url } else { &file.path };
            message = message.replace(&format!("`{copy}`"), &format!("`{known}` (`{copy}`)"));
        }
    }
    Error::Cell { cell, message, help }
}

/// Counts how often a training went on from a checkpoint, over all its sessions.
fn resumptions(work: &Path, resumed: bool) -> Result<u32> {
    let path = work.join("resumed");
    let before = std::fs::read_to_string(&path).ok().and_then(|text| text.trim().parse().ok()).unwrap_or(0);
    if resumed {
        fs::write_atomic(&path, (before + 1_u32).to_string().as_bytes())?;
    }
    Ok(before + u32::from(resumed))
}

/// Evaluates a cell: the worker computes logits, everything else follows from them here.
pub(super) fn evaluate(runner: &Runner, node: &Node, cell: &Cell, out: &Path) -> Result<(Environment, Option<f64>)> {
    let data = runner.store.entry(&runner.plan.nodes[cell.data]);
    let shape = cell.training.shape;
    let job = Job::Evaluate(EvaluateJob {
        evaluation: cell.training.evaluation(),
        place: EvaluatePlace {
            data: absolute(&data),
            weights: absolute(&runner.store.entry(&runner.plan.nodes[cell.train]).join(WEIGHTS)),
            out: absolute(out),
        },
        device: runner.options.device.clone(),
        threads: runner.options.threads,
    });
    let session = Session::run(runner, node, cell, &job)?;
    let logits = read_logits(&out.join(LOGITS), shape.classes)?;
    let labels = read_labels(&data.join(TEST_FILE), shape, cell.images.1)?;
    let predictions = scores::predictions(&logits, &labels, shape.classes)
        .map_err(|error| cell_error(cell, &error.to_string(), runner, node))?;
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
    session.measured.ok_or_else(|| cell_error(cell, "its process measured nothing", runner, node))
}

/// What a worker said about itself.
#[derive(Default)]
struct Session {
    hello: Hello,
    device: DeviceInfo,
    resumed: bool,
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
        let log = runner.store.log(node);
        let mut child = spawn(&log, cell)?;
        let line = serde_json::to_string(job)
            .map_err(|error| Error::Render { what: "a job".into(), message: error.to_string() })?;
        let mut input = child.stdin.take();
        if let Some(input) = &mut input {
            // A worker that died already is reported below, by its exit status.
            let _ = writeln!(input, "{line}");
        }
        let messages = listen(&mut child);
        let mut session = Self::default();
        let followed = session.follow(runner, cell, &messages);
        if followed.is_err() {
            drop(input); // The end of its input tells the worker to stop.
            let _ = child.kill();
        }
        let status = child.wait().map_err(Error::io("wait for", "fpl-repro-worker"))?;
        match followed {
            Ok(true) if status.success() => Ok(session),
            Ok(_) => Err(cell_error(cell, &ended(status), runner, node)),
            Err(Error::Cell { message, help, .. }) => Err(Error::Cell {
                cell: cell.id.to_string(),
                message,
                help: format!("{help}; log: `{}`", log.display()),
            }),
            Err(error) => Err(error),
        }
    }

    /// Passes the worker's messages on; whether it said that it is done.
    fn follow(&mut self, runner: &Runner, cell: &Cell, messages: &Receiver<Message>) -> Result<bool> {
        let mut speed = 0.0;
        let mut greeted = false;
        loop {
            if INTERRUPTED.load(Ordering::Relaxed) {
                return Err(interrupted());
            }
            match messages.recv_timeout(Duration::from_millis(100)) {
                Ok(Message::Hello(hello)) => {
                    check_versions(&hello)?;
                    (self.hello, greeted) = (hello, true);
                }
                Ok(_) if !greeted => return Err(another_version("it does not say which")),
                Ok(Message::Done) => return Ok(true),
                Ok(Message::Failed { about, message, help }) => return Err(failure(runner, about, message, help)),
                Ok(message) => self.tell(runner, cell, message, &mut speed),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Ok(false),
            }
        }
    }

    fn tell(&mut self, runner: &Runner, cell: &Cell, message: Message, speed: &mut f64) {
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
            Message::Note { text } => runner.reporter.emit(&Event::Note(&format!("warning: {subject}: {text}"))),
            Message::Resumed { epochs } => {
                self.resumed = true;
                runner.reporter.emit(&Event::Resumed(subject, epochs));
            }
            Message::Step { epoch, step, steps, images_per_second } => {
                *speed = images_per_second;
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
            Message::Hello(_) | Message::Done | Message::Failed { .. } => {}
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
fn failure(runner: &Runner, about: FailureKind, message: String, help: String) -> Error {
    match about {
        FailureKind::Job => another_version(&message),
        FailureKind::Device => Error::Device { device: runner.options.device.clone(), message, help },
        FailureKind::Cell => Error::Cell { cell: String::new(), message, help },
    }
}

fn spawn(log: &Path, cell: &Cell) -> Result<Child> {
    use std::os::unix::process::CommandExt;
    let program = std::env::current_exe().map_err(Error::io("find", "fpl-repro"))?.with_file_name("fpl-repro-worker");
    if let Some(folder) = log.parent() {
        fs::create_dir_all(folder)?;
    }
    let stderr = File::options().create(true).append(true).open(log).map_err(Error::io("open the log", log))?;
    Command::new(&program)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(stderr)
        // cuBLAS is deterministic only with a fixed workspace, which it reads when it starts.
        .env("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        // Otherwise glibc gives every large tensor back to the system, and each step faults its pages in anew.
        .env("MALLOC_MMAP_THRESHOLD_", "4294967296")
        .env("MALLOC_TRIM_THRESHOLD_", "4294967296")
        // OpenMP's threads wait for each other by spinning; for long, that costs several times the work where other
        // programs want the processor too.
        .env("GOMP_SPINCOUNT", std::env::var("GOMP_SPINCOUNT").unwrap_or_else(|_| "1000".into()))
        // Ctrl-C reaches this program only, which then stops its workers.
        .process_group(0)
        .spawn()
        .map_err(|error| Error::Cell {
            cell: cell.id.to_string(),
            message: format!("failed to start `{}`: {error}", program.display()),
            help: "build both programs: `cargo build --release`".into(),
        })
}

/// Reads a worker's lines in a thread of its own, so that an interruption is noticed at once.
fn listen(child: &mut Child) -> Receiver<Message> {
    let (sender, receiver) = mpsc::channel();
    if let Some(output) = child.stdout.take() {
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                let sent = serde_json::from_str(&line).ok().is_none_or(|message| sender.send(message).is_ok());
                if !sent {
                    break;
                }
            }
        });
    }
    receiver
}

fn cell_error(cell: &Cell, message: &str, runner: &Runner, node: &Node) -> Error {
    Error::Cell {
        cell: cell.id.to_string(),
        message: message.to_owned(),
        help: format!("log: `{}`", runner.store.log(node).display()),
    }
}

/// How a worker that said nothing ended.
fn ended(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt;
    match (status.signal(), status.code()) {
        (Some(9), _) => "its process was killed (signal 9): out of memory?".into(),
        (Some(signal), _) => format!("its process ended by signal {signal}"),
        (None, Some(127)) => "its process cannot load libtorch".into(),
        (None, code) => format!("its process ended with exit code {}", code.unwrap_or_default()),
    }
}

/// Workers have the same folder as this program, but a path in a job must not depend on that.
fn absolute(path: &Path) -> std::path::PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf())
}
