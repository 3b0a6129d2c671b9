//! False Positive Loss.
//!
//! With p = softmax(logits) `[batch, classes]`, T the true class and F the k most probable other classes:
//!
//! - Eq. 1 and 8: FPL = α_T·L_T + Σ_F α_F·L_F, averaged over the minibatch;
//! - Eq. 2 and 3: L_T = −log p_T, L_F = −log(1 − p_F);
//! - Eq. 5 and 6: L_T = (1 − p_T)², L_F = p_F²;
//! - Eq. 4: α_i = (N − N_i)/N over the training set; Eq. 7: α_i = (m − m_i)/m over the minibatch.
//!
//! What the paper leaves open, or prints otherwise:
//!
//! - Eq. 2 and 3 lack their minus signs in print; as printed the loss would be largest for a perfect network.
//! - α_T is the α of the sample's true class, and each α_F that of the false class it stands before.
//! - The gradient goes through p_F, not through the choice of F, which is piecewise constant.
//! - Among equal logits the class with the lower index is chosen.
//! - The average over the minibatch is PyTorch's default; the paper writes the loss of one sample.
//!
//! Eq. 3 is computed as log(1 + exp(z_F − log Σ_{j≠F} exp z_j)), which is the same number, and exact to rounding for
//! every finite z: neither p_F → 1 (log 0) nor p_F → 0 (1 − p_F rounds to 1) loses it, and nothing is clamped.

use tch::{Kind, Tensor};

use fpl_repro::recipe::{Alpha, Term};

/// The fields of [`fpl_repro::recipe::Loss::Fpl`].
#[derive(Clone, Copy)]
pub(super) struct Form {
    pub(super) true_term: Term,
    pub(super) false_term: Term,
    pub(super) false_classes: i64,
    pub(super) alpha: Alpha,
}

/// Eq. 8, averaged over the minibatch; shapes as in [`super::loss`].
pub(super) fn false_positive_loss(form: Form, class_counts: &Tensor, logits: &Tensor, targets: &Tensor) -> Tensor {
    let targets = targets.unsqueeze(1);
    let classes = Tensor::arange(logits.size()[1], (Kind::Int64, logits.device()));
    let is_true = targets.eq_tensor(&classes);
    let chosen = most_probable(&logits.detach().masked_fill(&is_true, f64::NEG_INFINITY), form.false_classes);

    // Both [batch, columns]: one column for T, k for F.
    let true_losses = true_term(form.true_term, logits, &targets);
    let false_losses = false_term(form.false_term, logits, &chosen, &classes);
    let weigh = |alpha: &Tensor| (&true_losses * alpha.take(&targets), &false_losses * alpha.take(&chosen));
    let (true_losses, false_losses) = match form.alpha {
        Alpha::None => (true_losses, false_losses),
        Alpha::Constant { true_class, false_class } => (true_losses * true_class, false_losses * false_class),
        Alpha::Dataset => weigh(&rarity(&class_counts.to_kind(logits.kind()))),
        Alpha::Minibatch => weigh(&rarity(&is_true.sum_dim_intlist(0, false, logits.kind()))),
    };
    (true_losses + false_losses.sum_dim_intlist(1, true, logits.kind())).mean(logits.kind())
}

/// The columns of the k largest values of each row, `[batch, k]`; a stable sort puts the lower index first among equals.
fn most_probable(logits: &Tensor, k: i64) -> Tensor {
    logits.sort_stable(true, 1, true).1.narrow(1, 0, k)
}

/// Eq. 4 and 7: the share of samples that are not of class i, from the samples per class.
fn rarity(counts: &Tensor) -> Tensor {
    let total = counts.sum(None);
    (&total - counts) / &total
}

/// L_T `[batch, 1]`.
fn true_term(term: Term, logits: &Tensor, targets: &Tensor) -> Tensor {
    match term {
        Term::Log => -logits.log_softmax(1, logits.kind()).gather(1, targets, false),
        // (p_T − 1)² is (1 − p_T)².
        Term::Squared => (logits.softmax(1, logits.kind()).gather(1, targets, false) - 1.0).square(),
    }
}

/// L_F `[batch, k]`.
fn false_term(term: Term, logits: &Tensor, chosen: &Tensor, classes: &Tensor) -> Tensor {
    match term {
        Term::Log => {
            let is_chosen = chosen.unsqueeze(2).eq_tensor(classes);
            let others = logits.unsqueeze(1).masked_fill(&is_chosen, f64::NEG_INFINITY);
            // Logits are taken relative to the largest of the others, or a large one would swallow the sum of theirs.
            let largest = others.detach().amax(2, true);
            let excess =
                logits.gather(1, chosen, false) - largest.squeeze_dim(2) - (others - &largest).logsumexp(2, false);
            // −log σ(−x) = log(1 + exp x) without the threshold of `softplus`, above which that drops a term.
            -(-excess).log_sigmoid()
        }
        Term::Squared => logits.softmax(1, logits.kind()).gather(1, chosen, false).square(),
    }
}
