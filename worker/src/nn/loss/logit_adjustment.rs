//! Logit adjustment: Menon et al., "Long-Tail Learning via Logit Adjustment", ICLR 2021 (arXiv 2007.07314), Eq. 10. The
//! logits of frequent classes are raised, so that the network need not learn how frequent they are.

use tch::{Kind, Tensor};

use super::Input;
use super::softmax::{cross_entropy, relative};

/// The mean of −log q_T over the minibatch, q = softmax(logits + τ·log π), π_i = N_i/N.
///
/// A class without images has q = 0 for τ > 0; it is never a target.
pub(super) fn loss(input: &Input, tau: f64) -> Tensor {
    let &Input { logits, targets, .. } = input;
    // 0·log 0 is not a number.
    if tau == 0.0 {
        return cross_entropy(logits, targets);
    }
    let counts = input.class_counts.to_kind(Kind::Double);
    let log_prior = (&counts / counts.sum(Kind::Double)).log() * tau;
    cross_entropy(&(relative(logits) + log_prior.to_kind(logits.kind())), targets)
}
