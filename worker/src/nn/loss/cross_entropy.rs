//! Cross-entropy, the paper's baseline, and its variants that look at other classes than T or at how many images those
//! have. p = softmax(logits).

use tch::{Kind, Reduction, Tensor};

/// The mean of −log p_T over the minibatch, as PyTorch's `CrossEntropyLoss` computes it.
pub(super) fn cross_entropy(logits: &Tensor, targets: &Tensor) -> Tensor {
    // Not `cross_entropy_for_logits`, which always computes in float32.
    logits.log_softmax(1, logits.kind()).nll_loss(targets)
}

/// log p_T of every image: `[batch]`.
pub(super) fn log_p_true(logits: &Tensor, targets: &Tensor) -> Tensor {
    logits.log_softmax(1, logits.kind()).gather(1, &targets.unsqueeze(1), false).squeeze_dim(1)
}

/// The logits relative to the largest of each row, which changes no softmax: `[batch, classes]`. Large ones would swallow
/// what is added to them.
pub(super) fn relative(logits: &Tensor) -> Tensor {
    logits - logits.detach().amax(1, true)
}

/// The mean of −(1 − ε)·log p_T − (ε/classes)·Σ_j log p_j: PyTorch's `label_smoothing` (Szegedy et al., "Rethinking the
/// Inception Architecture for Computer Vision", CVPR 2016, section 7). ε = 0 is cross-entropy.
pub(super) fn label_smoothing(epsilon: f64, logits: &Tensor, targets: &Tensor) -> Tensor {
    logits.cross_entropy_loss::<Tensor>(targets, None, Reduction::Mean, -100, epsilon)
}

/// The mean of −w_T·log p_T with the weights of [`class_balanced_weights`] (Cui et al., "Class-Balanced Loss Based on
/// Effective Number of Samples", CVPR 2019, Eq. 10). β = 0 is cross-entropy, β → 1 weighs by 1/N_i.
pub(super) fn class_balanced(beta: f64, class_counts: &Tensor, logits: &Tensor, targets: &Tensor) -> Tensor {
    let kind = logits.kind();
    let weights = class_balanced_weights(beta, class_counts, kind);
    // Not `nll_loss` with weights, which divides by their sum over the minibatch instead of by its size.
    -(weights.take(targets) * log_p_true(logits, targets)).mean(kind)
}

/// w_i ∝ (1 − β)/(1 − β^N_i), the inverse effective number of the N_i images of class i, scaled to a sum of `classes` (Cui
/// et al., section 4): `[classes]` of `kind`. On balanced data every w is 1.
///
/// A class without images gets the weight 0: its own would be infinite, and it is never a target.
pub(super) fn class_balanced_weights(beta: f64, class_counts: &Tensor, kind: Kind) -> Tensor {
    let counts = class_counts.to_kind(Kind::Double);
    // The factor 1 − β cancels in the scaling. β^N = exp(N·log β); for β = 0 that is 0.
    let effective = -(&counts * beta.ln()).expm1();
    let weights = effective.reciprocal().masked_fill(&counts.eq(0.0), 0.0);
    (&weights * (counts.numel() as f64 / weights.sum(Kind::Double))).to_kind(kind)
}
