//! Label-distribution-aware margins: Cao et al., "Learning Imbalanced Datasets with Label-Distribution-Aware Margin Loss",
//! NeurIPS 2019 (arXiv 1906.07413), Eq. 13, with the deferred reweighting of its Algorithm 1.
//!
//! Its authors use s = 30 on a head whose weights and inputs have the length 1, so that logits lie in −1 to 1. The heads of
//! the networks here are the paper's, plain linear layers, for which s = 1 leaves the logits as they are.

use tch::{Kind, Tensor};

use super::softmax::{cross_entropy, log_p_true, relative};
use super::{Input, class_balanced};
use fpl_core::recipe::DeferredReweighting;

/// The mean of −log q_T over the minibatch, q = softmax(s·(logits − Δ_T·e_T)) and Δ_i = `max_margin`·(N_min/N_i)^¼.
///
/// Once classes are weighed, −w_T·log q_T with the weights of [`class_balanced::weights`], divided by the sum of the w_T
/// over the minibatch as PyTorch's `CrossEntropyLoss` and so its authors do, unlike those of the class-balanced loss.
pub(super) fn loss(input: &Input, max_margin: f64, scale: f64, deferred: Option<DeferredReweighting>) -> Tensor {
    let &Input { epoch, class_counts, logits, targets, .. } = input;
    let kind = logits.kind();
    let margins = margins(max_margin, class_counts).to_kind(kind).take(targets).unsqueeze(1);
    let lowered = relative(logits).scatter_add(1, &targets.unsqueeze(1), &-margins) * scale;
    let Some(deferred) = deferred.filter(|deferred| epoch >= deferred.from_epoch) else {
        return cross_entropy(&lowered, targets);
    };
    let weights = class_balanced::weights(deferred.beta, class_counts, kind).take(targets);
    -(&weights * log_p_true(&lowered, targets)).sum(kind) / weights.sum(kind)
}

/// Δ_i, float64 `[classes]`. A class without images, which is never a target, does not count as the smallest.
fn margins(max_margin: f64, class_counts: &Tensor) -> Tensor {
    let rarity = class_counts.to_kind(Kind::Double).pow_tensor_scalar(-0.25);
    let rarity = rarity.masked_fill(&class_counts.eq(0.0), 0.0);
    &rarity * (max_margin / rarity.max())
}
