//! Mean absolute error: Ghosh et al., "Robust Loss Functions under Label Noise for Deep Neural Networks", AAAI 2017.

use tch::Tensor;

use super::{Input, true_class};
use fpl_core::recipe::Term;

/// Σ_j |e_Tj − p_j| = 2·(1 − p_T), averaged over the minibatch but summed over classes, unlike PyTorch's `L1Loss`.
pub(super) fn loss(input: &Input) -> Tensor {
    true_class::mean(input, Term::Linear) * 2.0
}
