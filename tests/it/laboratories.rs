//! Laboratories pooled: bundles that were imported, and bundles alone.

#![allow(clippy::unwrap_used, reason = "a failure here is a failed test")]

use std::collections::BTreeMap;
use std::fs;

use fpl_repro::report::input::{CellState, Origin, ReportInput};
use fpl_repro::report::ledger::{Laboratories, Source, laboratories_of_bundles, ledger};

use crate::ledger::scratch;
use crate::support::Project;

/// Two laboratories with standard errors of 1.
const DIFFERENCES: [f64; 4] = [1.0, 3.0, 5.0, 7.0];

fn origin() -> Origin {
    Origin { bundle: "0123456789".repeat(7)[..64].to_owned(), file: "theirs.tar.gz".into() }
}

fn of_t3_a(input: &ReportInput) -> Option<Laboratories> {
    ledger(input).entries.into_iter().find(|entry| entry.claim.id == "T3-a").unwrap().laboratories
}

#[track_caller]
fn close(found: f64, expected: f64) {
    assert!((found - expected).abs() < 1e-6, "{found} is not {expected}");
}

/// By hand: means 2 and 6, standard errors 1. Paule and Mandel: 8/(1 + τ²) = 1, so τ² = 7, and the weights are 1/8: the mean is 4
/// with a standard error of √(1/(1/4)) = 2. Student's t with one degree of freedom is Cauchy's: its 97.5 % quantile is
/// tan(0.475·π) = 12.706205, and p of t = 2 is 1 − 2·atan(2)/π.
#[track_caller]
fn is_by_hand(found: &Laboratories) {
    assert_eq!((found.laboratories.len(), found.pooled, found.why.as_str()), (2, 2, ""));
    close(found.estimate.unwrap(), 4.0);
    close(found.tau.unwrap(), 7.0_f64.sqrt());
    close(found.interval.unwrap()[0], 4.0 - 2.0 * 12.706_204_736);
    close(found.interval.unwrap()[1], 4.0 + 2.0 * 12.706_204_736);
    close(found.p.unwrap(), 1.0 - 2.0 * 2.0_f64.atan() / std::f64::consts::PI);
    close(found.e_value.unwrap(), found.laboratories[0].e_value * found.laboratories[1].e_value);
}

#[test]
fn imported_bundles_are_laboratories() {
    let mut input = scratch(&DIFFERENCES);
    assert_eq!(of_t3_a(&input), None);
    for cell in input.cells.iter_mut().filter(|cell| cell.seed > 1) {
        cell.origin = Some(origin());
    }
    let found = of_t3_a(&input).unwrap();
    is_by_hand(&found);
    let names: Vec<&str> = found.laboratories.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(names, ["here", "theirs.tar.gz (0123456789)"]);
    assert_eq!((&found.laboratories[1].seeds[..], found.mixed), (&[2, 3][..], 0));
    // A pair of runs of both is of neither, and one pair has no standard error.
    let cell = input.cells.iter_mut().find(|cell| cell.id == "table3/resnet50/random/ce/seed2");
    cell.unwrap().origin = None;
    let found = of_t3_a(&input).unwrap();
    assert_eq!((found.mixed, found.laboratories[1].standard_error, found.estimate), (1, None, None));
    assert!(found.why.starts_with("two laboratories with two pairs or more each"), "{}", found.why);
}

#[test]
fn runs_with_the_same_predictions_count_once() {
    let mut all = scratch(&DIFFERENCES);
    all.cells.iter_mut().for_each(|cell| cell.predictions.clone_from(&cell.id));
    let of = |seeds: &[u64]| {
        let mut input = all.clone();
        for cell in input.cells.iter_mut().filter(|cell| !seeds.contains(&cell.seed)) {
            (cell.state, cell.scores) = (CellState::NotRun { reason: "elsewhere".into() }, None);
        }
        input
    };
    let pooled = |inputs: [&ReportInput; 2]| {
        let sources = inputs.map(|input| Source { name: "a".into(), input });
        let found: BTreeMap<String, Laboratories> =
            laboratories_of_bundles(&sources).into_iter().map(|(claim, found)| (claim.id, found)).collect();
        found["T3-a"].clone()
    };
    is_by_hand(&pooled([&of(&[0, 1]), &of(&[2, 3])]));
    // The second has seed 1 too.
    let again = pooled([&of(&[0, 1]), &of(&[1, 2, 3])]);
    assert_eq!(again.duplicates, 1);
    is_by_hand(&again);
    let twice = pooled([&all, &all]);
    assert_eq!((twice.duplicates, twice.laboratories.len(), twice.estimate), (4, 1, None));
    // Reduced runs are shown and not pooled with those that follow the protocol.
    let mut reduced = of(&[2, 3]);
    reduced.cells.iter_mut().for_each(|cell| cell.deviations = vec!["epochs: 200 → 3".into()]);
    let found = pooled([&of(&[0, 1]), &reduced]);
    assert_eq!((found.laboratories.len(), found.estimate, found.e_value), (2, None, None));
    let mut other = of(&[0, 1]);
    other.cells.iter_mut().for_each(|cell| cell.deviations = vec!["epochs: 200 → 3".into()]);
    is_by_hand(&pooled([&other, &reduced]));
}

/// A run that came in under another seed is the run that is there: the ledger's evidence, its tests and laboratories are those
/// without it, and the report says so.
#[test]
fn a_run_that_is_there_twice_counts_once_in_the_ledger() {
    let t3_a = |input: &ReportInput| ledger(input).entries.into_iter().find(|entry| entry.claim.id == "T3-a").unwrap();
    let mut once = scratch(&DIFFERENCES);
    once.cells.iter_mut().for_each(|cell| cell.predictions.clone_from(&cell.id));
    let mut twice = once.clone();
    for cell in twice.cells.iter_mut().filter(|cell| cell.seed == 3) {
        cell.predictions = cell.predictions.replace("/seed3", "/seed1");
        cell.origin = Some(origin());
    }
    once.cells.retain(|cell| cell.seed != 3);
    let (once, twice) = (t3_a(&once), t3_a(&twice));
    assert_eq!((once.evidence.duplicates, twice.evidence.duplicates), (0, 1));
    assert_eq!((&twice.evidence.seeds[..], &twice.evidence.differences[..]), (&[0, 1, 2][..], &[1.0, 3.0, 5.0][..]));
    assert_eq!(twice.evidence.interval, once.evidence.interval);
    assert_eq!(twice.test.p_adjusted, once.test.p_adjusted);
    assert_eq!(twice.laboratories, None, "nothing of the bundle is left");
}

/// Runs without a digest, as reports of older programs have them, are nobody's duplicates.
#[test]
fn runs_without_a_digest_count() {
    let input = scratch(&DIFFERENCES);
    assert!(input.cells.iter().all(|cell| cell.predictions.is_empty()));
    let entry = ledger(&input).entries.into_iter().find(|entry| entry.claim.id == "T3-a").unwrap();
    assert_eq!((entry.evidence.duplicates, entry.evidence.pairs()), (0, 4));
}

#[test]
fn bundles_are_verified_and_pooled() {
    let project = Project::finished();
    project.ok(&["bundle", "-o", "a.tar.gz"]);
    fs::copy(project.root.join("a.tar.gz"), project.root.join("b.tar.gz")).unwrap();
    let output = project.raw(&["pool", "a.tar.gz", "b.tar.gz"]);
    assert_eq!(output.code, 0, "{output:#?}");
    output.says("T2-b: FPL makes fewer false positives than CE with ResNet-18.");
    output.says("left out: 1 pair with a run that was counted before, by the sha256 of its predictions");
    output.says("together: nothing is pooled: two laboratories with two pairs or more each are needed");
    let json: serde_json::Value =
        serde_json::from_str(&project.raw(&["pool", "a.tar.gz", "b.tar.gz", "--json"]).stdout).unwrap();
    assert_eq!(json["T2-b"]["duplicates"], 1);
    crate::support::flip(&project.root.join("b.tar.gz"));
    assert_eq!(project.raw(&["pool", "a.tar.gz", "b.tar.gz"]).code, 1);
}
