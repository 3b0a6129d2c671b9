//! Losses that look at p_T only: a [`Term`] of the true class, or a sum of such terms.

use tch::{Kind, Tensor};

use super::term::{log_odds, penalty};
use fpl_core::recipe::Term;

/// The mean of a term of p_T over the minibatch.
///
/// - Focal loss: Lin et al., "Focal Loss for Dense Object Detection", ICCV 2017, Eq. 4, for a softmax.
/// - Poly-1: Leng et al., "PolyLoss", ICLR 2022 (arXiv 2204.12511), Eq. 6.
/// - Generalized cross-entropy: Zhang and Sabuncu, NeurIPS 2018 (arXiv 1805.07836), Eq. 6.
pub(super) fn term_of_true_class(term: Term, logits: &Tensor, targets: &Tensor) -> Tensor {
    penalty(term, &odds(logits, targets)).mean(logits.kind())
}

/// Mean absolute error Σ_j |e_Tj − p_j| = 2·(1 − p_T), averaged over the minibatch but summed over classes, unlike
/// PyTorch's `L1Loss` (Ghosh et al., "Robust Loss Functions under Label Noise for Deep Neural Networks", AAAI 2017).
pub(super) fn mean_absolute_error(logits: &Tensor, targets: &Tensor) -> Tensor {
    term_of_true_class(Term::Linear, logits, targets) * 2.0
}

/// α·CE + β·RCE (Wang et al., "Symmetric Cross Entropy for Robust Learning with Noisy Labels", ICCV 2019, Eq. 7): the
/// reverse cross-entropy −Σ_j p_j·log e_Tj is −A·(1 − p_T) where log 0 is read as A.
pub(super) fn symmetric(alpha: f64, beta: f64, log_zero: f64, logits: &Tensor, targets: &Tensor) -> Tensor {
    let odds = odds(logits, targets);
    let sum = penalty(Term::Log, &odds) * alpha - penalty(Term::Linear, &odds) * (beta * log_zero);
    sum.mean(logits.kind())
}

/// Σ_{i=1..order} (1 − p_T)^i/i, the beginning of −log p_T's Taylor series at 1 (Feng et al., "Can Cross Entropy Loss Be
/// Robust to Label Noise?", IJCAI 2020, Eq. 6). Order 1 is half the mean absolute error, order ∞ cross-entropy.
pub(super) fn taylor(order: u8, logits: &Tensor, targets: &Tensor) -> Tensor {
    let rest = penalty(Term::Linear, &odds(logits, targets));
    // Horner's scheme.
    let first = &rest / f64::from(order);
    let sum = (1..order).rev().fold(first, |sum, i| &rest * (sum + 1.0 / f64::from(i)));
    sum.mean(logits.kind())
}

/// log p_T − log(1 − p_T), `[batch, 1]`.
fn odds(logits: &Tensor, targets: &Tensor) -> Tensor {
    let classes = Tensor::arange(logits.size()[1], (Kind::Int64, logits.device()));
    log_odds(logits, &targets.unsqueeze(1), &classes)
}
