//! How one probability is penalised, whichever class it belongs to.
//!
//! A term is a function of q, the probability that should be 1: p_T, or 1 − p_F. Everything is computed from the log
//! odds x = log q − log(1 − q), which are exact to rounding for every finite logit: q = σ(x), 1 − q = σ(−x), and neither
//! q → 0 (log 0) nor q → 1 (1 − q rounds to 0) loses a digit, and nothing is clamped.

use tch::Tensor;

use fpl_core::recipe::Term;

/// log p_c − log(1 − p_c) = z_c − log Σ_{j≠c} exp z_j for each column c: `[batch, k]`.
///
/// - `logits` `[batch, classes]`;
/// - `columns` `[batch, k]`, int64: the classes c;
/// - `classes` `[classes]`, int64: 0, 1, 2, …
pub(super) fn log_odds(logits: &Tensor, columns: &Tensor, classes: &Tensor) -> Tensor {
    let is_column = columns.unsqueeze(2).eq_tensor(classes);
    let others = logits.unsqueeze(1).masked_fill(&is_column, f64::NEG_INFINITY);
    // Logits are taken relative to the largest of the others, or a large one would swallow the sum of theirs.
    let largest = others.detach().amax(2, true);
    logits.gather(1, columns, false) - largest.squeeze_dim(2) - (others - &largest).logsumexp(2, false)
}

/// The penalty of every q, from its log odds; shapes stay.
pub(super) fn penalty(term: Term, odds: &Tensor) -> Tensor {
    // log σ(x) without the threshold of `softplus`, above which that drops a term.
    let log_q = || odds.log_sigmoid();
    let log_rest = || (-odds).log_sigmoid();
    let rest = || (-odds).sigmoid();
    match term {
        Term::Log => -log_q(),
        Term::Squared => rest().square(),
        Term::Linear => rest(),
        // Not `pow`, whose slope at 0 is infinite for γ < 1.
        Term::Focal { gamma } => -(log_rest() * gamma).exp() * log_q(),
        Term::Poly { epsilon } => rest() * epsilon - log_q(),
        // 1 − q^e without the cancellation at q → 1.
        Term::Generalized { exponent } => -(log_q() * exponent).expm1() / exponent,
    }
}
