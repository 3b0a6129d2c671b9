//! What the images of a data set are, and which of them, with which labels, a training sees.

use serde::{Deserialize, Serialize};

/// Red, green and blue.
const CHANNELS: usize = 3;

/// Classes and size of images. Records in the cache are a byte with the class, then the red, green and blue values of
/// the rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shape {
    /// Number of classes, 2 to 256.
    pub classes: usize,
    /// Width and height in pixels.
    pub side: usize,
}

impl Shape {
    /// CIFAR-10's. It stands in no fingerprint, since those of the first data set were made without it.
    pub const CIFAR10: Self = Self { classes: 10, side: 32 };

    pub(super) fn is_cifar10(&self) -> bool {
        *self == Self::CIFAR10
    }

    /// Bytes of an image.
    pub fn image_bytes(self) -> usize {
        CHANNELS * self.side * self.side
    }

    /// Bytes of a record.
    pub fn record_bytes(self) -> usize {
        1 + self.image_bytes()
    }

    /// The shape in the hashed fields of a training or an evaluation, of whatever version. They are not trusted: what no
    /// data set can have counts as CIFAR-10's.
    pub fn of_fields(fields: &serde_json::Value) -> Self {
        let shape = fields.get("shape").and_then(|shape| serde_json::from_value(shape.clone()).ok());
        shape.filter(|shape: &Self| (2..=256).contains(&shape.classes)).unwrap_or_default()
    }
}

impl Default for Shape {
    fn default() -> Self {
        Self::CIFAR10
    }
}

/// Training sets whose classes are made to have different numbers of images. The test set stays as it is.
///
/// The first class stays the largest. With n the images that it has, C classes and the factor ρ of the largest to the
/// smallest class, class i, counted from 0, has
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", deny_unknown_fields, rename_all = "kebab-case")]
pub enum Imbalance {
    /// n·ρ^(−i/(C−1)) images, rounded down (Cui et al., CVPR 2019, arXiv 1901.05555).
    LongTailed {
        /// ρ, 1 or more.
        factor: f64,
        /// n; none: as many as there are.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        largest: Option<u32>,
        /// Which images of a class are taken.
        choice: Choice,
    },
    /// n images, or n/ρ, rounded down, in the last ⌊μ·C + ½⌋ classes (Buda et al., 2018, arXiv 1710.05381).
    Step {
        /// ρ, 1 or more.
        factor: f64,
        /// μ, the share of the small classes, above 0 and below 1.
        minority: f64,
        /// n; none: as many as there are.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        largest: Option<u32>,
        /// Which images of a class are taken.
        choice: Choice,
    },
}

/// Which images of a class are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Choice {
    /// The first: the same for every seed.
    First,
    /// Drawn without replacement by the cell's seed.
    Drawn,
}

impl Imbalance {
    /// ρ.
    pub fn factor(&self) -> f64 {
        match self {
            Self::LongTailed { factor, .. } | Self::Step { factor, .. } => *factor,
        }
    }

    /// n, if it is set.
    pub fn largest(&self) -> Option<u32> {
        match self {
            Self::LongTailed { largest, .. } | Self::Step { largest, .. } => *largest,
        }
    }

    /// Which images of a class are taken.
    pub fn choice(&self) -> Choice {
        match self {
            Self::LongTailed { choice, .. } | Self::Step { choice, .. } => *choice,
        }
    }

    /// Images of each class, where every class has `available`.
    pub fn counts(&self, classes: usize, available: u32) -> Vec<u32> {
        let most = f64::from(self.largest().unwrap_or(available).min(available));
        let of_class = |class: usize| match *self {
            Self::LongTailed { factor, .. } => {
                let place = class as f64 / (classes.max(2) - 1) as f64;
                (most * (1.0 / factor).powf(place)) as u32
            }
            Self::Step { factor, minority, .. } => {
                let small = (minority * classes as f64).round() as usize;
                (if class + small < classes { most } else { most / factor }) as u32
            }
        };
        (0..classes).map(of_class).collect()
    }
}

/// Training labels that are made wrong. Each label is changed, or not, on its own, by the cell's seed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", deny_unknown_fields, rename_all = "kebab-case")]
pub enum LabelNoise {
    /// With probability `rate` it becomes one of the other classes, each equally likely, so that the expected share of
    /// wrong labels is `rate` (as in Patrini et al., CVPR 2017). Where the true class counts among those that are drawn
    /// from, as in some papers, the same noise has the larger rate `rate`·C/(C−1).
    Symmetric {
        /// 0 to 1.
        rate: f64,
    },
    /// With probability `rate` a label of a class that has a partner becomes that partner (Patrini et al., CVPR 2017).
    Asymmetric {
        /// 0 to 1.
        rate: f64,
        /// Classes with their partners.
        partners: Vec<[u8; 2]>,
    },
    /// All labels are those of a file.
    File {
        /// Of the file.
        sha256: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The counts of Cui et al.'s CIFAR-10 with factor 100, `int(5000 * 0.01 ** (i / 9))` in Python: 12,406 images.
    #[test]
    fn long_tailed_cifar10_has_the_published_counts() {
        let imbalance = Imbalance::LongTailed { factor: 100.0, largest: None, choice: Choice::First };
        let counts = imbalance.counts(10, 5000);
        assert_eq!(counts, [5000, 2997, 1796, 1077, 645, 387, 232, 139, 83, 50]);
        assert_eq!(counts.iter().sum::<u32>(), 12_406);
        // Likewise `int(500 * 0.01 ** (i / 99))` for CIFAR-100: 10,847 images.
        let counts = imbalance.counts(100, 500);
        assert_eq!((counts[0], counts[50], counts[99], counts.iter().sum::<u32>()), (500, 48, 5, 10_847));
    }

    /// Buda et al.'s example for CIFAR-10: μ = 0.5, ρ = 10, by hand.
    #[test]
    fn steps_have_two_sizes() {
        let step = |minority| Imbalance::Step { factor: 10.0, minority, largest: Some(500), choice: Choice::Drawn };
        assert_eq!(step(0.5).counts(10, 5000), [500, 500, 500, 500, 500, 50, 50, 50, 50, 50]);
        assert_eq!(step(0.2).counts(10, 400), [400, 400, 400, 400, 400, 400, 400, 400, 40, 40]);
    }
}
