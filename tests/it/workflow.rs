//! The workflow in `examples/ci`: what `scripts/workflow.sh` can run of it.

#![allow(clippy::unwrap_used, reason = "a failure here is a failed test")]

use std::path::Path;

#[test]
fn every_step_of_the_workflow_is_one_line_or_an_action() {
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/ci/github-actions.yml"));
    let text = text.unwrap();
    let (_, steps) = text.split_once("    steps:\n").unwrap();
    for step in steps.split("      - ").skip(1) {
        let line = step.lines().find_map(|line| line.trim().strip_prefix("run: "));
        let command = line.is_some_and(|command| !command.starts_with(['|', '>']));
        assert!(command || step.contains("uses: actions/"), "{step}");
    }
}
