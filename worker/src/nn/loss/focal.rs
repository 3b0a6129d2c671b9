//! Focal loss: Lin et al., "Focal Loss for Dense Object Detection", ICCV 2017, Eq. 4, for a softmax.

use tch::Tensor;

use super::{Input, true_class};
use fpl_core::recipe::Term;

/// The mean of −(1 − p_T)^γ·log p_T over the minibatch.
pub(super) fn loss(input: &Input, gamma: f64) -> Tensor {
    true_class::mean(input, Term::Focal { gamma })
}
