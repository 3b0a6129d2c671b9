//! Statistics, against NumPy and SciPy: `tests/fixtures/stats/make.py` made the expected values.

#![allow(clippy::unwrap_used, reason = "a failure here is a failed test")]

use fpl_repro::stats::{
    accuracy_standard_error, curve_noise, detectable_difference, holm, mcnemar_bounds, mean, pairs_needed, sample_sd,
    share_above_zero, sign_flip, t_interval,
};
use serde_json::Value;

fn expected(part: &str) -> Value {
    let all: Value = serde_json::from_str(include_str!("../fixtures/stats/expected.json")).unwrap();
    all[part].clone()
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
}

/// Both sides compute in double precision; quantiles are found by iteration, to about 1e-10.
#[track_caller]
fn close(found: f64, expected: &Value) {
    let expected = expected.as_f64().unwrap();
    assert!((found - expected).abs() <= 1e-8 * expected.abs().max(1e-3), "{found} is not {expected}");
}

#[test]
fn paired_differences_are_scipys() {
    for (name, case) in expected("paired").as_object().unwrap() {
        let differences = numbers(&case["differences"]);
        let (low, high) = t_interval(&differences, 0.95).unwrap();
        let flips = sign_flip(&differences).unwrap();
        assert!(flips.exact, "{name}");
        close(mean(&differences).unwrap(), &case["mean"]);
        close(sample_sd(&differences).unwrap(), &case["sd"]);
        close(low, &case["interval"][0]);
        close(high, &case["interval"][1]);
        close(flips.two_sided, &case["two_sided"]);
        close(flips.greater, &case["greater"]);
        close(share_above_zero(&differences).unwrap(), &case["share_above_zero"]);
        close(detectable_difference(sample_sd(&differences).unwrap(), differences.len()).unwrap(), &case["detectable"]);
    }
}

#[test]
fn further_statistics_are_scipys() {
    for case in expected("pairs_needed").as_array().unwrap() {
        let (difference, sd) = (case[0].as_f64().unwrap(), case[1].as_f64().unwrap());
        assert_eq!(pairs_needed(difference, sd), case[2].as_u64().map(|count| count as usize), "{case}");
    }
    for case in expected("mcnemar").as_array().unwrap() {
        let count = |at: usize| case[at].as_u64().unwrap() as u32;
        let (fewest, most) = mcnemar_bounds(count(0), count(1), count(2));
        close(fewest, &case[3]);
        close(most, &case[4]);
    }
    for case in expected("holm").as_array().unwrap() {
        for (found, expected) in holm(&numbers(&case[0])).iter().zip(case[1].as_array().unwrap()) {
            close(*found, expected);
        }
    }
    for case in expected("accuracy_se").as_array().unwrap() {
        close(accuracy_standard_error(case[0].as_f64().unwrap(), case[1].as_u64().unwrap() as u32), &case[2]);
    }
    for case in expected("curve_noise").as_array().unwrap() {
        close(curve_noise(&numbers(&case[0])).unwrap(), &case[1]);
    }
}

#[test]
fn too_few_values_have_no_statistics() {
    assert_eq!((mean(&[]), sample_sd(&[1.0]), t_interval(&[1.0], 0.95)), (None, None, None));
    assert_eq!((detectable_difference(1.0, 1), curve_noise(&[1.0, 2.0])), (None, None));
    assert_eq!((sign_flip(&[]), share_above_zero(&[])), (None, None));
    assert_eq!((pairs_needed(0.0, 1.0), pairs_needed(1e-9, 1.0)), (None, None));
}

/// 25 differences are too many for all 2^25 signs. The standard error of 200,000 drawn patterns is 0.00027.
#[test]
fn many_differences_are_permuted_at_random() {
    let differences: Vec<f64> = (0..25).map(|index| if index < 19 { 1.0 } else { -1.0 }).collect();
    // Exactly: the sum of 25 signs is 13 or more, or −13 or less: scipy.stats.binom.cdf(6, 25, 0.5) * 2.
    let found = sign_flip(&differences).unwrap();
    assert!(!found.exact);
    assert!((found.two_sided - 0.014_633_297_920_227_05).abs() < 0.002, "{found:?}");
}
