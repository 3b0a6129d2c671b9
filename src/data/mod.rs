//! CIFAR-10 and data in its layout: from an archive or generated.

pub mod archive;
pub mod synthetic;

/// Training records of a fetched data set.
pub const TRAIN_FILE: &str = "train.bin";
/// Test records of a fetched data set.
pub const TEST_FILE: &str = "test.bin";
/// Class names of a fetched data set, one per line.
pub const CLASSES_FILE: &str = "classes.txt";
