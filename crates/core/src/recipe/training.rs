//! A training and an evaluation: what is hashed, and what a worker is sent.

use serde::{Deserialize, Serialize};

use super::{Imbalance, LabelNoise, Loss, Network, Normalization, Recipe, Shape};

/// Everything that determines a training, apart from what it reads (data, initial weights), which has fingerprints of
/// its own.
///
/// The plan hashes it, the cell holds it, and the worker is sent it: there is no other list of these fields.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Training {
    /// Architecture and stem.
    pub network: Network,
    /// Loss.
    pub loss: Loss,
    /// Recipe.
    pub recipe: Recipe,
    /// Seed.
    pub seed: u64,
    /// Where the initial weights come from.
    pub initialization: InitialWeights,
    /// Training images in use, the first so many; 0: all.
    pub train_limit: u32,
    /// Test images in use, likewise: the test accuracy is recorded after every epoch.
    pub test_limit: u32,
    /// Classes and size of the images.
    #[serde(default, skip_serializing_if = "Shape::is_cifar10")]
    pub shape: Shape,
    /// How the classes' numbers of training images are made to differ; `None`: they stay as they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub imbalance: Option<Imbalance>,
    /// How training labels are made wrong; `None`: they stay as they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub noise: Option<LabelNoise>,
}

impl Training {
    /// Whether it sees other images or labels than the data set's.
    pub fn changes_data(&self) -> bool {
        self.imbalance.is_some() || self.noise.is_some()
    }

    /// The evaluation of what it trains.
    pub fn evaluation(&self) -> Evaluation {
        Evaluation {
            network: self.network,
            normalization: self.recipe.normalization.clone(),
            input_size: self.recipe.input_size,
            test_limit: self.test_limit,
            shape: self.shape,
        }
    }
}

/// Everything that determines an evaluation, apart from data and weights.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Evaluation {
    /// Architecture and stem.
    pub network: Network,
    /// Constants of the normalisation.
    pub normalization: Normalization,
    /// Width and height in pixels that the network sees.
    pub input_size: u32,
    /// Test images in use, the first so many; 0: all.
    pub test_limit: u32,
    /// Classes and size of the images.
    #[serde(default, skip_serializing_if = "Shape::is_cifar10")]
    pub shape: Shape,
}

/// Initial weights, apart from the file that holds them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InitialWeights {
    /// Where they come from.
    pub kind: WeightsSource,
    /// Prefixes of tensors that are drawn although the file has them.
    pub drop: Vec<String>,
}

/// Where initial weights come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WeightsSource {
    /// All are drawn, as the recipe says.
    Random,
    /// A file.
    Weights,
    /// A trained cell.
    Cell,
}
