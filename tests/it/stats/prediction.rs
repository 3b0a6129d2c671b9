//! One further run, and readings of the paper.

use fpl_repro::stats::{PooledSpread, Prediction, Undefined, reading_fit};
use serde_json::Value;

use super::{close, numbers, replication};

fn check(prediction: &Prediction, case: &Value) {
    let value = case["value"].as_f64().unwrap();
    let [low, high] = prediction.interval(0.95).unwrap();
    close(low, &case["interval"][0]);
    close(high, &case["interval"][1]);
    close(prediction.width(0.95).unwrap(), &case["width"]);
    close(prediction.t(value), &case["t"]);
    close(prediction.p(value), &case["p"]);
    close(prediction.log_density(value), &case["log_density"]);
}

#[test]
fn a_further_run_is_scipys_t() {
    for case in replication("prediction").as_array().unwrap() {
        check(&Prediction::of(&numbers(&case["runs"])).unwrap(), case);
    }
}

#[test]
fn one_run_borrows_the_spread_of_others() {
    for case in replication("pooled_prediction").as_array().unwrap() {
        let groups: Vec<Vec<f64>> = case["groups"].as_array().unwrap().iter().map(numbers).collect();
        let groups: Vec<&[f64]> = groups.iter().map(Vec::as_slice).collect();
        let spread = PooledSpread::of(&groups).unwrap();
        close(spread.sd(), &case["sd"]);
        close(spread.freedom(), &case["freedom"]);
        let prediction = Prediction::with_pooled(&numbers(&case["runs"]), spread).unwrap();
        close(prediction.freedom(), &case["freedom"]);
        check(&prediction, case);
    }
}

/// Half the width of the interval over the standard deviation, as SciPy has it.
#[test]
fn the_interval_widens_with_fewer_runs() {
    for case in replication("multipliers").as_array().unwrap() {
        let n = case[0].as_u64().unwrap() as usize;
        let runs: Vec<f64> = (0..n).map(|index| (index * index) as f64).collect();
        let sd = fpl_repro::stats::sample_sd(&runs).unwrap();
        close(Prediction::of(&runs).unwrap().width(0.95).unwrap() / (2.0 * sd), &case[1]);
    }
}

#[test]
fn runs_without_spread_foretell_nothing() {
    assert_eq!(Prediction::of(&[44.0]), Err(Undefined::TooFew { needed: 2, found: 1 }));
    // 0.1 is not exact in binary: the mean of three is not 0.1 to the last digit.
    assert_eq!(Prediction::of(&[0.1; 3]), Err(Undefined::ZeroSpread));
    assert_eq!(Prediction::of(&[1.0, f64::NAN]), Err(Undefined::NotFinite));
    assert_eq!(PooledSpread::of(&[&[1.0], &[2.0]]), Err(Undefined::TooFew { needed: 2, found: 1 }));
    assert_eq!(PooledSpread::of(&[&[1.0, 1.0], &[2.0]]), Err(Undefined::ZeroSpread));
    assert!(Prediction::of(&[1.0, 2.0]).unwrap().interval(1.0).is_err());
}

/// The sum of densities, and Holm by hand: the smaller p doubled.
#[test]
fn a_reading_fits_as_well_as_its_numbers() {
    let cases = replication("prediction");
    let numbers: Vec<(Prediction, f64)> = (cases.as_array().unwrap().iter())
        .take(2)
        .map(|case| (Prediction::of(&numbers(&case["runs"])).unwrap(), case["value"].as_f64().unwrap()))
        .collect();
    let fit = reading_fit(&numbers).unwrap();
    let of = |at: usize, key: &str| cases[at][key].as_f64().unwrap();
    close(fit.log_density, &Value::from(of(0, "log_density") + of(1, "log_density")));
    close(fit.p, &Value::from(2.0 * of(0, "p").min(of(1, "p"))));
    assert_eq!((fit.numbers, reading_fit(&[])), (2, None));
}
