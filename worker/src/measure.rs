//! How long a network's steps take here, and how much memory they need: measured on images that mean nothing.

use std::path::Path;
use std::time::{Duration, Instant};

use crate::data::batches::Dataset;
use crate::nn::fit::{Fit, logits, maps, parameters};
use crate::nn::loss::Criterion;
use crate::nn::net;
use crate::nn::optim::Optimizer;
use fpl_core::error::{Error, Result};
use fpl_core::machine;
use fpl_core::protocol::Measured;
use fpl_core::recipe::{Recipe, Shape, Training};
use tch::Device;

/// Measuring goes on for so long, so that the operating system's interruptions even out…
const LONG_ENOUGH: Duration = Duration::from_secs(3);
/// … or for so many steps.
const ENOUGH_STEPS: u32 = 40;

/// Trains for a few seconds: one step to warm up, then steps on the clock, then the test images of one minibatch.
///
/// # Errors
/// If the loss is not finite.
pub fn measure(training: &Training, device: Device) -> Result<Measured> {
    let Training { network, recipe, shape, seed, .. } = training;
    // A minibatch of what `Fit` sees as an epoch: one step.
    let images = Dataset::from_records(&records(recipe.batch_size, *shape), *shape, Path::new("generated"), device)?;
    let (store, net) = net::draw(*network, *shape, recipe.initializer, maps(recipe), 0, device)?;
    let criterion = Criterion::new(&training.loss, images.class_counts());
    let mut optimizer = Optimizer::new(&recipe.optimizer, parameters(net.as_ref(), &store, &criterion));
    // Rates and milestones are counted in epochs, of which there must be enough.
    let recipe = Recipe { epochs: ENOUGH_STEPS + 1, ..recipe.clone() };
    let mut step = |number| -> Result<f64> {
        let mut fit = Fit {
            net: net.as_ref(),
            optimizer: &mut optimizer,
            train: &images,
            criterion: &criterion,
            recipe: &recipe,
            seed: *seed,
            device,
        };
        fit.epoch(number, |_, _| {})
            .map(|epoch| epoch.seconds)
            .map_err(|_| Error::Torch("the loss is not finite".into()))
    };
    step(0)?;
    let (started, mut steps, mut seconds) = (Instant::now(), 0, 0.0);
    while steps == 0 || (started.elapsed() < LONG_ENOUGH && steps < ENOUGH_STEPS) {
        steps += 1;
        seconds += step(steps)?;
    }
    let count = f64::from(recipe.batch_size);
    let tested = Instant::now();
    drop(logits(net.as_ref(), &images, &recipe.normalization, recipe.input_size, || {}));
    Ok(Measured {
        seconds_per_image: seconds / f64::from(steps) / count,
        seconds_per_test_image: tested.elapsed().as_secs_f64() / count,
        peak_bytes: machine::peak_memory().unwrap_or_default(),
    })
}

/// Labels in turn, pixels from a multiplicative hash.
pub fn records(count: u32, shape: Shape) -> Vec<u8> {
    let pixels = shape.record_bytes() as u32 - 1;
    let pixel = |index: u32| (index.wrapping_mul(2_654_435_761) >> 24) as u8;
    let label = |image: u32| (image % shape.classes as u32) as u8;
    (0..count)
        .flat_map(|image| {
            std::iter::once(label(image)).chain((0..pixels).map(move |index| pixel(image * pixels + index)))
        })
        .collect()
}
