//! Statistics, against NumPy, SciPy, statsmodels, R and enumerations: the scripts in `tests/fixtures/stats/` made the expected
//! values.

#![allow(clippy::unwrap_used, reason = "a failure here is a failed test")]
#![allow(clippy::float_cmp, reason = "shares of patterns and of simulations are exact")]

use fpl_repro::stats::{
    accuracy_standard_error, curve_noise, holm, mcnemar_bounds, mean, probability_of_superiority, sample_sd, sign_flip,
    t_interval,
};
use serde_json::Value;

mod equivalence;
mod families;
mod noise;
mod power;
mod prediction;
mod rates;

fn expected(part: &str) -> Value {
    part_of(include_str!("../fixtures/stats/expected.json"), part)
}

/// From `replication.py`.
fn replication(part: &str) -> Value {
    part_of(include_str!("../fixtures/stats/replication.json"), part)
}

/// From `replication.R`.
fn from_r(part: &str) -> Value {
    part_of(include_str!("../fixtures/stats/replication-r.json"), part)
}

#[track_caller]
fn part_of(json: &str, part: &str) -> Value {
    let all: Value = serde_json::from_str(json).unwrap();
    let found = all[part].clone();
    assert!(!found.is_null(), "no {part}");
    found
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
        close(probability_of_superiority(&differences).unwrap(), &case["superiority"]);
    }
}

#[test]
fn further_statistics_are_scipys() {
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
    assert_eq!(curve_noise(&[1.0, 2.0]), None);
    assert_eq!((sign_flip(&[]), probability_of_superiority(&[])), (None, None));
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
