//! Calls of the system that fail, one in each run: no space, an error of the disk. The program says what and where, loses
//! nothing, and the same command finishes afterwards.
//!
//! The C library's functions are replaced by those of `faults.c`. What goes past it to the kernel, as some renames do, does
//! not fail here.

#![allow(clippy::unwrap_used, reason = "a failure here is a failed test")]

use std::path::{Path, PathBuf};
use std::process::Command;

use super::results::{Results, leftovers};
use super::tell;
use crate::support::{FPL, Output, Project, skip};

const PROGRAM: &str = "fpl-repro";
const WORKER: &str = "fpl-repro-worker";

/// A function that fails.
#[derive(Debug, Clone, Copy)]
struct Fault {
    function: &'static str,
    /// The error's number and words.
    error: (i32, &'static str),
    /// The program and call of the short run.
    short: (&'static str, u32),
}

const FAULTS: [Fault; 5] = [
    Fault { function: "write", error: (28, "No space left on device"), short: (WORKER, 3) },
    Fault { function: "write", error: (5, "Input/output error"), short: (PROGRAM, 4) },
    Fault { function: "fsync", error: (5, "Input/output error"), short: (WORKER, 2) },
    Fault { function: "rename", error: (5, "Input/output error"), short: (PROGRAM, 1) },
    Fault { function: "create", error: (28, "No space left on device"), short: (WORKER, 3) },
];

/// More than a program makes of any of the functions; what fails none of so many is not met at all.
const MOST_CALLS: u32 = 10_000;

/// The library, if there is a C compiler.
fn library() -> Option<PathBuf> {
    let library = Path::new(env!("CARGO_TARGET_TMPDIR")).join("faults.so");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/torture/faults.c");
    let built =
        Command::new("cc").args(["-shared", "-fPIC", "-O1", "-o"]).arg(&library).arg(source).args(["-ldl"]).status();
    built.is_ok_and(|status| status.success()).then_some(library)
}

/// Runs a command in which one call fails, of those on paths that contain `below`; what it said, and the path of that call,
/// if it was met.
fn run(
    project: &Project,
    library: &Path,
    program: &str,
    (fault, call): (Fault, u32),
    below: &str,
    args: &[&str],
) -> (Output, Option<String>) {
    let Fault { function, error: (number, _), .. } = fault;
    let mark = project.root.join("mark");
    let (number, call) = (number.to_string(), call.to_string());
    let variables = [
        ("LD_PRELOAD", library),
        ("FAULT_PROGRAM", Path::new(program)),
        ("FAULT_FUNCTION", Path::new(function)),
        ("FAULT_PATH", Path::new(below)),
        ("FAULT_ERROR", Path::new(&number)),
        ("FAULT_CALL", Path::new(&call)),
        ("FAULT_MARK", &mark),
    ];
    let output = project.with(&variables, args);
    (output, std::fs::read_to_string(&mark).ok())
}

/// Whether the fault was met.
fn fails(library: &Path, program: &str, fault: Fault, call: u32, sound: &Results) -> bool {
    let Fault { function, error: (_, words), .. } = fault;
    let project = Project::new();
    let (output, path) = run(&project, library, program, (fault, call), "/cache/", &["all", "--jobs", "1"]);
    let Some(path) = path else { return false };
    let what = format!("{program}, {function} {call} of `{path}`: {output:#?}");
    assert!(!output.stderr.contains("panicked"), "{what}");
    // What only saves time, the memo of digests for one, may be missing.
    if output.code != 0 {
        assert_eq!(output.code, 1, "{what}");
        assert!(output.stderr.contains(words) && output.stderr.contains('/'), "{what}");
        assert!(output.stderr.contains("help: ") || output.stderr.contains("FAILED"), "{what}");
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
    let full = std::env::var_os("FPL_TORTURE").is_some();
    let mut tried = 0;
    for fault in FAULTS {
        if full {
            for program in [PROGRAM, WORKER] {
                tried += (1..=MOST_CALLS).take_while(|&call| fails(&library, program, fault, call, &sound)).count();
            }
        } else {
            let (program, call) = fault.short;
            assert!(fails(&library, program, fault, call, &sound), "was not met: {fault:?}");
            tried += 1;
        }
    }
    tell(&format!("{tried} failing calls"));
}

/// A manifest that cannot be read for a moment, at each time that it is: either that is said and ends with 1, or it was read
/// again and the report is complete. Nothing is made over it.
#[test]
fn an_error_of_reading_is_no_damage() {
    let Some(library) = library() else { return skip("no C compiler") };
    let fault = Fault { function: "open", error: (5, "Input/output error"), short: (PROGRAM, 1) };
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
