//! Cross-entropy, the paper's baseline.

use tch::Tensor;

use super::Input;
use super::softmax;

/// The mean of −log p_T over the minibatch.
pub(super) fn loss(input: &Input) -> Tensor {
    softmax::cross_entropy(input.logits, input.targets)
}
