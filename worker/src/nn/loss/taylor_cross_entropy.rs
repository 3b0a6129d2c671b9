//! Taylor cross-entropy: Feng et al., "Can Cross Entropy Loss Be Robust to Label Noise?", IJCAI 2020, Eq. 6.

use tch::Tensor;

use super::Input;
use super::term::penalty;
use super::true_class::odds;
use fpl_core::recipe::Term;

/// The mean of Σ_{i=1..order} (1 − p_T)^i/i over the minibatch, the beginning of −log p_T's Taylor series at 1. Order 1 is
/// half the mean absolute error, order ∞ cross-entropy.
pub(super) fn loss(input: &Input, order: u8) -> Tensor {
    let rest = penalty(Term::Linear, &odds(input));
    // Horner's scheme.
    let first = &rest / f64::from(order);
    let sum = (1..order).rev().fold(first, |sum, i| &rest * (sum + 1.0 / f64::from(i)));
    sum.mean(input.logits.kind())
}
