//! AdaDelta (Zeiler, 2012, arXiv 1212.5701), step for step as `torch.optim.Adadelta` of PyTorch 2.13.
//!
//! With gradient g (plus `weight_decay`·p), v and u starting at 0:
//! v ← ρv + (1−ρ)g²; d = √(u+ε)/√(v+ε)·g; u ← ρu + (1−ρ)d²; p ← p − lr·d.

use tch::Tensor;

use super::in_pieces;

/// The constants of the rule.
#[derive(Debug)]
pub(super) struct Adadelta {
    pub(super) rho: f64,
    pub(super) eps: f64,
    /// None for 0.
    pub(super) weight_decay: Option<Tensor>,
    /// 1 − ρ.
    pub(super) rest: Tensor,
}

impl Adadelta {
    /// `state` is v (`square_avg`) and u (`acc_delta`).
    pub(super) fn update(&self, parameter: &Tensor, gradient: &Tensor, state: &[Tensor], minus_rate: &Tensor) {
        let [square_avg, acc_delta] = state else { return };
        in_pieces([parameter, gradient, square_avg, acc_delta], |[mut p, mut g, mut v, mut u]| {
            if let Some(decay) = &self.weight_decay {
                g = g.addcmul(&p, decay);
            }
            // tch has neither the `value` of `addcmul_` nor the `alpha` of `add_`. libtorch computes both as one fused
            // multiply-add of (value·t1)·t2, so a factor of t1, or a scalar tensor as t2, gives the same bits.
            let _ = v.g_mul_scalar_(self.rho).addcmul_(&(&g * &self.rest), &g);
            let std = v.g_add_scalar(self.eps).sqrt_();
            let delta = u.g_add_scalar(self.eps).sqrt_().g_div_(&std).g_mul_(&g);
            let _ = u.g_mul_scalar_(self.rho).addcmul_(&(&delta * &self.rest), &delta);
            let _ = p.addcmul_(&delta, minus_rate);
        });
    }
}
