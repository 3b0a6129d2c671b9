//! The examples for other engines, run where the engine is there.

#![allow(clippy::unwrap_used, reason = "a failure here is a failed test")]

use std::path::Path;
use std::process::{Command, Stdio};

use crate::support::{CE, FPL, Project, Running, skip};

/// Snakemake runs every cell as a rule, and then the report; a second time there is nothing to do.
#[test]
fn snakemake_runs_the_cells_of_a_plan() {
    if !Command::new("snakemake").arg("--version").stdout(Stdio::null()).status().is_ok_and(|status| status.success()) {
        return skip("needs snakemake");
    }
    let project = Project::new();
    let snakefile = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/Snakefile");
    let programs = Path::new(env!("CARGO_BIN_EXE_fpl-repro")).parent().unwrap();
    let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap());
    let run = || {
        let mut command = Command::new("snakemake");
        command.current_dir(&project.root).env("PATH", &path).stdout(Stdio::piped()).stderr(Stdio::piped());
        Running::of(command.arg("--snakefile").arg(&snakefile).args(["--cores", "2", "--config", "profile=test"]))
            .end()
            .1
    };
    let output = run();
    assert_eq!(output.code, 0, "{output:#?}");
    for cell in [FPL, CE] {
        assert!(output.ran().contains(&format!("train {cell}")), "{output:#?}");
    }
    assert!(project.root.join("reports/test/report.html").exists());
    run().says("Nothing to be done");
}
