//! What is in the cache and damaged, unreadable or of a newer program: named, never believed, never lost without a word.

#![allow(clippy::unwrap_used, reason = "a failure here is a failed test")]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use fpl_repro::artifact::Manifest;
use serde_json::{Value, json};

use crate::support::{CE, FPL, Output, Project, flip};

/// Changes a JSON file.
fn edit(path: &Path, change: impl FnOnce(&mut Value)) {
    let mut value: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    change(&mut value);
    fs::write(path, serde_json::to_vec_pretty(&value).unwrap()).unwrap();
}

/// How many cells of the published report have results.
fn done(project: &Project) -> usize {
    let report: Value =
        serde_json::from_slice(&fs::read(project.root.join("reports/test/report.json")).unwrap()).unwrap();
    report["cells"].as_array().unwrap().iter().filter(|cell| cell["state"]["state"] == "done").count()
}

fn names_the_damage(output: &Output, cell: &str) {
    assert_eq!(output.code, 1, "{output:#?}");
    output.says(&format!("error: cell `{cell}`: damaged: "));
}

#[test]
fn without_its_weights_a_cell_still_has_its_evidence() {
    let project = Project::finished();
    flip(&project.entry("train", FPL).join("weights.safetensors"));
    assert_eq!(project.run(&["report", "--only"]).code, 0);
    assert_eq!(done(&project), 2);
    assert_eq!(project.run(&["bundle"]).code, 0);
    fs::remove_file(project.entry("train", FPL).join("weights.safetensors")).unwrap();
    assert_eq!(project.run(&["bundle"]).code, 0);
}

#[test]
fn damaged_evidence_is_named_by_report_and_bundle() {
    let project = Project::finished();
    let scores = project.entry("evaluate", FPL).join("scores.json");
    flip(&scores);
    names_the_damage(&project.run(&["bundle"]), FPL);
    assert_eq!(done(&project), 1);
    assert!(project.report().contains("damaged: "), "the report says why the cell has no numbers");
    flip(&scores);
    assert_eq!(project.run(&["bundle"]).code, 0);
    assert_eq!(done(&project), 2);
    fs::OpenOptions::new()
        .append(true)
        .open(project.entry("train", CE).join("metrics.jsonl"))
        .unwrap()
        .set_len(10)
        .unwrap();
    names_the_damage(&project.run(&["bundle"]), CE);
}

/// Size, time and inode are put back; what no program can put back is when the file was last changed.
#[test]
fn a_change_behind_an_old_time_is_noticed_by_the_next_run() {
    let project = Project::finished();
    project.ok(&["all"]);
    let scores = project.entry("evaluate", FPL).join("scores.json");
    let modified = fs::metadata(&scores).unwrap().modified().unwrap();
    flip(&scores);
    fs::File::options().append(true).open(&scores).unwrap().set_modified(modified).unwrap();
    let output = project.ok(&["all"]);
    output.says("is not what was written");
    project.ok(&["verify"]);
}

/// The memo says that the file is as it was written: `verify` reads it, and the next run knows.
#[test]
fn what_verify_finds_is_remembered() {
    let project = Project::finished();
    project.ok(&["all"]);
    let scores = project.entry("evaluate", FPL).join("scores.json");
    let memo = project.cache().join("memo.json");
    let digest = fpl_repro::fs::sha256_file(&scores).unwrap();
    flip(&scores);
    project.run(&["status"]); // Its memo has the damaged file's stamp.
    let text = fs::read_to_string(&memo).unwrap();
    let wrong = fpl_repro::fs::sha256_file(&scores).unwrap();
    assert!(text.contains(&wrong), "status hashed it");
    fs::write(&memo, text.replace(&wrong, &digest)).unwrap();
    assert!(!project.ok(&["all"]).stderr.contains("is not what was written"), "the memo is believed");
    assert_eq!(project.run(&["verify"]).code, 1);
    project.ok(&["all"]).says("is not what was written");
    project.ok(&["verify"]);
}

#[test]
fn a_file_of_another_program_is_ignored_by_verify_and_by_all() {
    let project = Project::finished();
    fs::write(project.entry("train", FPL).join(".DS_Store"), b"a desktop's").unwrap();
    project.ok(&["verify"]).says("is not of this program, and is ignored");
    assert!(project.ok(&["all"]).ran().is_empty());
}

#[test]
fn a_manifest_must_be_what_was_written() {
    type Change = (&'static str, fn(&mut Value));
    let changes: [Change; 4] = [
        ("outputs", |manifest| manifest["outputs"] = json!({})),
        ("seconds", |manifest| manifest["seconds"] = json!(1.0)),
        ("epochs", |manifest| manifest["identity"]["fields"]["recipe"]["epochs"] = json!(3)),
        // As schema 1, which has no digest: the fields still have to give the fingerprint, and the outputs to be there.
        ("an old schema", |manifest| {
            manifest["schema"] = json!(1);
            manifest.as_object_mut().unwrap().remove("sha256");
            manifest["outputs"].as_object_mut().unwrap().remove("weights.safetensors");
        }),
    ];
    for (what, change) in changes {
        let project = Project::finished();
        let weights = project.weights(FPL);
        edit(&project.entry("train", FPL).join("manifest.json"), change);
        let output = project.run(&["bundle"]);
        assert_eq!(output.code, 1, "{what}: {output:#?}");
        assert!(project.ok(&["all"]).ran().contains(&format!("train {FPL}")), "{what}");
        assert_eq!(project.weights(FPL), weights, "{what}");
    }
}

/// Manifests of schema 1 stay valid: days of computing are behind them.
#[test]
fn entries_without_a_digest_are_used() {
    let project = Project::finished();
    for (stage, cell) in [("train", FPL), ("evaluate", FPL), ("train", CE), ("evaluate", CE)] {
        let path = project.entry(stage, cell).join("manifest.json");
        let written: Manifest = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        assert!(written.sha256.is_some());
        let old = Manifest { schema: 1, sha256: None, ..written };
        fs::write(&path, serde_json::to_vec_pretty(&old).unwrap()).unwrap();
    }
    assert!(project.ok(&["evaluate"]).ran().is_empty());
    let bundle = project.root.join("old.tar.gz").display().to_string();
    project.ok(&["bundle", "--output", &bundle]);
    assert_eq!(project.raw(&["verify", &bundle]).code, 0);
}

#[test]
fn results_of_a_newer_program_are_not_trained_over() {
    let project = Project::finished();
    let entry = project.entry("train", FPL);
    edit(&entry.join("manifest.json"), |manifest| *manifest = json!({ "schema": 3, "all": "new" }));
    let before = fpl_repro::fs::sha256_file(&entry.join("manifest.json")).unwrap();
    for command in ["all", "bundle"] {
        let output = project.run(&[command]);
        assert_eq!(output.code, 1, "{output:#?}");
        output.says("written by a newer program (schema 3)");
    }
    assert_eq!(fpl_repro::fs::sha256_file(&entry.join("manifest.json")).unwrap(), before);
}

#[test]
fn a_damaged_import_is_named_and_not_trained_anew() {
    let project = Project::finished();
    let bundle = project.root.join("b.tar.gz").display().to_string();
    project.ok(&["bundle", "--output", &bundle]);
    let other = Project::new();
    other.ok(&["fetch"]);
    other.ok(&["import", &bundle]);
    assert!(other.ok(&["all"]).ran().iter().all(|stage| !stage.starts_with("train")));
    let imported = fs::read_dir(other.cache().join("foreign")).unwrap().next().unwrap().unwrap().path();
    flip(&imported.join("predictions.bin"));
    let output = other.run(&["all"]);
    assert_eq!(output.code, 1, "{output:#?}");
    output.says("imported results are damaged");
    assert!(output.ran().iter().all(|stage| !stage.starts_with("train")), "{output:#?}");
    // Whoever asks for a training gets one.
    assert_eq!(other.ok(&["train"]).ran().iter().filter(|stage| stage.starts_with("train")).count(), 2);
}

/// A folder that is no cache of this program, with folders that are called as a cache's.
#[test]
fn gc_removes_nothing_from_a_folder_that_is_no_cache() {
    let project = Project::finished();
    let home = project.root.join("home");
    for folder in ["work/thesis", "train/dog", "report/2024", "staging"] {
        fs::create_dir_all(home.join(folder)).unwrap();
        fs::write(home.join(folder).join("mine.txt"), b"mine").unwrap();
    }
    let home_name = home.display().to_string();
    let output = project.run(&["gc", "--trainings", "--cache-dir", &home_name]);
    assert_eq!(output.code, 2, "{output:#?}");
    output.says("is no cache of this program");
    // Nor what others have put into a cache.
    for folder in ["work/thesis", "train/dog", "report/2024"] {
        fs::create_dir_all(project.cache().join(folder)).unwrap();
        fs::write(project.cache().join(folder).join("mine.txt"), b"mine").unwrap();
    }
    project.ok(&["gc", "--trainings"]);
    for folder in ["work/thesis", "train/dog", "report/2024"] {
        assert!(
            home.join(folder).join("mine.txt").is_file() && project.cache().join(folder).join("mine.txt").is_file()
        );
    }
}

/// Another profile's published report, and what it shows, is not this profile's to remove.
#[test]
fn gc_keeps_what_published_reports_show() {
    let project = Project::finished();
    let other =
        fs::read_to_string(project.root.join("profiles/test.toml")).unwrap().replace("epochs = 2", "epochs = 1");
    project.profile("other", &other);
    let output = project.raw(&["--profile", "other", "all"]);
    assert_eq!(output.code, 0, "{output:#?}");
    fs::remove_file(project.root.join("profiles/other.toml")).unwrap();
    project.ok(&["gc", "--trainings"]).says("0 entries");
    project.profile("other", &other);
    assert!(project.raw(&["--profile", "other", "all"]).ran().is_empty());
    assert!(project.ok(&["all"]).ran().is_empty());
}

#[test]
fn gc_waits_for_no_run_and_takes_nothing_from_one() {
    let project = Project::finished();
    let mut running = project.start(&["all", "--set", "recipes.table2.epochs=50"]);
    running.until("epoch 1");
    let output = project.run(&["gc"]);
    assert_eq!(output.code, 2, "{output:#?}");
    output.says("a run uses");
    assert_eq!(project.run(&["gc", "--dry-run"]).code, 0);
    running.signal("TERM");
    assert_eq!(running.end().1.code, 130);
    project.ok(&["gc"]);
}

/// A speed that no machine has says nothing of the next training.
#[test]
fn a_speed_that_cannot_be_is_not_estimated_from() {
    let project = Project::finished();
    for cell in [FPL, CE] {
        let path = project.entry("train", cell).join("metrics.jsonl");
        let slowed = |line: &str| {
            let mut epoch: Value = serde_json::from_str(line).unwrap();
            epoch["images_per_second"] = json!(1e-300);
            epoch.to_string()
        };
        let lines = fs::read_to_string(&path).unwrap().lines().map(slowed).collect::<Vec<_>>().join("\n");
        fs::write(&path, lines).unwrap();
    }
    project.ok(&["plan", "--set", "recipes.table2.epochs=3"]).says("time unknown");
}

/// What processes leave that are killed between their result's rename and their clean-up, or while they write.
#[test]
fn leftovers_go_with_the_next_run_that_is_alone() {
    let project = Project::finished();
    let cache = project.cache();
    let of = |stage: &str, cell: &str| project.entry(stage, cell).file_name().unwrap().to_str().unwrap().to_owned();
    let (trained, evaluated, unfinished) = (of("train", FPL), of("evaluate", CE), "0123".repeat(16));
    let leftovers = [
        format!("staging/{trained}/weights.safetensors"),
        format!("staging/{trained}.old/manifest.json"),
        format!("staging/foreign-{evaluated}/predictions.bin"),
        format!("work/{trained}/checkpoint.safetensors"),
        format!("failures/{evaluated}.json"),
        "failures/.new-a1b2c3".to_owned(),
        ".new-d4e5f6".to_owned(),
    ];
    let others = [
        format!("work/{unfinished}/checkpoint.safetensors"),
        format!("failures/{unfinished}.json"),
        "staging/mine.txt".to_owned(),
    ];
    for file in leftovers.iter().chain(&others) {
        fs::create_dir_all(cache.join(file).parent().unwrap()).unwrap();
        fs::write(cache.join(file), b"left").unwrap();
    }
    let there = |files: &[String]| files.iter().filter(|file| cache.join(file).exists()).count();
    let held = fpl_repro::fs::Lock::shared(&cache.join("locks/cache.lock")).unwrap();
    project.ok(&["report"]);
    assert_eq!(there(&leftovers), leftovers.len(), "another process may be using them");
    drop(held);
    project.ok(&["report"]);
    assert_eq!((there(&leftovers), there(&others)), (0, others.len()));
    // While a result is not complete, its checkpoint is what it goes on from.
    flip(&cache.join(format!("train/{trained}/weights.safetensors")));
    fs::create_dir_all(cache.join(format!("work/{trained}"))).unwrap();
    project.ok(&["report", "--only"]);
    assert!(cache.join(format!("work/{trained}")).exists());
}

/// A finished cache that this process may read and not write: on a medium, or another's.
#[test]
fn a_read_only_cache_can_be_reported_and_bundled() {
    let project = Project::finished();
    let run =
        |script: &str| Command::new("sh").args(["-c", script]).current_dir(&project.root).status().unwrap().success();
    assert!(run("mkdir out && chmod -R a+rX . .. && chmod 777 out && chmod -R a-w cache"));
    let as_reader = |args: &[&str]| project.unprivileged(&[&["--reports-dir", "out"], args].concat());
    let output = as_reader(&["report"]);
    assert_eq!(output.code, 0, "{output:#?}");
    for name in ["report.html", "report.json"] {
        let [here, there] =
            ["out/test", "reports/test"].map(|folder| fs::read(project.root.join(folder).join(name)).unwrap());
        assert!(here == there, "{name}");
    }
    let output = as_reader(&["bundle", "--output", "out/b.tar.gz"]);
    assert_eq!(output.code, 0, "{output:#?}");
    let bundle = project.root.join("out/b.tar.gz").display().to_string();
    assert_eq!(project.raw(&["verify", &bundle]).code, 0);
    // What has to be made anew says where it cannot be written.
    let output = as_reader(&["train", "--set", "recipes.table2.epochs=1"]);
    assert_eq!(output.code, 1, "{output:#?}");
    output.says("Permission denied");
    output.says("cache");
    assert!(run("chmod -R u+w cache"));
}

/// A way to spoil a file.
type Spoil = (&'static str, fn(&Path));

const SPOILS: [Spoil; 7] = [
    ("a flipped bit", |path| flip(path)),
    ("cut in half", |path| {
        let file = fs::File::options().write(true).open(path).unwrap();
        file.set_len(file.metadata().unwrap().len() / 2).unwrap();
    }),
    ("emptied", |path| fs::write(path, b"").unwrap()),
    ("removed", |path| fs::remove_file(path).unwrap()),
    ("a directory", |path| {
        fs::remove_file(path).unwrap();
        fs::create_dir(path).unwrap();
    }),
    ("a loop of links", |path| {
        fs::remove_file(path).unwrap();
        symlink(path, path).unwrap();
    }),
    ("a pipe", |path| {
        fs::remove_file(path).unwrap();
        assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
    }),
];

/// Every file of a finished cache, spoiled in one of seven ways (in all of them with `FPL_TORTURE=full`): no command hangs or
/// panics, no report has another number than before, and the next `all` ends with the same weights and numbers.
#[test]
fn whatever_is_spoiled_no_number_changes() {
    let project = Project::finished();
    project.ok(&["all"]);
    let numbers = |project: &Project| -> Vec<Value> {
        let path = project.root.join("reports/test/report.json");
        let report: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
        report["cells"].as_array().unwrap().iter().map(|cell| json!([cell["id"], cell["scores"]])).collect()
    };
    let sound = numbers(&project);
    let weights = [FPL, CE].map(|cell| project.weights(cell));
    let files: Vec<PathBuf> = fpl_repro::fs::files_below(&project.cache())
        .unwrap()
        .into_iter()
        .filter(|file| !file.starts_with("locks") && !file.starts_with("logs"))
        .collect();
    let full = std::env::var_os("FPL_TORTURE").is_some();
    for (index, file) in files.iter().enumerate() {
        for (at, (how, spoil)) in SPOILS.iter().enumerate() {
            if !full && at != index % SPOILS.len() {
                continue;
            }
            let path = project.cache().join(file);
            if !path.is_file() {
                continue; // An entry of before that is not made again.
            }
            let what = format!("{}: {how}", file.display());
            spoil(&path);
            for command in [&["status"][..], &["report", "--only"]] {
                let output = project.run(command);
                assert!([0, 1, 3].contains(&output.code) && !output.stderr.contains("panicked"), "{what}: {output:#?}");
            }
            for cell in numbers(&project).iter().filter(|cell| !cell[1].is_null()) {
                assert!(sound.contains(cell), "{what}: {cell}");
            }
            project.ok(&["all"]);
            assert_eq!(numbers(&project), sound, "{what}");
            assert!([FPL, CE].map(|cell| project.weights(cell)) == weights, "{what}");
        }
    }
}
