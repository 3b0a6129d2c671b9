//! Random numbers as a function of (seed, purpose, epoch), so that a run can stop and go on at any epoch.
//!
//! The cell is not part of it: cells of one seed see the same initial weights, order and augmentation.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use sha2::{Digest, Sha256};

/// What random numbers are drawn for. The name is part of the seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Initial weights, in libtorch's generator.
    Weights,
    /// Order of the training images.
    Order,
    /// Crops and flips.
    Augmentation,
    /// Dropout and stochastic depth, in libtorch's generator.
    Dropout,
    /// Generated data.
    Images,
    /// Bootstrap samples of seeds and images.
    Bootstrap,
    /// Simulated differences, for power and error rates.
    Simulation,
    /// Patterns of signs, where there are too many to try all.
    Signs,
    /// Which images of a class an imbalanced training set has; the class counts as the epoch.
    Selection,
    /// Wrong labels.
    LabelNoise,
}

impl Purpose {
    fn name(self) -> &'static str {
        match self {
            Self::Weights => "weights",
            Self::Order => "order",
            Self::Augmentation => "augmentation",
            Self::Dropout => "dropout",
            Self::Images => "images",
            Self::Bootstrap => "bootstrap",
            Self::Simulation => "simulation",
            Self::Signs => "signs",
            Self::Selection => "selection",
            Self::LabelNoise => "label-noise",
        }
    }
}

fn digest(seed: u64, purpose: Purpose, epoch: u32) -> [u8; 32] {
    Sha256::digest(format!("fpl-repro/{seed}/{}/{epoch}", purpose.name())).into()
}

/// A generator for our own draws.
pub fn generator(seed: u64, purpose: Purpose, epoch: u32) -> ChaCha8Rng {
    ChaCha8Rng::from_seed(digest(seed, purpose, epoch))
}

/// A seed for libtorch's generator; not negative, as PyTorch prints it.
pub fn torch_seed(seed: u64, purpose: Purpose, epoch: u32) -> i64 {
    let digest = digest(seed, purpose, epoch);
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&digest[..8]);
    (u64::from_le_bytes(bytes) >> 1) as i64
}
