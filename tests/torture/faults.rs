//! Calls of the system that fail, one in each run or all from one on: no space, a disk that fails or can only be read, no
//! permission. The program says what and where, loses nothing, and the same command finishes afterwards. A write that takes
//! less than it is given is no failure.
//!
//! `faults.c` says how.

#![allow(clippy::unwrap_used, reason = "a failure here is a failed test")]

use std::path::{Path, PathBuf};
use std::process::Command;

use super::results::{Results, leftovers};
use super::{LATE, tell};
use crate::support::{FPL, Output, Project, skip};

const PROGRAM: &str = "fpl-repro";
const WORKER: &str = "fpl-repro-worker";

/// What happens to calls.
#[derive(Debug, Clone, Copy)]
struct Fault {
    /// Which calls: those that `write`, `create`, `rename`, `fsync` or `open` to read, or `any` that changes something.
    kind: &'static str,
    how: &'static str,
    /// The error's number and words.
    error: (i32, &'static str),
    /// The programs and calls of the short run.
    short: &'static [(&'static str, u32)],
}

const FULL: (i32, &str) = (28, "No space left on device");
const BROKEN: (i32, &str) = (5, "Input/output error");
const READ_ONLY: (i32, &str) = (30, "Read-only file system");
const NO_PERMISSION: (i32, &str) = (13, "Permission denied");

const FAULTS: [Fault; 8] = [
    Fault { kind: "write", how: "once", error: FULL, short: &[(WORKER, 3)] },
    Fault { kind: "write", how: "lasting", error: FULL, short: &[(PROGRAM, 9)] },
    Fault { kind: "create", how: "once", error: FULL, short: &[(WORKER, 3)] },
    Fault { kind: "write", how: "once", error: BROKEN, short: &[(PROGRAM, 4)] },
    Fault { kind: "fsync", how: "once", error: BROKEN, short: &[(WORKER, 2)] },
    Fault { kind: "rename", how: "once", error: BROKEN, short: &[(PROGRAM, 1), (PROGRAM, 4)] },
    Fault { kind: "create", how: "once", error: NO_PERMISSION, short: &[(PROGRAM, 5)] },
    Fault { kind: "any", how: "lasting", error: READ_ONLY, short: &[(PROGRAM, 40), (PROGRAM, 400), (WORKER, 20)] },
];

/// More than a program makes of any of the functions; what fails none of so many is not met at all.
const MOST_CALLS: u32 = 10_000;

/// Of how many calls one fails in the long run: 1, or what `FPL_TORTURE_EVERY` says; nothing in the short one.
fn every() -> Option<usize> {
    std::env::var_os("FPL_TORTURE")?;
    Some(std::env::var("FPL_TORTURE_EVERY").map_or(1, |every| every.parse().expect("FPL_TORTURE_EVERY is a number")))
}

/// The library, if there is a C compiler.
fn library() -> Option<PathBuf> {
    let library = Path::new(env!("CARGO_TARGET_TMPDIR")).join("faults.so");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/torture/faults.c");
    let built =
        Command::new("cc").args(["-shared", "-fPIC", "-O1", "-o"]).arg(&library).arg(source).args(["-ldl"]).status();
    built.is_ok_and(|status| status.success()).then_some(library)
}

/// Runs a command to which a fault happens from a call on, of those on paths that contain `below`; what it said, and the path
/// of the first such call, if it was met.
fn run(
    project: &Project,
    library: &Path,
    program: &str,
    (fault, call): (Fault, u32),
    below: &str,
    args: &[&str],
) -> (Output, Option<String>) {
    let mark = project.root.with_file_name("mark");
    let (number, call) = (fault.error.0.to_string(), call.to_string());
    let variables = [
        ("LD_PRELOAD", library),
        ("FAULT_PROGRAM", Path::new(program)),
        ("FAULT_KIND", Path::new(fault.kind)),
        ("FAULT_HOW", Path::new(fault.how)),
        ("FAULT_PATH", Path::new(below)),
        ("FAULT_ERROR", Path::new(&number)),
        ("FAULT_CALL", Path::new(&call)),
        ("FAULT_MARK", &mark),
    ];
    let output = project.with(&variables, args);
    (output, std::fs::read_to_string(&mark).ok())
}

/// A failure is told with where and what to do: as a failure, or as a place that cannot be written before anything is done.
/// Whether all was done all the same: what only saves time may fail.
#[track_caller]
fn told(output: &Output, fault: Fault, what: &str) -> bool {
    assert!(!output.stderr.contains("panicked"), "{what}");
    if output.code != 0 {
        assert!([1, 2].contains(&output.code), "{what}");
        // A path stands between such signs.
        assert!(output.stderr.contains(fault.error.1) && output.stderr.contains('`'), "{what}");
        assert!(output.stderr.contains("help: ") || output.stderr.contains("FAILED"), "{what}");
    }
    output.code == 0
}

/// A run from nothing to a report; whether the fault was met.
fn fails(library: &Path, program: &str, fault: Fault, call: u32, sound: &Results) -> bool {
    let project = Project::new();
    let (output, path) = run(&project, library, program, (fault, call), "/project/", &["all", "--jobs", "1"]);
    let Some(path) = path else { return false };
    let what = format!("{program}, {fault:?} {call} of `{path}`: {output:#?}");
    if told(&output, fault, &what) {
        assert!(Results::of(&project) == *sound, "{what}");
    }
    project.ok(&["all"]);
    assert!(Results::of(&project) == *sound, "{what}");
    assert_eq!(leftovers(&project), Vec::<PathBuf>::new(), "{what}");
    true
}

#[test]
fn a_call_that_fails_is_told_and_loses_nothing() {
    let Some(library) = library() else { return skip("no C compiler") };
    let sound = Results::of(&Project::finished());
    let mut tried = 0;
    for fault in FAULTS {
        if let Some(every) = every() {
            for program in [PROGRAM, WORKER] {
                let mut calls = (1..=MOST_CALLS).step_by(every);
                tried += calls.by_ref().take_while(|&call| fails(&library, program, fault, call, &sound)).count();
            }
        } else {
            for &(program, call) in fault.short {
                assert!(fails(&library, program, fault, call, &sound), "was not met: {fault:?} {call}");
                tried += 1;
            }
        }
    }
    tell(&format!("{tried} failing calls"));
}

/// What is done with finished results on a disk that can only be read from some moment on: they stay, and nothing is trained.
#[test]
fn a_disk_that_can_only_be_read_takes_nothing_that_is_finished() {
    let Some(library) = library() else { return skip("no C compiler") };
    let fault = Fault { kind: "any", how: "lasting", error: READ_ONLY, short: &[(PROGRAM, 1), (PROGRAM, 12)] };
    let finished = Project::finished();
    finished.ok(&["bundle", "--output", "sound.tar.gz"]);
    let sound = Results::of(&finished);
    let mut tried = 0;
    for command in LATE {
        let calls: Vec<u32> = match every() {
            Some(every) => (1..=MOST_CALLS).step_by(every).collect(),
            None => fault.short.iter().map(|&(_, call)| call).collect(),
        };
        for call in calls {
            let project = Project::finished();
            std::fs::copy(finished.root.join("sound.tar.gz"), project.root.join("sound.tar.gz")).unwrap();
            let (output, path) = run(&project, &library, PROGRAM, (fault, call), "/project/", command);
            let Some(path) = path else { break };
            let what = format!("{command:?}, {call} of `{path}`: {output:#?}");
            told(&output, fault, &what);
            let ran = project.ok(&["all"]).ran();
            assert!(!ran.iter().any(|stage| stage.starts_with("train")), "{what}: {ran:?}");
            assert!(Results::of(&project) == sound, "{what}");
            assert_eq!(leftovers(&project), Vec::<PathBuf>::new(), "{what}");
            project.ok(command);
            tried += 1;
        }
    }
    tell(&format!("{tried} moments from which on the disk can only be read"));
}

/// The system may take less than it is given at any time.
#[test]
fn a_write_that_takes_half_is_no_failure() {
    let Some(library) = library() else { return skip("no C compiler") };
    let fault = Fault { kind: "write", how: "short", error: (0, ""), short: &[] };
    let finished = Project::finished();
    let sound = Results::of(&finished);
    for program in [PROGRAM, WORKER] {
        let project = Project::new();
        for command in [&["all"][..], &["evaluate", "--force"], &["bundle", "--output", "bundle.tar.gz"]] {
            let _ = std::fs::remove_file(project.root.with_file_name("mark"));
            let (output, path) = run(&project, &library, program, (fault, 1), "/project/", command);
            assert_eq!(output.code, 0, "{program}, {command:?}: {output:#?}");
            // The bundle is the program's alone.
            assert!(path.is_some() || command[0] == "bundle", "{program} writes nothing in {command:?}");
        }
        assert!(Results::of(&project) == sound, "{program}");
        project.ok(&["verify", "bundle.tar.gz"]);
        project.ok(&["verify"]);
    }
}

/// A manifest that cannot be read for a moment, at each time that it is: either that is said and ends with 1, or it was read
/// again and the report is complete. Nothing is made over it.
#[test]
fn an_error_of_reading_is_no_damage() {
    let Some(library) = library() else { return skip("no C compiler") };
    let fault = Fault { kind: "open", how: "once", error: BROKEN, short: &[] };
    let finished = Project::finished();
    let sound = Results::of(&finished);
    let manifest = finished.entry("evaluate", FPL).join("manifest.json");
    let below = manifest.strip_prefix(&finished.root).unwrap().display().to_string();
    let mut failed = 0;
    for command in ["report", "bundle", "all"] {
        for call in 1.. {
            let project = Project::finished();
            let (output, path) = run(&project, &library, PROGRAM, (fault, call), &below, &[command]);
            if path.is_none() {
                assert!(call > 1, "{command} does not read {below}");
                break;
            }
            assert!(!output.stderr.contains("panicked"), "{command}, {call}: {output:#?}");
            if output.code == 0 {
                assert!(Results::of(&project) == sound, "{command}, {call}: {output:#?}");
            } else {
                assert_eq!(output.code, 1, "{command}, {call}: {output:#?}");
                output.says(fault.error.1);
                failed += 1;
            }
            let ran = project.ok(&["all"]).ran();
            assert!(
                ran.iter().all(|stage| stage.starts_with("plot") || stage.starts_with("report")),
                "{command}, {call}: {ran:?}"
            );
            assert!(Results::of(&project) == sound, "{command}, {call}");
        }
    }
    assert!(failed > 0, "nothing failed");
}
