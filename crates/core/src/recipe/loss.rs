//! The losses as plain data: one list says of every loss what it is called, which keys it has, and what they may be.
//!
//! All else follows from the list: [`Loss`] with its bytes and so its fingerprints, [`Loss::check`], and in the worker the
//! call of the formula (`worker/src/nn/loss/mod.rs`).

use serde::{Deserialize, Serialize};

/// Calls a macro with the list of the losses. An entry is
///
/// ```text
/// /// Its formula, with p = softmax(logits) and T the true class (who published it).
/// Variant in file {
///     /// What the key is.
///     key: type => rule,
/// } and rule_of_all;
/// ```
///
/// Both names are the kind that the configuration has. `file` has the formula, in `worker/src/nn/loss/`. A rule is a
/// function of the value; a key that may be anything has none, a loss without keys no braces.
#[macro_export]
macro_rules! losses {
    ($receive:ident) => {
        $receive! {
            /// −log p_T.
            CrossEntropy in cross_entropy;

            /// `factor` · −log p_T: the control for the effective learning rate.
            ScaledCrossEntropy in scaled_cross_entropy {
                /// Above 0.
                factor: f64 => positive("1 is cross-entropy itself"),
            };

            /// False Positive Loss, Eq. 1 and 8: α_T·L_T + Σ_F α_F·L_F.
            Fpl in fpl {
                /// L_T.
                true_term: Term => Term::check,
                /// L_F.
                false_term: Term => Term::check,
                /// k of Eq. 8: how many of the most probable wrong classes are penalised, 1 to as many as the data set has.
                false_classes: u8,
                /// How the k classes become one loss; no matter for k = 1.
                aggregate: Aggregate,
                /// α_T and α_F.
                alpha: Alpha => Alpha::check,
            };

            /// Focal loss −(1 − p_T)^γ·log p_T (Lin et al., 2017).
            Focal in focal {
                /// γ, 0 or more.
                gamma: f64 => focusing,
            };

            /// Class-balanced cross-entropy −w_T·log p_T with w_i ∝ (1 − β)/(1 − β^N_i) (Cui et al., 2019).
            ClassBalanced in class_balanced {
                /// β, at least 0 and below 1.
                beta: f64 => effective_number,
            };

            /// −log q_T with q = softmax(logits + log N), N_i the training images of class i (Ren et al., 2020).
            BalancedSoftmax in balanced_softmax;

            /// −log q_T with q = softmax(logits + τ·log π), π_i the share of class i in the training set (Menon et al.,
            /// 2021).
            LogitAdjustment in logit_adjustment {
                /// τ, 0 or more: 1 is balanced softmax, 0 cross-entropy.
                tau: f64 => not_negative("1 is usual, and balanced softmax; 0 is cross-entropy"),
            };

            /// Label-distribution-aware margins: −log q_T with q = softmax(s·(logits − Δ_T·e_T)), Δ_i ∝ N_i^(−1/4) (Cao et
            /// al., 2019).
            Ldam in ldam {
                /// The largest of the Δ_i, that of the smallest class, 0 or more.
                max_margin: f64 => not_negative("its authors use 0.5; 0 is cross-entropy"),
                /// s, above 0.
                scale: f64 => positive(
                    "1 leaves logits as they are; its authors' 30 is for a head that is normalised"
                ),
                /// Classes are weighed late in the training; none: never.
                #[serde(default, skip_serializing_if = "Option::is_none")]
                deferred_reweighting: Option<DeferredReweighting> => DeferredReweighting::check,
            };

            /// Poly-1 loss −log p_T + ε·(1 − p_T) (Leng et al., 2022).
            Poly in poly {
                /// ε, −1 or more.
                epsilon: f64 => poly,
            };

            /// Mean absolute error ‖e_T − p‖₁ = 2·(1 − p_T) (Ghosh et al., 2017).
            MeanAbsoluteError in mean_absolute_error;

            /// Generalized cross-entropy (1 − p_T^q)/q (Zhang and Sabuncu, 2018).
            GeneralizedCrossEntropy in generalized_cross_entropy {
                /// q, above 0 and at most 1.
                q: f64 => exponent,
            };

            /// Symmetric cross-entropy −α·log p_T − β·A·(1 − p_T) (Wang et al., 2019).
            SymmetricCrossEntropy in symmetric_cross_entropy {
                /// α, the weight of the cross-entropy, 0 or more.
                alpha: f64 => not_negative("its authors use 0.1 for CIFAR-10"),
                /// β, the weight of the reverse cross-entropy, 0 or more.
                beta: f64 => not_negative("its authors use 1 for CIFAR-10"),
                /// A, below 0: what log 0 stands for.
                log_zero: f64 => stands_for_log_zero,
            } and something_left("beta", alpha + beta, "set `alpha` or `beta`");

            /// Taylor cross-entropy Σ_{i=1..t} (1 − p_T)^i/i (Feng et al., 2020).
            TaylorCrossEntropy in taylor_cross_entropy {
                /// t, 1 to 100.
                order: u8 => terms,
            };

            /// Cross-entropy with the target (1 − ε)·e_T + ε/classes (Szegedy et al., 2016).
            LabelSmoothing in label_smoothing {
                /// ε, at least 0 and below 1.
                epsilon: f64 => below_one("0.1 is usual; 0 is cross-entropy"),
            };
        }
    };
}

macro_rules! define {
    ($(
        $(#[$about:meta])*
        $variant:ident in $file:ident
        $({ $( $(#[$about_key:meta])* $key:ident: $type:ty $(=> $rule:expr)?, )* })?
        $(and $rule_of_all:expr)?;
    )*) => {
        /// A loss over logits, averaged over the minibatch. p = softmax(logits), T the true class.
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        #[serde(tag = "kind", deny_unknown_fields, rename_all = "kebab-case")]
        pub enum Loss {
            $( $(#[$about])* $variant $({ $( $(#[$about_key])* $key: $type, )* })?, )*
        }

        impl Loss {
            /// The kinds as the configuration names them, in the order of the list: each is its file's name.
            pub fn kinds() -> impl Iterator<Item = String> {
                [$( stringify!($file) ),*].into_iter().map(|file| file.replace('_', "-"))
            }

            /// Whether the parameters are in their ranges, as far as a loss alone can say.
            ///
            /// # Errors
            /// The first that is not.
            #[allow(unused_variables, reason = "a key without a rule may be anything")]
            pub fn check(&self) -> Result<(), Fault> {
                match *self {
                    $( Self::$variant $({ $($key,)* })? => {
                        $( $( $( ($rule)($key).map_err(|fault| fault.below(stringify!($key)))?; )? )* )?
                        $( ($rule_of_all)?; )?
                        Ok(())
                    } )*
                }
            }
        }
    };
}

losses!(define);

/// Class weights (1 − β)/(1 − β^N_i) from some epoch on (Cao et al., 2019, Algorithm 1).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeferredReweighting {
    /// β, at least 0 and below 1.
    pub beta: f64,
    /// The first epoch with weights, counted from 0.
    pub from_epoch: u32,
}

impl DeferredReweighting {
    fn check(deferred: Option<Self>) -> Result<(), Fault> {
        deferred.map_or(Ok(()), |deferred| effective_number(deferred.beta).map_err(|fault| fault.below("beta")))
    }
}

/// How a probability is penalised: a function of q, which is p_T in L_T and 1 − p_F in L_F, that is 0 at q = 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", deny_unknown_fields, rename_all = "kebab-case")]
pub enum Term {
    /// −log q: Eq. 2 and 3 with the minus signs they lack in print.
    Log,
    /// (1 − q)²: Eq. 5 and 6.
    Squared,
    /// 1 − q.
    Linear,
    /// −(1 − q)^γ·log q (Lin et al., 2017).
    Focal {
        /// γ, 0 or more.
        gamma: f64,
    },
    /// −log q + ε·(1 − q) (Leng et al., 2022).
    Poly {
        /// ε, −1 or more.
        epsilon: f64,
    },
    /// (1 − q^exponent)/exponent (Zhang and Sabuncu, 2018).
    Generalized {
        /// Their q, above 0 and at most 1.
        exponent: f64,
    },
}

impl Term {
    fn check(self) -> Result<(), Fault> {
        match self {
            Self::Log | Self::Squared | Self::Linear => Ok(()),
            Self::Focal { gamma } => focusing(gamma).map_err(|fault| fault.below("gamma")),
            Self::Poly { epsilon } => poly(epsilon).map_err(|fault| fault.below("epsilon")),
            Self::Generalized { exponent: value } => exponent(value).map_err(|fault| fault.below("exponent")),
        }
    }
}

/// How the k most probable wrong classes become one loss.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Aggregate {
    /// Eq. 8: the sum of their losses.
    Sum,
    /// Section 4: the loss of the mean of their probabilities.
    Mean,
    /// Section 4: the loss of the median of their probabilities; for even k the mean of the middle two.
    Median,
}

/// The coefficients α_T and α_F of Eq. 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", deny_unknown_fields, rename_all = "kebab-case")]
pub enum Alpha {
    /// Both 1.
    None,
    /// Two constants.
    Constant {
        /// α_T.
        true_class: f64,
        /// α_F.
        false_class: f64,
    },
    /// Eq. 4: α_i = (N − N_i)/N over the training set, i the class that the term is about.
    Dataset,
    /// Eq. 7: α_i = (m − m_i)/m over the minibatch.
    Minibatch,
    /// Section 4: both learned with the weights, from 1, as the inverse variances of Kendall et al. (2018).
    Learned,
}

impl Alpha {
    fn check(self) -> Result<(), Fault> {
        let Self::Constant { true_class, false_class } = self else { return Ok(()) };
        for (key, value) in [("true_class", true_class), ("false_class", false_class)] {
            not_negative("1 leaves the term as it is")(value).map_err(|fault| fault.below(key))?;
        }
        something_left("true_class", true_class + false_class, "set one of the two above 0")
    }
}

/// A parameter that cannot be what it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Its key, below the loss.
    pub key: Vec<&'static str>,
    /// What is wrong.
    pub message: &'static str,
    /// What would do.
    pub help: &'static str,
}

impl Fault {
    fn below(mut self, key: &'static str) -> Self {
        self.key.insert(0, key);
        self
    }
}

fn that(holds: bool, message: &'static str, help: &'static str) -> Result<(), Fault> {
    if holds { Ok(()) } else { Err(Fault { key: Vec::new(), message, help }) }
}

fn positive(help: &'static str) -> impl Fn(f64) -> Result<(), Fault> {
    move |value| that(value > 0.0 && value.is_finite(), "must be positive", help)
}

fn not_negative(help: &'static str) -> impl Fn(f64) -> Result<(), Fault> {
    move |value| that(value >= 0.0 && value.is_finite(), "must not be negative", help)
}

fn below_one(help: &'static str) -> impl Fn(f64) -> Result<(), Fault> {
    move |value| that((0.0..1.0).contains(&value), "must be at least 0 and below 1", help)
}

fn focusing(gamma: f64) -> Result<(), Fault> {
    not_negative("2 is usual; 0 is cross-entropy")(gamma)
}

fn effective_number(beta: f64) -> Result<(), Fault> {
    below_one("its authors use 0.9 to 0.9999; 0 weighs all classes alike")(beta)
}

/// Below −1 the loss of a class that is nearly certain would be negative and grow as it becomes less so.
fn poly(epsilon: f64) -> Result<(), Fault> {
    that(epsilon >= -1.0 && epsilon.is_finite(), "must be −1 or more", "0 is cross-entropy")
}

fn exponent(value: f64) -> Result<(), Fault> {
    let possible = value > 0.0 && value <= 1.0;
    that(possible, "must be above 0 and at most 1", "0.7 is usual; 1 is linear, towards 0 cross-entropy")
}

fn stands_for_log_zero(value: f64) -> Result<(), Fault> {
    that(value < 0.0 && value.is_finite(), "must be negative: it stands for log 0", "−4 is usual")
}

fn terms(order: u8) -> Result<(), Fault> {
    let help = "1 is half the mean absolute error; the higher, the closer to cross-entropy";
    that((1..=100).contains(&order), "must be 1 to 100", help)
}

/// Of weights, by their sum.
fn something_left(key: &'static str, sum: f64, help: &'static str) -> Result<(), Fault> {
    that(sum > 0.0, "nothing is left of the loss", help).map_err(|fault| fault.below(key))
}
