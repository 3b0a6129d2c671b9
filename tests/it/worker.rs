//! The border to the worker: shell scripts stand for it, so that they can say what no worker of this version says.

#![allow(clippy::unwrap_used, reason = "a failure here is a failed test")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use fpl_repro::artifact::{Environment, Manifest};
use fpl_repro::plan::StageKind;
use fpl_repro::protocol::{self, FailureKind, Hello, Message};

use crate::support::{CE, Project};

/// Trains a cell with a script in the worker's place; exit code and what was said.
fn train(project: &Project, script: &str) -> (Option<i32>, String) {
    let bin = project.root.join("bin");
    fs::create_dir_all(&bin).unwrap();
    let (program, worker) = (bin.join("fpl-repro"), bin.join("fpl-repro-worker"));
    if !program.exists() {
        fs::copy(Path::new(env!("CARGO_BIN_EXE_fpl-repro")), &program).unwrap();
    }
    fs::write(&worker, format!("#!/bin/sh\nread -r job\n{script}\n")).unwrap();
    fs::set_permissions(&worker, fs::Permissions::from_mode(0o755)).unwrap();
    let output = Command::new(&program)
        .args(["--profile", "test", "train", "--cells", CE])
        .current_dir(&project.root)
        .output()
        .unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

fn say(message: &Message) -> String {
    format!("echo '{}'", serde_json::to_string(message).unwrap())
}

fn hello() -> Hello {
    Hello {
        protocol: protocol::VERSION,
        train: StageKind::Train.version(),
        evaluate: StageKind::Evaluate.version(),
        host: "node7".into(),
        cpu: "another processor".into(),
    }
}

#[test]
fn a_stale_worker_is_refused_with_the_command_that_mends_it() {
    let project = Project::new();
    let older = Hello { train: hello().train + 1, ..hello() };
    let unreadable = Message::Failed { about: FailureKind::Job, message: "no such field".into(), help: String::new() };
    for (script, words) in [
        // As a worker answered before there was a greeting.
        (
            r#"echo '{"kind":"device","device":"cpu","name":"CPU","cuda":"","libtorch":"","threads":1}'"#.into(),
            "it does not say",
        ),
        (say(&Message::Hello(older)), "its train is"),
        (format!("{}\n{}", say(&Message::Hello(hello())), say(&unreadable)), "no such field"),
    ] {
        let (code, said) = train(&project, &script);
        assert_eq!(code, Some(1), "{said}");
        for word in ["is of another version", words, "cargo build --release"] {
            assert!(said.contains(word), "no `{word}` in {said}");
        }
        assert!(!project.cache().join("train").exists());
    }
}

#[test]
fn failures_are_told_apart_by_their_kind() {
    let project = Project::new();
    let failing = |about, message: &str| {
        let failed = Message::Failed { about, message: message.into(), help: "do this".into() };
        format!("{}\n{}", say(&Message::Hello(hello())), say(&failed))
    };
    let (code, said) = train(&project, &failing(FailureKind::Device, "no such device"));
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("error: device `cpu`: no such device\nhelp: do this"), "{said}");
    // The same words about a cell concern only the cell.
    let (code, said) = train(&project, &failing(FailureKind::Cell, "no such device"));
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains(&format!("{CE}: FAILED: no such device; do this")), "{said}");
}

#[test]
fn the_manifest_names_the_machine_that_the_worker_ran_on() {
    let project = Project::new();
    let metrics = r#"{"epoch":1,"train_loss":1.0,"learning_rate":1.0,"test_top1_pct":1.0,"test_top5_pct":1.0,"seconds":1.0,"images_per_second":1.0}"#;
    let script = format!(
        "out=$(echo \"$job\" | sed 's/.*\"out\":\"\\([^\"]*\\)\".*/\\1/')\n{}\necho '{metrics}' > \"$out/metrics.jsonl\"\n\
         echo weights > \"$out/weights.safetensors\"\n{}",
        say(&Message::Hello(hello())),
        say(&Message::Done)
    );
    let (code, said) = train(&project, &script);
    assert_eq!(code, Some(0), "{said}");
    let entry = fs::read_dir(project.cache().join("train")).unwrap().next().unwrap().unwrap().path();
    let manifest: Manifest = serde_json::from_slice(&fs::read(entry.join("manifest.json")).unwrap()).unwrap();
    let Environment { host, cpu, .. } = manifest.environment;
    assert_eq!((host.as_str(), cpu.as_str()), ("node7", "another processor"));
}
