//! Imbalance, label noise and other numbers of classes, from the configuration to the report, on generated images.

#![allow(clippy::unwrap_used, reason = "a failure here is a failed test")]

use std::fs;

use fpl_repro::artifact::TrainingSet;
use fpl_repro::results::read_metrics;

use crate::support::Project;

/// What makes a profile small: generated images under the name that its data sets inherit from, and one epoch.
fn small(profile: &str, recipe: &str) -> Vec<String> {
    let source = "datasets.cifar10.source={kind=\"generated\",seed=1,train_records=1000,test_records=50}";
    let epochs = format!("recipes.{recipe}.epochs=1");
    let mut args: Vec<String> =
        ["--profile", profile, "--cells", &format!("{profile}/*"), "--seeds", "0", "--device", "cpu", "--jobs", "2"]
            .map(str::to_owned)
            .to_vec();
    for set in [source, &epochs, "run.threads=1"] {
        args.extend(["--set".to_owned(), set.to_owned()]);
    }
    args
}

fn run(project: &Project, command: &str, args: &[String]) {
    let args: Vec<&str> = args.iter().map(String::as_str).chain([command]).collect();
    let output = project.raw(&args);
    assert_eq!(output.code, 0, "{output:#?}");
}

/// Entries of the trainings in the cache.
fn trainings(project: &Project) -> Vec<std::path::PathBuf> {
    fs::read_dir(project.cache().join("train")).unwrap().map(|entry| entry.unwrap().path()).collect()
}

fn training_set(entry: &std::path::Path) -> TrainingSet {
    serde_json::from_slice(&fs::read(entry.join("training-set.json")).unwrap()).unwrap()
}

#[test]
fn the_profile_imbalance_goes_through() {
    let project = Project::new();
    run(&project, "all", &small("imbalance", "imbalance"));
    let entries = trainings(&project);
    assert_eq!(entries.len(), 10);
    for entry in entries {
        // int(100·0.01^(i/9)) of the 100 images that the generator makes of every class.
        assert_eq!(training_set(&entry).class_counts, [100, 59, 35, 21, 12, 7, 4, 2, 1, 1]);
        assert_eq!(training_set(&entry).wrong_labels, 0);
        assert_eq!(read_metrics(&entry.join("metrics.jsonl")).unwrap()[0].memorized_pct, None);
    }
    let report = fs::read_to_string(project.root.join("reports/imbalance/report.md")).unwrap();
    // 100 + 59 + 35 + 21 + 12 + 7 + 4 + 2 + 1 + 1.
    assert!(report.contains("## Imbalance and label noise") && report.contains("| 242 | 100 to 1 |"), "{report}");
    assert!(project.root.join("reports/imbalance/figures/figureS8-imbalance-resnet-18-random.svg").is_file());
    let bundle_path = project.root.join("imbalance.tar.gz").display().to_string();
    let mut args = small("imbalance", "imbalance");
    let runs_only = args.iter().position(|arg| arg == "--device").unwrap();
    args.drain(runs_only..runs_only + 4); // `--device cpu --jobs 2` is for commands that train.
    let args: Vec<&str> = args.iter().map(String::as_str).chain(["bundle", "--output", &bundle_path]).collect();
    assert_eq!(project.raw(&args).code, 0);
    assert_eq!(project.raw(&["verify", &bundle_path]).code, 0);
    for loss in ["FPL", "FPL-MINIBATCH", "FPL-NO-ALPHA", "FOCAL", "CLASS-BALANCED", "BALANCED-SOFTMAX", "LDAM-DRW"] {
        assert!(report.contains(loss), "no {loss}");
    }
    // The whole test set: 50 images.
    let labels = project.root.join("reports/imbalance/report.json");
    let json: serde_json::Value = serde_json::from_slice(&fs::read(labels).unwrap()).unwrap();
    let cells = json["cells"].as_array().unwrap();
    let done: Vec<_> = cells.iter().filter(|cell| cell["scores"].is_object()).collect();
    assert_eq!(done.len(), 10);
    assert!(done.iter().all(|cell| cell["scores"]["images"] == 50));
}

#[test]
fn the_profile_noise_goes_through_and_memorised_labels_are_counted() {
    let project = Project::new();
    let mut args = small("noise", "noise");
    args[3] = "noise/resnet18/random/fpl/*".into();
    args.extend(["--cells".to_owned(), "noise/resnet18/random/ce/*".to_owned()]);
    run(&project, "all", &args);
    let sets: Vec<TrainingSet> = trainings(&project).iter().map(|entry| training_set(entry)).collect();
    assert_eq!(sets.len(), 2);
    assert_eq!(sets[0], sets[1], "all losses of a seed are told the same");
    // 400 expected of 1,000, ± 15.5.
    assert!(sets[0].wrong_labels.abs_diff(400) < 62, "{:?}", sets[0]);
    assert_eq!(sets[0].class_counts.iter().sum::<u32>(), 1000);
    for entry in trainings(&project) {
        let memorized = read_metrics(&entry.join("metrics.jsonl")).unwrap()[0].memorized_pct.unwrap();
        assert!((0.0..=100.0).contains(&memorized));
    }
    assert!(project.root.join("reports/noise/report.html").is_file());
}

/// From generating to scores; the report's figures of so many classes are another matter.
#[test]
fn a_hundred_classes_train_and_evaluate() {
    let project = Project::new();
    let classes =
        "datasets.generated.source={kind=\"generated\",classes=100,seed=1,train_records=200,test_records=200}";
    let cell = "table2/resnet18/random/ce/seed0";
    let output = project.run(&["evaluate", "--cells", cell, "--set", classes, "--set", "recipes.table2.epochs=1"]);
    assert_eq!(output.code, 0, "{output:#?}");
    let entry = fs::read_dir(project.cache().join("evaluate")).unwrap().next().unwrap().unwrap().path();
    let scores: serde_json::Value = serde_json::from_slice(&fs::read(entry.join("scores.json")).unwrap()).unwrap();
    assert_eq!(scores["confusion"].as_array().unwrap().len(), 100);
    assert_eq!(fs::read(entry.join("predictions.bin")).unwrap().len(), 400);
}
