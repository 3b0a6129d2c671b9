//! What the sign-flip test of a family can show, and whether going on is worth it.

use fpl_repro::stats::{FamilyTest, Future, SpendingPlan, Undefined, chance_of_equivalence, chance_to_decide};

use super::{close, numbers, replication};

/// Two simulations of the same probability differ by four standard errors in one case of 16,000.
#[track_caller]
fn agree(found: f64, found_error: f64, expected: f64, expected_error: f64) {
    let error = found_error.hypot(expected_error);
    assert!((found - expected).abs() <= 4.0 * error + 1e-9, "{found} is not {expected}, within {error}");
}

#[test]
fn power_is_that_of_the_test_that_judges() {
    for case in replication("joint_power").as_array().unwrap() {
        let [effect, pairs, claims, share, error] = numbers(case)[..] else { panic!("{case}") };
        let found = FamilyTest::new(claims as usize, 0.05).unwrap().power(effect, pairs as usize).unwrap();
        agree(found.share, found.standard_error, share, error);
        assert!(found.standard_error > 0.0);
    }
    for case in replication("t_power").as_array().unwrap() {
        let test = FamilyTest::new(case[2].as_u64().unwrap() as usize, 0.05).unwrap();
        let found = test.power(case[0].as_f64().unwrap(), case[1].as_u64().unwrap() as usize).unwrap();
        close(found.share, &case[3]);
        assert!(found.standard_error == 0.0);
    }
}

/// By hand: 2/2ⁿ ≤ 0.05 from six pairs on; with seven members without runs 8·2/2ⁿ from nine.
#[test]
fn fewer_pairs_than_the_fewest_cannot_decide() {
    let test = FamilyTest::new(8, 0.05).unwrap();
    assert_eq!((test.fewest_pairs(0), test.fewest_pairs(7)), (6, 9));
    assert_eq!(test.power(100.0, 5).unwrap().share, 0.0);
    assert_eq!(test.detectable_effect(5, 0.8), None);
    assert_eq!(FamilyTest::new(0, 0.05), Err(Undefined::TooFew { needed: 1, found: 0 }));
    assert!(FamilyTest::new(1, 1.0).is_err() && test.power(1.0, 0).is_err() && test.power(f64::NAN, 9).is_err());
}

#[test]
fn pairs_needed_have_the_power() {
    let one = FamilyTest::new(1, 0.05).unwrap();
    // The simulation in the fixture has 0.806 with ten pairs for an effect of 1, and the noncentral t 0.803.
    let pairs = one.pairs_needed(1.0, 0.8).unwrap();
    assert!((9..=11).contains(&pairs), "{pairs}");
    // statsmodels: TTestPower().solve_power(0.32, power=0.8, alpha=0.05) is 78.6.
    assert_eq!((one.pairs_needed(0.32, 0.8), one.pairs_needed(-0.32, 0.8)), (Some(79), Some(79)));
    assert_eq!((one.pairs_needed(0.0, 0.8), one.pairs_needed(1e-4, 0.8)), (None, None));
    let family = FamilyTest::new(8, 0.05).unwrap();
    assert!(family.pairs_needed(1.0, 0.8) > one.pairs_needed(1.0, 0.8));
    let effect = one.detectable_effect(10, 0.8).unwrap();
    assert!((effect - 1.0).abs() < 0.1, "{effect}");
}

#[test]
fn the_chance_to_decide_is_another_simulations() {
    for case in replication("chance").as_array().unwrap() {
        let plan = SpendingPlan::new(case["pairs"].as_u64().unwrap() as usize, 0.05, 3.0).unwrap();
        let future = match (case["mean"].as_f64(), case["sd"].as_f64()) {
            (Some(mean), Some(sd)) => Future::Assumed { mean, sd },
            _ => Future::Observed,
        };
        let found = chance_to_decide(&numbers(&case["differences"]), &plan, future, 1_000).unwrap();
        let of = |key: &str| case[key].as_f64().unwrap();
        agree(found.share, found.standard_error, of("share"), of("standard_error"));
    }
}

#[test]
fn a_decided_claim_stays_decided_and_a_hopeless_one_is_futile() {
    let plan = SpendingPlan::new(9, 0.05, 3.0).unwrap();
    let decided = [1.0, 1.2, 0.9, 1.1, 1.3, 0.8, 1.0];
    assert_eq!(chance_to_decide(&decided, &plan, Future::Assumed { mean: -5.0, sd: 1.0 }, 100).unwrap().share, 1.0);
    // After 4 : 4 a ninth pair cannot bring the mean anywhere near the most extreme patterns.
    let even = [1.0, -1.0, 1.1, -1.1, 0.9, -0.9, 1.0, -1.0];
    assert_eq!(chance_to_decide(&even, &plan, Future::Observed, 100).unwrap().share, 0.0);
    assert_eq!(chance_to_decide(&[1.0, 1.0], &plan, Future::Observed, 100), Err(Undefined::ZeroSpread));
    assert!(chance_to_decide(&even, &plan, Future::Assumed { mean: 1.0, sd: 0.0 }, 100).is_err());
}

#[test]
fn the_chance_of_equivalence_is_another_simulations() {
    for case in replication("chance_of_equivalence").as_array().unwrap() {
        let future = match (case["mean"].as_f64(), case["sd"].as_f64()) {
            (Some(mean), Some(sd)) => Future::Assumed { mean, sd },
            _ => Future::Observed,
        };
        let of = |key: &str| case[key].as_f64().unwrap();
        let (differences, pairs) = (numbers(&case["differences"]), case["pairs"].as_u64().unwrap() as usize);
        let found = chance_of_equivalence(&differences, pairs, (of("margin"), 0.05), future, 1_000).unwrap();
        agree(found.share, found.standard_error, of("share"), of("standard_error"));
    }
    // Nothing is left to draw: nine differences within ±0.05 have 1/512 against 0.5, and 0.005 is below their mean.
    let alike = [0.02, -0.03, 0.01, 0.04, -0.02, -0.04, 0.03, -0.01, 0.05];
    let chance = |margin| chance_of_equivalence(&alike, 9, (margin, 0.05), Future::Observed, 10).unwrap().share;
    assert_eq!((chance(0.5), chance(0.005)), (1.0, 0.0));
    assert!(chance_of_equivalence(&alike, 9, (0.0, 0.05), Future::Observed, 10).is_err());
}
