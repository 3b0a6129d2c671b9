//! Several processes on one cache, on one machine and as if on two: each result is made once.

#![allow(clippy::unwrap_used, reason = "a failure here is a failed test")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::{CE, FPL, Output, Project, Running, command, skip};

/// Locks that hold nothing: every call succeeds, as `flock` does between two nodes of some shared file systems.
const NO_LOCKS: &str = "int flock(int file, int operation) { (void)file; (void)operation; return 0; }";
/// Files named `race-…` that everybody can create.
const NO_EXCLUSION: &str = r#"
    #define _GNU_SOURCE
    #include <fcntl.h>
    #include <stdarg.h>
    #include <string.h>
    #include <sys/types.h>
    int open64(const char *path, int flags, ...) {
        va_list arguments;
        va_start(arguments, flags);
        mode_t mode = va_arg(arguments, mode_t);
        va_end(arguments);
        return openat(AT_FDCWD, path, strstr(path, "race-") ? flags & ~O_EXCL : flags, mode);
    }
"#;

/// A library that takes the place of functions of libc; `None` without a C compiler.
fn preload(folder: &Path, source: &str) -> Option<PathBuf> {
    let (code, library) = (folder.join("stub.c"), folder.join("stub.so"));
    fs::write(&code, source).unwrap();
    let compiled = Command::new("cc").args(["-shared", "-fPIC", "-o"]).args([&library, &code]).status();
    if compiled.is_ok_and(|status| status.success()) {
        return Some(library);
    }
    skip("needs a C compiler, `cc`");
    None
}

/// What another machine's claim file says.
fn other_machine() -> String {
    json!({
        "token": "theirs", "host": "node2", "boot": "another", "namespace": "pid:[1]", "process": 17,
        "process_start": 1, "job": "4711_2", "since": "2026-01-02T03:04:05Z",
    })
    .to_string()
}

/// The claim file of a training with this fingerprint.
fn claim(project: &Project, fingerprint: &str, generation: u32) -> PathBuf {
    let folder = project.cache().join("leases").join(&fingerprint[..1]);
    fs::create_dir_all(&folder).unwrap();
    folder.join(format!("train-{fingerprint}.{generation}"))
}

/// The claim files that are there.
fn claims(project: &Project) -> Vec<PathBuf> {
    fpl_repro::fs::files_below(&project.cache().join("leases")).unwrap()
}

/// The claim file of a cell's training in a generation.
fn lease(project: &Project, cell: &str, generation: u32) -> PathBuf {
    let entry = project.entry("train", cell);
    claim(project, entry.file_name().unwrap().to_str().unwrap(), generation)
}

fn stages(cells: &[&str]) -> BTreeSet<String> {
    cells.iter().flat_map(|cell| [format!("train {cell}"), format!("evaluate {cell}")]).collect()
}

#[test]
fn what_another_machine_holds_is_passed_by_and_shown() {
    let project = Project::new();
    fs::write(lease(&project, FPL, 1), other_machine()).unwrap();
    let started = Instant::now();
    let output = project.ok(&["work"]);
    assert!(started.elapsed() < Duration::from_mins(1), "it does not wait");
    assert_eq!(
        output.ran().into_iter().filter(|ran| !ran.starts_with("fetch")).collect::<BTreeSet<_>>(),
        stages(&[CE])
    );
    output.says("1 cell held by others");
    let shown = project.ok(&["status"]);
    shown.says("held by job 4711_2 on node2 since 2026-01-02T03:04:05Z, epoch 0 of 2 done");
    let entries = project.status(&[]);
    let held: Vec<_> = entries.iter().filter(|entry| entry["held"].is_object()).collect();
    assert_eq!(held.len(), 1, "{entries:#?}");
    assert_eq!((&held[0]["subject"], &held[0]["held"]["process"]), (&json!(FPL), &json!(17)));
    // Its holder gives no sign of life: `all` waits for that long, and takes the cell over.
    let output = project.ok(&["all", "--set", "run.lease=1"]);
    output.says("another process is at it; waiting");
    assert!(stages(&[FPL]).is_subset(&output.ran()), "{output:#?}");
    assert_eq!(claims(&project), Vec::<PathBuf>::new(), "nothing is left");
    assert_eq!(fs::read_dir(project.cache().join("staging")).unwrap().count(), 0);
}

/// Runs several `work` at once and returns what they said.
fn together(project: &Project, count: usize, variables: &[(&str, &Path)]) -> Vec<Output> {
    let start = || {
        let mut command = command(&project.root);
        command.envs(variables.iter().copied());
        Running::of(command.args(["--profile", "test", "work", "--seeds", "0..2", "--jobs", "1"]))
    };
    let running: Vec<Running> = (0..count).map(|_| start()).collect();
    running.into_iter().map(|running| running.end().1).collect()
}

fn each_is_made_once(project: &Project, outputs: &[Output]) {
    let mut made: Vec<String> = outputs.iter().flat_map(Output::ran).collect();
    made.sort();
    let distinct: BTreeSet<String> = made.iter().cloned().collect();
    assert_eq!(made.len(), distinct.len(), "{made:#?}");
    assert_eq!(made.iter().filter(|made| made.starts_with("train")).count(), 6, "{outputs:#?}");
    assert!(outputs.iter().all(|output| output.code == 0), "{outputs:#?}");
    assert!(project.ok(&["work", "--seeds", "0..2"]).ran().is_empty(), "nothing is left");
    let alone = Project::finished();
    for cell in [FPL, CE] {
        assert!(project.weights(cell) == alone.weights(cell), "{cell}: as one `all` makes it, bit for bit");
    }
}

#[test]
fn many_workers_share_the_cells_of_one_cache() {
    let project = Project::new();
    each_is_made_once(&project, &together(&project, 3, &[]));
}

/// As on two nodes of a file system whose locks do not cohere.
#[test]
fn where_locks_hold_nothing_leases_do() {
    let folder = tempfile::tempdir().unwrap();
    let Some(library) = preload(folder.path(), NO_LOCKS) else { return };
    let project = Project::new();
    each_is_made_once(&project, &together(&project, 3, &[("LD_PRELOAD", &library)]));
}

/// Another machine took the cell over, since this one was taken for dead: both ways to notice it.
#[test]
fn a_worker_that_lost_its_lease_commits_nothing() {
    // With many signs of life it stops in the middle; with none it finds out when it wants to commit.
    for (seconds, epochs) in
        [("run.lease=1", "recipes.table2.epochs=500"), ("run.lease=3600", "recipes.table2.epochs=4")]
    {
        let project = Project::new();
        let sets = ["--set", seconds, "--set", epochs];
        let entries = project.status(&sets);
        let entry = entries.iter().find(|entry| entry["stage"] == "train" && entry["subject"] == FPL).unwrap();
        let claim = claim(&project, entry["fingerprint"].as_str().unwrap(), 2);
        let mut running = project.start(&[&["work", "--cells", FPL], &sets[..]].concat());
        running.until("epoch 1/");
        fs::write(&claim, other_machine()).unwrap();
        let (_, output) = running.end();
        assert_eq!(output.code, 0, "{output:#?}");
        output.says("1 cell held by others");
        assert!(!project.cache().join("train").exists(), "{seconds}");
        assert!(claim.exists(), "another's lease stays");
        assert!(!project.ok(&[&["status"], &sets[..]].concat()).stdout.contains("failed"));
    }
}

/// Whoever cannot see another machine's locks must not clear what it writes.
#[test]
fn nothing_is_cleared_or_collected_while_another_machine_works() {
    let project = Project::finished();
    let claim = lease(&project, FPL, 1);
    let staged = project.cache().join("staging").join("0".repeat(64)).join("weights.safetensors");
    fs::create_dir_all(staged.parent().unwrap()).unwrap();
    fs::write(&staged, "under construction").unwrap();
    fs::write(&claim, other_machine()).unwrap();
    project.ok(&["work", "--cells", CE]);
    assert!(staged.exists());
    let output = project.run(&["gc"]);
    assert_eq!(output.code, 2);
    output.says("node2");
    fs::remove_file(&claim).unwrap();
    project.ok(&["work", "--cells", CE]);
    assert!(!staged.exists());
}

// --- doctor ------------------------------------------------------------------------------------------------------------

/// What two examinations of one folder say.
fn examined(folder: &Path, library: Option<&Path>) -> [Output; 2] {
    let start = || {
        let mut command = command(folder);
        command.envs(library.map(|library| ("LD_PRELOAD", library)));
        Running::of(command.args(["doctor", "--shared", ".", "--wait", "30"]))
    };
    [start(), start()].map(|running| running.end().1)
}

#[test]
fn a_sound_folder_is_found_sound_by_both() {
    let folder = tempfile::tempdir().unwrap();
    for output in examined(folder.path(), None) {
        assert_eq!(output.code, 0, "{output:#?}");
        assert_eq!(output.stdout.lines().filter(|line| line.starts_with("yes ")).count(), 5, "{output:#?}");
        output.says("a cache here is safe");
        output.says("both processes run on one machine");
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is left");
}

#[test]
fn what_does_not_hold_is_named_with_what_follows() {
    let (folder, stubs) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let Some(library) = preload(stubs.path(), NO_LOCKS) else { return };
    for output in examined(folder.path(), Some(&library)) {
        assert_eq!(output.code, 0, "leases do without locks: {output:#?}");
        output.says("no   locks of one machine hold on the other: a lock was granted to both at once");
    }
    let Some(library) = preload(stubs.path(), NO_EXCLUSION) else { return };
    for output in examined(folder.path(), Some(&library)) {
        assert_eq!(output.code, 1, "{output:#?}");
        output.says("NO   a file can be created by one process only");
        output.says("a cache here is NOT safe");
    }
}

#[test]
fn whoever_comes_alone_is_told_so() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = command(folder.path());
    let (_, output) = Running::of(command.args(["doctor", "--shared", ".", "--wait", "0"])).end();
    assert_eq!(output.code, 2);
    output.says("on two machines at the same time");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}
