//! Class-balanced cross-entropy: Cui et al., "Class-Balanced Loss Based on Effective Number of Samples", CVPR 2019.

use tch::{Kind, Tensor};

use super::Input;
use super::softmax::log_p_true;

/// The mean of −w_T·log p_T with the weights of [`weights`] (their Eq. 10). β = 0 is cross-entropy, β → 1 weighs by 1/N_i.
pub(super) fn loss(input: &Input, beta: f64) -> Tensor {
    let kind = input.logits.kind();
    let weights = weights(beta, input.class_counts, kind);
    // Not `nll_loss` with weights, which divides by their sum over the minibatch instead of by its size.
    -(weights.take(input.targets) * log_p_true(input.logits, input.targets)).mean(kind)
}

/// w_i ∝ (1 − β)/(1 − β^N_i), the inverse effective number of the N_i images of class i, scaled to a sum of `classes`
/// (their section 4): `[classes]` of `kind`. On balanced data every w is 1.
///
/// A class without images gets the weight 0: its own would be infinite, and it is never a target.
pub(super) fn weights(beta: f64, class_counts: &Tensor, kind: Kind) -> Tensor {
    let counts = class_counts.to_kind(Kind::Double);
    // The factor 1 − β cancels in the scaling. β^N = exp(N·log β); for β = 0 that is 0.
    let effective = -(&counts * beta.ln()).expm1();
    let weights = effective.reciprocal().masked_fill(&counts.eq(0.0), 0.0);
    (&weights * (counts.numel() as f64 / weights.sum(Kind::Double))).to_kind(kind)
}
