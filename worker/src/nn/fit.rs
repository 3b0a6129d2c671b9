//! The training loop: one epoch, and the logits of a test set.

use std::collections::BTreeMap;
use std::time::Instant;

use tch::nn::{ModuleT, VarStore};
use tch::{Device, Kind, Tensor};

use crate::data::batches::Dataset;
use crate::device;
use crate::nn::loss::Criterion;
use crate::nn::net::{Maps, Net, trained};
use crate::nn::optim::Optimizer;
use crate::nn::schedule::learning_rate;
use fpl_core::recipe::{Normalization, Precision, Recipe};
use fpl_core::seed::{Purpose, torch_seed};

/// Pixels of test images per step: 512 images of 32×32. Part of how logits are computed, so a change is a new version of
/// evaluation.
const EVALUATION_PIXELS: u32 = 512 * 32 * 32;

/// Everything that is trained, sorted by name: the weights, and what the loss learns under `loss.`.
pub fn parameters(net: &dyn Net, store: &VarStore, criterion: &Criterion) -> Vec<(String, Tensor)> {
    let learned = criterion.parameters().into_iter().map(|(name, tensor)| (format!("loss.{name}"), tensor));
    trained(net, store).into_iter().chain(learned).collect::<BTreeMap<_, _>>().into_iter().collect()
}

/// What a network has to know of the images and the optimizer of a recipe.
pub fn maps(recipe: &Recipe) -> Maps {
    Maps { side: i64::from(recipe.input_size), decay: recipe.optimizer.weight_decay() != 0.0 }
}

/// What is trained, on what, and how.
pub struct Fit<'a> {
    /// The network.
    pub net: &'a dyn ModuleT,
    /// Its optimizer.
    pub optimizer: &'a mut Optimizer,
    /// The training set, on the device.
    pub train: &'a Dataset,
    /// The loss.
    pub criterion: &'a Criterion,
    /// The recipe.
    pub recipe: &'a Recipe,
    /// The seed.
    pub seed: u64,
    /// The device.
    pub device: Device,
}

/// An epoch's numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct Epoch {
    /// Mean loss per training image.
    pub loss: f64,
    /// Mean loss per image of every step.
    pub step_losses: Vec<f64>,
    /// Learning rate of the first step.
    pub learning_rate: f64,
    /// Seconds.
    pub seconds: f64,
}

/// The loss was not finite in this step, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NonFinite {
    /// The step, counted from 1.
    pub step: usize,
}

impl Fit<'_> {
    /// Trains for an epoch, counted from 0. The result depends on weights, optimizer state, seed and epoch only.
    ///
    /// `on_step` is told the number of steps and images done.
    ///
    /// # Errors
    /// The first step with a loss that is not finite.
    pub fn epoch(&mut self, epoch: u32, mut on_step: impl FnMut(usize, i64)) -> Result<Epoch, NonFinite> {
        let started = Instant::now();
        let recipe = self.recipe;
        let steps = (self.train.len() as u32).div_ceil(recipe.batch_size.max(1));
        let base = recipe.optimizer.learning_rate();
        let rate = |step| learning_rate(&recipe.schedule, base, (epoch, recipe.epochs), (step, steps));
        device::manual_seed(torch_seed(self.seed, Purpose::Dropout, epoch), self.device);
        device::allow_tf32(recipe.precision == Precision::Tf32);
        let batches = self.train.training_batches(
            self.seed,
            epoch,
            recipe.batch_size,
            &recipe.augmentation,
            &recipe.normalization,
            recipe.input_size,
        );
        // Losses stay on the device until the epoch ends: reading one would make the host wait for every step.
        let mut losses = Vec::new();
        let mut sizes = Vec::new();
        for (step, (xs, ys)) in (0..).zip(batches) {
            let logits = device::autocast(recipe.precision == Precision::Bfloat16, self.device, || {
                self.net.forward_t(&xs, true)
            });
            let value = self.criterion.loss(epoch, &logits.to_kind(xs.kind()), &ys);
            self.optimizer.backward_step(&value, rate(step));
            losses.push(value.detach());
            sizes.push(ys.size()[0]);
            on_step(losses.len(), sizes.iter().sum());
        }
        device::synchronize(self.device);
        let losses = Tensor::stack(&losses, 0).to_kind(Kind::Double).to_device(Device::Cpu);
        let step_losses = Vec::<f64>::try_from(&losses).unwrap_or_default();
        if let Some(step) = step_losses.iter().position(|loss| !loss.is_finite()) {
            return Err(NonFinite { step: step + 1 });
        }
        let sum: f64 = step_losses.iter().zip(&sizes).map(|(loss, &size)| loss * size as f64).sum();
        let loss = sum / sizes.iter().sum::<i64>().max(1) as f64;
        Ok(Epoch { loss, step_losses, learning_rate: rate(0), seconds: started.elapsed().as_secs_f64() })
    }
}

/// The logits of a test set in evaluation mode: float32 [images, classes], on the CPU. `on_batch` is called after each
/// minibatch.
pub fn logits(
    net: &dyn ModuleT,
    test: &Dataset,
    normalization: &Normalization,
    input_size: u32,
    mut on_batch: impl FnMut(),
) -> Tensor {
    device::allow_tf32(false);
    let batch = (EVALUATION_PIXELS / (input_size * input_size)).max(1);
    tch::no_grad(|| {
        let parts: Vec<Tensor> = test
            .evaluation_batches(batch, normalization, input_size)
            .map(|(xs, _)| {
                let logits = net.forward_t(&xs, false);
                on_batch();
                logits
            })
            .collect();
        Tensor::cat(&parts, 0).to_kind(Kind::Float).to_device(Device::Cpu)
    })
}
