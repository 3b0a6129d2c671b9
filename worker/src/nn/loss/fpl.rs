//! False Positive Loss.
//!
//! With p = softmax(logits) `[batch, classes]`, T the true class and F the k most probable other classes:
//!
//! - Eq. 1 and 8: FPL = α_T·L_T + Σ_F α_F·L_F, averaged over the minibatch;
//! - Eq. 2 and 3: L_T = −log p_T, L_F = −log(1 − p_F);
//! - Eq. 5 and 6: L_T = (1 − p_T)², L_F = p_F²; [`super::term`] has further ones, and each can go with each;
//! - Eq. 4: α_i = (N − N_i)/N over the training set; Eq. 7: α_i = (m − m_i)/m over the minibatch;
//! - Section 4: instead of the sum, L_F of the mean or median of the k probabilities; α learned ([`super::learned`]).
//!
//! What the paper leaves open, or prints otherwise:
//!
//! - Eq. 2 and 3 lack their minus signs in print; as printed the loss would be largest for a perfect network.
//! - α_T is the α of the sample's true class, and each α_F that of the false class it stands before; before a mean of
//!   probabilities stands the mean of their α_F.
//! - The gradient goes through p_F, not through the choice of F, which is piecewise constant.
//! - Among equal logits the class with the lower index is chosen.
//! - The average over the minibatch is PyTorch's default; the paper writes the loss of one sample.

use tch::{Kind, Tensor};

use super::Input;
use super::term::{log_odds, penalty};
use fpl_core::recipe::{Aggregate, Alpha, Term};

/// Eq. 8, averaged over the minibatch, with k = `false_classes`.
pub(super) fn loss(
    input: &Input,
    true_term: Term,
    false_term: Term,
    false_classes: u8,
    aggregate: Aggregate,
    alpha: Alpha,
) -> Tensor {
    let &Input { logits, class_counts, .. } = input;
    let kind = logits.kind();
    let targets = input.targets.unsqueeze(1);
    let classes = Tensor::arange(logits.size()[1], (Kind::Int64, logits.device()));
    let is_true = targets.eq_tensor(&classes);
    let wrong = logits.detach().masked_fill(&is_true, f64::NEG_INFINITY);
    let chosen = represented(&most_probable(&wrong, i64::from(false_classes)), aggregate);

    // [batch, 1] for T; for F [batch, k], or [batch, 1] of a mean or median.
    let true_losses = penalty(true_term, &log_odds(logits, &targets, &classes));
    let false_odds = log_odds(logits, &chosen, &classes);
    let is_sum = aggregate == Aggregate::Sum;
    let false_losses = penalty(false_term, &if is_sum { -false_odds } else { odds_against_mean(&false_odds) });

    let weigh = |alpha: &Tensor| {
        let of_false = alpha.take(&chosen);
        let of_false = if is_sum { of_false } else { of_false.mean_dim(1, true, kind) };
        (&true_losses * alpha.take(&targets), &false_losses * of_false)
    };
    let (true_losses, false_losses) = match alpha {
        Alpha::None | Alpha::Learned => (true_losses, false_losses),
        Alpha::Constant { true_class, false_class } => (true_losses * true_class, false_losses * false_class),
        Alpha::Dataset => weigh(&rarity(&class_counts.to_kind(kind))),
        Alpha::Minibatch => weigh(&rarity(&is_true.sum_dim_intlist(0, false, kind))),
    };
    let (true_loss, false_loss) = (true_losses.mean(kind), false_losses.sum_dim_intlist(1, true, kind).mean(kind));
    match input.learned {
        Some(alpha) => alpha.weigh(&true_loss, &false_loss),
        None => true_loss + false_loss,
    }
}

/// The columns of the k largest values of each row, `[batch, k]`; a stable sort puts the lower index first among equals.
fn most_probable(logits: &Tensor, k: i64) -> Tensor {
    logits.sort_stable(true, 1, true).1.narrow(1, 0, k)
}

/// Those of the k columns, sorted by probability, that the aggregate is made of.
fn represented(chosen: &Tensor, aggregate: Aggregate) -> Tensor {
    let k = chosen.size()[1];
    match aggregate {
        Aggregate::Sum | Aggregate::Mean => chosen.shallow_clone(),
        Aggregate::Median => chosen.narrow(1, (k - 1) / 2, 2 - k % 2),
    }
}

/// log(1 − p̄) − log p̄ for the mean p̄ of the probabilities with these log odds: `[batch, k]` to `[batch, 1]`.
fn odds_against_mean(odds: &Tensor) -> Tensor {
    let count = odds.size()[1];
    if count == 1 {
        return -odds;
    }
    let log_mean = odds.log_sigmoid().logsumexp(1, true) - (count as f64).ln();
    // Of two or more different classes the mean is at most ½, so 1 − p̄ keeps its digits.
    (-log_mean.exp()).log1p() - log_mean
}

/// Eq. 4 and 7: the share of samples that are not of class i, from the samples per class.
fn rarity(counts: &Tensor) -> Tensor {
    let total = counts.sum(None);
    (&total - counts) / &total
}
