//! Times training steps of one network as a cell trains it: `bench/step/run.py` starts it beside its PyTorch counterpart
//! `bench/step/reference.py`, which reads the same job and speaks the same protocol.
//!
//! `step JOB` reads a job of JSON: network, loss, recipe, steps of an epoch, threads, and test images. Then every word on
//! standard input is done once, and answered by a line of JSON:
//!
//! - `float32` and `bfloat16`: an epoch on random images in that precision; milliseconds per step, the most memory that the
//!   process has held so far in MiB, and the epoch's loss;
//! - `breakdown`: likewise in the recipe's precision, with the milliseconds per step of each phase, which add up to the step;
//! - `evaluate`: the logits of the test images; milliseconds per image.
//!
//! `step JOB --breakdown` does three epochs and a breakdown by itself.
#![allow(clippy::print_stdout, reason = "its output")]

use std::io::BufRead;
use std::path::Path;
use std::time::Instant;

use fpl_core::error::{Error, Result};
use fpl_core::recipe::{Loss, Network, Precision, Recipe, Shape};
use fpl_core::{fs, machine};
use fpl_worker::data::batches::Dataset;
use fpl_worker::device;
use fpl_worker::measure::records;
use fpl_worker::nn::fit::{Epoch, Fit, logits, maps, parameters};
use fpl_worker::nn::loss::Criterion;
use fpl_worker::nn::net::{self, Net};
use fpl_worker::nn::optim::Optimizer;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tch::nn::VarStore;
use tch::{Device, Tensor};

#[derive(Deserialize)]
struct Job {
    network: Network,
    loss: Loss,
    recipe: Recipe,
    /// Of an epoch.
    steps: u32,
    threads: u32,
    test_images: u32,
}

/// Milliseconds of a step by what it does.
#[derive(Default, Serialize)]
struct Phases {
    data: f64,
    forward: f64,
    loss: f64,
    backward: f64,
    optimizer: f64,
    /// All that is left of the wall time: the order of the epoch, freed tensors, the loss that is read at the end.
    rest: f64,
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let Err(error) = run(&arguments) {
        println!("{}", json!({ "error": error.to_string() }));
        std::process::exit(1);
    }
}

fn run(arguments: &[String]) -> Result<()> {
    let usage = || Error::Usage {
        message: "wrong arguments".into(),
        help: "step JOB [--breakdown], JOB a file of JSON".into(),
    };
    let (path, alone) = match arguments {
        [path] => (Path::new(path), false),
        [path, option] if option == "--breakdown" => (Path::new(path), true),
        _ => return Err(usage()),
    };
    let job: Job = serde_json::from_slice(&fs::read(path)?)
        .map_err(|error| Error::data(path, error.to_string(), "write it as bench/step/run.py does"))?;
    let mut training = Training::new(&job)?;
    if alone {
        for _ in 0..3 {
            training.answer(&job, "float32")?;
        }
        println!("{}", training.answer(&job, "breakdown")?);
        return Ok(());
    }
    for line in std::io::stdin().lock().lines().map_while(std::io::Result::ok) {
        println!("{}", training.answer(&job, line.trim())?);
    }
    Ok(())
}

/// A network in training, with its data.
struct Training {
    train: Dataset,
    test: Dataset,
    store: VarStore,
    net: Box<dyn Net>,
    criterion: Criterion,
    optimizer: Optimizer,
    device: Device,
    epoch: u32,
}

impl Training {
    fn new(job: &Job) -> Result<Self> {
        let (device, _) = device::prepare("cpu", job.threads)?;
        let data = |count| {
            Dataset::from_records(&records(count, Shape::CIFAR10), Shape::CIFAR10, Path::new("generated"), device)
        };
        let (train, test) = (data(job.recipe.batch_size * job.steps)?, data(job.test_images)?);
        let criterion = Criterion::new(&job.loss, train.class_counts());
        let recipe = &job.recipe;
        let (store, net) = net::draw(job.network, Shape::CIFAR10, recipe.initializer, maps(recipe), 0, device)?;
        let optimizer = Optimizer::new(&recipe.optimizer, parameters(net.as_ref(), &store, &criterion));
        Ok(Self { train, test, store, net, criterion, optimizer, device, epoch: 0 })
    }

    fn answer(&mut self, job: &Job, task: &str) -> Result<Value> {
        let precision = match task {
            "float32" => Precision::Float32,
            "bfloat16" => Precision::Bfloat16,
            "breakdown" => return self.breakdown(&job.recipe),
            "evaluate" => return Ok(self.evaluate(&job.recipe)),
            other => {
                return Err(Error::Usage {
                    message: format!("unknown task `{other}`"),
                    help: "write float32, bfloat16, breakdown or evaluate".into(),
                });
            }
        };
        let recipe = Recipe { precision, ..job.recipe.clone() };
        let started = Instant::now();
        let epoch = self.epoch;
        let done = self.fit(&recipe).epoch(epoch, |_, _| {}).map_err(|_| not_finite())?;
        self.epoch += 1;
        Ok(line(milliseconds(started), &done))
    }

    fn fit<'a>(&'a mut self, recipe: &'a Recipe) -> Fit<'a> {
        Fit {
            net: self.net.as_ref(),
            optimizer: &mut self.optimizer,
            train: &self.train,
            criterion: &self.criterion,
            recipe,
            seed: 0,
            device: self.device,
        }
    }

    fn evaluate(&self, recipe: &Recipe) -> Value {
        let started = Instant::now();
        let logits = logits(self.net.as_ref(), &self.test, &recipe.normalization, recipe.input_size, || {});
        json!({ "ms": milliseconds(started) / logits.size()[0] as f64 })
    }

    /// The steps of [`Fit::epoch`], with a clock beside them. `Optimizer::backward_step` is taken apart: the gradients are
    /// computed as it does, and handed to `Optimizer::step` by pointer, so nothing is computed or copied that it would not.
    fn breakdown(&mut self, recipe: &Recipe) -> Result<Value> {
        let named = parameters(self.net.as_ref(), &self.store, &self.criterion);
        let parameters: Vec<Tensor> = named.into_iter().map(|(_, parameter)| parameter).collect();
        let epoch = self.epoch;
        self.epoch += 1;
        let fit = self.fit(recipe);
        let batches = || {
            let Recipe { batch_size, augmentation, normalization, input_size, .. } = recipe;
            fit.train.training_batches(fit.seed, epoch, *batch_size, augmentation, normalization, *input_size)
        };
        // PyTorch makes the place of a gradient in the first backward pass, which is not timed.
        for (xs, ys) in batches().take(1) {
            fit.criterion.loss(0, &fit.net.forward_t(&xs, true), &ys).backward();
        }
        let started = Instant::now();
        let (mut spent, mut losses) = (Phases::default(), Vec::new());
        let mut batches = batches();
        while let Some((xs, ys)) = timed(&mut spent.data, || batches.next()) {
            let bfloat16 = recipe.precision == Precision::Bfloat16;
            let forward = || device::autocast(bfloat16, fit.device, || fit.net.forward_t(&xs, true));
            let logits = timed(&mut spent.forward, forward);
            let value = timed(&mut spent.loss, || fit.criterion.loss(0, &logits.to_kind(xs.kind()), &ys));
            let backward = || Tensor::run_backward(&[&value], &parameters, false, false);
            let gradients = timed(&mut spent.backward, backward);
            for (parameter, gradient) in parameters.iter().zip(&gradients).filter(|(_, gradient)| gradient.defined()) {
                parameter.grad().set_data(gradient);
            }
            timed(&mut spent.optimizer, || fit.optimizer.step(recipe.optimizer.learning_rate()));
            losses.push(value.detach());
        }
        let loss = Tensor::stack(&losses, 0).mean(None).double_value(&[]);
        let total = milliseconds(started);
        let steps = losses.len() as f64;
        let known = spent.data + spent.forward + spent.loss + spent.backward + spent.optimizer;
        spent.rest = total - known;
        if !loss.is_finite() {
            return Err(not_finite());
        }
        Ok(json!({ "ms": total / steps, "phases": spent.per_step(steps), "loss": loss }))
    }
}

impl Phases {
    fn per_step(&self, steps: f64) -> Self {
        Self {
            data: self.data / steps,
            forward: self.forward / steps,
            loss: self.loss / steps,
            backward: self.backward / steps,
            optimizer: self.optimizer / steps,
            rest: self.rest / steps,
        }
    }
}

fn line(total: f64, done: &Epoch) -> Value {
    json!({ "ms": total / done.step_losses.len() as f64, "peak_mib": peak(), "loss": done.loss })
}

fn not_finite() -> Error {
    Error::Torch("the loss is not finite".into())
}

/// Runs `body` and adds the milliseconds that it took.
fn timed<T>(spent: &mut f64, body: impl FnOnce() -> T) -> T {
    let started = Instant::now();
    let result = body();
    *spent += milliseconds(started);
    result
}

fn milliseconds(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1000.0
}

/// The most memory that this process has held, in MiB.
fn peak() -> f64 {
    machine::peak_memory().unwrap_or_default() as f64 / f64::from(1 << 20)
}
