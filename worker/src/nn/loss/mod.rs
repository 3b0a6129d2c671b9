//! The losses of the paper: scalars over a minibatch of logits.
//!
//! Nothing here reads a value back from the device, so a step on a GPU never waits for the loss.

mod cross_entropy;
mod fpl;

use tch::Tensor;

use fpl_repro::recipe::Loss;

/// The mean of `spec` over a minibatch: a scalar through which the gradient flows to `logits`.
///
/// - `class_counts` `[classes]`, floating point: N_i, the images of each class in the training set (Eq. 4 needs them);
/// - `logits` `[batch, classes]`, floating point and finite, `batch` ≥ 1;
/// - `targets` `[batch]`, int64, each in `0..classes`;
/// - `false_classes` of [`Loss::Fpl`] must be below the number of classes; the configuration guarantees it.
pub fn loss(spec: &Loss, class_counts: &Tensor, logits: &Tensor, targets: &Tensor) -> Tensor {
    match *spec {
        Loss::CrossEntropy => cross_entropy::cross_entropy(logits, targets),
        Loss::Fpl { true_term, false_term, false_classes, alpha } => {
            let form = fpl::Form { true_term, false_term, false_classes: i64::from(false_classes), alpha };
            fpl::false_positive_loss(form, class_counts, logits, targets)
        }
    }
}
