//! Measures of a run that follow from its confusion matrix and its training set.

#![allow(clippy::unwrap_used, reason = "a failure here is a failed test")]

use fpl_repro::artifact::{EpochMetrics, TrainingSet};
use fpl_repro::paper::Measure;
use fpl_repro::paper::measure::{BALANCED_ACCURACY, MACRO_F1, MEMORIZED, RECALL_FEW, RECALL_MANY, RECALL_MEDIUM, Run};
use fpl_repro::scores;

/// Labels and logits with this confusion matrix: one-hot logits of the predicted class.
fn run_of(confusion: &[[u32; 3]; 3]) -> fpl_repro::artifact::Scores {
    let (mut labels, mut logits) = (Vec::new(), Vec::new());
    for (truth, row) in confusion.iter().enumerate() {
        for (predicted, &count) in row.iter().enumerate() {
            for _ in 0..count {
                labels.push(truth as u8);
                logits.extend((0..3).map(|class| if class == predicted { 1.0f32 } else { 0.0 }));
            }
        }
    }
    let predictions = scores::predictions(&logits, &labels, 3).unwrap();
    scores::of_predictions(&predictions, &labels, 3)
}

fn close(found: Option<f64>, expected: f64) {
    let found = found.unwrap();
    assert!((found - expected).abs() < 1e-12, "{found} is not {expected}");
}

/// By hand. TP 8, 5, 2; FP 1, 5, 4; FN 2, 5, 3: F1 = 16/19, 10/20, 4/11; recalls 8/10, 5/10, 2/5.
#[test]
fn imbalance_is_measured_class_by_class() {
    let scores = run_of(&[[8, 2, 0], [1, 5, 4], [0, 3, 2]]);
    let set = TrainingSet { class_counts: vec![101, 20, 19], wrong_labels: 0 };
    let of =
        |measure: &Measure, set| (measure.of)(&Run { scores: &scores, metrics: &[], training_set: set, seconds: 1.0 });
    close(of(&MACRO_F1, None), 100.0 * (16.0 / 19.0 + 0.5 + 4.0 / 11.0) / 3.0);
    close(of(&BALANCED_ACCURACY, None), 100.0 * (0.8 + 0.5 + 0.4) / 3.0);
    for (measure, recall) in [(&RECALL_MANY, 80.0), (&RECALL_MEDIUM, 50.0), (&RECALL_FEW, 40.0)] {
        close(of(measure, Some(&set)), recall);
        assert_eq!(of(measure, None), None, "no groups without a changed training set");
    }
    // 100 images are still medium-shot; then no class has few.
    let set = TrainingSet { class_counts: vec![5000, 100, 20], wrong_labels: 0 };
    close(of(&RECALL_MEDIUM, Some(&set)), 45.0);
    assert_eq!(of(&RECALL_FEW, Some(&set)), None);
}

/// A class that is neither in the test set nor predicted has no recall, and an F1 of 0.
#[test]
fn a_class_without_test_images_counts_for_f1_only() {
    let scores = run_of(&[[3, 1, 0], [0, 4, 0], [0, 0, 0]]);
    let of = |measure: &Measure| (measure.of)(&Run { scores: &scores, metrics: &[], training_set: None, seconds: 1.0 });
    close(of(&BALANCED_ACCURACY), 87.5);
    // 6/7, 8/9 and 0.
    close(of(&MACRO_F1), 100.0 * (6.0 / 7.0 + 8.0 / 9.0) / 3.0);
}

#[test]
fn what_is_memorised_is_that_of_the_last_epoch() {
    let scores = run_of(&[[1, 0, 0], [0, 1, 0], [0, 0, 1]]);
    let epoch = |epoch, memorized_pct| EpochMetrics {
        epoch,
        train_loss: 1.0,
        learning_rate: 0.1,
        test_top1_pct: 50.0,
        test_top5_pct: 90.0,
        seconds: 1.0,
        images_per_second: 100.0,
        learned_alpha: None,
        memorized_pct,
    };
    let metrics = [epoch(1, Some(3.0)), epoch(2, Some(7.5))];
    let of = |metrics| (MEMORIZED.of)(&Run { scores: &scores, metrics, training_set: None, seconds: 1.0 });
    assert_eq!(of(&metrics), Some(7.5));
    assert_eq!(of(&[]), None);
}
