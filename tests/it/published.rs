//! The results that are published with the program, in `reports/`.

#![allow(clippy::unwrap_used, reason = "a failure here is a failed test")]

use std::path::{Path, PathBuf};

use fpl_repro::bundle::{self, Archive};
use fpl_repro::fs::{files_below, read_to_string, sha256_file};

fn reports() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("reports")
}

/// Every bundle verifies: each number follows from the predictions. Its sha256 is the one that readers are told, and the
/// report beside it is the one that it holds.
#[test]
fn published_results_follow_from_their_evidence() {
    let readme = read_to_string(&reports().join("README.md")).unwrap();
    // A clone has the published ones alone; a folder that was worked in may have others.
    let told = |path: &Path| readme.contains(&sha256_file(path).unwrap());
    let bundles: Vec<PathBuf> = files_below(&reports())
        .unwrap()
        .into_iter()
        .map(|file| reports().join(file))
        .filter(|path| path.display().to_string().ends_with(".tar.gz") && told(path))
        .collect();
    assert!(!bundles.is_empty(), "reports/README.md names no bundle that is there by its sha256");
    for path in bundles {
        let archive = Archive::read(&path).unwrap();
        let verified = bundle::verify(&archive).unwrap();
        assert!(verified.cells.0 > 0 && verified.images == 10_000, "{verified:?}");
        for name in ["report.html", "report.md", "report.json"] {
            let beside = std::fs::read(path.with_file_name(name)).unwrap();
            assert!(beside == archive.files[&format!("report/{name}")], "{name} beside `{}`", path.display());
        }
    }
}
