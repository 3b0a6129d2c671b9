//! The losses of the paper, of its discussion and of its relatives: scalars over a minibatch of logits.
//!
//! Nothing here reads a value back from the device, so a step on a GPU never waits for the loss.

mod term;
mod learned;
mod cross_entropy;
mod logit_adjustment;
mod ldam;
mod fpl;
mod true_class;

use tch::Tensor;

use fpl_core::recipe::{Alpha, Loss, Term};
use learned::LearnedAlpha;

/// A loss with what it knows of the training set and what it learns.
#[derive(Debug)]
pub struct Criterion {
    spec: Loss,
    class_counts: Tensor,
    learned: Option<LearnedAlpha>,
}

impl Criterion {
    /// The loss `spec` at the start of a training.
    ///
    /// - `class_counts` `[classes]`, floating point, on the device: N_i, the images of each class in the training set
    ///   (for Eq. 4 and the losses for imbalanced data);
    /// - the parameters of `spec` are in their ranges; the configuration guarantees it.
    pub fn new(spec: &Loss, class_counts: Tensor) -> Self {
        let learns = matches!(spec, Loss::Fpl { alpha: Alpha::Learned, .. });
        let learned = learns.then(|| LearnedAlpha::new(class_counts.device()));
        Self { spec: spec.clone(), class_counts, learned }
    }

    /// What is learned with the weights, by name: nothing, or `log_variance`, float32 `[2]`.
    pub fn parameters(&self) -> Vec<(String, Tensor)> {
        let log_variance = |learned: &LearnedAlpha| ("log_variance".to_owned(), learned.log_variance().shallow_clone());
        self.learned.iter().map(log_variance).collect()
    }

    /// α_T and α_F as they are now, if they are learned.
    pub fn learned_alpha(&self) -> Option<[f64; 2]> {
        self.learned.as_ref().map(LearnedAlpha::alpha)
    }

    /// The mean over a minibatch: a scalar through which the gradient flows to `logits`.
    ///
    /// - `epoch`, counted from 0: some losses change during the training;
    /// - `logits` `[batch, classes]`, floating point and finite, `batch` ≥ 1;
    /// - `targets` `[batch]`, int64, each in `0..classes`.
    pub fn loss(&self, epoch: u32, logits: &Tensor, targets: &Tensor) -> Tensor {
        let of_true_class = |term| true_class::term_of_true_class(term, logits, targets);
        match self.spec {
            Loss::CrossEntropy => cross_entropy::cross_entropy(logits, targets),
            Loss::ScaledCrossEntropy { factor } => cross_entropy::cross_entropy(logits, targets) * factor,
            Loss::Fpl { true_term, false_term, false_classes, aggregate, alpha } => {
                let false_classes = i64::from(false_classes);
                let form = fpl::Form { true_term, false_term, false_classes, aggregate, alpha };
                fpl::false_positive_loss(form, &self.class_counts, self.learned.as_ref(), logits, targets)
            }
            Loss::Focal { gamma } => of_true_class(Term::Focal { gamma }),
            Loss::ClassBalanced { beta } => cross_entropy::class_balanced(beta, &self.class_counts, logits, targets),
            Loss::BalancedSoftmax => logit_adjustment::adjusted(1.0, &self.class_counts, logits, targets),
            Loss::LogitAdjustment { tau } => logit_adjustment::adjusted(tau, &self.class_counts, logits, targets),
            Loss::Ldam { max_margin, scale, deferred_reweighting } => {
                let weighed = deferred_reweighting.filter(|deferred| epoch >= deferred.from_epoch);
                let beta = weighed.map(|deferred| deferred.beta);
                ldam::ldam(max_margin, scale, beta, &self.class_counts, logits, targets)
            }
            Loss::Poly { epsilon } => of_true_class(Term::Poly { epsilon }),
            Loss::MeanAbsoluteError => true_class::mean_absolute_error(logits, targets),
            Loss::GeneralizedCrossEntropy { q } => of_true_class(Term::Generalized { exponent: q }),
            Loss::SymmetricCrossEntropy { alpha, beta, log_zero } => {
                true_class::symmetric(alpha, beta, log_zero, logits, targets)
            }
            Loss::TaylorCrossEntropy { order } => true_class::taylor(order, logits, targets),
            Loss::LabelSmoothing { epsilon } => cross_entropy::label_smoothing(epsilon, logits, targets),
        }
    }
}
