//! The border to the worker: shell scripts stand for it, so that they can do what no sound worker does.

#![allow(clippy::unwrap_used, reason = "a failure here is a failed test")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

use fpl_repro::artifact::{Environment, Manifest};
use fpl_repro::plan::StageKind;
use fpl_repro::protocol::{self, FailureKind, Hello, Message, Tensors};
use safetensors::Dtype;
use safetensors::tensor::TensorView;

use crate::support::{CE, Output, Project, output, wait_for_end};

/// Metrics of the two epochs of the test profile.
const METRICS: &str = r#"{"epoch":1,"train_loss":1.0,"learning_rate":1.0,"test_top1_pct":1.0,"test_top5_pct":1.0,"seconds":1.0,"images_per_second":1.0}
{"epoch":2,"train_loss":1.0,"learning_rate":1.0,"test_top1_pct":1.0,"test_top5_pct":1.0,"seconds":1.0,"images_per_second":1.0}"#;

/// Runs a command with a script in the worker's place, which has the job in `$job` and the folder for results in `$out`.
fn run(project: &Project, args: &[&str], script: &str) -> Output {
    let bin = project.root.join("bin");
    fs::create_dir_all(&bin).unwrap();
    let (program, worker) = (bin.join("fpl-repro"), bin.join("fpl-repro-worker"));
    if !program.exists() {
        fs::copy(Path::new(env!("CARGO_BIN_EXE_fpl-repro")), &program).unwrap();
    }
    let begin = "#!/bin/sh\nread -r job\nout=$(echo \"$job\" | sed 's/.*\"out\":\"\\([^\"]*\\)\".*/\\1/')\n";
    fs::write(&worker, format!("{begin}{script}\n")).unwrap();
    fs::set_permissions(&worker, fs::Permissions::from_mode(0o755)).unwrap();
    let mut command = std::process::Command::new(&program);
    output(command.args(["--profile", "test"]).args(args).current_dir(&project.root))
}

/// Trains a cell with a script in the worker's place; exit code and what was said.
fn train(project: &Project, script: &str) -> (i32, String) {
    let output = run(project, &["train", "--cells", CE], script);
    (output.code, output.stderr)
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

fn greeting() -> String {
    say(&Message::Hello(hello()))
}

/// The last word of a training whose weights are one tensor of two numbers.
fn done() -> String {
    say(&Message::Done { tensors: Tensors::from([("fc.bias".into(), vec![2])]) })
}

/// A weights file with one tensor.
fn weights(project: &Project, name: &str, numbers: &[f32]) -> String {
    let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
    let tensor = TensorView::new(Dtype::F32, vec![numbers.len()], &bytes).unwrap();
    let path = project.root.join(name);
    fs::write(&path, safetensors::serialize([("fc.bias", tensor)], None).unwrap()).unwrap();
    path.display().to_string()
}

/// A training that leaves what it must.
fn sound(project: &Project) -> String {
    let weights = weights(project, "sound.safetensors", &[0.0, 1.0]);
    format!("cp {weights} \"$out/weights.safetensors\"\necho '{METRICS}' > \"$out/metrics.jsonl\"")
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
        (format!("{}\n{}", greeting(), say(&unreadable)), "no such field"),
    ] {
        let (code, said) = train(&project, &script);
        assert_eq!(code, 1, "{said}");
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
        format!("{}\n{}", greeting(), say(&failed))
    };
    let (code, said) = train(&project, &failing(FailureKind::Device, "no such device"));
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("error: device `cpu`: no such device\nhelp: do this"), "{said}");
    // The same words about a cell concern only the cell.
    let (code, said) = train(&project, &failing(FailureKind::Cell, "no such device"));
    assert_eq!(code, 1, "{said}");
    assert!(said.contains(&format!("{CE}: FAILED: no such device; do this")), "{said}");
}

/// The next cell would train an epoch to find the same.
#[test]
fn a_full_disk_in_a_worker_ends_the_run() {
    let project = Project::new();
    let message = "failed to write `/x/y`: No space left on device (os error 28)".into();
    let failed = Message::Failed { about: FailureKind::Storage, message, help: "free some space".into() };
    let output = run(&project, &["all", "--jobs", "1"], &format!("{}\n{}", greeting(), say(&failed)));
    assert_eq!(output.code, 1, "{output:#?}");
    output.says("error: failed to write `/x/y`: No space left on device (os error 28)\nhelp: free some space");
    assert_eq!(output.stderr.matches("train    ").count(), 1, "a further cell was begun: {output:#?}");
}

#[test]
fn the_manifest_names_the_machine_that_the_worker_ran_on() {
    let project = Project::new();
    let (code, said) = train(&project, &format!("{}\n{}\n{}", greeting(), sound(&project), done()));
    assert_eq!(code, 0, "{said}");
    let entry = fs::read_dir(project.cache().join("train")).unwrap().next().unwrap().unwrap().path();
    let manifest: Manifest = serde_json::from_slice(&fs::read(entry.join("manifest.json")).unwrap()).unwrap();
    let Environment { host, cpu, .. } = manifest.environment;
    assert_eq!((host.as_str(), cpu.as_str()), ("node7", "another processor"));
}

/// One that waits for ever and one that is stopped: noticed, told with the end of its log, and gone.
#[test]
fn a_worker_that_says_nothing_is_killed_and_its_cell_fails() {
    for (index, hang) in ["exec sleep 100", "kill -STOP $$"].into_iter().enumerate() {
        let project = Project::new();
        let pid = project.root.join("pid");
        let script = format!("{}\necho $$ > {}\necho 'in trouble' >&2\n{hang}", greeting(), pid.display());
        let started = Instant::now();
        let output = run(&project, &["all", "--set", "run.silence=1"], &script);
        assert_eq!(output.code, 1, "{output:#?}");
        output.says(&format!("train    {CE}: FAILED: its process said nothing for 1 s (`run.silence`)"));
        output.says("run the same command again");
        output.says(", which ends:\n    in trouble");
        assert!(started.elapsed() < Duration::from_secs(30), "{index}");
        wait_for_end(fs::read_to_string(pid).unwrap().trim().parse().unwrap());
        assert!(project.report().contains("said nothing for 1 s"));
    }
}

#[test]
fn a_worker_that_is_done_and_does_not_end_is_killed_and_its_result_kept() {
    let project = Project::new();
    let script = format!("{}\n{}\n{}\nexec sleep 100", greeting(), sound(&project), done());
    let output = run(&project, &["train", "--cells", CE, "--set", "run.silence=1"], &script);
    assert_eq!(output.code, 0, "{output:#?}");
    output.says("its process did not end after its last word, and was killed");
}

#[test]
fn what_is_no_message_fails_the_cell() {
    let epoch = |epoch: u32| say(&Message::Step { epoch, step: 1, steps: 1, images_per_second: 1.0 });
    for (flood, words) in [
        ("head -c 50000000 /dev/zero | tr '\\0' x".to_owned(), "wrote no message: 1048576 bytes that begin with `xxx"),
        ("printf '\\377\\376\\n'".to_owned(), "wrote no message: 3 bytes that begin with `\\xff\\xfe\\n`"),
        ("echo '{\"kind\":\"poem\"}'".to_owned(), "wrote no message: 16 bytes that begin with `{"),
        ("printf '\\033[2J\\n'".to_owned(), "begin with `\\x1b[2J\\n`"),
        (epoch(0), "its process speaks of epoch 0"),
        (epoch(3), "its process speaks of epoch 3"),
    ] {
        let project = Project::new();
        let started = Instant::now();
        let (code, said) = train(&project, &format!("{}\n{flood}\nexec sleep 100", greeting()));
        assert_eq!(code, 1, "{said}");
        assert!(said.contains(&format!("{CE}: FAILED: ")) && said.contains(words), "no `{words}` in {said}");
        assert!(started.elapsed() < Duration::from_secs(30), "{flood}");
    }
}

#[test]
fn a_worker_that_ends_without_a_result_fails_its_cell() {
    for (end, words) in [
        ("exit 0", "its process ended without a result"),
        ("exit 3", "its process ended with exit code 3"),
        ("kill -SEGV $$", "its process ended by signal 11"),
    ] {
        let project = Project::new();
        let (code, said) = train(&project, &format!("{}\n{end}", greeting()));
        assert_eq!(code, 1, "{said}");
        assert!(said.contains(&format!("{CE}: FAILED: {words}; run the same command again")), "{said}");
        let status = project.status(&[]);
        let failed = status.iter().find(|entry| entry["stage"] == "train" && entry["subject"] == CE).unwrap();
        assert!(failed["failure"].as_str().unwrap().contains(words), "{failed:#?}");
    }
}

/// What would become an entry that never heals: the cell fails, the report is written, and nothing is kept.
#[test]
fn results_are_looked_at_before_they_are_kept() {
    let project = Project::new();
    let sound = sound(&project);
    let longer = weights(&project, "longer.safetensors", &[0.0, 1.0, 2.0]);
    let infinite = weights(&project, "infinite.safetensors", &[0.0, f32::INFINITY]);
    for (spoil, words) in [
        ("rm \"$out/weights.safetensors\"".to_owned(), "No such file"),
        ("echo weights > \"$out/weights.safetensors\"".to_owned(), "is not a sound safetensors file"),
        ("truncate -s -1 \"$out/weights.safetensors\"".to_owned(), "is not a sound safetensors file"),
        (format!("cp {longer} \"$out/weights.safetensors\""), "tensor `fc.bias` is F32 [3], not F32 [2]"),
        (format!("cp {infinite} \"$out/weights.safetensors\""), "tensor `fc.bias` holds NaN or infinity"),
        ("rm \"$out/weights.safetensors\"; mkdir \"$out/weights.safetensors\"".to_owned(), "is no regular file"),
        ("rm \"$out/metrics.jsonl\"".to_owned(), "No such file"),
        ("sed -i 1d \"$out/metrics.jsonl\"".to_owned(), "has 1 lines, not one for each of 2 epochs"),
        ("sed -i 's/epoch\":2/epoch\":1/' \"$out/metrics.jsonl\"".to_owned(), "not one for each of 2 epochs"),
        ("sed -i 's/top1_pct\":1/top1_pct\":101/' \"$out/metrics.jsonl\"".to_owned(), "numbers that cannot be"),
        ("echo garbage > \"$out/metrics.jsonl\"".to_owned(), "metrics.jsonl`: line 1: "),
    ] {
        let script = format!("{}\n{sound}\n{spoil}\n{}", greeting(), done());
        let output = run(&project, &["all", "--cells", CE], &script);
        assert_eq!(output.code, 1, "{spoil}: {output:#?}");
        output.says(&format!("train    {CE}: FAILED: its process left no sound result: "));
        output.says(words);
        assert!(project.report().contains("left no sound result"), "{spoil}");
        assert!(fs::read_dir(project.cache().join("train")).map_or(0, Iterator::count) == 0, "{spoil}");
    }
}
