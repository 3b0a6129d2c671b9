//! Optimizers and schedules against PyTorch's (`tests/fixtures/make_optim.py`).

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::collections::BTreeMap;
use std::path::Path;

use fpl_core::recipe::{self, Schedule};
use fpl_worker::nn::optim::Optimizer;
use fpl_worker::nn::schedule::learning_rate;
use serde::Deserialize;
use tch::{Device, Kind, Tensor};

const STEPS: i64 = 100;
/// Name, shape, and which elements the fixture keeps. `large` takes two pieces.
const PARAMETERS: [(&str, &[i64], i64); 3] =
    [("bias", &[7], 1), ("kernel", &[4, 3, 3, 3], 1), ("large", &[70003], 4099)];

#[derive(Deserialize)]
struct Run {
    name: String,
    optimizer: recipe::Optimizer,
    float32: BTreeMap<String, Vec<f64>>,
    float64: BTreeMap<String, Vec<f64>>,
}

fn runs() -> Vec<Run> {
    serde_json::from_str(include_str!("../fixtures/optim/steps.json")).unwrap()
}

/// The fixture's numbers: exact multiples of 2^-24 from −0.5 to 0.5.
fn numbers(start: i64, shape: &[i64], kind: Kind) -> Tensor {
    let count: i64 = shape.iter().product();
    let index = Tensor::arange_start(start, start + count, (Kind::Int64, Device::Cpu));
    let hash = (index * 2_654_435_761).bitwise_and(0xFFFF_FFFF).bitwise_right_shift_tensor_scalar(8);
    (hash.to_kind(Kind::Double) / f64::from(1 << 24) - 0.5).to_kind(kind).reshape(shape)
}

fn parameters(kind: Kind) -> Vec<(String, Tensor)> {
    let parameter = |(i, (name, shape, _)): (usize, &(&str, &[i64], i64))| {
        ((*name).to_owned(), numbers(i as i64 * 100_000, shape, kind).set_requires_grad(true))
    };
    PARAMETERS.iter().enumerate().map(parameter).collect()
}

fn copies(parameters: &[(String, Tensor)]) -> Vec<(String, Tensor)> {
    parameters.iter().map(|(name, tensor)| (name.clone(), tensor.shallow_clone())).collect()
}

/// A loss whose gradient is the fixture's for `step`.
fn loss(parameters: &[(String, Tensor)], step: i64) -> Tensor {
    let term = |(i, (_, parameter)): (usize, &(String, Tensor))| {
        let gradient = numbers(step * 1_000_003 + i as i64 * 100_000, &parameter.size(), parameter.kind());
        (parameter * gradient).sum(parameter.kind())
    };
    parameters.iter().enumerate().map(term).reduce(|sum, term| sum + term).unwrap()
}

fn rate(spec: &recipe::Optimizer, step: i64) -> f64 {
    spec.learning_rate() / (1 + step % 3) as f64
}

fn train(spec: &recipe::Optimizer, kind: Kind) -> Vec<(String, Tensor)> {
    let parameters = parameters(kind);
    let mut optimizer = Optimizer::new(spec, copies(&parameters));
    for step in 1..=STEPS {
        optimizer.zero_grad();
        loss(&parameters, step).backward();
        optimizer.step(rate(spec, step));
    }
    parameters
}

/// The largest |found − expected|/max(|expected|, 1), and how many numbers differ at all.
fn difference(parameters: &[(String, Tensor)], expected: &BTreeMap<String, Vec<f64>>) -> (f64, usize) {
    let (mut worst, mut different) = (0f64, 0);
    for ((name, parameter), (_, _, step)) in parameters.iter().zip(PARAMETERS) {
        let found = parameter.detach().flatten(0, -1).slice(0, None, None, step).to_kind(Kind::Double);
        let found = Vec::<f64>::try_from(found).unwrap();
        assert_eq!(found.len(), expected[name].len());
        for (found, expected) in found.iter().zip(&expected[name]) {
            worst = worst.max((found - expected).abs() / expected.abs().max(1.0));
            different += usize::from((*found as f32).to_bits() != (*expected as f32).to_bits());
        }
    }
    (worst, different)
}

/// In float64 100 steps of PyTorch are reproduced to rounding (some ten operations of 1.1e-16 a step).
#[test]
fn a_hundred_steps_are_pytorchs_in_float64() {
    for run in runs() {
        let (worst, _) = difference(&train(&run.optimizer, Kind::Double), &run.float64);
        assert!(worst < 1e-13, "{}: {worst:e}", run.name);
    }
}

/// In float32 the bits are PyTorch's on a processor with the same vector instructions; elsewhere fused operations may
/// round once more, 6e-8 of each of 100 updates below 1.
#[test]
fn a_hundred_steps_are_pytorchs_in_float32() {
    for run in runs() {
        let (worst, different) = difference(&train(&run.optimizer, Kind::Float), &run.float32);
        assert!(worst < 5e-6, "{}: {worst:e}, {different} numbers differ", run.name);
    }
}

fn bits_are_equal(left: &[(String, Tensor)], right: &[(String, Tensor)]) -> bool {
    left.iter().zip(right).all(|((_, left), (_, right))| left.equal(right))
}

/// `backward_step` leaves the bits of `zero_grad`, `backward` and `step`.
#[test]
fn backward_step_is_the_same_update() {
    for run in runs() {
        let parameters = parameters(Kind::Float);
        let mut optimizer = Optimizer::new(&run.optimizer, copies(&parameters));
        for step in 1..=STEPS {
            optimizer.backward_step(&loss(&parameters, step), rate(&run.optimizer, step));
        }
        assert!(bits_are_equal(&parameters, &train(&run.optimizer, Kind::Float)), "{}", run.name);
    }
}

/// The tensor operations that other devices take instead of the fused kernel are PyTorch's too. In float32 they round
/// otherwise in places: whether a vector's remainder is a fused multiply-add depends on where it lies.
#[test]
fn a_hundred_steps_without_the_fused_kernel_are_pytorchs() {
    for run in runs() {
        for (kind, expected, tolerance) in [(Kind::Double, &run.float64, 1e-13), (Kind::Float, &run.float32, 5e-6)] {
            let parameters = parameters(kind);
            let mut optimizer = Optimizer::new(&run.optimizer, copies(&parameters)).without_fused_kernel();
            for step in 1..=STEPS {
                optimizer.backward_step(&loss(&parameters, step), rate(&run.optimizer, step));
            }
            let (worst, _) = difference(&parameters, expected);
            assert!(worst < tolerance, "{} {kind:?}: {worst:e}", run.name);
        }
    }
}

/// Several threads leave the bits of one.
#[test]
fn the_number_of_threads_does_not_matter() {
    let spec = &runs()[1].optimizer;
    let results = [1, 2, 3].map(|threads| {
        let _guard = crate::net::seeded(0);
        tch::set_num_threads(threads);
        let parameters = vec![("large".to_owned(), numbers(0, &[300_001], Kind::Float).set_requires_grad(true))];
        let mut optimizer = Optimizer::new(spec, copies(&parameters));
        for step in 1..=3 {
            optimizer.backward_step(&loss(&parameters, step), 0.5);
        }
        tch::set_num_threads(1);
        parameters
    });
    assert!(bits_are_equal(&results[0], &results[1]) && bits_are_equal(&results[0], &results[2]));
}

/// Parameters in channels-last memory, and gradients laid out differently, give the same bits.
#[test]
fn the_memory_layout_does_not_matter() {
    let spec = &runs()[1].optimizer;
    let results = [[0, 1, 2, 3], [0, 2, 3, 1]].map(|layout| {
        let inverse = if layout[1] == 1 { [0, 1, 2, 3] } else { [0, 3, 1, 2] };
        let kernel = numbers(0, &[64, 128, 3, 3], Kind::Float).permute(layout).contiguous().permute(inverse);
        let parameters = vec![("kernel".to_owned(), kernel.set_requires_grad(true))];
        let mut optimizer = Optimizer::new(spec, copies(&parameters));
        for step in 1..=3 {
            optimizer.backward_step(&loss(&parameters, step), 0.5);
        }
        parameters
    });
    assert!(bits_are_equal(&results[0], &results[1]));
}

/// 50 steps, the state and the parameters carried over to a new optimizer, 50 steps: the bits of 100 steps.
#[test]
fn a_restored_state_continues_exactly() {
    for run in runs() {
        let first = parameters(Kind::Float);
        let mut optimizer = Optimizer::new(&run.optimizer, copies(&first));
        for step in 1..=STEPS / 2 {
            optimizer.backward_step(&loss(&first, step), rate(&run.optimizer, step));
        }
        let state: BTreeMap<_, _> =
            optimizer.state().iter().map(|(name, tensor)| (name.clone(), tensor.copy())).collect();
        let second: Vec<_> =
            first.iter().map(|(name, tensor)| (name.clone(), tensor.detach().copy().set_requires_grad(true))).collect();
        let mut optimizer = Optimizer::new(&run.optimizer, copies(&second));
        optimizer.load_state(&state, Path::new("checkpoint")).unwrap();
        for step in STEPS / 2 + 1..=STEPS {
            optimizer.backward_step(&loss(&second, step), rate(&run.optimizer, step));
        }
        assert!(bits_are_equal(&second, &train(&run.optimizer, Kind::Float)), "{}", run.name);
    }
}

#[test]
fn a_state_that_does_not_fit_is_refused_by_name() {
    let spec = &runs()[0].optimizer;
    let mut optimizer = Optimizer::new(spec, parameters(Kind::Float));
    let mut state: BTreeMap<_, _> = optimizer.state().into_iter().map(|(name, tensor)| (name, tensor + 1.0)).collect();
    let names: Vec<_> = state.keys().map(String::as_str).collect();
    let expected = ["bias", "kernel", "large"];
    assert_eq!(names[..3], expected.map(|name| format!("acc_delta.{name}")));
    assert_eq!(names[3..], expected.map(|name| format!("square_avg.{name}")));

    state.insert("square_avg.large".to_owned(), Tensor::zeros([3], (Kind::Float, Device::Cpu)));
    let mut refused = |state: &BTreeMap<_, _>, expected| {
        let error = optimizer.load_state(state, Path::new("checkpoint")).unwrap_err().to_string();
        assert_eq!(error, format!("`checkpoint`: optimizer's tensor {expected}"));
    };
    refused(&state, "`square_avg.large`: expected shape [70003], found [3]");
    state.remove("acc_delta.kernel");
    refused(&state, "`acc_delta.kernel`: expected shape [4, 3, 3, 3], found none");
    let untouched = |(_, tensor): &(String, Tensor)| tensor.equal(&tensor.zeros_like());
    assert!(optimizer.state().iter().all(untouched), "a refused state changes nothing");
}

/// A parameter that took no part keeps its value, as in PyTorch.
#[test]
fn a_parameter_without_a_gradient_is_left_alone() {
    let spec = &runs()[1].optimizer;
    let (before, parameters) = (parameters(Kind::Float), parameters(Kind::Float));
    let mut optimizer = Optimizer::new(spec, copies(&parameters));
    loss(&parameters[..1], 1).backward();
    optimizer.step(1.0);
    assert!(!parameters[0].1.equal(&before[0].1));
    assert!(bits_are_equal(&parameters[1..], &before[1..]));
}

#[derive(Deserialize)]
struct Timetable {
    schedule: Schedule,
    base: f64,
    epochs: u32,
    /// In an epoch.
    steps: u32,
    rates: Vec<f64>,
}

/// PyTorch computes each rate from the last one, so its own rounding grows; 1e-12 allows for that.
#[test]
fn every_rate_is_pytorchs() {
    let fixture: Vec<Timetable> = serde_json::from_str(include_str!("../fixtures/optim/schedules.json")).unwrap();
    assert_eq!(fixture.len(), 8);
    for Timetable { schedule, base, epochs, steps, rates } in fixture {
        assert_eq!(rates.len(), (epochs * steps) as usize);
        for (step, expected) in (0..).zip(rates) {
            let epoch = step / steps;
            let found = learning_rate(&schedule, base, (epoch, epochs), (step % steps, steps));
            assert!(
                (found / expected - 1.0).abs() < 1e-12,
                "{schedule:?}, epoch {epoch}: {found:e} is not {expected:e}"
            );
        }
    }
}

/// T = 20, lr 1e-3: the four digits of the rates worked out beforehand.
#[test]
fn cosine_rates_by_hand() {
    for (epoch, expected) in [(0, 1e-3), (1, 9.938e-4), (10, 5e-4), (18, 2.447e-5), (19, 6.156e-6)] {
        let found = learning_rate(&Schedule::Cosine, 1e-3, (epoch, 20), (3, 7));
        assert!((found / expected - 1.0).abs() < 1e-4, "epoch {epoch}: {found:e}");
    }
}

/// MMClassification: 0.1 in epochs 0 to 99, 0.01 in 100 to 149, 0.001 in 150 to 199.
#[test]
fn multi_step_rates_by_hand() {
    let schedule = Schedule::MultiStep { milestones: vec![100, 150], gamma: 0.1 };
    for (epoch, expected) in [(0, 0.1), (99, 0.1), (100, 0.01), (149, 0.01), (150, 0.001), (199, 0.001)] {
        let found = learning_rate(&schedule, 0.1, (epoch, 200), (3, 7));
        assert!((found / expected - 1.0).abs() < 1e-12, "epoch {epoch}: {found}");
    }
}
