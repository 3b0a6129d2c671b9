//! Cross-entropy of logits that are raised for frequent classes, so that the network need not learn how frequent they are.
//!
//! - Logit adjustment: Menon et al., "Long-Tail Learning via Logit Adjustment", ICLR 2021 (arXiv 2007.07314), Eq. 10:
//!   logits + τ·log π, π_i = N_i/N.
//! - Balanced softmax: Ren et al., "Balanced Meta-Softmax for Long-Tailed Visual Recognition", NeurIPS 2020 (arXiv
//!   2007.10740), Eq. 4: logits + log N. A constant added to all logits changes no softmax, so this is τ = 1.

use tch::{Kind, Tensor};

use super::cross_entropy::{cross_entropy, relative};

/// The mean of −log q_T over the minibatch, q = softmax(logits + τ·log π); shapes as in [`super::Criterion::loss`].
///
/// A class without images has q = 0 for τ > 0; it is never a target.
pub(super) fn adjusted(tau: f64, class_counts: &Tensor, logits: &Tensor, targets: &Tensor) -> Tensor {
    // 0·log 0 is not a number.
    if tau == 0.0 {
        return cross_entropy(logits, targets);
    }
    let counts = class_counts.to_kind(Kind::Double);
    let log_prior = (&counts / counts.sum(Kind::Double)).log() * tau;
    cross_entropy(&(relative(logits) + log_prior.to_kind(logits.kind())), targets)
}
