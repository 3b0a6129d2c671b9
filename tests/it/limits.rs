//! Limits of the system that a worker meets: told, and the end of what they stop.

#![allow(clippy::unwrap_used, reason = "a failure here is a failed test")]

use std::process::Command;
use std::time::{Duration, Instant};

use crate::support::{CE, Output, Project, command, output};

/// Runs the program under a limit of the shell.
fn limited(project: &Project, limit: &str, args: &[&str]) -> Output {
    let program = command(&project.root).get_program().to_owned();
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("{limit}; exec \"$@\""), "sh"]).arg(program).current_dir(&project.root);
    output(shell.args(["--profile", "test"]).args(args).env("RUST_BACKTRACE", "1"))
}

/// A checkpoint is larger than a file may be: not the end of the process by a signal, and nothing that the next cell would
/// find otherwise.
#[test]
fn a_limit_on_the_size_of_files_ends_the_run_with_the_fix() {
    let project = Project::new();
    let output = limited(&project, "ulimit -f 4000", &["all", "--jobs", "1"]);
    assert_eq!(output.code, 1, "{output:#?}");
    output.says("checkpoint.tmp`: File too large");
    output.says("help: raise the limit on the size of files (`ulimit -f unlimited`)");
    assert_eq!(output.stderr.matches("train    ").count(), 1, "a further cell was begun: {output:#?}");
    project.ok(&["all"]);
}

/// Out of memory, with backtraces asked for, which want memory: the cell fails, and nothing waits for ever. How much memory
/// is too little for what depends on libtorch, so several amounts are tried.
#[test]
fn out_of_memory_is_a_failure_and_no_deadlock() {
    let mut failed = 0;
    for kilobytes in [400_000, 550_000, 650_000, 750_000] {
        let project = Project::new();
        let started = Instant::now();
        let output = limited(&project, &format!("ulimit -v {kilobytes}"), &["train", "--cells", CE]);
        assert!(started.elapsed() < Duration::from_mins(2), "{kilobytes}");
        assert!(matches!(output.code, 0 | 1), "{kilobytes}: {output:#?}");
        if output.code == 1 {
            output.says(&format!("train    {CE}: FAILED: "));
            failed += 1;
        }
    }
    assert!(failed > 0, "there was always enough");
}
