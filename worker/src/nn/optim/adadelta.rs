//! AdaDelta (Zeiler, 2012, arXiv 1212.5701), step for step as `torch.optim.Adadelta` of PyTorch 2.13.
//!
//! With gradient g (plus `weight_decay`·p), v and u starting at 0:
//! v ← ρv + (1−ρ)g²; d = √(u+ε)/√(v+ε)·g; u ← ρu + (1−ρ)d²; p ← p − lr·d.

use tch::Tensor;

/// The constants of the rule, as the shim's `Adadelta`.
#[derive(Debug, Clone)]
#[repr(C)]
pub(super) struct Adadelta {
    pub(super) rate: f64,
    pub(super) rho: f64,
    pub(super) eps: f64,
    pub(super) weight_decay: f64,
}

impl Adadelta {
    /// PyTorch's names of v and u.
    pub(super) const STATE: [&'static str; 2] = ["square_avg", "acc_delta"];

    /// d of flat tensors, for devices without the fused kernel. `g` has the weight decay already.
    pub(super) fn direction(&self, g: &Tensor, state: &[Tensor]) -> Tensor {
        let [square_avg, acc_delta] = state else { return g.shallow_clone() };
        let (mut v, mut u) = (square_avg.shallow_clone(), acc_delta.shallow_clone());
        // tch has no `value` of `addcmul_`; libtorch computes it as one fused multiply-add of (value·t1)·t2, so a factor
        // of t1 gives the same bits.
        let _ = v.g_mul_scalar_(self.rho).addcmul_(&(g * (1.0 - self.rho)), g);
        let std = v.g_add_scalar(self.eps).sqrt_();
        let delta = u.g_add_scalar(self.eps).sqrt_().g_div_(&std).g_mul_(g);
        let _ = u.g_mul_scalar_(self.rho).addcmul_(&(&delta * (1.0 - self.rho)), &delta);
        delta
    }
}
