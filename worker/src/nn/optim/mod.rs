//! Optimizers with PyTorch's arithmetic whose state can be saved.
//!
//! PyTorch's own optimizers are out of reach here: tch wraps no AdaDelta, and none whose state can be read.

mod slot;
mod adadelta;
mod sgd;
mod fused;

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

use tch::{Device, Kind, Tensor};

use crate::error::torch;
use adadelta::Adadelta;
use fpl_core::error::{Error, Result};
use fpl_core::recipe;
use sgd::Sgd;
use slot::Slot;

const OTHER: &str =
    "the checkpoint belongs to another network or optimizer: delete it to train the cell from the start";

/// An update rule with the parameters it updates and its state, a few numbers for each element of a parameter.
#[derive(Debug)]
pub struct Optimizer {
    rule: Rule,
    slots: Vec<Slot>,
    /// Flat tensors in the order of [`Rule::state_names`].
    state: Vec<Tensor>,
    fused: bool,
}

#[derive(Debug)]
enum Rule {
    Adadelta(Adadelta),
    Sgd(Sgd),
}

impl Rule {
    fn new(spec: &recipe::Optimizer) -> Self {
        match *spec {
            recipe::Optimizer::Adadelta { lr: rate, rho, eps, weight_decay } => {
                Self::Adadelta(Adadelta { rate, rho, eps, weight_decay })
            }
            recipe::Optimizer::Sgd { lr: rate, momentum, weight_decay, nesterov } => {
                Self::Sgd(Sgd { rate, momentum, weight_decay, nesterov })
            }
        }
    }

    /// PyTorch's names.
    fn state_names(&self) -> &'static [&'static str] {
        match self {
            Self::Adadelta(_) => &Adadelta::STATE,
            Self::Sgd(Sgd { momentum: 0.0, .. }) => &[],
            Self::Sgd(_) => &Sgd::STATE,
        }
    }

    fn weight_decay(&self) -> f64 {
        match self {
            Self::Adadelta(Adadelta { weight_decay, .. }) | Self::Sgd(Sgd { weight_decay, .. }) => *weight_decay,
        }
    }

    fn direction(&self, gradient: &Tensor, state: &[Tensor]) -> Tensor {
        match self {
            Self::Adadelta(rule) => rule.direction(gradient, state),
            Self::Sgd(rule) => rule.direction(gradient, state),
        }
    }

    /// The rule for the fused kernel at a learning rate.
    fn fused(&mut self, learning_rate: f64) -> fused::Rule<'_> {
        match self {
            Self::Adadelta(rule) => {
                rule.rate = learning_rate;
                fused::Rule::Adadelta(rule)
            }
            Self::Sgd(rule) => {
                rule.rate = learning_rate;
                fused::Rule::Sgd(rule)
            }
        }
    }
}

impl Optimizer {
    /// An optimizer at its first step. `parameters` are leaves of one floating kind on one device that require a
    /// gradient, sorted by name.
    pub fn new(spec: &recipe::Optimizer, parameters: Vec<(String, Tensor)>) -> Self {
        let options =
            parameters.first().map_or((Kind::Float, Device::Cpu), |(_, first)| (first.kind(), first.device()));
        let rule = Rule::new(spec);
        let mut total = 0;
        let mut slots = Vec::new();
        for (name, parameter) in parameters {
            let slot = Slot { name, parameter, start: total };
            total += slot.length();
            slots.push(slot);
        }
        let state = rule.state_names().iter().map(|_| Tensor::zeros([total], options)).collect();
        Self { rule, slots, state, fused: fused::supports(options.0, options.1) }
    }

    /// Updates with tensor operations over all parameters at once, as on a GPU, where each is a launch.
    #[doc(hidden)]
    #[must_use]
    pub fn without_fused_kernel(self) -> Self {
        Self { fused: false, ..self }
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
            let defined = self.slots.iter().zip(gradients).filter(|(_, gradient)| gradient.defined());
            if self.fused {
                let ordered: Vec<_> = defined.map(|(slot, gradient)| (slot, slot.in_order(gradient))).collect();
                fused::step(&self.rule.fused(learning_rate), &ordered, &self.state);
            } else if defined.count() == self.slots.len() {
                self.update_flat(0..self.slots.len(), gradients, learning_rate);
            } else {
                for (index, _) in gradients.iter().enumerate().filter(|(_, gradient)| gradient.defined()) {
                    self.update_flat(index..index + 1, gradients, learning_rate);
                }
            }
        });
    }

    /// A few launches for all parameters of a range: gradients side by side, the rule on flat tensors, and one addition.
    fn update_flat(&self, range: Range<usize>, gradients: &[Tensor], learning_rate: f64) {
        let (slots, gradients) = (&self.slots[range.clone()], &gradients[range]);
        let (Some(first), Some(last)) = (slots.first(), slots.last()) else { return };
        let flat = |tensors: &mut dyn Iterator<Item = &Tensor>| -> Vec<Tensor> {
            slots.iter().zip(tensors).map(|(slot, tensor)| slot.flat(tensor)).collect()
        };
        let mut gradient = Tensor::cat(&flat(&mut gradients.iter()), 0);
        let decay = self.rule.weight_decay();
        if decay != 0.0 {
            let parameters = Tensor::cat(&flat(&mut slots.iter().map(|slot| &slot.parameter)), 0);
            gradient = gradient.addcmul(&parameters, &parameters.full_like(decay));
        }
        let (start, end) = (first.start, last.start + last.length());
        let state: Vec<Tensor> = self.state.iter().map(|state| state.narrow(0, start, end - start)).collect();
        let direction = self.rule.direction(&gradient, &state);
        let shaped: Vec<Tensor> = slots.iter().map(|slot| slot.shaped(&direction, start)).collect();
        let parameters: Vec<&Tensor> = slots.iter().map(|slot| &slot.parameter).collect();
        fused::add_all(&parameters, &shaped, -learning_rate);
    }

    /// The state, named `{PyTorch's name of the state}.{name of the parameter}`. The tensors share memory with the
    /// optimizer: save or copy them before the next step.
    pub fn state(&self) -> Vec<(String, Tensor)> {
        let named = self.rule.state_names().iter().zip(&self.state);
        let of_slot = |slot: &Slot| {
            let one = |(name, state): (&&str, &Tensor)| (format!("{name}.{}", slot.name), slot.shaped(state, 0));
            named.clone().map(one).collect::<Vec<_>>()
        };
        self.slots.iter().flat_map(of_slot).collect()
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
