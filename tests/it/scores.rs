//! Scores of test logits, against PyTorch and calculation by hand.

#![allow(clippy::unwrap_used, reason = "a failure here is a failed test")]

use std::cmp::Ordering;

use fpl_repro::scores::{
    InvalidLogits, InvalidPredictions, from_bytes, of_predictions, predictions, probabilities, probabilities_to_bytes,
    scores, to_bytes,
};

fn close(actual: f64, expected: f64) {
    assert!((actual - expected).abs() < 1e-12 * expected.abs().max(1.0), "{actual} is not {expected}");
}

/// p_T and p_F are stored in float32.
fn float32_close(actual: f64, expected: f64) {
    assert!((actual - expected).abs() < 1e-7, "{actual} is not {expected}");
}

fn all_close(actual: &[f64], expected: &[f64]) {
    assert_eq!(actual.len(), expected.len());
    actual.iter().zip(expected).for_each(|(&actual, &expected)| close(actual, expected));
}

/// `logits[image]` is 10 for `predicted[image]` and 0 for the other classes.
fn one_hot(predicted: &[usize]) -> Vec<f32> {
    predicted.iter().flat_map(|&class| (0..10).map(move |other| if other == class { 10.0 } else { 0.0 })).collect()
}

/// ```python
/// import numpy as np, torch
/// logits = np.round(np.random.default_rng(7).normal(0, 2, (7, 10)), 2).astype(np.float32)
/// y = torch.tensor([7, 1, 9, 4, 9, 3, 8])
/// x = torch.tensor(logits, dtype=torch.float64)
/// p = torch.softmax(x, 1); predicted = p.argmax(1)
/// top1 = (predicted == y).double().mean().item() * 100
/// top5 = (x.topk(5).indices == y[:, None]).any(1).double().mean().item() * 100
/// c = np.zeros((10, 10), int); np.add.at(c, (y.numpy(), predicted.numpy()), 1)
/// q = p.clone(); q[torch.arange(7), y] = -1; p_false = q.max(1).values.numpy()
/// p_false.mean(), np.median(p_false), np.histogram(p_false, 50, (0, 1))[0]
/// tp = np.diag(c); fp = c.sum(0) - tp; fn = c.sum(1) - tp; tn = 7 - tp - fp - fn
/// fp, fn, (tp + tn) / 7 * 100, (tp + tn).sum() / 70 * 100
/// margin = (p[torch.arange(7), y] - q.max(1).values).numpy(); margin.mean(), np.histogram(margin, 50, (-1, 1))[0]
/// confidence = p.max(1).values.numpy(); right = (predicted == y).numpy()
/// bin = np.minimum((confidence * 15).astype(int), 14)
/// sum(abs(right[bin == k].sum() - confidence[bin == k].sum()) for k in range(15)) / 7 * 100
/// ```
#[test]
fn scores_are_those_of_pytorch() {
    #[rustfmt::skip]
    let logits = [
        0.0, 0.6, -0.55, -1.78, -0.91, -1.98, 0.12, 2.68, -0.98, -1.24,
        0.98, 0.71, 0.21, -1.86, -0.06, 1.39, -2.69, -0.92, -3.8, -2.58,
        -3.68, -0.47, -2.53, 0.54, 0.31, -0.37, -5.03, -1.08, -0.1, 0.23,
        -3.06, -0.96, -1.96, -1.62, 2.12, -1.62, -0.07, 1.77, -1.17, -0.22,
        0.22, 0.13, -2.45, 0.15, 2.72, -3.09, 1.72, 0.24, -1.28, 4.0,
        1.52, -2.4, 0.15, 1.15, -0.38, 1.37, -0.13, 1.33, 2.88, -1.35,
        0.41, -0.93, 0.25, -2.37, -1.16, -0.39, 1.8, 2.29, -2.65, -1.59,
    ];
    let scores = scores(&logits, &[7, 1, 9, 4, 9, 3, 8], 10).unwrap();
    assert_eq!(scores.images, 7);
    close(scores.top1_pct, 42.857_142_857_142_854);
    close(scores.top5_pct, 85.714_285_714_285_71);
    let expected = [(1, 5), (3, 8), (4, 4), (7, 7), (8, 7), (9, 3), (9, 9)];
    for (truth, row) in scores.confusion.iter().enumerate() {
        for (predicted, &count) in row.iter().enumerate() {
            assert_eq!(count, u32::from(expected.contains(&(truth, predicted))), "[{truth}][{predicted}]");
        }
    }
    assert_eq!(scores.false_positives, [0, 0, 0, 1, 0, 1, 0, 1, 1, 0]);
    assert_eq!(scores.false_negatives, [0, 1, 0, 1, 0, 0, 0, 0, 1, 1]);
    let (one, two) = (85.714_285_714_285_71, 71.428_571_428_571_43);
    all_close(&scores.eq9_accuracy_pct, &[100.0, one, 100.0, two, 100.0, one, 100.0, one, two, one]);
    close(scores.eq9_overall_pct, 88.571_428_571_428_57);
    float32_close(scores.p_false_mean, 0.311_676_963_955_311_86);
    float32_close(scores.p_false_median, 0.341_056_907_269_813_86);
    assert_eq!(scores.p_false_histogram.len(), 50);
    let filled: Vec<_> = (0..50).filter(|&bin| scores.p_false_histogram[bin] > 0).collect();
    assert_eq!(filled, [4, 9, 12, 17, 24]);
    assert_eq!(scores.p_false_histogram.iter().sum::<u32>(), 7);
    assert_eq!((scores.p_false_histogram[17], scores.p_false_histogram[24]), (2, 2));
    float32_close(scores.margin_mean, 0.019_545_559_802_707_113);
    let filled: Vec<_> = (0..50).filter(|&bin| scores.margin_histogram[bin] > 0).collect();
    assert_eq!(filled, [13, 14, 20, 23, 28, 37, 40]);
    assert!((scores.ece_pct - 23.684_473_562_369_33).abs() < 1e-5, "{}", scores.ece_pct);
    let counts: Vec<u32> = scores.reliability.iter().map(|bin| bin.count).collect();
    assert_eq!(counts, [0, 0, 0, 1, 0, 1, 0, 3, 0, 0, 2, 0, 0, 0, 0]);
}

#[test]
fn stored_predictions_give_the_same_scores() {
    let logits: Vec<f32> = (0_u32..1000).map(|at| ((at * 7919) % 1013) as f32 / 100.0).collect();
    let labels: Vec<u8> = (0..100).map(|image| (image * 3 % 10) as u8).collect();
    let said = predictions(&logits, &labels, 10).unwrap();
    let (bytes, probabilities) = (to_bytes(&said, 10), probabilities_to_bytes(&said));
    assert_eq!((bytes.len(), probabilities.len()), (100, 800));
    let read = from_bytes(&bytes, &probabilities, &labels, 10).unwrap();
    assert_eq!(read, said);
    assert_eq!(of_predictions(&read, &labels, 10), scores(&logits, &labels, 10).unwrap());
}

/// With a hundred classes neither class nor rank fits in half a byte. The true class of image i has rank i: classes 0 to
/// i − 1 have larger logits.
#[test]
fn a_hundred_classes_are_stored_whole() {
    let row = |image: usize| {
        (0..100).map(move |class: usize| match class.cmp(&image) {
            Ordering::Less => 2.0,
            Ordering::Equal => 1.0,
            Ordering::Greater => 0.0,
        })
    };
    let logits: Vec<f32> = (0..100).flat_map(row).collect();
    let labels: Vec<u8> = (0..100).collect();
    let said = predictions(&logits, &labels, 100).unwrap();
    assert!(said.iter().zip(0_u8..).all(|(prediction, image)| (prediction.class, prediction.rank) == (0, image)));
    let (bytes, probabilities) = (to_bytes(&said, 100), probabilities_to_bytes(&said));
    assert_eq!(bytes.len(), 200);
    assert_eq!(from_bytes(&bytes, &probabilities, &labels, 100).unwrap(), said);
    let scores = of_predictions(&said, &labels, 100);
    // All are taken for class 0; ranks 0 to 4 are among the first five.
    assert_eq!((scores.images, scores.false_positives[0], scores.confusion.len()), (100, 99, 100));
    assert_eq!((scores.top1_pct, scores.top5_pct), (1.0, 5.0));
    // 1 − 2·(1 − 0.01)/100.
    assert!((scores.eq9_overall_pct - 98.02).abs() < 1e-9);
}

#[test]
fn predictions_that_no_network_makes_are_refused() {
    let half = [0.5_f32.to_le_bytes(), 0.5_f32.to_le_bytes()].concat();
    let read = |byte: u8, probabilities: &[u8]| from_bytes(&[byte], probabilities, &[3], 10);
    // Class 3 with rank 0 is right; class 4 with rank 1 is a possible error.
    assert!(read(0x03, &half).is_ok() && read(0x14, &half).is_ok());
    for byte in [0x04, 0x13, 0x1a, 0xa4] {
        assert_eq!(read(byte, &half), Err(InvalidPredictions::Impossible { image: 0 }), "{byte:#x}");
    }
    let bad = [1.5_f32.to_le_bytes(), f32::NAN.to_le_bytes()];
    for bad in bad {
        assert_eq!(read(0x03, &[bad, bad].concat()), Err(InvalidPredictions::Impossible { image: 0 }));
    }
    let length = InvalidPredictions::Length { predictions: 1, probabilities: 7, labels: 1, each: 1 };
    assert_eq!(read(0x03, &half[..7]), Err(length));
}

#[test]
fn equal_logits_rank_by_index() {
    // All equal: class 0 is predicted, classes 0 to 4 are the top five.
    let all = scores(&[1.5; 100], &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9], 10).unwrap();
    close(all.top1_pct, 10.0);
    close(all.top5_pct, 50.0);
    assert_eq!(all.false_positives, [9, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(all.false_negatives, [0, 1, 1, 1, 1, 1, 1, 1, 1, 1]);
    float32_close(all.p_false_mean, 0.1);
}

#[test]
fn pooled_eq9_is_a_function_of_top1() {
    // Four of ten wrong: 1 − 2·0.4/10 = 0.92, where top-1 is 0.6.
    let logits = one_hot(&[0, 1, 2, 3, 4, 5, 0, 0, 0, 0]);
    let scores = scores(&logits, &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9], 10).unwrap();
    close(scores.top1_pct, 60.0);
    close(scores.eq9_overall_pct, 92.0);
    // Class 0: one TP, four FP, five TN. Class 6: one FN, nine TN.
    close(scores.eq9_accuracy_pct[0], 60.0);
    close(scores.eq9_accuracy_pct[6], 90.0);
}

#[test]
fn softmax_is_stable_for_all_finite_logits() {
    // torch.softmax(torch.tensor([1000., 0., -1000., 999.], dtype=torch.float64), 0)
    all_close(
        &probabilities(&[1000.0, 0.0, -1000.0, 999.0]),
        &[0.731_058_578_630_004_9, 0.0, 0.0, 0.268_941_421_369_995_1],
    );
    all_close(&probabilities(&[f32::MAX, f32::MIN, f32::MAX]), &[0.5, 0.0, 0.5]);
    // A wrong class with probability 1 is counted in the last bin.
    let mut logits = [0.0; 10];
    logits[9] = f32::MAX;
    let scores = scores(&logits, &[0], 10).unwrap();
    assert_eq!((scores.p_false_histogram[49], scores.p_false_mean), (1, 1.0));
}

#[test]
fn what_cannot_be_scored_is_an_error() {
    assert_eq!(scores(&[], &[], 10), Err(InvalidLogits::Empty));
    assert_eq!(scores(&[0.0; 19], &[1, 2], 10), Err(InvalidLogits::Length { logits: 19, labels: 2, classes: 10 }));
    assert_eq!(scores(&[0.0; 20], &[1, 10], 10), Err(InvalidLogits::Label { image: 1, label: 10, classes: 10 }));
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let mut logits = [0.0; 30];
        logits[25] = bad;
        assert_eq!(scores(&logits, &[0, 1, 2], 10), Err(InvalidLogits::NotFinite { image: 2 }));
    }
}
