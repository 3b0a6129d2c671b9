//! The paper's vocabulary: networks, losses, initial weights and training recipes as plain data.
//!
//! Everything here is part of a cell's fingerprint: what does not determine a result must not be a field.

mod sample;
mod training;

pub use sample::{Choice, Imbalance, LabelNoise, Shape};
pub use training::{Evaluation, InitialWeights, Training, WeightsSource};

use serde::{Deserialize, Serialize};

/// A network with its stem.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Network {
    /// The architecture, with torchvision's layout and parameter names.
    pub architecture: Architecture,
    /// The first layers. EfficientNetV2-S has the ImageNet stem only.
    pub stem: Stem,
}

/// The architectures of the paper.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Architecture {
    /// ResNet-18 (He et al., 2016).
    #[serde(rename = "resnet18")]
    ResNet18,
    /// ResNet-50 v1.5: the stride is on the 3×3 convolution.
    #[serde(rename = "resnet50")]
    ResNet50,
    /// EfficientNetV2-S (Tan and Le, 2021).
    #[serde(rename = "efficientnetv2-s")]
    EfficientNetV2S,
}

impl Architecture {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::ResNet18, Self::ResNet50, Self::EfficientNetV2S];

    /// The name used in cell ids and configuration.
    pub fn id(self) -> &'static str {
        match self {
            Self::ResNet18 => "resnet18",
            Self::ResNet50 => "resnet50",
            Self::EfficientNetV2S => "efficientnetv2-s",
        }
    }

    /// The name used in tables and figures.
    pub fn title(self) -> &'static str {
        match self {
            Self::ResNet18 => "ResNet-18",
            Self::ResNet50 => "ResNet-50",
            Self::EfficientNetV2S => "EfficientNetV2-S",
        }
    }
}

/// The first layers of a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stem {
    /// ResNet: 7×7 stride 2 and 3×3 max-pool stride 2; EfficientNetV2: 3×3 stride 2 (torchvision).
    Imagenet,
    /// ResNet: 3×3 stride 1, no max-pool (MMClassification's `ResNet_CIFAR`).
    Cifar,
}

/// A loss over logits, averaged over the minibatch. p = softmax(logits), T the true class.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", deny_unknown_fields, rename_all = "kebab-case")]
pub enum Loss {
    /// −log p_T.
    CrossEntropy,
    /// `factor` · −log p_T: the control for the effective learning rate.
    ScaledCrossEntropy {
        /// Above 0.
        factor: f64,
    },
    /// False Positive Loss, Eq. 1 and 8: α_T·L_T + Σ_F α_F·L_F.
    Fpl {
        /// L_T.
        true_term: Term,
        /// L_F.
        false_term: Term,
        /// k of Eq. 8: how many of the most probable wrong classes are penalised, 1 to 9.
        false_classes: u8,
        /// How the k classes become one loss; no matter for k = 1.
        aggregate: Aggregate,
        /// α_T and α_F.
        alpha: Alpha,
    },
    /// Focal loss −(1 − p_T)^γ·log p_T (Lin et al., 2017).
    Focal {
        /// γ, 0 or more.
        gamma: f64,
    },
    /// Class-balanced cross-entropy −w_T·log p_T with w_i ∝ (1 − β)/(1 − β^N_i) (Cui et al., 2019).
    ClassBalanced {
        /// β, at least 0 and below 1.
        beta: f64,
    },
    /// −log q_T with q = softmax(logits + log N), N_i the training images of class i (Ren et al., 2020).
    BalancedSoftmax,
    /// −log q_T with q = softmax(logits + τ·log π), π_i the share of class i in the training set (Menon et al., 2021).
    LogitAdjustment {
        /// τ, 0 or more: 1 is balanced softmax, 0 cross-entropy.
        tau: f64,
    },
    /// Label-distribution-aware margins: −log q_T with q = softmax(s·(logits − Δ_T·e_T)), Δ_i ∝ N_i^(−1/4) (Cao et al.,
    /// 2019).
    Ldam {
        /// The largest of the Δ_i, that of the smallest class, 0 or more.
        max_margin: f64,
        /// s, above 0.
        scale: f64,
        /// Classes are weighed late in the training; none: never.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        deferred_reweighting: Option<DeferredReweighting>,
    },
    /// Poly-1 loss −log p_T + ε·(1 − p_T) (Leng et al., 2022).
    Poly {
        /// ε, −1 or more.
        epsilon: f64,
    },
    /// Mean absolute error ‖e_T − p‖₁ = 2·(1 − p_T) (Ghosh et al., 2017).
    MeanAbsoluteError,
    /// Generalized cross-entropy (1 − p_T^q)/q (Zhang and Sabuncu, 2018).
    GeneralizedCrossEntropy {
        /// q, above 0 and at most 1.
        q: f64,
    },
    /// Symmetric cross-entropy −α·log p_T − β·A·(1 − p_T) (Wang et al., 2019).
    SymmetricCrossEntropy {
        /// α, the weight of the cross-entropy, 0 or more.
        alpha: f64,
        /// β, the weight of the reverse cross-entropy, 0 or more.
        beta: f64,
        /// A, below 0: what log 0 stands for.
        log_zero: f64,
    },
    /// Taylor cross-entropy Σ_{i=1..t} (1 − p_T)^i/i (Feng et al., 2020).
    TaylorCrossEntropy {
        /// t, 1 to 100.
        order: u8,
    },
    /// Cross-entropy with the target (1 − ε)·e_T + ε/classes (Szegedy et al., 2016).
    LabelSmoothing {
        /// ε, at least 0 and below 1.
        epsilon: f64,
    },
}

/// Class weights (1 − β)/(1 − β^N_i) from some epoch on (Cao et al., 2019, Algorithm 1).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeferredReweighting {
    /// β, at least 0 and below 1.
    pub beta: f64,
    /// The first epoch with weights, counted from 0.
    pub from_epoch: u32,
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

/// How weights that are not loaded are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Initializer {
    /// torchvision's: Kaiming-normal fan-out convolutions, γ = 1, head as `nn.Linear` draws it.
    Torchvision,
    /// MMClassification's: as torchvision's, but the last γ of every residual block 0 and the head N(0, 0.01), bias 0.
    Mmclassification,
}

/// An optimizer with its base learning rate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", deny_unknown_fields, rename_all = "kebab-case")]
pub enum Optimizer {
    /// AdaDelta (Zeiler, 2012) as in PyTorch.
    Adadelta {
        /// Base learning rate.
        lr: f64,
        /// Decay of the running averages.
        rho: f64,
        /// Added under the square roots.
        eps: f64,
        /// L2 penalty added to the gradient.
        weight_decay: f64,
    },
    /// Stochastic gradient descent with momentum, as in PyTorch.
    Sgd {
        /// Base learning rate.
        lr: f64,
        /// Momentum, dampening 0.
        momentum: f64,
        /// L2 penalty added to the gradient, on every parameter.
        weight_decay: f64,
        /// Nesterov's look-ahead.
        nesterov: bool,
    },
}

impl Optimizer {
    /// The base learning rate.
    pub fn learning_rate(&self) -> f64 {
        match self {
            Self::Adadelta { lr, .. } | Self::Sgd { lr, .. } => *lr,
        }
    }

    /// The L2 penalty.
    pub fn weight_decay(&self) -> f64 {
        match self {
            Self::Adadelta { weight_decay, .. } | Self::Sgd { weight_decay, .. } => *weight_decay,
        }
    }

    /// The name used in tables.
    pub fn title(&self) -> &'static str {
        match self {
            Self::Adadelta { .. } => "AdaDelta",
            Self::Sgd { .. } => "SGD",
        }
    }
}

/// The learning rate of each epoch as a multiple of the base learning rate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", deny_unknown_fields, rename_all = "kebab-case")]
pub enum Schedule {
    /// ½·(1 + cos(π·e/epochs)) in epoch e, counted from 0 (`CosineAnnealingLR` stepped per epoch).
    Cosine,
    /// ½·(1 + cos(π·s/steps)) in step s of all steps of the training, counted from 0: the same curve without its stairs.
    CosinePerStep,
    /// `gamma` to the number of milestones ≤ e.
    MultiStep {
        /// Epochs, counted from 0, from which the rate is lower.
        milestones: Vec<u32>,
        /// The factor at each milestone.
        gamma: f64,
    },
}

/// Random changes of the training images.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Augmentation {
    /// Pixels of border before a random 32×32 crop; 0 for no crop.
    pub crop_padding: u32,
    /// What the border holds.
    pub border: Border,
    /// Probability of a horizontal flip.
    pub flip: f64,
}

/// The border of a padded image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Border {
    /// 0 before normalisation (MMClassification).
    Black,
    /// 0 after normalisation: the mean colour.
    Mean,
}

/// Per-channel normalisation (x − mean)/std, in units of 0 to 255; red, green, blue.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Normalization {
    /// Subtracted.
    pub mean: [f64; 3],
    /// Divided by.
    pub std: [f64; 3],
}

/// The arithmetic of training. Weights, optimizer and evaluation are float32 in any case.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Precision {
    /// IEEE single precision throughout.
    #[default]
    Float32,
    /// Products in TensorFloat-32, 10 bits of mantissa, on GPUs that have it; elsewhere float32.
    Tf32,
    /// PyTorch's autocast: convolutions and matrix products in bfloat16.
    Bfloat16,
}

impl Precision {
    #[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
    fn is_float32(&self) -> bool {
        *self == Self::Float32
    }
}

/// How a cell is trained, apart from network, loss, initial weights and seed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// Passes over the training set.
    pub epochs: u32,
    /// Images per step; the last, smaller minibatch of an epoch is used.
    pub batch_size: u32,
    /// Update rule.
    pub optimizer: Optimizer,
    /// Learning rate over epochs.
    pub schedule: Schedule,
    /// How weights that are not loaded are drawn.
    pub initializer: Initializer,
    /// Random changes of the training images.
    pub augmentation: Augmentation,
    /// Constants of the normalisation.
    pub normalization: Normalization,
    /// Width and height in pixels that the network sees; bilinear resize from 32 on the device.
    pub input_size: u32,
    /// Arithmetic; float32 where it is left out.
    #[serde(default, skip_serializing_if = "Precision::is_float32")]
    pub precision: Precision,
}
