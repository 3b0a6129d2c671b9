//! `[datasets]`: where images come from, which of them are used, and with which labels.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::data::{CIFAR10, CIFAR100, Format, synthetic};
use crate::recipe::{self, Imbalance, Shape};

/// A data set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dataset {
    /// Where the images come from.
    pub source: Source,
    /// Training images in use, the first so many; 0: all.
    #[serde(default)]
    pub train_limit: u32,
    /// Test images in use, likewise.
    #[serde(default)]
    pub test_limit: u32,
    /// How the classes' numbers of training images are made to differ; none: they stay as they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub imbalance: Option<Imbalance>,
    /// How training labels are made wrong; none: they stay as they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub noise: Option<LabelNoise>,
}

/// Where images come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Source {
    /// CIFAR-10's binary archive.
    Cifar10(Archive),
    /// CIFAR-100's binary archive, with the fine labels.
    Cifar100(Archive),
    /// Images made by the program.
    Generated(Generated),
}

/// A source as far as its sort goes.
#[derive(Debug, Clone, Copy)]
pub enum Sort<'a> {
    /// An archive and its layout.
    Published(&'a Archive, &'static Format),
    /// Images made by the program.
    Generated(&'a Generated),
}

/// An archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Archive {
    /// Address; `file://` is understood.
    pub url: String,
    /// Further addresses, tried in turn.
    pub mirrors: Vec<String>,
    /// Of the archive at these addresses.
    pub sha256: String,
    /// Its size.
    pub bytes: u64,
    /// A local archive instead; empty for none.
    pub archive: String,
    /// Training records it must hold.
    pub train_records: u32,
    /// Test records it must hold.
    pub test_records: u32,
    /// Order-independent digest of the training records; none: that of the published data set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub train_content: Option<String>,
    /// Likewise of the test records.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test_content: Option<String>,
}

/// Images made by the program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Generated {
    /// Seed of the generator.
    pub seed: u64,
    /// Number of classes, 2 to 100; the first ten bear CIFAR-10's names.
    #[serde(default = "ten")]
    pub classes: u8,
    /// Training images made.
    pub train_records: u32,
    /// Test images made.
    pub test_records: u32,
}

fn ten() -> u8 {
    10
}

/// Wrong training labels, with the classes by their names.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", deny_unknown_fields, rename_all = "kebab-case")]
pub enum LabelNoise {
    /// [`recipe::LabelNoise::Symmetric`].
    Symmetric {
        /// 0 to 1.
        rate: f64,
    },
    /// [`recipe::LabelNoise::Asymmetric`].
    Asymmetric {
        /// 0 to 1.
        rate: f64,
        /// Classes with what their labels become.
        partners: BTreeMap<String, String>,
    },
    /// [`recipe::LabelNoise::File`]: a number per line, the label of each training image in the order of the official
    /// archive.
    File {
        /// The file.
        path: String,
        /// Its digest.
        sha256: String,
    },
}

impl Source {
    /// What all data sets of one sort have in common. Only this and [`Self::archive_mut`] tell one data set from another.
    pub fn sort(&self) -> Sort<'_> {
        match self {
            Self::Cifar10(archive) => Sort::Published(archive, &CIFAR10),
            Self::Cifar100(archive) => Sort::Published(archive, &CIFAR100),
            Self::Generated(generated) => Sort::Generated(generated),
        }
    }

    /// The archive; `None` for generated data.
    pub fn archive(&self) -> Option<&Archive> {
        match self.sort() {
            Sort::Published(archive, _) => Some(archive),
            Sort::Generated(_) => None,
        }
    }

    /// Likewise.
    pub fn archive_mut(&mut self) -> Option<&mut Archive> {
        match self {
            Self::Cifar10(archive) | Self::Cifar100(archive) => Some(archive),
            Self::Generated(_) => None,
        }
    }

    /// The name in texts, if the images are those of the published data set.
    pub fn title(&self) -> &'static str {
        match self.sort() {
            Sort::Published(_, format) => format.title,
            Sort::Generated(_) => "generated",
        }
    }

    /// The names of the classes, in the order of the labels.
    pub fn classes(&self) -> Vec<String> {
        match self.sort() {
            Sort::Published(_, format) => format.classes.iter().map(ToString::to_string).collect(),
            Sort::Generated(generated) => synthetic::class_names(generated.classes.into()),
        }
    }

    /// Classes and size of the images.
    pub fn shape(&self) -> Shape {
        match self.sort() {
            Sort::Published(_, format) => format.shape(),
            Sort::Generated(generated) => synthetic::shape(generated.classes.into()),
        }
    }

    /// Training and test images that are there.
    pub fn records(&self) -> (u32, u32) {
        match self.sort() {
            Sort::Published(archive, _) => (archive.train_records, archive.test_records),
            Sort::Generated(generated) => (generated.train_records, generated.test_records),
        }
    }

    /// Content digests that the records must have, training first; `None` if nobody knows them.
    pub fn content(&self) -> [Option<&str>; 2] {
        let Sort::Published(archive, format) = self.sort() else { return [None; 2] };
        [
            archive.train_content.as_deref().or(format.content.map(|known| known[0])),
            archive.test_content.as_deref().or(format.content.map(|known| known[1])),
        ]
    }

    /// Whether the images are those of the published data set.
    pub fn is_published(&self) -> bool {
        match self.sort() {
            Sort::Published(_, format) => format.content.is_none_or(|known| self.content() == known.map(Some)),
            Sort::Generated(_) => false,
        }
    }
}

impl Dataset {
    /// Training and test images that a cell sees. Of an imbalanced training set this is the number where all classes are
    /// equally large before, as in the published data sets.
    pub fn images(&self) -> (u32, u32) {
        let used = |limit, records| if limit == 0 { records } else { limit };
        let (train, test) = self.source.records();
        let train = match &self.imbalance {
            Some(imbalance) => {
                let classes = self.source.shape().classes;
                imbalance.counts(classes, train / classes.max(1) as u32).iter().sum()
            }
            None => used(self.train_limit, train),
        };
        (train, used(self.test_limit, test))
    }

    /// The label noise with the classes by their labels.
    ///
    /// # Errors
    /// The name of a class that the data set does not have.
    pub fn noise(&self) -> Result<Option<recipe::LabelNoise>, String> {
        let classes = self.source.classes();
        let label = |name: &String| {
            classes.iter().position(|class| class == name).map(|label| label as u8).ok_or_else(|| name.clone())
        };
        let noise = match &self.noise {
            None => return Ok(None),
            Some(LabelNoise::Symmetric { rate }) => recipe::LabelNoise::Symmetric { rate: *rate },
            Some(LabelNoise::Asymmetric { rate, partners }) => {
                let mut by_label = partners.iter().map(|(from, to)| Ok([label(from)?, label(to)?])).collect::<Result<
                    Vec<[u8; 2]>,
                    String,
                >>(
                )?;
                by_label.sort_unstable();
                recipe::LabelNoise::Asymmetric { rate: *rate, partners: by_label }
            }
            Some(LabelNoise::File { sha256, .. }) => recipe::LabelNoise::File { sha256: sha256.clone() },
        };
        Ok(Some(noise))
    }

    /// The file with the labels, if there is one.
    pub fn labels_file(&self) -> Option<&str> {
        match &self.noise {
            Some(LabelNoise::File { path, .. }) => Some(path),
            _ => None,
        }
    }
}
