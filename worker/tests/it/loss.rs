//! The losses against their formulas evaluated with many digits (`tests/fixtures/make_loss.py`), and by hand.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::collections::BTreeSet;

use fpl_core::recipe::{Aggregate, Alpha, DeferredReweighting, Loss, Term};
use fpl_worker::nn::loss::Criterion;
use serde::Deserialize;
use tch::{Kind, Tensor};

#[derive(Deserialize)]
struct Fixture {
    class_counts: Vec<f64>,
    /// s_T and s_F where α is learned.
    log_variance: [f64; 2],
    /// Counted from 0.
    epoch: u32,
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
    #[serde(default)]
    learned_gradient: Vec<f64>,
}

fn fixture() -> Fixture {
    serde_json::from_str(include_str!("../fixtures/loss/cases.json")).unwrap()
}

/// A scalar loss, its gradient with respect to the logits, and that with respect to what it learns.
struct Evaluated {
    value: f64,
    gradient: Vec<Vec<f64>>,
    learned: Vec<f64>,
}

/// Evaluates `spec` in an epoch where whatever it learns stands at `log_variance`.
fn evaluate_at(
    (epoch, log_variance): (u32, [f64; 2]),
    spec: &Loss,
    counts: &[f64],
    logits: &[Vec<f64>],
    targets: &[i64],
    kind: Kind,
) -> Evaluated {
    let criterion = Criterion::new(spec, Tensor::from_slice(counts));
    let parameters = criterion.parameters();
    for (name, parameter) in &parameters {
        assert_eq!((name.as_str(), parameter.size()), ("log_variance", vec![2]));
        tch::no_grad(|| parameter.shallow_clone().copy_(&Tensor::from_slice(&log_variance)));
    }
    let logits = Tensor::from_slice2(logits).to_kind(kind).set_requires_grad(true);
    let value = criterion.loss(epoch, &logits, &Tensor::from_slice(targets));
    assert_eq!((value.size(), value.kind()), (vec![], kind), "a scalar");
    value.backward();
    let double = |tensor: Tensor| tensor.grad().to_kind(Kind::Double);
    Evaluated {
        value: value.double_value(&[]),
        gradient: Vec::try_from(double(logits)).unwrap(),
        learned: parameters.into_iter().flat_map(|(_, tensor)| Vec::<f64>::try_from(double(tensor)).unwrap()).collect(),
    }
}

/// Value and gradient of `spec`.
fn evaluate(spec: &Loss, counts: &[f64], logits: &[Vec<f64>], targets: &[i64], kind: Kind) -> (f64, Vec<Vec<f64>>) {
    let Evaluated { value, gradient, .. } = evaluate_at((0, [0.0; 2]), spec, counts, logits, targets, kind);
    (value, gradient)
}

/// The largest |found − expected| over the cases of values, relative to max(1, |expected|), and of gradients.
fn worst(kind: Kind) -> (f64, f64) {
    let Fixture { class_counts, log_variance, epoch, cases } = fixture();
    let (mut value_error, mut gradient_error) = (0f64, 0f64);
    for case in &cases {
        let found = evaluate_at((epoch, log_variance), &case.loss, &class_counts, &case.logits, &case.targets, kind);
        let error = (found.value - case.value).abs() / case.value.abs().max(1.0);
        assert!(error < 1e-5, "{} {:?}: {} is not {}", case.name, case.loss, found.value, case.value);
        value_error = value_error.max(error);
        for (found, expected) in found.gradient.iter().flatten().zip(case.gradient.iter().flatten()) {
            let error = (found - expected).abs();
            assert!(error < 1e-5, "{} {:?}: {found} is not {expected}", case.name, case.loss);
            gradient_error = gradient_error.max(error);
        }
        // Slopes of s hold a whole term, up to 2e4, so they are compared as values are; s itself is float32.
        assert_eq!(found.learned.len(), case.learned_gradient.len(), "{:?}", case.loss);
        for (found, expected) in found.learned.iter().zip(&case.learned_gradient) {
            let error = (found - expected).abs() / expected.abs().max(1.0);
            assert!(error < 1e-6, "{} {:?}: {found} is not {expected}", case.name, case.loss);
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

/// The name of a variant, as the configuration has it.
fn kind_of(value: &impl serde::Serialize) -> String {
    let value = serde_json::to_value(value).unwrap();
    value.get("kind").unwrap_or(&value).as_str().unwrap().to_owned()
}

#[test]
fn the_fixture_covers_every_form() {
    let cases = fixture().cases;
    let forms: BTreeSet<String> = cases
        .iter()
        .flat_map(|case| match case.loss {
            Loss::Fpl { true_term, false_term, false_classes, aggregate, alpha } => {
                let (first, second) = (kind_of(&true_term), kind_of(&false_term));
                vec![
                    format!("L_T {first}"),
                    format!("L_F {second}"),
                    format!("{first} {second} {} k {false_classes}", kind_of(&aggregate)),
                    format!("{first} {second} α {}", kind_of(&alpha)),
                    format!("{} L_F {second}", kind_of(&aggregate)),
                ]
            }
            ref other => vec![kind_of(other)],
        })
        .collect();
    let covers = |form: String| assert!(forms.contains(&form), "no case of `{form}`");
    Loss::kinds().filter(|kind| kind != "fpl").for_each(covers);
    for first in ["log", "squared"] {
        for second in ["log", "squared"] {
            (1..=9).for_each(|k| covers(format!("{first} {second} sum k {k}")));
            for alpha in ["none", "constant", "dataset", "minibatch"] {
                covers(format!("{first} {second} α {alpha}"));
            }
        }
    }
    for term in ["log", "squared", "linear", "focal", "poly", "generalized"] {
        for place in ["L_T", "L_F", "mean L_F", "median L_F"] {
            covers(format!("{place} {term}"));
        }
    }
    for aggregate in ["mean", "median"] {
        (1..=9).for_each(|k| covers(format!("log log {aggregate} k {k}")));
    }
    covers("log log α learned".to_owned());
}

fn fpl(term: Term, false_classes: u8, alpha: Alpha) -> Loss {
    Loss::Fpl { true_term: term, false_term: term, false_classes, aggregate: Aggregate::Sum, alpha }
}

/// Few operations on numbers near 1 in float64; 1e-12 leaves no room for another formula.
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
    let aggregated = |false_term, aggregate| Loss::Fpl {
        true_term: Term::Generalized { exponent: 0.3 },
        false_term,
        false_classes: 4,
        aggregate,
        alpha: Alpha::Dataset,
    };
    for spec in [
        fpl(Term::Log, 2, Alpha::Minibatch),
        fpl(Term::Squared, 4, Alpha::Dataset),
        fpl(Term::Focal { gamma: 1.5 }, 2, Alpha::Learned),
        aggregated(Term::Poly { epsilon: -0.5 }, Aggregate::Mean),
        aggregated(Term::Linear, Aggregate::Median),
        Loss::CrossEntropy,
        Loss::ClassBalanced { beta: 0.9 },
        Loss::LogitAdjustment { tau: 1.5 },
        Loss::Ldam {
            max_margin: 0.5,
            scale: 2.0,
            deferred_reweighting: Some(DeferredReweighting { beta: 0.9, from_epoch: 0 }),
        },
        Loss::TaylorCrossEntropy { order: 4 },
        Loss::LabelSmoothing { epsilon: 0.2 },
    ] {
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

/// p = (0.5, 0.3, 0.2) and T = 0; of two wrong classes mean and median are 0.25, of three the median is the second.
#[test]
fn mean_and_median_by_hand() {
    let value = |logits: &[f64], false_term, false_classes, aggregate, alpha| {
        let spec = Loss::Fpl { true_term: Term::Log, false_term, false_classes, aggregate, alpha };
        evaluate(&spec, &[6.0, 3.0, 1.0, 10.0][..logits.len()], &[logits.to_vec()], &[0], Kind::Double).0
    };
    let three = [0.5f64, 0.3, 0.2].map(f64::ln);
    let constant = Alpha::Constant { true_class: 0.0, false_class: 1.0 };
    for aggregate in [Aggregate::Mean, Aggregate::Median] {
        close(value(&three, Term::Log, 2, aggregate, constant), -0.75f64.ln());
        close(value(&three, Term::Squared, 2, aggregate, constant), 0.0625);
        // Eq. 4: α = (0.4, 0.7, 0.9), the false classes' mean 0.8.
        close(value(&three, Term::Squared, 2, aggregate, Alpha::Dataset), -0.4 * 0.5f64.ln() + 0.8 * 0.0625);
    }
    let four = [0.4f64, 0.3, 0.2, 0.1].map(f64::ln);
    close(value(&four, Term::Squared, 3, Aggregate::Median, constant), 0.04);
    close(value(&four, Term::Squared, 3, Aggregate::Mean, constant), 0.04);
    let four = [0.4f64, 0.45, 0.1, 0.05].map(f64::ln);
    close(value(&four, Term::Squared, 3, Aggregate::Median, constant), 0.01);
    // Eq. 4 of (6, 3, 1, 10): the α of class 2, the median, is 0.95.
    close(value(&four, Term::Squared, 3, Aggregate::Median, Alpha::Dataset), -0.7 * 0.4f64.ln() + 0.95 * 0.01);
}

/// p_T = ½ of three classes: every relative by hand.
#[test]
fn the_relatives_by_hand() {
    let logits = [vec![0.5f64.ln(), 0.3f64.ln(), 0.2f64.ln()]];
    let value = |spec| evaluate(&spec, &[4.0, 2.0, 1.0], &logits, &[0], Kind::Double).0;
    let log = 2f64.ln();
    close(value(Loss::ScaledCrossEntropy { factor: 1.8 }), 1.8 * log);
    close(value(Loss::Focal { gamma: 2.0 }), 0.25 * log);
    close(value(Loss::Poly { epsilon: 3.0 }), log + 1.5);
    close(value(Loss::MeanAbsoluteError), 1.0);
    close(value(Loss::GeneralizedCrossEntropy { q: 0.5 }), 2.0 * (1.0 - 0.5f64.sqrt()));
    close(value(Loss::SymmetricCrossEntropy { alpha: 0.1, beta: 1.0, log_zero: -4.0 }), 0.1 * log + 2.0);
    close(value(Loss::TaylorCrossEntropy { order: 3 }), 0.5 + 0.25 / 2.0 + 0.125 / 3.0);
    // Targets 0.7, 0.1, 0.1 and 0.1 more for T.
    let smooth = 0.8 * log - 0.1 * (0.3f64.ln() + 0.2f64.ln());
    close(value(Loss::LabelSmoothing { epsilon: 0.3 }), smooth);
    // β = ½: effective numbers 15/8, 3/2 and 1; their inverses have the sum 11/5, scaled to 3.
    close(value(Loss::ClassBalanced { beta: 0.5 }), 3.0 * (8.0 / 15.0) / (11.0 / 5.0) * log);
    // p_i·N_i ∝ 2.0, 0.6 and 0.2, and p_i·N_i² ∝ 8.0, 1.2 and 0.2.
    close(value(Loss::BalancedSoftmax), 1.4f64.ln());
    close(value(Loss::LogitAdjustment { tau: 2.0 }), (9.4f64 / 8.0).ln());
    // Δ_T = ln 4·(1/4)^¼ = ln 4/√2, so p_T falls to ½·4^(−1/√2) beside the others' ½.
    let ldam = |deferred_reweighting| Loss::Ldam { max_margin: 4f64.ln(), scale: 1.0, deferred_reweighting };
    close(value(ldam(None)), 4f64.powf(0.5f64.sqrt()).ln_1p());
    // The weights of a minibatch of one cancel.
    close(value(ldam(Some(DeferredReweighting { beta: 0.5, from_epoch: 0 }))), 4f64.powf(0.5f64.sqrt()).ln_1p());
}

/// Each relative becomes another loss at the end of its range.
#[test]
fn limits_of_the_relatives() {
    let logits = vec![vec![0.3, -1.2, 0.8, 2.1, -0.4], vec![1.0, 0.2, -0.7, 0.6, -2.0]];
    let value = |spec, counts: &[f64; 5]| evaluate(&spec, counts, &logits, &[2, 0], Kind::Double).0;
    let of = |spec| value(spec, &[5.0; 5]);
    let cross_entropy = of(Loss::CrossEntropy);
    for spec in [
        Loss::ScaledCrossEntropy { factor: 1.0 },
        Loss::Focal { gamma: 0.0 },
        Loss::Poly { epsilon: 0.0 },
        Loss::SymmetricCrossEntropy { alpha: 1.0, beta: 0.0, log_zero: -4.0 },
        Loss::LabelSmoothing { epsilon: 0.0 },
        Loss::ClassBalanced { beta: 0.0 },
        // Balanced data.
        Loss::ClassBalanced { beta: 0.999 },
        Loss::GeneralizedCrossEntropy { q: 1e-14 },
    ] {
        close(of(spec), cross_entropy);
    }
    // Σ_{i>100} u^i/i for 1 − p_T = u < 0.85 is below 1e-8.
    assert!((of(Loss::TaylorCrossEntropy { order: 100 }) - cross_entropy).abs() < 1e-8);
    close(of(Loss::TaylorCrossEntropy { order: 1 }), of(Loss::MeanAbsoluteError) / 2.0);
    close(of(Loss::GeneralizedCrossEntropy { q: 1.0 }), of(Loss::MeanAbsoluteError) / 2.0);
    close(of(Loss::SymmetricCrossEntropy { alpha: 0.0, beta: 0.5, log_zero: -4.0 }), of(Loss::MeanAbsoluteError));
    // β → 1 weighs by 1/N_i: Σ 1/N = 1/4 + 1/4 + 1/2 + 1 + 0, five classes; a class without images has no weight.
    let counts = [4.0, 4.0, 2.0, 1.0, 0.0];
    let inverse = value(Loss::ClassBalanced { beta: 1.0 - 1e-9 }, &counts);
    let softmax = |row: &[f64], t: usize| row[t] - row.iter().map(|z| z.exp()).sum::<f64>().ln();
    let weights = [5.0 / 8.0, 5.0 / 4.0];
    let expected = -(weights[1] * softmax(&logits[0], 2) + weights[0] * softmax(&logits[1], 0)) / 2.0;
    assert!((inverse - expected).abs() < 1e-7, "{inverse} is not {expected}");
}

/// FPL where its parts vanish or coincide.
#[test]
fn limits_of_fpl() {
    let logits = vec![vec![0.3, -1.2, 0.8, 2.1, -0.4], vec![1.0, 0.2, -0.7, 0.6, -2.0]];
    let of = |spec| evaluate(&spec, &[9.0, 5.0, 3.0, 2.0, 1.0], &logits, &[2, 0], Kind::Double).0;
    let only = |true_class, false_class| Alpha::Constant { true_class, false_class };
    let form = |term, false_classes, aggregate, alpha| {
        of(Loss::Fpl { true_term: term, false_term: term, false_classes, aggregate, alpha })
    };
    // Without L_F it is cross-entropy.
    close(of(fpl(Term::Log, 3, only(1.0, 0.0))), of(Loss::CrossEntropy));
    // All wrong classes together have 1 − p_T, which the mean divides among the four.
    let absolute = of(Loss::MeanAbsoluteError);
    close(form(Term::Linear, 4, Aggregate::Sum, only(0.0, 1.0)), absolute / 2.0);
    close(form(Term::Linear, 4, Aggregate::Mean, only(0.0, 1.0)), absolute / 8.0);
    // Each term at the end of its range, in L_T and L_F; and of one class, mean and median are the class's own.
    let terms = [
        (Term::Focal { gamma: 0.0 }, Term::Log),
        (Term::Poly { epsilon: 0.0 }, Term::Log),
        (Term::Generalized { exponent: 1e-14 }, Term::Log),
        (Term::Generalized { exponent: 1.0 }, Term::Linear),
    ];
    for (term, limit) in terms {
        for aggregate in [Aggregate::Sum, Aggregate::Mean, Aggregate::Median] {
            close(form(term, 3, aggregate, Alpha::Dataset), form(limit, 3, aggregate, Alpha::Dataset));
            close(form(term, 1, aggregate, Alpha::Dataset), form(limit, 1, Aggregate::Sum, Alpha::Dataset));
        }
    }
    // Of two classes p_F is 1 − p_T, so L_F is L_T.
    let two = |spec| evaluate(&spec, &[1.0; 2], &[vec![0.7, -0.4]], &[0], Kind::Double).0;
    close(two(fpl(Term::Log, 1, Alpha::None)), 2.0 * two(Loss::CrossEntropy));
}

/// Kendall's weights cannot vanish: from any start, descent brings α to 1/(2L) for a term whose mean is L.
#[test]
fn a_learned_alpha_returns_from_zero() {
    // p = (0.5, 0.3, 0.2): L_T = ln 2, L_F = −ln 0.7.
    let logits = [vec![0.5f64.ln(), 0.3f64.ln(), 0.2f64.ln()]];
    let spec = fpl(Term::Log, 1, Alpha::Learned);
    for start in [[6.0, 6.0], [0.0, 0.0], [-4.0, 4.0]] {
        let mut s: [f64; 2] = start;
        for _ in 0..2000 {
            let slopes = evaluate_at((0, s), &spec, &[1.0; 3], &logits, &[0], Kind::Double).learned;
            s = [0, 1].map(|index| s[index] - 0.05 * slopes[index].clamp(-2.0, 2.0));
        }
        for (s, term) in s.into_iter().zip([2f64.ln(), -0.7f64.ln()]) {
            let (alpha, expected) = ((-s).exp(), 1.0 / (2.0 * term));
            // s is float32 in the criterion.
            assert!((alpha / expected - 1.0).abs() < 1e-5, "α {alpha} from {start:?}, not {expected}");
        }
    }
}

#[test]
fn a_learned_alpha_starts_at_one_and_others_learn_nothing() {
    let criterion = |spec: &Loss| Criterion::new(spec, Tensor::from_slice(&[1.0f32; 10]));
    let learned = criterion(&fpl(Term::Log, 1, Alpha::Learned));
    assert_eq!(learned.learned_alpha(), Some([1.0, 1.0]));
    assert!(learned.parameters()[0].1.requires_grad() && learned.parameters()[0].1.is_leaf());
    let logits = [vec![1.0, -2.0, 0.5, 3.0, 0.0, -1.0, 2.0, 0.25, -0.5, 1.5]];
    let value = |alpha| evaluate(&fpl(Term::Log, 3, alpha), &[1.0; 10], &logits, &[6], Kind::Double).0;
    close(value(Alpha::Learned), value(Alpha::None));
    for spec in [Loss::CrossEntropy, fpl(Term::Log, 1, Alpha::Dataset)] {
        assert!(criterion(&spec).parameters().is_empty() && criterion(&spec).learned_alpha().is_none());
    }
}
