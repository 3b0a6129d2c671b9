//! The whole pipeline on a slice of the real CIFAR-10.

#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "a failure here is a failed test; a skip is said")]

use std::path::{Path, PathBuf};

use crate::support::Project;

/// The archive, where there is one: `FPL_REPRO_CIFAR10`, or beside the project.
fn archive() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/cifar-10-binary-reordered.tar.gz");
    let path = std::env::var_os("FPL_REPRO_CIFAR10").map_or(beside, PathBuf::from);
    path.is_file().then(|| path.canonicalize().unwrap())
}

#[test]
fn a_slice_of_the_real_data_goes_through_and_is_said_to_be_reduced() {
    let Some(archive) = archive() else {
        eprintln!("skipped: no CIFAR-10 archive; name one with FPL_REPRO_CIFAR10");
        return;
    };
    let project = Project::new();
    let mut args = vec!["--cells", "table2/resnet18/*", "--seeds", "0", "--device", "cpu", "--set", "run.threads=1"];
    let archive = format!("datasets.cifar10.source.archive={}", archive.display());
    let sets = [
        archive.as_str(),
        "datasets.cifar10.train_limit=100",
        "datasets.cifar10.test_limit=50",
        "recipes.table2.epochs=1",
        "recipes.table2.batch_size=50",
    ];
    args.extend(sets.iter().flat_map(|set| ["--set", set]));
    let output = project.raw(&[&["all"], &args[..]].concat());
    assert_eq!(output.code, 0, "{output:#?}");

    let report = std::fs::read_to_string(project.root.join("reports/paper/report.md")).unwrap();
    let html = std::fs::read_to_string(project.root.join("reports/paper/report.html")).unwrap();
    for text in [&report, &html] {
        assert!(text.contains("CIFAR-10") && text.to_lowercase().contains("reduced"));
        for limit in ["training images: 50000 → 100", "test images: 10000 → 50", "epochs: 20 → 1"] {
            assert!(text.contains(limit), "no `{limit}`");
        }
    }
    let json = std::fs::read_to_string(project.root.join("reports/paper/report.json")).unwrap();
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["dataset"]["genuine"], true);
    assert_eq!((&json["dataset"]["train_images"], &json["dataset"]["test_images"]), (&100.into(), &50.into()));

    let again = project.raw(&[&["all"], &args[..]].concat());
    assert!(again.ran().is_empty(), "{again:#?}");
}
