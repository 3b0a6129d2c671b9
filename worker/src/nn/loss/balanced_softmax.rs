//! Balanced softmax: Ren et al., "Balanced Meta-Softmax for Long-Tailed Visual Recognition", NeurIPS 2020 (arXiv
//! 2007.10740), Eq. 4.

use tch::Tensor;

use super::{Input, logit_adjustment};

/// The mean of −log q_T over the minibatch, q = softmax(logits + log N). A constant added to all logits changes no softmax,
/// so this is logit adjustment with τ = 1.
pub(super) fn loss(input: &Input) -> Tensor {
    logit_adjustment::loss(input, 1.0)
}
