//! What losses that look at p_T only have in common: [`Term`]s of the true class.

use tch::{Kind, Tensor};

use super::Input;
use super::term::{log_odds, penalty};
use fpl_core::recipe::Term;

/// The mean of a term of p_T over the minibatch.
pub(super) fn mean(input: &Input, term: Term) -> Tensor {
    penalty(term, &odds(input)).mean(input.logits.kind())
}

/// log p_T − log(1 − p_T), `[batch, 1]`.
pub(super) fn odds(input: &Input) -> Tensor {
    let &Input { logits, targets, .. } = input;
    let classes = Tensor::arange(logits.size()[1], (Kind::Int64, logits.device()));
    log_odds(logits, &targets.unsqueeze(1), &classes)
}
