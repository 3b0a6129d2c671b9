//! The losses against the paper's formulas evaluated with many digits (`tests/fixtures/make_loss.py`), and by hand.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use fpl_repro::recipe::{Alpha, Loss, Term};
use fpl_worker::nn::loss::loss;
use serde::Deserialize;
use tch::{Kind, Tensor};

#[derive(Deserialize)]
struct Fixture {
    class_counts: Vec<f64>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    loss: Loss,
    logits: Vec<Vec<f64>>,
    targets: Vec<i64>,
    value: f64,
    gradient: Vec<Vec<f64>>,
}

fn fixture() -> Fixture {
    serde_json::from_str(include_str!("../fixtures/loss/cases.json")).unwrap()
}

/// Value and gradient of `spec`.
fn evaluate(spec: &Loss, counts: &[f64], logits: &[Vec<f64>], targets: &[i64], kind: Kind) -> (f64, Vec<Vec<f64>>) {
    let logits = Tensor::from_slice2(logits).to_kind(kind).set_requires_grad(true);
    let value = loss(spec, &Tensor::from_slice(counts), &logits, &Tensor::from_slice(targets));
    assert_eq!(value.size(), [0i64; 0], "a scalar");
    value.backward();
    (value.double_value(&[]), Vec::try_from(logits.grad().to_kind(Kind::Double)).unwrap())
}

/// The largest |found − expected| over the cases, values relative to max(1, |expected|).
fn worst(kind: Kind) -> (f64, f64) {
    let Fixture { class_counts, cases } = fixture();
    let (mut value_error, mut gradient_error) = (0f64, 0f64);
    for case in &cases {
        let (value, gradient) = evaluate(&case.loss, &class_counts, &case.logits, &case.targets, kind);
        let error = (value - case.value).abs() / case.value.abs().max(1.0);
        assert!(error < 1e-5, "{} {:?}: {value} is not {}", case.name, case.loss, case.value);
        value_error = value_error.max(error);
        for (found, expected) in gradient.iter().flatten().zip(case.gradient.iter().flatten()) {
            let error = (found - expected).abs();
            assert!(error < 1e-5, "{} {:?}: {gradient:?} is not {:?}", case.name, case.loss, case.gradient);
            gradient_error = gradient_error.max(error);
        }
    }
    (value_error, gradient_error)
}

/// float64 leaves only rounding: some tens of operations of 1.1e-16, on terms up to 2e4 that are compared relatively.
#[test]
fn losses_and_gradients_are_those_of_the_formulas_in_float64() {
    let (value, gradient) = worst(Kind::Double);
    assert!(value < 1e-14 && gradient < 1e-14, "off by {value:e} and {gradient:e}");
}

/// The same with 6e-8 for 1.1e-16; the fixture's logits are float32 numbers, so nothing is lost before the loss.
#[test]
fn losses_and_gradients_are_those_of_the_formulas_in_float32() {
    let (value, gradient) = worst(Kind::Float);
    assert!(value < 1e-6 && gradient < 2e-6, "off by {value:e} and {gradient:e}");
}

#[test]
fn the_fixture_covers_every_form() {
    let cases = fixture().cases;
    let covered = |wanted: &dyn Fn(Term, Term, u8, Alpha) -> bool| {
        cases.iter().any(|case| match case.loss {
            Loss::Fpl { true_term, false_term, false_classes, alpha } => {
                wanted(true_term, false_term, false_classes, alpha)
            }
            Loss::CrossEntropy => false,
        })
    };
    assert!(cases.iter().any(|case| case.loss == Loss::CrossEntropy));
    for first in [Term::Log, Term::Squared] {
        for second in [Term::Log, Term::Squared] {
            for k in 1..=9 {
                assert!(covered(&|t, f, classes, _| (t, f, classes) == (first, second, k)));
            }
            assert!(covered(&|t, f, _, alpha| (t, f) == (first, second) && matches!(alpha, Alpha::Constant { .. })));
            assert!(covered(&|t, f, _, alpha| (t, f) == (first, second) && alpha == Alpha::Dataset));
            assert!(covered(&|t, f, _, alpha| (t, f) == (first, second) && alpha == Alpha::Minibatch));
        }
    }
}

fn fpl(term: Term, false_classes: u8, alpha: Alpha) -> Loss {
    Loss::Fpl { true_term: term, false_term: term, false_classes, alpha }
}

fn close(found: f64, expected: f64) {
    assert!((found - expected).abs() < 1e-12, "{found} is not {expected}");
}

/// p = (0.5, 0.3, 0.2) and T = 0: every term by hand.
#[test]
fn three_classes_by_hand() {
    let logits = [vec![0.5f64.ln(), 0.3f64.ln(), 0.2f64.ln()]];
    let value = |spec: &Loss| evaluate(spec, &[6.0, 3.0, 1.0], &logits, &[0], Kind::Double).0;
    close(value(&Loss::CrossEntropy), 2f64.ln());
    // −ln 0.5 − ln(1 − 0.3) = −ln 0.35
    close(value(&fpl(Term::Log, 1, Alpha::None)), -0.35f64.ln());
    close(value(&fpl(Term::Log, 2, Alpha::None)), -(0.35f64 * 0.8).ln());
    // (1 − 0.5)² + 0.3² and + 0.2²
    close(value(&fpl(Term::Squared, 1, Alpha::None)), 0.34);
    close(value(&fpl(Term::Squared, 2, Alpha::None)), 0.38);
    close(value(&fpl(Term::Squared, 1, Alpha::Constant { true_class: 2.0, false_class: 3.0 })), 0.5 + 0.27);
    // Eq. 4: α = (0.4, 0.7, 0.9).
    close(value(&fpl(Term::Squared, 2, Alpha::Dataset)), 0.4 * 0.25 + 0.7 * 0.09 + 0.9 * 0.04);
    // Eq. 7 with m = m_0 = 1: α = (0, 1, 1).
    close(value(&fpl(Term::Squared, 2, Alpha::Minibatch)), 0.13);
}

/// On balanced CIFAR-10 Eq. 4 is 0.9 for every class.
#[test]
fn alpha_of_a_balanced_training_set_is_nine_tenths() {
    let logits = [vec![1.0, -2.0, 0.5, 3.0, 0.0, -1.0, 2.0, 0.25, -0.5, 1.5]];
    let value = |alpha| evaluate(&fpl(Term::Log, 3, alpha), &[5000.0; 10], &logits, &[6], Kind::Double).0;
    close(value(Alpha::Dataset), 0.9 * value(Alpha::None));
}

/// The gradient of L_F alone keeps its relative precision in float32 where 1 − p_F is 1 to rounding: at p_F = e^−40,
/// dL_F/dz_F = p_F. Seven digits of a 40 in the exponent are 40·6e-8 = 2.4e-6.
#[test]
fn a_tiny_false_probability_keeps_its_gradient() {
    let only_false = fpl(Term::Log, 1, Alpha::Constant { true_class: 0.0, false_class: 1.0 });
    let (value, gradient) = evaluate(&only_false, &[1.0; 2], &[vec![40.0, 0.0]], &[0], Kind::Float);
    let expected = (-40f64).exp();
    assert!((value / expected - 1.0).abs() < 1e-5, "{value:e}");
    assert!((gradient[0][1] / expected - 1.0).abs() < 1e-5, "{gradient:?}");
    assert!((gradient[0][0] / expected + 1.0).abs() < 1e-5, "{gradient:?}");
}

/// Among equal wrong classes the one with the lower index gets the gradient.
#[test]
fn ties_go_to_the_lower_index() {
    let (_, gradient) = evaluate(&fpl(Term::Log, 1, Alpha::None), &[1.0; 4], &[vec![0.0; 4]], &[1], Kind::Double);
    // L_T gives p_j to every wrong class, L_F gives p_F = ¼ to F and −p_j·p_F/(1 − p_F) = −1/12 to the others.
    for (found, expected) in gradient[0].iter().zip([0.5, -0.75 - 1.0 / 12.0, 0.25 - 1.0 / 12.0, 0.25 - 1.0 / 12.0]) {
        close(*found, expected);
    }
}

/// The gradient points where the loss falls: a small step against it lowers the loss, for every form at once.
#[test]
fn finite_differences_agree_with_the_gradient() {
    let logits = vec![vec![0.3, -1.2, 0.8, 2.1, -0.4], vec![1.0, 0.2, -0.7, 0.6, -2.0]];
    for spec in [fpl(Term::Log, 2, Alpha::Minibatch), fpl(Term::Squared, 4, Alpha::Dataset), Loss::CrossEntropy] {
        let value = |logits: &[Vec<f64>]| evaluate(&spec, &[9.0, 5.0, 3.0, 2.0, 1.0], logits, &[2, 0], Kind::Double);
        let (_, gradient) = value(&logits);
        for row in 0..2 {
            for column in 0..5 {
                let shifted = |step: f64| {
                    let mut logits = logits.clone();
                    logits[row][column] += step;
                    value(&logits).0
                };
                // Central differences of step h err by about h² + 1e-16/h: 1e-10 at h = 1e-5.
                let slope = (shifted(1e-5) - shifted(-1e-5)) / 2e-5;
                assert!((slope - gradient[row][column]).abs() < 1e-9, "{spec:?}");
            }
        }
    }
}

/// A mean, not a sum: a minibatch twice over has the same loss and half the gradient per row.
#[test]
fn the_loss_is_a_mean_over_the_minibatch() {
    let rows = vec![vec![0.1, 2.0, -1.0, 0.4], vec![1.5, 0.0, 0.2, -0.3]];
    let twice: Vec<_> = rows.iter().chain(&rows).cloned().collect();
    for alpha in [Alpha::None, Alpha::Dataset, Alpha::Minibatch] {
        let spec = fpl(Term::Log, 1, alpha);
        let (once_value, once) = evaluate(&spec, &[1.0, 2.0, 3.0, 4.0], &rows, &[0, 3], Kind::Double);
        let (twice_value, twice) = evaluate(&spec, &[1.0, 2.0, 3.0, 4.0], &twice, &[0, 3, 0, 3], Kind::Double);
        close(twice_value, once_value);
        close(twice[1][2], once[1][2] / 2.0);
    }
}
