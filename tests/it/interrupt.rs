//! The wish to stop, wherever the program is at that moment, and what is no such wish.

#![allow(clippy::unwrap_used, reason = "a failure here is a failed test")]

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use fpl_repro::fs::Lock;

use crate::support::{CE, Project, Running, command, skip};

/// Ends with 130 within the time that the program gives itself, and some for a busy machine.
#[track_caller]
fn ends_soon(running: Running, signal: &str) {
    let started = Instant::now();
    running.signal(signal);
    let (_, output) = running.end();
    assert_eq!(output.code, 130, "{output:#?}");
    output.says("run the same command again to go on");
    assert!(started.elapsed() < Duration::from_secs(15), "{:?}", started.elapsed());
}

#[test]
fn sigterm_ends_a_wait_for_another_process() {
    let project = Project::new();
    let fetch = &project.status(&[])[0];
    let name = format!("fetch-{}.lock", fetch["fingerprint"].as_str().unwrap());
    let _held = Lock::acquire(&project.cache().join("locks").join(name), || {}).unwrap();
    let mut running = project.start(&["all"]);
    running.until("another process is at it; waiting");
    ends_soon(running, "TERM");
}

#[test]
fn sigterm_ends_the_making_of_data() {
    let project = Project::new();
    let mut running = project.start(&["fetch", "--set", "datasets.generated.source.train_records=1000000"]);
    running.until("fetch    data generated: starts");
    ends_soon(running, "TERM");
    assert_eq!(std::fs::read_dir(project.cache().join("staging")).unwrap().count(), 0);
}

#[test]
fn a_hangup_is_a_wish_to_stop() {
    let project = Project::new();
    let mut running = project.start(&["all", "--cells", CE]);
    running.until("epoch 1/2");
    ends_soon(running, "HUP");
    project.ok(&["all", "--cells", CE]).says("goes on after epoch 1");
}

/// As `nohup` starts a program.
#[test]
fn a_hangup_that_is_ignored_stays_so() {
    let project = Project::new();
    let mut running = project.start_under(&["env", "--ignore-signal=HUP"], &["all", "--cells", CE]);
    running.until("epoch 1/2");
    running.signal("HUP");
    let (_, output) = running.end();
    assert_eq!(output.code, 0, "{output:#?}");
}

/// A run on a terminal, with its live lines, that outlives the terminal.
#[test]
fn a_run_under_nohup_outlives_its_terminal() {
    if Command::new("script").arg("--version").output().is_err() {
        return skip("`script` of util-linux, which makes a terminal, is not there");
    }
    let project = Project::new();
    let program = command(&project.root).get_program().to_str().unwrap().to_owned();
    let run = format!("env --ignore-signal=HUP {program} --profile test all; echo $? > code");
    let mut terminal = Command::new("script")
        .args(["--quiet", "--return", "--command"])
        .arg(format!("trap '' HUP; {run}"))
        .arg("/dev/null")
        .current_dir(&project.root)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let wait_for = |path: &str| {
        let started = Instant::now();
        while !project.root.join(path).exists() {
            assert!(started.elapsed() < Duration::from_mins(2), "no `{path}`");
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    wait_for("cache/work");
    terminal.kill().unwrap();
    terminal.wait().unwrap();
    wait_for("code");
    std::thread::sleep(Duration::from_millis(100)); // The shell writes what it has made.
    assert_eq!(std::fs::read_to_string(project.root.join("code")).unwrap().trim(), "0");
    assert!(project.root.join("reports/test/report.html").is_file());
}
