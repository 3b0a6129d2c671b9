//! The paper's vocabulary: networks, losses, initial weights and training recipes as plain data.
//!
//! Everything here is part of a cell's fingerprint: what does not determine a result must not be a field.

mod loss;
mod sample;
mod training;

pub use loss::{Aggregate, Alpha, DeferredReweighting, Fault, Loss, Term};
pub use sample::{Choice, Imbalance, LabelNoise, Shape};
pub use training::{Evaluation, InitialWeights, Training, WeightsSource};

use serde::{Deserialize, Serialize};

/// A network with its stem.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Network {
    /// The architecture, with torchvision's layout and parameter names.
    pub architecture: Architecture,
    /// The first layers. EfficientNetV2 has the ImageNet stem only.
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
    /// EfficientNetV2-M.
    #[serde(rename = "efficientnetv2-m")]
    EfficientNetV2M,
    /// EfficientNetV2-L.
    #[serde(rename = "efficientnetv2-l")]
    EfficientNetV2L,
}

/// Networks that differ in depths and widths alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// He et al., 2016.
    ResNet(ResNet),
    /// Tan and Le, 2021. It has the ImageNet stem only.
    EfficientNetV2(EfficientNetV2),
}

/// The depths of a ResNet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the paper's names")]
pub enum ResNet {
    D18,
    D50,
}

/// The sizes of an EfficientNetV2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the paper's names")]
pub enum EfficientNetV2 {
    S,
    M,
    L,
}

impl Family {
    /// What the names of the head's tensors begin with.
    pub fn head(self) -> &'static str {
        match self {
            Self::ResNet(_) => "fc.",
            Self::EfficientNetV2(_) => "classifier.1.",
        }
    }

    /// Whether its networks can begin so.
    pub fn has(self, stem: Stem) -> bool {
        matches!(self, Self::ResNet(_)) || stem == Stem::Imagenet
    }
}

/// What tells an architecture from others, for those who read and name it.
struct About {
    id: &'static str,
    title: &'static str,
    family: Family,
    parameters: u64,
}

impl Architecture {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::ResNet18, Self::ResNet50, Self::EfficientNetV2S, Self::EfficientNetV2M, Self::EfficientNetV2L];

    fn about(self) -> About {
        let efficient = Family::EfficientNetV2;
        let (id, title, family, parameters) = match self {
            Self::ResNet18 => ("resnet18", "ResNet-18", Family::ResNet(ResNet::D18), 11_689_512),
            Self::ResNet50 => ("resnet50", "ResNet-50", Family::ResNet(ResNet::D50), 25_557_032),
            Self::EfficientNetV2S => ("efficientnetv2-s", "EfficientNetV2-S", efficient(EfficientNetV2::S), 21_458_488),
            Self::EfficientNetV2M => ("efficientnetv2-m", "EfficientNetV2-M", efficient(EfficientNetV2::M), 54_139_356),
            Self::EfficientNetV2L => {
                ("efficientnetv2-l", "EfficientNetV2-L", efficient(EfficientNetV2::L), 118_515_272)
            }
        };
        About { id, title, family, parameters }
    }

    /// The name used in cell ids and configuration.
    pub fn id(self) -> &'static str {
        self.about().id
    }

    /// The name used in tables and figures.
    pub fn title(self) -> &'static str {
        self.about().title
    }

    /// Its family.
    pub fn family(self) -> Family {
        self.about().family
    }

    /// Its parameters with the ImageNet stem and the thousand classes of ImageNet, as torchvision documents them.
    pub fn parameters(self) -> u64 {
        self.about().parameters
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
