//! `diff`: numbers in standard errors, fields of fingerprints, and files that are no reports.

#![allow(clippy::unwrap_used, reason = "a failure here is a failed test")]

use std::fs;
use std::path::Path;

use fpl_repro::report::diff::{Diff, Moved};
use fpl_repro::report::input::ReportInput;
use fpl_repro::report::ledger::Verdict;
use serde_json::{Value, json};

use crate::support::{CE, FPL, Project};

fn report(project: &Project) -> Value {
    serde_json::from_slice(&fs::read(project.root.join("reports/test/report.json")).unwrap()).unwrap()
}

fn input(report: &Value) -> ReportInput {
    serde_json::from_value(report.clone()).unwrap()
}

/// Sets the scores of the first cell, FPL's: so many of 10,000 images are right.
fn with(mut report: Value, index: usize, right: u32, top5: f64) -> Value {
    let scores = &mut report["cells"][index]["scores"];
    scores["images"] = json!(10_000);
    scores["top1_pct"] = json!(f64::from(right) / 100.0);
    scores["top5_pct"] = json!(top5);
    scores["false_positives"] = json!([10_000 - right, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    report
}

#[track_caller]
fn moved<'a>(diff: &'a Diff, measure: &str) -> &'a Moved {
    diff.moved.iter().find(|moved| moved.measure.key == measure).unwrap()
}

#[track_caller]
fn close(found: Option<f64>, expected: f64) {
    assert!((found.unwrap() - expected).abs() < 1e-9, "{found:?} is not {expected}");
}

/// 90 % and 80 % of 10,000 images: binomial standard errors 0.3 and 0.4 points, 30 and 40 images; together 0.5 and 50.
#[test]
fn a_single_run_is_measured_in_binomial_standard_errors() {
    let project = Project::finished();
    let before = with(report(&project), 0, 9000, 99.0);
    let after = with(report(&project), 0, 8000, 99.0);
    let diff = Diff::of(&input(&before), &input(&after));
    // Top-1, the false positives and the accuracy that they imply; of two rows with twelve measures, but no curve has a
    // roughness after two epochs.
    assert_eq!((diff.moved.len(), diff.unmoved), (3, 19), "{diff:?}");
    let top1 = moved(&diff, "top1");
    assert_eq!(top1.row, FPL.trim_end_matches("/seed0"));
    close(top1.before.standard_error, 0.3);
    close(top1.after.standard_error, 0.4);
    close(top1.standard_errors(), -20.0);
    close(moved(&diff, "false-positives").standard_errors(), 20.0);
    assert!(diff.fields.is_empty() && diff.only_before.is_empty() && diff.only_after.is_empty());
}

/// Two seeds with 90 and 92 %: mean 91, standard deviation √2, standard error 1; against 94 and 96 %, four of √2.
#[test]
fn several_runs_are_measured_over_seeds() {
    let project = Project::finished();
    let two_seeds = |first, second| {
        let mut report = with(with(report(&project), 0, first, 99.0), 1, second, 99.0);
        report["cells"][1]["id"] = json!(FPL.replace("seed0", "seed1"));
        input(&report)
    };
    let diff = Diff::of(&two_seeds(9000, 9200), &two_seeds(9400, 9600));
    let top1 = moved(&diff, "top1");
    assert_eq!((top1.before.runs, top1.after.runs), (2, 2));
    close(top1.before.standard_error, 1.0);
    close(top1.standard_errors(), 4.0 / 2f64.sqrt());
    let text = diff.text(false);
    assert!(text.contains("91.00 ± 1.00 (n = 2)") && text.contains("+4.00") && text.contains("+2.8"), "{text}");
    let mut unknown = top1.clone();
    unknown.before.standard_error = None;
    close(Some(top1.before.mean), 91.0);
    assert!(unknown.standard_errors().is_none(), "nothing to compare with");
}

#[test]
fn a_changed_loss_is_named_with_its_field_and_its_cells() {
    let project = Project::finished();
    project.ok(&["report"]);
    let before = project.root.join("before");
    fs::rename(project.root.join("reports/test"), &before).unwrap();
    project.ok(&["all", "--set", "losses.fpl.false_classes=2"]);
    let diff = |args: &[&str]| project.raw(&[&["diff", "before", "reports/test/report.json"], args].concat());
    let output = diff(&[]);
    assert_eq!(output.code, 0, "{output:#?}");
    for words in ["train.fields.loss.false_classes: 1 → 2", FPL, "top-1 (%)", "standard errors"] {
        assert!(output.stdout.contains(words), "no `{words}` in {}", output.stdout);
    }
    assert!(!output.stdout.contains(CE), "{}", output.stdout);
    assert!(output.stdout.contains("1 field of fingerprints"), "only the cause: {}", output.stdout);
    assert!(diff(&["--md"]).stdout.contains("\n|---|---|--:|--:|--:|--:|\n"));
    let same = project.raw(&["diff", "before", "before"]);
    assert!(same.stdout.contains("0 numbers moved, 22 equal") && same.stdout.contains("0 fields"), "{same:#?}");
}

/// Claim T2-b is about the rows of the project's two cells.
#[test]
fn verdicts_that_turned_come_first() {
    let project = Project::finished();
    let before = report(&project);
    let mut after = before.clone();
    after["cells"][0]["state"] = json!({ "state": "not-run", "reason": "gone" });
    let diff = Diff::of(&input(&before), &input(&after));
    let turned: Vec<_> =
        diff.turned.iter().map(|turned| (&*turned.claim, turned.before.unwrap(), turned.after.unwrap())).collect();
    assert_eq!(turned, [("T2-b", Verdict::Inconclusive, Verdict::NotRun)]);
    let text = diff.text(false);
    let first = "1 verdict turned, 11 equal\n- T2-b: inconclusive → not run: FPL makes fewer false positives";
    assert!(text.starts_with(first), "{text}");
    assert!(text.contains("only in the first: table2/resnet18/random/fpl"), "{text}");
}

#[test]
fn what_is_no_report_is_named() {
    let project = Project::new();
    let refused = |path: &str, code: i32, words: &[&str]| {
        let output = project.raw(&["diff", path, path]);
        assert_eq!(output.code, code, "{output:#?}");
        for words in words {
            output.says(words);
        }
    };
    refused("nowhere", 2, &["`nowhere` does not exist", "reports/quickstart"]);
    refused("profiles", 2, &["`profiles/report.json` does not exist"]);
    refused("pipeline.toml", 1, &["`pipeline.toml`: not a report", "report.json"]);
    assert!(Path::new(&project.root.join("cache")).exists().eq(&false), "nothing is written");
}
