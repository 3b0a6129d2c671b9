//! Generalized cross-entropy: Zhang and Sabuncu, NeurIPS 2018 (arXiv 1805.07836), Eq. 6.

use tch::Tensor;

use super::{Input, true_class};
use fpl_core::recipe::Term;

/// The mean of (1 − p_T^q)/q over the minibatch.
pub(super) fn loss(input: &Input, q: f64) -> Tensor {
    true_class::mean(input, Term::Generalized { exponent: q })
}
