//! CIFAR-10: A. Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009.

use super::Format;

/// The binary version, `cifar-10-binary.tar.gz`.
pub const CIFAR10: Format = Format {
    title: "CIFAR-10",
    kind: "archive", // Of the time when there was no other.
    classes: &["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"],
    folder: "cifar-10-batches-bin/",
    train: &["data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin", "data_batch_5.bin"],
    test: "test_batch.bin",
    names: "batches.meta.txt",
    ignored: &["readme.html"],
    label_bytes: 1,
    content: Some([
        "55a61f79a40ece2ceda9fb5f9f7078f6ea2fc4952489cef56682bcf92cfcc260",
        "325704b01eb92e1e2a6215ae6a916bb7db7de054af0c496be1c7be2e0fcfbf5f",
    ]),
};
