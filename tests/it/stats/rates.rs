//! How often the tests are wrong: the quick version of `bench/statistics/`, with bounds of four standard errors.

use fpl_repro::stats::{Procedure, Rates, SPENDING_EXPONENT, Scenario, Simulated, simulate};

fn rates(effects: &[f64], pairs: usize, procedure: Procedure, repetitions: u32) -> Rates {
    let scenario = Scenario { effects: effects.to_vec(), correlation: 0.0, pairs, level: 0.05 };
    simulate(&scenario, procedure, repetitions).unwrap()
}

/// At most the level, and not so far below it that the test is another one.
#[track_caller]
fn keeps(rate: Simulated, least: f64) {
    let most = 0.05 + 4.0 * (0.05 * 0.95 / 1_000.0_f64).sqrt();
    assert!((least..=most).contains(&rate.share), "{rate:?}");
}

#[test]
fn one_claim_keeps_its_level_with_looks() {
    keeps(rates(&[0.0], 11, Procedure::Spending(SPENDING_EXPONENT), 1_000).family_wise_error, 0.02);
    keeps(rates(&[0.0], 11, Procedure::EValue, 1_000).family_wise_error, 0.002);
    // An independent simulation has 12.9 % for looks after 6 to 14 pairs; 11 of them are enough to see that it is too much.
    let naive = rates(&[0.0], 11, Procedure::EveryLookUnadjusted, 1_000).family_wise_error;
    assert!(naive.share > 0.07, "{naive:?}");
}

#[test]
fn a_family_keeps_its_level() {
    // Two true effects of four claims: they must not make the others' errors more frequent.
    for effects in [[0.0; 4], [1.5, 1.5, 0.0, 0.0]] {
        keeps(rates(&effects, 8, Procedure::JointSignFlip, 1_000).family_wise_error, 0.01);
        keeps(rates(&effects, 9, Procedure::Spending(SPENDING_EXPONENT), 1_000).family_wise_error, 0.005);
        keeps(rates(&effects, 9, Procedure::SpendingWithStops(SPENDING_EXPONENT), 1_000).family_wise_error, 0.002);
    }
}

/// Another simulation, in NumPy: N = 14, an effect of one standard deviation, power 0.883 and 10.6 pairs on average; a single
/// look at 14 has 0.933. With 8 claims, 4 effects of 1.5 and 8 pairs: Holm 0, joint 0.68.
#[test]
fn power_is_what_others_simulated() {
    let near = |found: f64, expected: f64, error: f64| assert!((found - expected).abs() < error, "{found} {expected}");
    let spending = rates(&[1.0], 14, Procedure::Spending(SPENDING_EXPONENT), 500);
    near(spending.power.unwrap().share, 0.883, 0.06);
    near(spending.pairs.unwrap(), 10.6, 0.5);
    near(rates(&[1.0], 14, Procedure::JointSignFlip, 500).power.unwrap().share, 0.933, 0.05);
    let half = [1.5, 1.5, 1.5, 1.5, 0.0, 0.0, 0.0, 0.0];
    assert_eq!(rates(&half, 8, Procedure::Holm, 100).power.unwrap().share, 0.0);
    near(rates(&half, 8, Procedure::JointSignFlip, 500).power.unwrap().share, 0.68, 0.06);
}
