//! Label smoothing: Szegedy et al., "Rethinking the Inception Architecture for Computer Vision", CVPR 2016, section 7.

use tch::{Reduction, Tensor};

use super::Input;

/// The mean of −(1 − ε)·log p_T − (ε/classes)·Σ_j log p_j: PyTorch's `label_smoothing`. ε = 0 is cross-entropy.
pub(super) fn loss(input: &Input, epsilon: f64) -> Tensor {
    input.logits.cross_entropy_loss::<Tensor>(input.targets, None, Reduction::Mean, -100, epsilon)
}
