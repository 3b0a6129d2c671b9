//! Data sets in the cache: from archives in CIFAR's layouts, or generated.

pub mod archive;
mod cifar10;
mod cifar100;
pub mod synthetic;

pub use cifar10::CIFAR10;
pub use cifar100::CIFAR100;

use crate::recipe::Shape;

pub use crate::artifact::{CLASSES_FILE, TEST_FILE, TRAIN_FILE};

/// A data set that is published as an archive in the layout of CIFAR's binary versions.
#[derive(Debug)]
pub struct Format {
    /// The name in texts.
    pub title: &'static str,
    /// The name in fingerprints.
    pub kind: &'static str,
    /// The names of the classes, in the order of the labels, as the archive has them.
    pub classes: &'static [&'static str],
    /// The archive's only folder, with a `/` at its end.
    pub folder: &'static str,
    /// Members with the training records, in their order; each holds an equal part.
    pub train: &'static [&'static str],
    /// The member with the test records.
    pub test: &'static str,
    /// The member with the names of the classes, one per line.
    pub names: &'static str,
    /// Members that may be there and are not used.
    pub ignored: &'static [&'static str],
    /// Bytes of labels before an image; the last is the class.
    pub label_bytes: usize,
    /// [`archive::content_digest`] of the training and the test records; `None` if it is not known.
    pub content: Option<[&'static str; 2]>,
}

impl Format {
    /// Classes and size of the images: 32×32 in all of them.
    pub fn shape(&self) -> Shape {
        Shape { classes: self.classes.len(), side: 32 }
    }

    /// Bytes of a record in the archive.
    pub fn record_bytes(&self) -> usize {
        self.label_bytes + self.shape().image_bytes()
    }
}
