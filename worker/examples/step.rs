//! Times training steps of one network as a cell trains it: `bench/step/run.py` starts it, and its PyTorch counterpart
//! `bench/step/reference.py`, which takes the same arguments and speaks the same protocol.
//!
//! `step NETWORK LOSS BATCH STEPS THREADS [float32|bfloat16]`, where NETWORK is `resnet18`, `resnet50`, `resnet50-cifar` or
//! `efficientnetv2-s`, and LOSS `ce` or `fpl`. For every line on standard input an epoch of STEPS steps is trained, on
//! random images with AdaDelta, and a line of JSON is written: wall and processor milliseconds and page faults
//! per step, the peak memory in MiB, and the epoch's loss. The precision is float32 unless it is given.
#![allow(clippy::print_stdout, reason = "its output")]

use std::io::BufRead;
use std::path::Path;
use std::time::Instant;

use fpl_repro::error::{Error, Result};
use fpl_repro::recipe::{
    Aggregate, Alpha, Architecture, Augmentation, Border, Initializer, Loss, Network, Normalization, Optimizer,
    Precision, Recipe, Schedule, Shape, Stem, Term,
};
use fpl_worker::data::batches::Dataset;
use fpl_worker::device;
use fpl_worker::nn::fit::{Fit, maps, parameters};
use fpl_worker::nn::loss::Criterion;
use fpl_worker::nn::{net, optim};
use tch::Device;
use tch::nn::VarStore;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let Err(error) = run(&arguments) {
        println!("{{\"error\": {:?}}}", error.to_string());
        std::process::exit(1);
    }
}

fn run(arguments: &[String]) -> Result<()> {
    let usage = || Error::Usage {
        message: "wrong arguments".into(),
        help: "step NETWORK ce|fpl BATCH STEPS THREADS [float32|bfloat16]".into(),
    };
    let number = |index: usize| -> Result<u32> {
        arguments.get(index).and_then(|text| text.parse().ok()).filter(|number| *number > 0).ok_or_else(usage)
    };
    let word = |index: usize| arguments.get(index).map_or("", String::as_str);
    let (architecture, stem) = match word(0) {
        "resnet18" => (Architecture::ResNet18, Stem::Imagenet),
        "resnet50" => (Architecture::ResNet50, Stem::Imagenet),
        "resnet50-cifar" => (Architecture::ResNet50, Stem::Cifar),
        "efficientnetv2-s" => (Architecture::EfficientNetV2S, Stem::Imagenet),
        _ => return Err(usage()),
    };
    let loss = match word(1) {
        "ce" => Loss::CrossEntropy,
        "fpl" => Loss::Fpl {
            true_term: Term::Log,
            false_term: Term::Log,
            false_classes: 1,
            aggregate: Aggregate::Sum,
            alpha: Alpha::Dataset,
        },
        _ => return Err(usage()),
    };
    let precision = if word(5) == "bfloat16" { Precision::Bfloat16 } else { Precision::Float32 };
    let (batch_size, steps, threads) = (number(2)?, number(3)?, number(4)?);

    let (device, _) = device::prepare("cpu", threads)?;
    let train =
        Dataset::from_records(&records(batch_size * steps), Shape::CIFAR10, Path::new("generated records"), device)?;
    let criterion = Criterion::new(&loss, train.class_counts());
    let recipe = Recipe {
        epochs: u32::MAX,
        batch_size,
        optimizer: Optimizer::Adadelta { lr: 0.001, rho: 0.9, eps: 1e-6, weight_decay: 0.0 },
        schedule: Schedule::Cosine,
        initializer: Initializer::Torchvision,
        augmentation: Augmentation { crop_padding: 0, border: Border::Black, flip: 0.0 },
        normalization: Normalization { mean: [127.5; 3], std: [63.75; 3] },
        input_size: 32,
        precision,
    };
    tch::manual_seed(0);
    let store = VarStore::new(Device::Cpu);
    let network = Network { architecture, stem };
    let net = net::build(&store.root(), network, Shape::CIFAR10.classes as i64, recipe.initializer, maps(&recipe))?;
    let mut optimizer = optim::Optimizer::new(&recipe.optimizer, parameters(net.as_ref(), &store, &criterion));

    for (epoch, _) in (0..).zip(std::io::stdin().lock().lines()) {
        let mut fit = Fit {
            net: net.as_ref(),
            optimizer: &mut optimizer,
            train: &train,
            criterion: &criterion,
            recipe: &recipe,
            seed: 0,
            device,
        };
        let before = Usage::now();
        let started = Instant::now();
        let done = fit.epoch(epoch, |_, _| {}).map_err(|_| Error::Torch("the loss is not finite".into()))?;
        let wall = started.elapsed().as_secs_f64() * 1000.0;
        let after = Usage::now();
        let per_step = |total: f64| total / f64::from(steps);
        println!(
            "{{\"wall\": {:.3}, \"user\": {:.3}, \"system\": {:.3}, \"faults\": {:.0}, \"peak\": {:.0}, \"loss\": {}}}",
            per_step(wall),
            per_step(after.user - before.user),
            per_step(after.system - before.system),
            per_step(after.faults - before.faults),
            peak(),
            done.loss
        );
    }
    Ok(())
}

/// Labels in turn, pixels from a multiplicative hash.
fn records(count: u32) -> Vec<u8> {
    let pixel = |index: u32| (index.wrapping_mul(2_654_435_761) >> 24) as u8;
    (0..count)
        .flat_map(|image| {
            let label = (image % Shape::CIFAR10.classes as u32) as u8;
            std::iter::once(label).chain((0..3072).map(move |index| pixel(image * 3072 + index)))
        })
        .collect()
}

/// The most memory that this process has held, in MiB.
fn peak() -> f64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kib = text.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse().ok());
    kib.unwrap_or(0.0) / 1024.0
}

/// Of this process so far: milliseconds of processor time and minor page faults.
struct Usage {
    user: f64,
    system: f64,
    faults: f64,
}

impl Usage {
    fn now() -> Self {
        // Fields 10, 14 and 15 of proc(5), counted after the program's name; a tick is 10 ms.
        let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
        let fields: Vec<f64> =
            text.rsplit(") ").next().unwrap_or_default().split(' ').map(|field| field.parse().unwrap_or(0.0)).collect();
        let field = |number: usize| fields.get(number - 3).copied().unwrap_or(0.0);
        Self { user: field(14) * 10.0, system: field(15) * 10.0, faults: field(10) }
    }
}
