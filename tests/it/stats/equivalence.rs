//! No difference that matters, and what the paper's design could have seen.

use fpl_repro::stats::{
    Undefined, equivalence, equivalence_power, one_pair_power, pairs_for_equivalence, paper_power,
    sign_flip_equivalence, small_telescope,
};

use super::{close, numbers, replication};

#[test]
fn equivalence_is_statsmodels() {
    for case in replication("equivalence").as_array().unwrap() {
        let (differences, margin) = (numbers(&case["differences"]), case["margin"].as_f64().unwrap());
        let found = equivalence(&differences, margin, 0.05).unwrap();
        close(found.p, &case["p"]);
        close(found.above_lower, &case["above_lower"]);
        close(found.below_upper, &case["below_upper"]);
        close(found.interval[0], &case["interval"][0]);
        close(found.interval[1], &case["interval"][1]);
        close(sign_flip_equivalence(&differences, margin).unwrap(), &case["sign_flip"]);
        // The interval within the margin is the test.
        let [low, high] = found.interval;
        assert_eq!(found.p < 0.05, -margin < low && high < margin);
    }
}

#[test]
fn equivalence_needs_as_many_pairs_as_scipys_integral() {
    for case in replication("equivalence_power").as_array().unwrap() {
        let (margin, pairs) = (case[0].as_f64().unwrap(), case[1].as_u64().unwrap() as usize);
        close(equivalence_power(margin, pairs, 0.05).unwrap(), &case[2]);
    }
    for case in replication("pairs_for_equivalence").as_array().unwrap() {
        let found = pairs_for_equivalence(case[0].as_f64().unwrap(), 0.05, 0.8);
        assert_eq!(found, case[1].as_u64().map(|pairs| pairs as usize), "{case}");
    }
    assert_eq!((pairs_for_equivalence(0.0, 0.05, 0.8), equivalence_power(1.0, 1, 0.05)), (None, None));
}

/// Differences that are all 0 have no t, but with five pairs a sign-flip p of 1/32.
#[test]
fn equal_differences_have_the_exact_version_only() {
    assert_eq!(equivalence(&[0.0; 5], 0.1, 0.05), Err(Undefined::ZeroSpread));
    assert_eq!(sign_flip_equivalence(&[0.0; 5], 0.1), Ok(1.0 / 32.0));
    assert_eq!(equivalence(&[0.1, 0.2], 0.0, 0.05), Err(Undefined::Parameter("a margin is positive")));
    assert_eq!(sign_flip_equivalence(&[], 0.1), Err(Undefined::TooFew { needed: 1, found: 0 }));
}

#[test]
fn small_telescopes_are_scipys_noncentral_t() {
    for case in replication("telescope").as_array().unwrap() {
        let differences = numbers(&case["differences"]);
        let found = small_telescope(&differences).unwrap();
        close(found.d33, &case["d33"]);
        close(found.p, &case["p"]);
        let power = paper_power(case["effect"].as_f64().unwrap(), &differences).unwrap();
        close(power.power, &case["power"]);
        close(power.interval[0], &case["interval"][0]);
        close(power.interval[1], &case["interval"][1]);
    }
    // scipy.stats.norm: sf(1.96 − x) + cdf(−1.96 − x) at 0.32 over 0.15, 0.20 and 0.28.
    for (sd, power) in [(0.15, 0.57), (0.20, 0.36), (0.28, 0.21)] {
        assert!((one_pair_power(0.32 / sd) - power).abs() < 0.005);
    }
    assert_eq!(small_telescope(&[0.2, 0.2]), Err(Undefined::ZeroSpread));
}
