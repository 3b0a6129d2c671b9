//! `check --rerun`: a cached cell made again.

#![allow(clippy::unwrap_used, reason = "a failure here is a failed test")]

use std::fs;

use fpl_repro::artifact::Manifest;
use fpl_repro::store::sealed;

use crate::support::{CE, FPL, Project};

#[test]
fn a_cell_comes_out_bitwise_the_same_and_the_cache_stays_as_it_is() {
    let project = Project::finished();
    let results = |project: &Project| -> Vec<_> {
        let kept = ["train", "evaluate", "fetch", "work", "staging", "failures"];
        project.snapshot().into_iter().filter(|(file, _)| kept.iter().any(|folder| file.starts_with(folder))).collect()
    };
    let before = results(&project);
    project.ok(&["check", "--rerun", CE]).says("bitwise the same: metrics of 2 epochs");
    assert_eq!(results(&project), before);
}

/// Metrics that were changed together with their digests, as if another machine had made them.
#[test]
fn a_difference_is_named_with_its_first_epoch_and_ends_with_5() {
    let project = Project::finished();
    let entry = project.entry("train", FPL);
    let (metrics, manifest) = (entry.join("metrics.jsonl"), entry.join("manifest.json"));
    let mut lines: Vec<serde_json::Value> =
        fs::read_to_string(&metrics).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    lines[0]["seconds"] = 77.0.into(); // Times are not compared.
    lines[1]["train_loss"] = 0.5.into();
    let lines: Vec<String> = lines.iter().map(ToString::to_string).collect();
    fs::write(&metrics, lines.join("\n") + "\n").unwrap();
    let mut written: Manifest = serde_json::from_slice(&fs::read(&manifest).unwrap()).unwrap();
    let output = written.outputs.get_mut("metrics.jsonl").unwrap();
    output.sha256 = fpl_repro::fs::sha256_file(&metrics).unwrap();
    fs::write(&manifest, serde_json::to_vec_pretty(&sealed(written)).unwrap()).unwrap();
    let output = project.run(&["check", "--rerun", FPL]);
    assert_eq!(output.code, 5, "{output:#?}");
    output.says("the metrics differ from epoch 2 on: loss 0.5, ");
    assert!(!output.stdout.contains("the weights differ"), "{output:#?}");
}

#[test]
fn without_a_cached_result_there_is_nothing_to_compare_with() {
    let project = Project::new();
    let output = project.run(&["check", "--rerun", CE]);
    assert_eq!(output.code, 2, "{output:#?}");
    output.says("there is nothing to compare with");
    output.says(&format!("fpl-repro evaluate --cells '{CE}'"));
    assert_eq!(project.run(&["check", "--rerun", "no/such"]).code, 2);
}
