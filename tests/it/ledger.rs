//! Verdicts on claims. Expected p values are counted by hand: with n pairs and all differences on one side, 2 of 2^n
//! patterns of signs are as extreme, and every member of the family without runs adds as many.

#![allow(clippy::unwrap_used, reason = "a failure here is a failed test")]

use std::fs;

use fpl_repro::paper::measure::FALSE_POSITIVES;
use fpl_repro::report::input::{CellState, Origin, ReportInput};
use fpl_repro::report::ledger::{Entry, Facts, Ledger, Level, Protocol, RULES, Side, Verdict, ledger};
use proptest::prelude::*;

use crate::matrix::{input, not_run};
use crate::support::Project;

/// Differences of claim T3-a; the first eight have statistics from SciPy in `tests/fixtures/stats`.
pub(crate) const ALL_POSITIVE: [f64; 9] = [0.3, 0.1, 0.2, 0.4, 0.25, 0.05, 0.15, 0.33, 0.28];
/// What seeds change, in points.
const SEEDS: [f64; 9] = [0.1, -0.1, 0.2, -0.2, 0.05, -0.05, 0.15, -0.15, 0.02];

/// ResNet-50 from scratch, a pair of runs per difference in top-1; nothing else is run. CE's top-1 is about `level`, and the
/// top-5 is about what the paper prints and the same with both losses, as is everything else.
pub(crate) fn scratch_at(level: f64, differences: &[f64]) -> ReportInput {
    let mut input =
        input(differences.len() as u64, 1, |row, _| if matches!(row, 4 | 5) { CellState::Done } else { not_run() });
    for cell in input.cells.iter_mut().filter(|cell| cell.state == CellState::Done) {
        let seed = cell.seed as usize;
        let gain = if cell.id.contains("/fpl/") { differences[seed] } else { 0.0 };
        let scores = cell.scores.as_mut().unwrap();
        let change = SEEDS[seed % SEEDS.len()];
        (scores.top1_pct, scores.top5_pct, scores.p_false_mean) = (level + change + gain, 99.86 + change / 5.0, 0.1);
    }
    input
}

/// At the level of Table 3: 94.93 % with CE.
pub(crate) fn scratch(differences: &[f64]) -> ReportInput {
    scratch_at(94.93, differences)
}

fn entry<'a>(ledger: &'a Ledger, id: &str) -> &'a Entry {
    ledger.entries.iter().find(|entry| entry.claim.id == id).unwrap()
}

#[track_caller]
fn close(found: Option<f64>, expected: f64) {
    assert!((found.unwrap() - expected).abs() < 1e-9, "{found:?} is not {expected}");
}

#[test]
fn a_claim_is_reproduced_where_a_planned_look_rejects() {
    let ledger = ledger(&scratch(&ALL_POSITIVE));
    let claim = entry(&ledger, "T3-a");
    assert_eq!((ledger.family, claim.member), (8, true));
    close(claim.evidence.p_two_sided, 2.0 / 512.0);
    close(claim.evidence.p_claimed, 1.0 / 512.0);
    // T3-b and S3.5 have equal runs, which disturb no other. Curves of one epoch have no roughness: with F3, five members of
    // the family have no runs.
    close(claim.test.p_adjusted, 2.0 / 512.0 + 5.0 * 2.0 / 512.0);
    assert_eq!(claim.test.rejected_after, Some(9));
    close(claim.evidence.mean, ALL_POSITIVE.iter().sum::<f64>() / 9.0);
    close(claim.evidence.share_claimed, 1.0);
    // Clopper and Pearson, 9 of 9: 0.025^(1/9).
    close(claim.evidence.share_interval.map(|[low, _]| low), 0.025_f64.powf(1.0 / 9.0));
    assert_eq!((claim.protocol, claim.verdict), (Protocol::Identified, Verdict::Reproduced));
    assert!(
        claim.why.starts_with("The planned look after 9 pairs rejects “no difference” on the claimed side"),
        "{}",
        claim.why
    );
    // 95.25 − 94.93 in Table 3.
    close(claim.paper_effect, 0.32);
    assert_eq!(entry(&ledger, "F3").verdict, Verdict::NotRun);
    assert_eq!(entry(&ledger, "T2-a").verdict, Verdict::NotRun);
    assert!(entry(&ledger, "T2-a").why.starts_with("No seed has results of both"));
    assert_eq!(
        entry(&ledger, "control").why,
        "This configuration has no cells control/resnet50/random/fpl. To run them: `fpl-repro all --profile what-if \
         --cells 'control/resnet50/random/fpl/*' --cells 'control/resnet50/random/ce-scaled/*'`."
    );
}

#[test]
fn the_opposite_is_a_contradiction() {
    let ledger = ledger(&scratch(&ALL_POSITIVE.map(|difference| -difference)));
    let claim = entry(&ledger, "T3-a");
    close(claim.test.p_adjusted, 12.0 / 512.0);
    close(claim.evidence.p_claimed, 1.0);
    close(claim.evidence.share_claimed, 0.0);
    assert_eq!((claim.verdict, ledger.count(Verdict::Contradicted)), (Verdict::Contradicted, 1));
}

#[test]
fn nothing_is_decided_between_looks() {
    let input = scratch(&ALL_POSITIVE[..8]);
    let eight = ledger(&input);
    let claim = entry(&eight, "T3-a");
    // One look at eight pairs would reject: 12/256 = 0.047. It was not planned.
    close(claim.test.p_adjusted, 12.0 / 256.0);
    assert_eq!((claim.test.rejected_after, claim.verdict), (None, Verdict::DirectionOnly));
    let says = "Nothing can be decided before 9 pairs (looks are planned after 6, 9); 8 are there: run 1 seed more.";
    assert!(claim.why.contains(says), "{}", claim.why);
    let other = ledger(&scratch(&ALL_POSITIVE.map(|difference| -difference)[..8]));
    assert_eq!(entry(&other, "T3-a").verdict, Verdict::OtherDirection);
}

#[test]
fn equal_losses_make_no_difference_that_matters() {
    // Nine differences within ±0.5 points: one of 512 patterns, for the smallest of eight p values.
    let alike = [0.02, -0.03, 0.01, 0.04, -0.02, -0.04, 0.03, -0.01, 0.02];
    let nine = ledger(&scratch(&alike));
    let claim = entry(&nine, "T3-a");
    close(claim.equivalence.as_ref().map(|equivalence| equivalence.p), 1.0 / 512.0);
    close(claim.test.p_equivalent, 8.0 / 512.0);
    assert_eq!(claim.verdict, Verdict::NoDifference);
    assert!(claim.why.contains("smaller than ±0.50, the smallest that matters"), "{}", claim.why);
    // Before the plan is over, nothing.
    let eight = ledger(&scratch(&alike[..8]));
    let claim = entry(&eight, "T3-a");
    assert_eq!((claim.test.p_equivalent, claim.verdict), (None, Verdict::Inconclusive));
    assert!(claim.equivalence.as_ref().unwrap().p_t.unwrap() < 1e-6);
    // No margin is declared for p_F.
    assert_eq!(entry(&nine, "S3.5").equivalence, None);
}

#[test]
fn an_experiment_that_was_not_rebuilt_decides_nothing() {
    // 20 points below the paper: the sign is as clear as before.
    let ledger = ledger(&scratch_at(74.93, &ALL_POSITIVE));
    let claim = entry(&ledger, "T3-a");
    assert_eq!((claim.protocol, claim.verdict), (Protocol::NotIdentified, Verdict::NotRebuilt));
    assert_eq!(claim.test.rejected_after, Some(9));
    let ce = ledger.numbers.iter().find(|number| number.row.as_str() == "table3/resnet50/random/ce").unwrap();
    assert_eq!((ce.printed, ce.level, ce.pooled), (94.93, Level::Outside, false));
    // 74.93 + the mean of the seeds' changes, 0.02/9; statistics.stdev of those is 0.137093, and scipy.stats.t.ppf(0.975, 8)
    // is 2.306004: half the width is 2.306004·0.137093·√(1 + 1/9).
    let [low, high] = ce.prediction.unwrap();
    assert!((high - low - 2.0 * 2.306_004 * 0.137_093 * (10.0_f64 / 9.0).sqrt()).abs() < 1e-4, "{low} to {high}");
    assert!((ce.distance().unwrap() - 20.0 + 0.02 / 9.0).abs() < 1e-9);
    assert!(
        claim.why.contains("top-1 (%) of table3/resnet50/random/") && claim.why.contains("the paper prints 9"),
        "{}",
        claim.why
    );
    assert!(claim.why.contains("the 95 % interval lies on the claimed side"), "{}", claim.why);
    assert!(claim.why.contains("`fpl-repro readings`"), "{}", claim.why);
    assert_eq!(ledger.count(Verdict::Reproduced), 0);
}

#[test]
fn printed_numbers_lie_inside_outside_or_nowhere() {
    let level = |input: &ReportInput, row: &str, column: &str| {
        let ledger = ledger(input);
        let number = ledger.numbers.iter().find(|n| n.row.as_str() == row && n.measure.key == column).unwrap().clone();
        (number.level, number.pooled, number.runs)
    };
    let nine = scratch(&ALL_POSITIVE);
    // Four totals of Table 2, and top-1 and top-5 of four rows of Table 3.
    assert_eq!(ledger(&nine).numbers.len(), 12);
    let row = "table3/resnet50/random/ce";
    assert_eq!(level(&nine, row, "top1"), (Level::Inside, false, 9));
    assert_eq!(level(&nine, "table2/resnet18/random/ce", FALSE_POSITIVES.key), (Level::NotRun, false, 0));
    // One run has no spread of its own, and there is no other row with the architecture that has one.
    assert_eq!(level(&scratch(&[0.3]), row, "top1"), (Level::TooFewSeeds, false, 1));
    // CE with one seed, FPL with nine: its spread is used.
    let mut one = nine.clone();
    for cell in one.cells.iter_mut().filter(|cell| cell.id.starts_with(row) && cell.seed > 0) {
        cell.state = not_run();
    }
    assert_eq!(level(&one, row, "top1"), (Level::Inside, true, 1));
    for cell in one.cells.iter_mut().filter(|cell| cell.id.starts_with(row)) {
        cell.scores.as_mut().unwrap().top1_pct = 74.93;
    }
    assert_eq!(level(&one, row, "top1"), (Level::Outside, true, 1));
    // Two runs, with the two of the other loss, exclude what is far from them and take no number in: two degrees of freedom.
    // Three and three are enough.
    for (pairs, near) in [(2, Level::TooFewSeeds), (3, Level::Inside)] {
        assert_eq!(level(&scratch(&ALL_POSITIVE[..pairs]), row, "top1"), (near, true, pairs));
        assert_eq!(level(&scratch_at(44.93, &ALL_POSITIVE[..pairs]), row, "top1"), (Level::Outside, true, pairs));
    }
    // The same cells in a second table are no further runs: numpy.var(ddof=1) of nine runs has eight degrees of freedom.
    let again: Vec<_> =
        one.cells.iter().filter(|cell| cell.id.starts_with("table3/resnet50/random/fpl")).cloned().collect();
    one.cells.extend(again.into_iter().map(|mut cell| {
        cell.id = cell.id.replace("table3/", "control/");
        cell
    }));
    let found = ledger(&one);
    let number = found.numbers.iter().find(|n| n.row.as_str() == row && n.measure.key == "top1").unwrap();
    assert_eq!(number.freedom, Some(8.0));
    // Equal runs are no interval without width.
    let mut equal = nine.clone();
    for cell in equal.cells.iter_mut().filter(|cell| cell.state == CellState::Done) {
        cell.scores.as_mut().unwrap().top1_pct = 94.93;
    }
    assert_eq!(level(&equal, row, "top1"), (Level::TooFewSeeds, false, 9));
    let mut reduced = nine;
    reduced.cells.iter_mut().for_each(|cell| cell.deviations = vec!["epochs: 200 → 3".into()]);
    assert_eq!(level(&reduced, row, "top1"), (Level::Reduced, false, 9));
}

#[test]
fn a_claim_outside_the_family_shows_a_direction_at_most() {
    let mut input = scratch(&ALL_POSITIVE);
    input.paper.family.claims.retain(|id| id != "T3-a");
    let ledger = ledger(&input);
    let claim = entry(&ledger, "T3-a");
    assert_eq!((ledger.family, claim.member, claim.test.p_adjusted), (7, false, None));
    assert_eq!(claim.verdict, Verdict::DirectionOnly);
    assert!(claim.why.contains("outside the declared family"), "{}", claim.why);
}

#[test]
fn a_reason_says_how_many_pairs_would_do() {
    let one = ledger(&scratch(&[0.32]));
    assert_eq!(entry(&one, "T3-a").verdict, Verdict::Inconclusive);
    assert!(entry(&one, "T3-a").why.contains("Nothing can be decided before 9 pairs"), "{}", entry(&one, "T3-a").why);
    // 0.32 is 0.754 standard deviations of these differences; among eight claims at 5 % it takes n pairs with
    // 1 − nct.cdf(t, n − 1, 0.754√n) + nct.cdf(−t, …) ≥ 0.8, t = t.ppf(1 − 0.05/16, n − 1): 27 (scipy.stats).
    let two = ledger(&scratch(&[0.62, 0.02]));
    assert!(
        entry(&two, "T3-a").why.contains("about 27 pairs would show the paper's effect"),
        "{}",
        entry(&two, "T3-a").why
    );
}

/// The paper's matrix with nine seeds, and what tests of many claims take.
#[test]
fn a_ledger_takes_little_of_the_reports_second() {
    for seeds in [6, 9, 12, 14] {
        let input = crate::matrix::realistic(seeds, 20, 200, |_, _| CellState::Done);
        let start = std::time::Instant::now();
        let found = ledger(&input);
        assert!(start.elapsed().as_secs_f64() < 3.0, "{:?} with {seeds} seeds", start.elapsed());
        assert_eq!(found.entries.len(), 12);
        #[allow(clippy::print_stderr)]
        {
            eprintln!("{:?} with {seeds} seeds", start.elapsed());
        }
    }
}

/// Every combination of facts has one verdict, and every verdict is given.
#[test]
fn the_conditions_of_verdicts_exclude_each_other_and_leave_nothing_out() {
    let sides = [None, Some(Side::Claimed), Some(Side::Other)];
    let mut given = Vec::new();
    let bit = |code: usize, at: usize| code >> at & 1 == 1;
    for code in 0..32 {
        for protocol in [Protocol::Identified, Protocol::NotIdentified, Protocol::Unknown] {
            for (rejected, interval) in sides.iter().flat_map(|a| sides.iter().map(move |b| (*a, *b))) {
                let facts = Facts {
                    has_pairs: bit(code, 0),
                    genuine: bit(code, 1),
                    full: bit(code, 2),
                    member: bit(code, 3),
                    equivalent: bit(code, 4),
                    protocol,
                    rejected,
                    interval,
                };
                let holding: Vec<Verdict> =
                    RULES.iter().filter(|rule| (rule.holds)(facts)).map(|rule| rule.verdict).collect();
                assert_eq!(holding, [Verdict::of(facts)], "{facts:?}");
                let strong = matches!(holding[0], Verdict::Reproduced | Verdict::Contradicted | Verdict::NoDifference);
                let may = facts.genuine && facts.full && facts.member && protocol == Protocol::Identified;
                assert!(!strong || may, "{facts:?}");
                given.extend(holding);
            }
        }
    }
    assert!(RULES.iter().all(|rule| given.contains(&rule.verdict)));
}

/// README, report and code have one table of verdicts.
#[test]
fn the_readme_has_the_table_of_verdicts() {
    let readme = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    for rule in &RULES {
        let row = format!("| {} | {} | {} |\n", rule.title, rule.when, rule.then);
        assert!(readme.contains(&row), "README.md lacks: {row}");
    }
}

#[test]
fn a_pair_needs_both_runs_of_a_seed() {
    let mut input = scratch(&ALL_POSITIVE);
    let gone =
        input.cells.iter_mut().find(|cell| cell.id.ends_with("random/ce/seed3") && cell.id.starts_with("table3"));
    gone.unwrap().state = CellState::Failed { reason: "killed".into() };
    let ledger = ledger(&input);
    let claim = entry(&ledger, "T3-a");
    assert_eq!(claim.evidence.seeds, [0, 1, 2, 4, 5, 6, 7, 8]);
    assert_eq!(claim.evidence.imported, 0);
}

#[test]
fn imported_runs_count_and_are_marked() {
    let mut input = scratch(&ALL_POSITIVE);
    for cell in input.cells.iter_mut().filter(|cell| cell.id.starts_with("table3/resnet50/random/fpl")).take(2) {
        cell.origin = Some(Origin { bundle: "0".repeat(64), file: "theirs.tar.gz".into() });
    }
    let ledger = ledger(&input);
    assert_eq!((entry(&ledger, "T3-a").evidence.imported, entry(&ledger, "T3-a").evidence.pairs()), (2, 9));
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
fn other_readings_stand_beside_the_claim_and_are_ranked() {
    let mut input = scratch_at(74.93, &ALL_POSITIVE);
    let others: Vec<_> = input.cells.iter().filter(|cell| cell.state == CellState::Done).cloned().collect();
    input.cells.extend(others.into_iter().map(|mut cell| {
        cell.id = cell.id.replace("table3/", "what-if-table1/");
        cell.scores.as_mut().unwrap().top1_pct += 20.0;
        cell
    }));
    let ledger = ledger(&input);
    let claim = entry(&ledger, "T3-a");
    let [table1, best] = &claim.readings[..] else { panic!("{:?}", claim.readings) };
    assert_eq!(table1.evidence.cells, "what-if-table1/resnet50/random/fpl");
    // Three readings are a family. In each all nine differences have one sign, so that all are most extreme in the same two of
    // 512 patterns.
    close(table1.p_adjusted, 2.0 / 512.0);
    close(claim.p_over_readings, 2.0 / 512.0);
    // A reading is no further claim: its sign is not judged.
    assert_eq!((table1.verdict, ledger.family), (Verdict::DirectionOnly, 8));
    assert_eq!(best.evidence.cells, "table3/resnet50/random/fpl");
    let ce = ledger.readings.iter().find(|row| row.row.as_str() == "table3/resnet50/random/ce").unwrap();
    // What foretells 94.93 and 99.85 comes first; the others miss by 20 points, or by what one epoch's curve has.
    assert_eq!(ce.readings[0].cells.as_str(), "what-if-table1/resnet50/random/ce");
    assert!(!ce.readings[0].excluded && ce.readings[0].log_density > ce.readings[1].log_density);
    let ours = ce.readings.iter().find(|reading| reading.about.is_empty()).unwrap();
    assert!(ours.excluded && ours.p.unwrap() < 1e-6, "{ours:?}");
}

#[test]
fn the_best_epoch_follows_from_the_metrics() {
    let mut input = input(2, 3, |row, _| if matches!(row, 2 | 3) { CellState::Done } else { not_run() });
    for cell in input.cells.iter_mut().filter(|cell| cell.state == CellState::Done) {
        let loss = f64::from(u8::from(cell.id.contains("/fpl/")));
        for (metrics, top1) in cell.metrics.iter_mut().zip([60.0, 70.0 + loss, 65.0]) {
            metrics.test_top1_pct = top1 + cell.seed as f64;
        }
    }
    let ledger = ledger(&input);
    let best = entry(&ledger, "T2-b")
        .readings
        .iter()
        .find(|reading| reading.about.starts_with("Which epoch"))
        .unwrap()
        .clone();
    // 10,000·(1 − 0.71) and 10,000·(1 − 0.70); with seed 1 one point more.
    assert_eq!(best.evidence.differences, [-100.0, -100.0]);
    assert_eq!(best.evidence.means, Some([2850.0, 2950.0]));
}

#[test]
fn readings_are_printed_likeliest_first() {
    let project = Project::new();
    fs::write(project.root.join("report.json"), serde_json::to_vec(&scratch(&ALL_POSITIVE)).unwrap()).unwrap();
    let output = project.raw(&["readings", "report.json"]);
    assert_eq!(output.code, 0, "{output:#?}");
    output.says("table3/resnet50/random/ce");
    output.says("as in the paper's table, the last epoch");
    output.says("top-1 (%): paper 94.93, ours 94.93 (n = 9, a further run 94.60 to 95.27)");
    let json: serde_json::Value =
        serde_json::from_str(&project.raw(&["readings", "report.json", "--json"]).stdout).unwrap();
    assert_eq!(json[0]["row"], "table2/efficientnetv2-s/random/ce");
}

#[test]
fn the_papers_power_is_told_from_three_pairs_on() {
    let found = |pairs: usize| {
        let ledger = ledger(&scratch(&ALL_POSITIVE[..pairs]));
        entry(&ledger, "T3-a").finding()
    };
    assert_eq!(found(2), None);
    // numpy.std([0.3, 0.1, 0.2], ddof=1) = 0.1; norm.cdf(3.2 − 1.959964) + norm.cdf(−3.2 − 1.959964) = 0.8925.
    let finding = found(3).unwrap();
    assert!(
        finding.follows.contains("our 3 pairs") && finding.follows.contains("a power of 0.89"),
        "{}",
        finding.follows
    );
}

#[test]
fn strict_fails_on_a_contradiction_only() {
    let project = Project::new();
    let run = |differences: [f64; 9], args: &[&str]| {
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
    output.says("(n = 9, 95 % −0.32 to −0.14, adjusted p = 0.0234)");
    output.says("12 printed numbers: 4 inside, 0 outside, 0 reduced, 0 too few seeds, 8 not run");
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
