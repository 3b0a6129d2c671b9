//! Seeds, test images, wins and laboratories.

use fpl_repro::stats::{Laboratory, Undefined, crossed_bootstrap, pool, superiority_interval, variance_split};
use serde_json::Value;

use super::{close, from_r, numbers, replication};

#[test]
fn variances_are_numpys() {
    for case in replication("variance_split").as_array().unwrap() {
        let row = |row: &Value| row.as_array().unwrap().iter().map(|right| right.as_bool().unwrap()).collect();
        let correct: Vec<Vec<bool>> = case["correct"].as_array().unwrap().iter().map(row).collect();
        let found = variance_split(&correct).unwrap();
        close(found.observed, &case["observed"]);
        close(found.test_images, &case["test_images"]);
        close(found.true_accuracy, &case["true_accuracy"]);
    }
    assert_eq!(variance_split(&[vec![true, false]]), Err(Undefined::TooFew { needed: 2, found: 1 }));
    assert!(variance_split(&[vec![true, false], vec![true]]).is_err());
}

/// The bootstrap's distribution is enumerated: the standard deviation of 20,000 samples is known to about 1 %, and quantiles
/// to a step of the few possible means.
#[test]
fn crossed_bootstraps_are_the_enumeration() {
    for case in replication("crossed").as_array().unwrap() {
        let row = |row: &Value| numbers(row).into_iter().map(|outcome| outcome as i8).collect();
        let outcomes: Vec<Vec<i8>> = case["outcomes"].as_array().unwrap().iter().map(row).collect();
        let found = crossed_bootstrap(&outcomes, 0.8, 20_000).unwrap();
        close(found.mean, &case["mean"]);
        let sd = case["sd"].as_f64().unwrap();
        assert!((found.standard_error / sd - 1.0).abs() < 0.02, "{found:?} {sd}");
        let step = 1.0 / (outcomes.len() * outcomes[0].len()) as f64;
        for (end, expected) in found.interval.iter().zip(numbers(&case["quantiles"])) {
            assert!((end - expected).abs() <= step + 1e-9, "{found:?} {expected}");
        }
        assert_eq!(Ok(found), crossed_bootstrap(&outcomes, 0.8, 20_000));
    }
    assert_eq!(crossed_bootstrap(&[vec![1, 0]], 0.95, 100), Err(Undefined::TooFew { needed: 2, found: 1 }));
    assert_eq!(crossed_bootstrap(&[vec![0, 0], vec![0, 0]], 0.95, 100), Err(Undefined::ZeroSpread));
    assert!(crossed_bootstrap(&[vec![0, 0], vec![0]], 0.95, 100).is_err());
}

#[test]
fn intervals_of_wins_are_scipys() {
    for case in replication("superiority").as_array().unwrap() {
        let [low, high] = superiority_interval(&numbers(&case["differences"]), 0.95).unwrap();
        close(low, &case["interval"][0]);
        close(high, &case["interval"][1]);
    }
    assert_eq!((superiority_interval(&[], 0.95), superiority_interval(&[1.0], 1.0)), (None, None));
}

#[test]
fn laboratories_are_pooled_as_by_metafor() {
    for case in from_r("pooled").as_array().unwrap() {
        let labs = numbers(&case["estimates"]).into_iter().zip(numbers(&case["standard_errors"]));
        let labs: Vec<Laboratory> =
            labs.map(|(estimate, standard_error)| Laboratory { estimate, standard_error }).collect();
        let found = pool(&labs, 0.95).unwrap();
        close(found.estimate, &case["estimate"]);
        close(found.standard_error, &case["standard_error"]);
        close(found.interval[0], &case["interval"][0]);
        close(found.interval[1], &case["interval"][1]);
        close(found.p, &case["p"]);
        close(found.tau_squared, &case["tau_squared"]);
    }
    let lab = |standard_error| Laboratory { estimate: 1.0, standard_error };
    assert_eq!(pool(&[lab(1.0)], 0.95), Err(Undefined::TooFew { needed: 2, found: 1 }));
    assert_eq!(pool(&[lab(1.0), lab(0.0)], 0.95), Err(Undefined::ZeroSpread));
    assert!(pool(&[lab(1.0), lab(1.0)], 1.0).is_err());
}
