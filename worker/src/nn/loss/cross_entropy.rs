//! Cross-entropy, the paper's baseline: −log p_T with p = softmax(logits).

use tch::Tensor;

/// The mean of −log p_T over the minibatch, as PyTorch's `CrossEntropyLoss` computes it.
pub(super) fn cross_entropy(logits: &Tensor, targets: &Tensor) -> Tensor {
    // Not `cross_entropy_for_logits`, which always computes in float32.
    logits.log_softmax(1, logits.kind()).nll_loss(targets)
}
