//! Poly-1: Leng et al., "PolyLoss", ICLR 2022 (arXiv 2204.12511), Eq. 6.

use tch::Tensor;

use super::{Input, true_class};
use fpl_core::recipe::Term;

/// The mean of −log p_T + ε·(1 − p_T) over the minibatch.
pub(super) fn loss(input: &Input, epsilon: f64) -> Tensor {
    true_class::mean(input, Term::Poly { epsilon })
}
