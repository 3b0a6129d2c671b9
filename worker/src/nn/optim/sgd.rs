//! Stochastic gradient descent with momentum, step for step as `torch.optim.SGD` of PyTorch 2.13 with dampening 0.
//!
//! With gradient g (plus `weight_decay`·p): b ← μb + g; d = g + μb with Nesterov's look-ahead, else b; p ← p − lr·d.
//! PyTorch starts with b = g; here b starts at 0, which makes μb + g the same number at the first step.

use tch::Tensor;

/// The constants of the rule, as the shim's `Sgd`.
#[derive(Debug, Clone)]
#[repr(C)]
pub(super) struct Sgd {
    pub(super) rate: f64,
    /// μ.
    pub(super) momentum: f64,
    pub(super) weight_decay: f64,
    pub(super) nesterov: bool,
}

impl Sgd {
    /// PyTorch's name of b; there is none without momentum.
    pub(super) const STATE: [&'static str; 1] = ["momentum_buffer"];

    /// d of flat tensors, for devices without the fused kernel. `g` has the weight decay already.
    pub(super) fn direction(&self, g: &Tensor, state: &[Tensor]) -> Tensor {
        let [buffer] = state else { return g.shallow_clone() };
        let mut b = buffer.shallow_clone();
        let _ = b.g_mul_scalar_(self.momentum).g_add_(g);
        if self.nesterov { g.addcmul(&b, &b.full_like(self.momentum)) } else { b.copy() }
    }
}
