//! Trains a network as a cell is trained, and leaves everything that `bench/parity/reference.py` needs to train the same
//! in plain PyTorch.
//!
//! `parity FOLDER` reads `job.json`, `train.bin` and `test.bin` there, and writes `initial.safetensors` (the weights
//! before the first step), `draws.safetensors` (of every epoch the order of the images, and of every position the crop's
//! top and left edge and whether it is mirrored) and `ours.json` (the loss of every step, the accuracy of every epoch).
//! With `"double": true` in the job the network computes in float64, which leaves rounding no part in the first epochs.
#![allow(clippy::print_stdout, reason = "its output")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use fpl_core::error::{Error, Result};
use fpl_core::recipe::{Loss, Network, Recipe, Shape};
use fpl_core::results::{read_labels, records};
use fpl_core::seed::{Purpose, torch_seed};
use fpl_core::{fs, scores};
use fpl_worker::data::augment::{Draws, order};
use fpl_worker::data::batches::Dataset;
use fpl_worker::device;
use fpl_worker::nn::fit::{Fit, logits, maps, parameters};
use fpl_worker::nn::loss::Criterion;
use fpl_worker::nn::{net, optim};
use serde::Deserialize;
use tch::nn::{ModuleT, VarStore};
use tch::{Device, Kind, Tensor};

#[derive(Deserialize)]
struct Job {
    network: Network,
    loss: Loss,
    recipe: Recipe,
    seed: u64,
    double: bool,
}

/// A network of float64 that takes float32 images.
#[derive(Debug)]
struct Double(Box<dyn ModuleT>);

impl ModuleT for Double {
    fn forward_t(&self, xs: &Tensor, train: bool) -> Tensor {
        self.0.forward_t(&xs.to_kind(Kind::Double), train)
    }
}

fn main() {
    let folder = std::env::args().nth(1).map(PathBuf::from).unwrap_or_default();
    if let Err(error) = run(&folder) {
        println!("error: {error}");
        std::process::exit(1);
    }
}

fn run(folder: &Path) -> Result<()> {
    let path = folder.join("job.json");
    let job: Job = serde_json::from_slice(&fs::read(&path)?)
        .map_err(|error| Error::data(&path, error.to_string(), "write it as bench/parity/run.py does"))?;
    let recipe = &job.recipe;
    let (device, _) = device::prepare("cpu", 1)?;
    let read = |name: &str| {
        let path = folder.join(name);
        Dataset::from_records(&records(&path, Shape::CIFAR10, u32::MAX)?, Shape::CIFAR10, &path, device)
    };
    let (train, test) = (read("train.bin")?, read("test.bin")?);
    let labels = read_labels(&folder.join("test.bin"), Shape::CIFAR10, u32::MAX)?;

    tch::manual_seed(torch_seed(job.seed, Purpose::Weights, 0));
    let mut store = VarStore::new(Device::Cpu);
    if job.double {
        store.set_kind(Kind::Double);
    }
    let net = net::build(&store.root(), job.network, Shape::CIFAR10.classes as i64, recipe.initializer, maps(recipe))?;
    let variables: BTreeMap<String, Tensor> = store.variables().into_iter().collect();
    // Weights are drawn in float32, so nothing is lost.
    let initial: Vec<(String, Tensor)> =
        variables.into_iter().map(|(name, tensor)| (name, tensor.detach().to_kind(Kind::Float))).collect();
    save(&initial, &folder.join("initial.safetensors"))?;
    save(&draws(&job, train.len() as u32), &folder.join("draws.safetensors"))?;

    let criterion = Criterion::new(&job.loss, train.class_counts());
    let mut optimizer = optim::Optimizer::new(&recipe.optimizer, parameters(net.as_ref(), &store, &criterion));
    let net: Box<dyn ModuleT> = if job.double { Box::new(Double(net)) } else { net };
    let (mut losses, mut accuracies) = (Vec::new(), Vec::new());
    for epoch in 0..recipe.epochs {
        let mut fit = Fit {
            net: net.as_ref(),
            optimizer: &mut optimizer,
            train: &train,
            criterion: &criterion,
            recipe,
            seed: job.seed,
            device,
        };
        let done = fit.epoch(epoch, |_, _| {}).map_err(|_| Error::Torch("the loss is not finite".into()))?;
        losses.extend(done.step_losses);
        let logits = logits(net.as_ref(), &test, &recipe.normalization, recipe.input_size, || {});
        let logits = Vec::<f32>::try_from(logits.flatten(0, -1)).unwrap_or_default();
        let scores = scores::scores(&logits, &labels, Shape::CIFAR10.classes)
            .map_err(|error| Error::Torch(error.to_string()))?;
        accuracies.push(scores.top1_pct);
    }
    let ours = serde_json::json!({ "losses": losses, "top1_pct": accuracies });
    fs::write_atomic(&folder.join("ours.json"), ours.to_string().as_bytes())
}

/// Every epoch's draws, under `order.0`, `top.0`, `left.0`, `mirrored.0`, `order.1`, …
fn draws(job: &Job, count: u32) -> Vec<(String, Tensor)> {
    let of_epoch = |epoch: u32| {
        let draws = Draws::new(job.seed, epoch, count, &job.recipe.augmentation, Device::Cpu);
        let none = || Tensor::zeros([i64::from(count)], (Kind::Bool, Device::Cpu));
        let mirrored = draws.mirrored.as_ref().map_or_else(none, Tensor::shallow_clone);
        [
            (format!("order.{epoch}"), Tensor::from_slice(&order(job.seed, epoch, count))),
            (format!("top.{epoch}"), draws.top.shallow_clone()),
            (format!("left.{epoch}"), draws.left.shallow_clone()),
            (format!("mirrored.{epoch}"), mirrored.to_kind(Kind::Int64)),
        ]
    };
    (0..job.recipe.epochs).flat_map(of_epoch).collect()
}

fn save(tensors: &[(String, Tensor)], path: &Path) -> Result<()> {
    let tensors: Vec<(&str, &Tensor)> = tensors.iter().map(|(name, tensor)| (name.as_str(), tensor)).collect();
    Tensor::write_safetensors(&tensors, path).map_err(|error| Error::Torch(error.to_string()))
}
