//! The table of direct dependencies is complete.

#![allow(clippy::unwrap_used, reason = "a failure here is a failed test")]

use std::collections::BTreeSet;
use std::path::Path;

#[test]
fn every_dependency_has_its_purpose() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut depended = BTreeSet::new();
    for manifest in ["Cargo.toml", "crates/core/Cargo.toml", "worker/Cargo.toml", "tests/model/Cargo.toml"] {
        let manifest: toml::Table = std::fs::read_to_string(root.join(manifest)).unwrap().parse().unwrap();
        for kind in ["dependencies", "build-dependencies", "dev-dependencies"] {
            depended.extend(
                manifest
                    .get(kind)
                    .and_then(|table| table.as_table())
                    .into_iter()
                    .flat_map(|table| table.keys().cloned()),
            );
        }
    }
    depended.remove("fpl-repro-core");
    let page = std::fs::read_to_string(root.join("DEPENDENCIES.md")).unwrap();
    let crates = page.lines().filter(|line| line.starts_with("| `")).filter_map(|line| line.split(" | ").next());
    let others =
        page.lines().skip_while(|line| !line.starts_with("For building")).take_while(|line| !line.starts_with('#'));
    let named = |line: &str| line.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>();
    let mut listed: BTreeSet<String> = crates.chain(others).flat_map(named).collect();
    listed.remove("tests/model");
    assert_eq!(listed, depended);
}
