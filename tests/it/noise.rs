//! Where the noise of claims comes from. Expected values are counted by hand from four test images.

#![allow(clippy::unwrap_used, reason = "a failure here is a failed test")]

use fpl_repro::config;
use fpl_repro::paper::{Claim, Paper};
use fpl_repro::report::input::ReportInput;
use fpl_repro::report::ledger::ledger;
use fpl_repro::report::noise::{ImageRanks, Noise, noise};
use fpl_repro::scores::ranks;
use fpl_repro::stats::crossed_bootstrap;

use crate::ledger::{ALL_POSITIVE, scratch};

fn paper() -> Paper {
    config::shipped().unwrap().paper
}

fn run(cell: &str, seed: u64, ranks: [u8; 4]) -> ImageRanks {
    ImageRanks { cell: format!("{cell}/seed{seed}").parse().unwrap(), seed, ranks: ranks.to_vec() }
}

fn of(claim: &str, runs: &[ImageRanks]) -> Option<Noise> {
    let claims: Vec<Claim> = paper().claims.into_iter().filter(|other| other.id == claim).collect();
    assert_eq!(claims.len(), 1, "{claim}");
    noise(&claims, runs).pop()
}

#[track_caller]
fn close(found: f64, expected: f64) {
    assert!((found - expected).abs() < 1e-9, "{found} is not {expected}");
}

const FPL: &str = "table3/resnet50/random/fpl";
const CE: &str = "table3/resnet50/random/ce";

/// FPL: 3 and 0 of 4 images right, variance (3/4)²/2 = 9/32; shares 1/2, 1/2, 1/2, 0, so the images give 3/4·2/16 = 3/32, and
/// unlimited ones 4/3·(9/32 − 3/32) = 1/4. CE: 2 and 2 right, no spread, the images give 2·1/4·2/16 = 1/16.
#[test]
fn spreads_are_split_by_hand() {
    let runs =
        [run(FPL, 0, [0, 0, 0, 1]), run(FPL, 1, [1, 9, 2, 3]), run(CE, 0, [0, 0, 1, 2]), run(CE, 1, [0, 1, 1, 0])];
    let found = of("T3-a", &runs).unwrap();
    let [fpl, ce] = &found.spreads[..] else { panic!("{found:?}") };
    assert_eq!((fpl.row.as_str(), fpl.runs, ce.row.as_str(), ce.runs), (FPL, 2, CE, 2));
    close(fpl.observed, 100.0 * (9.0_f64 / 32.0).sqrt());
    close(fpl.test_images, 100.0 * (3.0_f64 / 32.0).sqrt());
    close(fpl.unlimited.unwrap(), 50.0);
    close(ce.observed, 0.0);
    close(ce.test_images, 25.0);
    assert_eq!(ce.unlimited, None);
    // Two pairs have no interval.
    assert_eq!(found.unseen, None);
    // In the top 5 are all of CE's, and all but one of FPL's: 3/4 and 1, variance 1/32.
    let top5 = of("T3-b", &runs).unwrap();
    close(top5.spreads[0].observed, 100.0 * (1.0_f64 / 32.0).sqrt());
    // p_F is no share of images.
    assert_eq!(of("S3.5", &runs), None);
    assert_eq!(of("T3-a", &runs[..1]), None);
}

/// Misclassified images, in images; seeds are paired, whatever their order.
#[test]
fn unseen_images_are_those_of_the_crossed_bootstrap() {
    let (fpl, ce) = ("table2/resnet18/random/fpl", "table2/resnet18/random/ce");
    let runs = [
        run(fpl, 2, [0, 0, 0, 0]),
        run(fpl, 0, [0, 1, 1, 0]),
        run(fpl, 1, [1, 1, 0, 0]),
        run(ce, 0, [0, 0, 1, 0]),
        run(ce, 1, [0, 0, 0, 0]),
        run(ce, 2, [0, 0, 0, 3]),
        // Without its pair.
        run(ce, 3, [9, 9, 9, 9]),
    ];
    let unseen = of("T2-b", &runs).unwrap().unseen.unwrap();
    assert_eq!(unseen.pairs, 3);
    let by_hand = [vec![0, 0, 0, -1], vec![0, 1, 0, 0], vec![1, 1, 0, 0]];
    let expected = crossed_bootstrap(&by_hand, 0.95, 1_000).unwrap();
    close(unseen.standard_error, 4.0 * expected.standard_error);
    close(unseen.interval[0], 4.0 * expected.interval[0]);
    close(unseen.interval[1], 4.0 * expected.interval[1]);
    // Networks that get the same images right, with every seed, are told apart by none.
    let alike: Vec<ImageRanks> = (0..3).flat_map(|seed| [fpl, ce].map(|row| run(row, seed, [0, 1, 0, 1]))).collect();
    assert_eq!(of("T2-b", &alike).unwrap().unseen, None);
}

#[test]
fn ranks_are_read_from_stored_predictions() {
    // The rank is the upper half of a byte, or, of many classes, the second of two.
    assert_eq!(ranks(&[0x03, 0x95, 0x10], 10), [0, 9, 1]);
    assert_eq!(ranks(&[3, 0, 5, 99], 100), [0, 99]);
}

#[test]
fn the_ledger_and_the_report_tell_it() {
    let mut input: ReportInput = scratch(&ALL_POSITIVE);
    let entry = |input: &ReportInput| ledger(input).entries.into_iter().find(|entry| entry.claim.id == "T3-a").unwrap();
    assert_eq!(entry(&input).noise, None);
    let seeds = [[0, 0, 0, 1], [1, 9, 2, 3], [0, 0, 0, 0]];
    let runs: Vec<ImageRanks> =
        (0..).zip(seeds).flat_map(|(seed, ranks)| [run(FPL, seed, ranks), run(CE, seed, [0, 0, 1, 2])]).collect();
    input.noise = noise(&input.paper.claims, &runs);
    assert_eq!(entry(&input).noise.unwrap().spreads.len(), 2);
    let derived = fpl_repro::report::derived::Derived::new(&input);
    for page in [fpl_repro::report::html(&derived, &[]), fpl_repro::report::markdown(&derived, &[])] {
        let page = page.unwrap();
        assert!(page.contains("on unseen images and with other seeds: 95 % interval"), "{page}");
        assert!(page.contains("by the draw of the test images alone"), "{page}");
    }
}
