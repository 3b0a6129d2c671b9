//! What losses make of softmax(logits) in common.

use tch::Tensor;

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
