//! What is in the way of a training that would go on: said, and trained all the same, to the same weights.

#![allow(clippy::unwrap_used, reason = "a failure here is a failed test")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use safetensors::Dtype;
use safetensors::tensor::TensorView;

use crate::support::{CE, Output, Project, wait_for_end};

fn folder(project: &Project) -> PathBuf {
    let train = project.status(&[]).into_iter().find(|entry| entry["stage"] == "train" && entry["subject"] == CE);
    project.cache().join("work").join(train.unwrap()["fingerprint"].as_str().unwrap())
}

/// Trains the cell, which comes out as ever.
#[track_caller]
fn trains(project: &Project) -> Output {
    let output = project.ok(&["train", "--cells", CE]);
    assert_eq!(project.weights(CE), Project::finished().weights(CE));
    output
}

/// A checkpoint with a digest that is right.
fn checkpoint(path: &Path, metrics: &str) {
    let tensor = TensorView::new(Dtype::U8, vec![metrics.len()], metrics.as_bytes()).unwrap();
    let mut bytes = safetensors::serialize([("metrics", tensor)], None).unwrap();
    bytes.extend(fpl_repro::fs::sha256_bytes(&bytes).as_bytes());
    fs::write(path, bytes).unwrap();
}

#[test]
fn what_is_no_file_is_removed() {
    let project = Project::new();
    let folder = folder(&project);
    for name in ["checkpoint.safetensors", "checkpoint.tmp", "worker.lock", "resumed"] {
        fs::create_dir_all(folder.join(name).join("below")).unwrap();
    }
    for name in ["metrics.jsonl", "checkpoint.previous.link"] {
        assert!(Command::new("mkfifo").arg(folder.join(name)).status().unwrap().success());
    }
    fs::write(folder.join("checkpoint.previous.safetensors"), b"garbage").unwrap();
    let output = trains(&project);
    output.says("checkpoint.safetensors` is no file: removed, and not gone on from");
    output.says("the checkpoint is cut off; it is not gone on from");
}

#[test]
fn a_file_in_the_place_of_the_folder_is_removed() {
    let project = Project::new();
    let folder = folder(&project);
    fs::create_dir_all(folder.parent().unwrap()).unwrap();
    fs::write(&folder, b"garbage").unwrap();
    trains(&project).says("is no folder: removed");
}

#[test]
fn a_sound_checkpoint_of_another_training_is_not_gone_on_from() {
    let project = Project::new();
    let folder = folder(&project);
    fs::create_dir_all(&folder).unwrap();
    let line = |epoch: u32| {
        format!(
            r#"{{"epoch":{epoch},"train_loss":1.0,"learning_rate":1.0,"test_top1_pct":1.0,"test_top5_pct":1.0,"seconds":1.0,"images_per_second":1.0}}"#
        )
    };
    checkpoint(&folder.join("checkpoint.safetensors"), &format!("[{}]", [1, 2, 3].map(line).join(",")));
    checkpoint(&folder.join("checkpoint.previous.safetensors"), &format!("[{}]", line(1)));
    let output = trains(&project);
    output.says("the checkpoint is of another training: its epochs are others; it is not gone on from");
    output.says("missing tensor `bn1.bias`");
    output.says("epoch 1/2");
}

/// Two checkpoints are kept: where the newer is damaged, an epoch is lost and no more.
#[test]
fn a_damaged_checkpoint_costs_one_epoch() {
    let project = Project::new();
    let args = ["train", "--cells", CE, "--set", "recipes.table2.epochs=3"];
    let mut running = project.start(&args);
    running.until("epoch 2/3");
    let workers = running.workers();
    running.signal("KILL");
    running.end();
    workers.into_iter().for_each(wait_for_end);
    let folder = fs::read_dir(project.cache().join("work")).unwrap().next().unwrap().unwrap().path();
    fs::write(folder.join("checkpoint.safetensors"), b"").unwrap();
    let output = project.ok(&args);
    output.says("the checkpoint is cut off; it is not gone on from");
    output.says("goes on after epoch 1");
}
