//! Symmetric cross-entropy: Wang et al., "Symmetric Cross Entropy for Robust Learning with Noisy Labels", ICCV 2019, Eq. 7.

use tch::Tensor;

use super::Input;
use super::term::penalty;
use super::true_class::odds;
use fpl_core::recipe::Term;

/// The mean of α·CE + β·RCE over the minibatch: the reverse cross-entropy −Σ_j p_j·log e_Tj is −A·(1 − p_T) where log 0 is
/// read as A.
pub(super) fn loss(input: &Input, alpha: f64, beta: f64, log_zero: f64) -> Tensor {
    let odds = odds(input);
    let sum = penalty(Term::Log, &odds) * alpha - penalty(Term::Linear, &odds) * (beta * log_zero);
    sum.mean(input.logits.kind())
}
