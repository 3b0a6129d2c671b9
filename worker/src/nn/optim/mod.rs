//! Optimizers with PyTorch's arithmetic whose state can be saved.
//!
//! PyTorch's own optimizers are out of reach here: tch wraps no AdaDelta, and none whose state can be read.

mod adadelta;
mod sgd;

use std::collections::BTreeMap;
use std::path::Path;

use tch::{Device, Kind, Tensor};

use crate::error::torch;
use adadelta::Adadelta;
use fpl_repro::error::{Error, Result};
use fpl_repro::recipe;
use sgd::Sgd;

const OTHER: &str =
    "the checkpoint belongs to another network or optimizer: delete it to train the cell from the start";

/// An update rule with the parameters it updates and its state, a few tensors shaped like each parameter.
#[derive(Debug)]
pub struct Optimizer {
    rule: Rule,
    options: (Kind, Device),
    slots: Vec<Slot>,
}

/// A parameter and its state, in the order of [`Rule::state_names`].
#[derive(Debug)]
struct Slot {
    name: String,
    parameter: Tensor,
    state: Vec<Tensor>,
}

#[derive(Debug)]
enum Rule {
    Adadelta(Adadelta),
    Sgd(Sgd),
}

impl Rule {
    /// PyTorch's names.
    fn state_names(&self) -> &'static [&'static str] {
        match self {
            Self::Adadelta(_) => &["square_avg", "acc_delta"],
            Self::Sgd(sgd) if sgd.momentum.is_none() => &[],
            Self::Sgd(_) => &["momentum_buffer"],
        }
    }
}

impl Optimizer {
    /// An optimizer at its first step. `parameters` are leaves of one kind on one device that require a gradient,
    /// sorted by name.
    pub fn new(spec: &recipe::Optimizer, parameters: Vec<(String, Tensor)>) -> Self {
        let options =
            parameters.first().map_or((Kind::Float, Device::Cpu), |(_, first)| (first.kind(), first.device()));
        let scalar = |value: f64| scalar(value, options);
        let nonzero = |value: f64| (value != 0.0).then(|| scalar(value));
        let rule = match *spec {
            recipe::Optimizer::Adadelta { lr: _, rho, eps, weight_decay } => {
                Rule::Adadelta(Adadelta { rho, eps, weight_decay: nonzero(weight_decay), rest: scalar(1.0 - rho) })
            }
            recipe::Optimizer::Sgd { lr: _, momentum, weight_decay, nesterov } => {
                Rule::Sgd(Sgd { momentum: nonzero(momentum), weight_decay: nonzero(weight_decay), nesterov })
            }
        };
        let zeros = |parameter: &Tensor| rule.state_names().iter().map(|_| parameter.detach().zeros_like()).collect();
        let slots = parameters
            .into_iter()
            .map(|(name, parameter)| Slot { name, state: zeros(&parameter), parameter })
            .collect();
        Self { rule, options, slots }
    }

    /// Sets the gradients of all parameters to 0, for `backward` to add to.
    pub fn zero_grad(&mut self) {
        for slot in &mut self.slots {
            slot.parameter.zero_grad();
        }
    }

    /// Updates every parameter that has a gradient.
    pub fn step(&mut self, learning_rate: f64) {
        let gradients: Vec<_> = self.slots.iter().map(|slot| slot.parameter.grad()).collect();
        self.update(&gradients, learning_rate);
    }

    /// `zero_grad`, `backward` of the scalar `loss` and `step` in one, with the same result: the gradients are used as
    /// they come, which spares two passes over memory. The parameters' own gradients are neither read nor written.
    /// Every parameter must require a gradient.
    pub fn backward_step(&mut self, loss: &Tensor, learning_rate: f64) {
        let parameters: Vec<_> = self.slots.iter().map(|slot| &slot.parameter).collect();
        let gradients = Tensor::run_backward(&[loss], &parameters, false, false);
        self.update(&gradients, learning_rate);
    }

    fn update(&mut self, gradients: &[Tensor], learning_rate: f64) {
        tch::no_grad(|| {
            let minus_rate = scalar(-learning_rate, self.options);
            for (slot, gradient) in self.slots.iter().zip(gradients) {
                if !gradient.defined() {
                    continue;
                }
                match &self.rule {
                    Rule::Adadelta(rule) => rule.update(&slot.parameter, gradient, &slot.state, &minus_rate),
                    Rule::Sgd(rule) => rule.update(&slot.parameter, gradient, &slot.state, &minus_rate),
                }
            }
        });
    }

    /// The state, named `{PyTorch's name of the state}.{name of the parameter}`. The tensors share memory with the
    /// optimizer: save or copy them before the next step.
    pub fn state(&self) -> Vec<(String, Tensor)> {
        let names = self.rule.state_names();
        let entries = self.slots.iter().flat_map(|slot| {
            names.iter().zip(&slot.state).map(|(name, state)| (format!("{name}.{}", slot.name), state.shallow_clone()))
        });
        entries.collect()
    }

    /// Copies in what [`Self::state`] gave, on any device, read from `path`. A missing or differently shaped tensor is an
    /// error; then nothing has changed.
    pub fn load_state(&mut self, state: &BTreeMap<String, Tensor>, path: &Path) -> Result<()> {
        let own = self.state();
        for (name, target) in &own {
            let expected = target.size();
            let found = state.get(name).map(Tensor::size);
            if found.as_ref() == Some(&expected) {
                continue;
            }
            let found = found.map_or_else(|| "none".to_owned(), |shape| format!("{shape:?}"));
            let message = format!("optimizer's tensor `{name}`: expected shape {expected:?}, found {found}");
            return Err(Error::data(path, message, OTHER));
        }
        for (name, mut target) in own {
            if let Some(source) = state.get(&name) {
                tch::no_grad(|| target.f_copy_(source)).map_err(torch)?;
            }
        }
        Ok(())
    }
}

/// Calls `update` on pieces of `tensors` small enough that what it computes stays in the processor's cache.
///
/// `tensors` have one shape; element-wise updates give the same bits in pieces or whole. Tensors on a GPU, small ones
/// and ones laid out differently from each other are passed whole.
fn in_pieces<const N: usize>(tensors: [&Tensor; N], mut update: impl FnMut([Tensor; N])) {
    const PIECE: i64 = 1 << 16;
    let first = tensors[0];
    let total = first.numel() as i64;
    let strides = first.stride();
    let same_layout = is_dense(first) && tensors.iter().all(|tensor| tensor.stride() == strides);
    if total <= PIECE || first.device() != Device::Cpu || !same_layout {
        return update(tensors.map(Tensor::shallow_clone));
    }
    let flat = tensors.map(|tensor| tensor.as_strided([total], [1], None));
    for start in (0..total).step_by(PIECE as usize) {
        update(flat.each_ref().map(|tensor| tensor.narrow(0, start, PIECE.min(total - start))));
    }
}

/// Whether the elements fill one stretch of memory, in any order of the dimensions.
fn is_dense(tensor: &Tensor) -> bool {
    let last: i64 = tensor.size().iter().zip(tensor.stride()).map(|(size, stride)| (size - 1) * stride).sum();
    last + 1 == tensor.numel() as i64
}

/// `value` as a tensor that takes part in element-wise operations.
fn scalar(value: f64, options: (Kind, Device)) -> Tensor {
    Tensor::full([0i64; 0], value, options)
}
