//! Verdicts on claims. Expected p values are counted by hand: with n pairs and all differences on one side, 2 of 2^n
//! patterns of signs are as extreme.

#![allow(clippy::unwrap_used, reason = "a failure here is a failed test")]

use fpl_repro::report::input::{CellState, Origin, ReportInput};
use fpl_repro::report::ledger::{Entry, Ledger, Verdict, ledger};
use proptest::prelude::*;

use crate::matrix::{input, not_run};
use crate::support::Project;

/// Differences of claim T3-a whose statistics `tests/fixtures/stats` has from SciPy.
const ALL_POSITIVE: [f64; 8] = [0.3, 0.1, 0.2, 0.4, 0.25, 0.05, 0.15, 0.33];

/// ResNet-50 from scratch, a pair of runs per difference in top-1; everything else is equal, and nothing else is run.
fn scratch(differences: &[f64]) -> ReportInput {
    let mut input =
        input(differences.len() as u64, 1, |row, _| if matches!(row, 4 | 5) { CellState::Done } else { not_run() });
    for cell in input.cells.iter_mut().filter(|cell| cell.state == CellState::Done) {
        let gain = if cell.id.contains("/fpl/") { differences[cell.seed as usize] } else { 0.0 };
        let scores = cell.scores.as_mut().unwrap();
        (scores.top1_pct, scores.top5_pct, scores.p_false_mean) = (94.0 + gain, 99.5, 0.1);
    }
    input
}

fn entry<'a>(ledger: &'a Ledger, id: &str) -> &'a Entry {
    ledger.entries.iter().find(|entry| entry.claim.id == id).unwrap()
}

#[track_caller]
fn close(found: Option<f64>, expected: f64) {
    assert!((found.unwrap() - expected).abs() < 1e-9, "{found:?} is not {expected}");
}

#[test]
fn a_claim_is_reproduced_where_the_adjusted_p_is_below_five_percent() {
    let ledger = ledger(&scratch(&ALL_POSITIVE));
    let claim = entry(&ledger, "T3-a");
    // The family: T3-a, T3-b and S3.5. Curves of one epoch have no roughness, so F3 has no runs.
    assert_eq!(ledger.family, 3);
    close(claim.evidence.p_two_sided, 2.0 / 256.0);
    close(claim.evidence.p_claimed, 1.0 / 256.0);
    close(claim.p_holm, 3.0 * 2.0 / 256.0);
    close(claim.evidence.mean, 0.2225);
    close(claim.evidence.share_claimed, 1.0);
    assert_eq!((claim.verdict, claim.evidence.seeds.len()), (Verdict::Reproduced, 8));
    // 95.25 − 94.93 in Table 3.
    close(claim.paper_effect, 0.32);
    // √(0.94·0.06/10,000) in points; CE does not differ between seeds.
    close(claim.evidence.binomial_se, 100.0 * (0.94_f64 * 0.06 / 10_000.0).sqrt());
    close(claim.evidence.seed_sd, 0.0);
    // Equal runs: every pattern is as extreme.
    let top5 = entry(&ledger, "T3-b");
    close(top5.p_holm, 1.0);
    assert_eq!(top5.verdict, Verdict::Inconclusive);
    assert!(top5.why.contains("These 8 seeds would have shown the paper's effect with 80 % power"), "{}", top5.why);
    assert_eq!(entry(&ledger, "F3").verdict, Verdict::NotRun);
    assert_eq!(entry(&ledger, "T2-a").verdict, Verdict::NotRun);
    assert!(entry(&ledger, "T2-a").why.starts_with("No seed has results of both"));
    assert_eq!(entry(&ledger, "control").why, "This configuration has no cells control/resnet50/random/fpl.");
}

#[test]
fn the_opposite_is_a_contradiction() {
    let ledger = ledger(&scratch(&ALL_POSITIVE.map(|difference| -difference)));
    let claim = entry(&ledger, "T3-a");
    close(claim.p_holm, 3.0 * 2.0 / 256.0);
    close(claim.evidence.p_claimed, 1.0);
    close(claim.evidence.share_claimed, 0.0);
    assert_eq!((claim.verdict, ledger.count(Verdict::Contradicted)), (Verdict::Contradicted, 1));
}

#[test]
fn an_interval_on_the_claimed_side_without_significance_is_a_direction() {
    // With seven pairs: 3·2/2^7 = 0.047 for the family of three; with six, 3·2/2^6 = 0.094.
    assert_eq!(entry(&ledger(&scratch(&ALL_POSITIVE[..7])), "T3-a").verdict, Verdict::Reproduced);
    let ledger = ledger(&scratch(&ALL_POSITIVE[..6]));
    let claim = entry(&ledger, "T3-a");
    assert_eq!(claim.verdict, Verdict::DirectionOnly);
    assert!(claim.why.contains("7 are the fewest that can"), "{}", claim.why);
}

#[test]
fn an_inconclusive_claim_says_how_many_seeds_would_decide_it() {
    let one = ledger(&scratch(&[0.32]));
    assert_eq!(entry(&one, "T3-a").verdict, Verdict::Inconclusive);
    assert!(entry(&one, "T3-a").why.contains("with 1, no adjusted p can be below 5 %; 7 are the fewest"));
    // sd 0.4243: (t.ppf(.975, n-1) + t.ppf(.8, n-1))/sqrt(n)·0.4243 ≤ 0.32 from n = 16 on (scipy.stats.t).
    let two = ledger(&scratch(&[0.62, 0.02]));
    assert_eq!(entry(&two, "T3-a").verdict, Verdict::Inconclusive);
    assert!(
        entry(&two, "T3-a").why.contains("about 16 seeds would show the paper's effect"),
        "{}",
        entry(&two, "T3-a").why
    );
}

#[test]
fn a_pair_needs_both_runs_of_a_seed() {
    let mut input = scratch(&ALL_POSITIVE);
    let gone =
        input.cells.iter_mut().find(|cell| cell.id.ends_with("random/ce/seed3") && cell.id.starts_with("table3"));
    gone.unwrap().state = CellState::Failed { reason: "killed".into() };
    let ledger = ledger(&input);
    let claim = entry(&ledger, "T3-a");
    assert_eq!(claim.evidence.seeds, [0, 1, 2, 4, 5, 6, 7]);
    assert_eq!(claim.evidence.imported, 0);
}

#[test]
fn imported_runs_count_and_are_marked() {
    let mut input = scratch(&ALL_POSITIVE);
    for cell in input.cells.iter_mut().filter(|cell| cell.id.starts_with("table3/resnet50/random/fpl")).take(2) {
        cell.origin = Some(Origin { bundle: "0".repeat(64), file: "theirs.tar.gz".into() });
    }
    let ledger = ledger(&input);
    assert_eq!((entry(&ledger, "T3-a").evidence.imported, entry(&ledger, "T3-a").evidence.pairs()), (2, 8));
}

#[test]
fn other_data_say_nothing() {
    let mut input = scratch(&ALL_POSITIVE);
    (input.dataset.genuine, input.dataset.name) = (false, "generated data".into());
    let ledger = ledger(&input);
    let claim = entry(&ledger, "T3-a");
    assert_eq!(claim.verdict, Verdict::Inconclusive);
    assert!(claim.why.contains("not CIFAR-10"));
}

#[test]
fn other_readings_stand_beside_the_claim() {
    let mut input = scratch(&ALL_POSITIVE);
    let others: Vec<_> = input.cells.iter().filter(|cell| cell.state == CellState::Done).cloned().collect();
    input.cells.extend(others.into_iter().map(|mut cell| {
        cell.id = cell.id.replace("table3/", "what-if-table1/");
        cell
    }));
    let ledger = ledger(&input);
    let claim = entry(&ledger, "T3-a");
    let [reading] = &claim.readings[..] else { panic!("{:?}", claim.readings) };
    assert_eq!(reading.evidence.cells, "what-if-table1/resnet50/random/fpl");
    assert_eq!(reading.verdict, Verdict::Reproduced);
    // A reading is no further claim.
    assert_eq!(ledger.family, 3);
}

#[test]
fn strict_fails_on_a_contradiction_only() {
    let project = Project::new();
    let run = |differences: [f64; 8], args: &[&str]| {
        let text = serde_json::to_vec(&scratch(&differences)).unwrap();
        std::fs::write(project.root.join("report.json"), text).unwrap();
        project.raw(&[&["claims", "report.json"], args].concat())
    };
    let against = ALL_POSITIVE.map(|difference| -difference);
    assert_eq!(run(ALL_POSITIVE, &["--strict"]).code, 0);
    assert_eq!(run(against, &[]).code, 0);
    let output = run(against, &["--strict"]);
    assert_eq!(output.code, 4);
    output.says("T3-a     contradicted");
    // scipy.stats.ttest_1samp(differences, 0).confidence_interval(0.95)
    output.says("(n = 8, 95 % −0.32 to −0.12, adjusted p = 0.0234)");
    let json: Ledger = serde_json::from_str(&run(against, &["--json"]).stdout).unwrap();
    assert_eq!(json, ledger(&scratch(&against)));
}

proptest! {
    #[test]
    fn a_reduced_protocol_never_reproduces_or_contradicts(differences in prop::collection::vec(-1.0..1.0_f64, 1..14)) {
        let mut input = scratch(&differences);
        for cell in &mut input.cells {
            cell.deviations = vec!["training images: 50000 → 512".into()];
        }
        for entry in ledger(&input).entries {
            prop_assert!(!matches!(entry.verdict, Verdict::Reproduced | Verdict::Contradicted));
        }
    }
}
