//! Stochastic gradient descent with momentum, step for step as `torch.optim.SGD` of PyTorch 2.13 with dampening 0.
//!
//! With gradient g (plus `weight_decay`·p): b ← μb + g; d = g + μb with Nesterov's look-ahead, else b; p ← p − lr·d.
//! PyTorch starts with b = g; here b starts at 0, which makes μb + g the same number at the first step.

use tch::Tensor;

use super::in_pieces;

/// The constants of the rule.
#[derive(Debug)]
pub(super) struct Sgd {
    /// μ; None for 0.
    pub(super) momentum: Option<Tensor>,
    /// None for 0.
    pub(super) weight_decay: Option<Tensor>,
    pub(super) nesterov: bool,
}

impl Sgd {
    /// `state` is b (`momentum_buffer`), or empty without momentum.
    pub(super) fn update(&self, parameter: &Tensor, gradient: &Tensor, state: &[Tensor], minus_rate: &Tensor) {
        // Without momentum there is no buffer; the gradient stands in for it, unused.
        in_pieces([parameter, gradient, state.first().unwrap_or(gradient)], |[mut p, mut g, mut b]| {
            if let Some(decay) = &self.weight_decay {
                g = g.addcmul(&p, decay);
            }
            if let Some(momentum) = &self.momentum {
                let _ = b.g_mul_(momentum).g_add_(&g);
                g = if self.nesterov { g.addcmul(&b, momentum) } else { b };
            }
            let _ = p.addcmul_(&g, minus_rate);
        });
    }
}
