//! Standard output and standard error that nobody reads, or that cannot be written.

#![allow(clippy::unwrap_used, reason = "a failure here is a failed test")]

use std::fs::File;
use std::process::{Command, Stdio};

use crate::support::{Project, command};

/// The write end of a pipe that nobody reads.
fn closed_pipe() -> Stdio {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    writer.into()
}

/// A file that takes nothing, as on a full disk.
fn full() -> Stdio {
    File::options().write(true).open("/dev/full").unwrap().into()
}

fn in_project(project: &Project, args: &[&str]) -> Command {
    let mut command = command(&project.root);
    command.args(["--profile", "test"]).args(args);
    command
}

#[test]
fn a_run_goes_on_when_nobody_listens() {
    for streams in [closed_pipe, full] {
        let project = Project::new();
        // `fetch` writes only to standard error.
        let status = in_project(&project, &["fetch"]).stdout(closed_pipe()).stderr(streams()).status().unwrap();
        assert_eq!(status.code(), Some(0));
        assert_eq!(std::fs::read_dir(project.cache().join("fetch")).unwrap().count(), 1);
    }
}

#[test]
fn output_that_cannot_be_written_is_an_error_and_a_closed_pipe_is_not() {
    let project = Project::new();
    for args in [&["plan"][..], &["status", "--json"], &["audit"], &["claims"], &["--help"], &["--version"]] {
        let output = in_project(&project, args).stdout(full()).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{args:?}: {said}");
        assert!(said.contains("error: failed to write `standard output`: No space left on device"), "{args:?}: {said}");
        let status = in_project(&project, args).stdout(closed_pipe()).status().unwrap();
        assert_eq!(status.code(), Some(0), "{args:?}");
    }
}

#[test]
fn an_error_without_standard_error_has_its_exit_code() {
    let project = Project::new();
    let status = in_project(&project, &["plan", "--set", "no.such=1"]).stderr(closed_pipe()).status().unwrap();
    assert_eq!(status.code(), Some(2));
}
