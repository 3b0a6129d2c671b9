//! Cross-entropy times a constant: what FPL does to the effective learning rate, without FPL.

use tch::Tensor;

use super::Input;
use super::softmax::cross_entropy;

/// The mean of `factor` · −log p_T over the minibatch.
pub(super) fn loss(input: &Input, factor: f64) -> Tensor {
    cross_entropy(input.logits, input.targets) * factor
}
