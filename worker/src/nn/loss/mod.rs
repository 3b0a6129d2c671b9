//! The losses of the paper, of its discussion and of its relatives: scalars over a minibatch of logits.
//!
//! Nothing here reads a value back from the device, so a step on a GPU never waits for the loss.

mod term;
mod learned;
mod softmax;
mod true_class;

use tch::Tensor;

use fpl_core::recipe::{Alpha, Loss};
use learned::LearnedAlpha;

/// What a loss is computed from.
struct Input<'a> {
    /// Counted from 0.
    epoch: u32,
    /// N_i, `[classes]`.
    class_counts: &'a Tensor,
    /// Of [`Alpha::Learned`].
    learned: Option<&'a LearnedAlpha>,
    /// `[batch, classes]`.
    logits: &'a Tensor,
    /// T, `[batch]`.
    targets: &'a Tensor,
}

/// Declares the file of every loss in the list, and calls its `loss` with the input and the values of its keys, in their
/// order in the list.
macro_rules! formulas {
    ($(
        $(#[$about:meta])*
        $variant:ident in $file:ident
        $({ $( $(#[$about_key:meta])* $key:ident: $type:ty $(=> $rule:expr)?, )* })?
        $(and $rule_of_all:expr)?;
    )*) => {
        $( mod $file; )*

        fn value(spec: &Loss, input: &Input) -> Tensor {
            match *spec {
                $( Loss::$variant $({ $($key,)* })? => $file::loss(input $(, $($key,)*)?), )*
            }
        }
    };
}

fpl_core::losses!(formulas);

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
        let learned = self.learned.as_ref();
        value(&self.spec, &Input { epoch, class_counts: &self.class_counts, learned, logits, targets })
    }
}
