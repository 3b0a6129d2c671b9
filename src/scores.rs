//! Everything that is derived from a cell's test logits.
//!
//! Two accuracies are computed. *Top-1* is the share of images whose most probable class is the true one. *Eq. 9* of the
//! paper, (TP + TN)/(TP + FP + TN + FN), is the accuracy of each class against the rest, in which the true negatives of
//! the nine other classes dominate. Every wrongly classified image is one false positive and one false negative, so over
//! ten classes the pooled Eq. 9 is 1 − 2·(1 − top-1)/10: a network that guesses has a top-1 of 10 % and an Eq. 9 of
//! 82 %. The tables of the paper can only be top-1.

use crate::{artifact::Scores, recipe::CLASSES};

/// Bins of the histogram of p_F over 0 to 1.
const BINS: usize = 50;

/// Why logits cannot be scored.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidLogits {
    /// There is nothing to score.
    #[error("there are no test images")]
    Empty,
    /// The number of logits is not ten per label.
    #[error("{logits} logits do not fit {labels} labels: expected {CLASSES} per label")]
    Length {
        /// Number of logits.
        logits: usize,
        /// Number of labels.
        labels: usize,
    },
    /// A label is not a class.
    #[error("the label of test image {image} is {label}: expected less than {CLASSES}")]
    Label {
        /// Index of the image.
        image: usize,
        /// Its label.
        label: u8,
    },
    /// A logit is infinite or not a number.
    #[error("the logits of test image {image} are not finite")]
    NotFinite {
        /// Index of the image.
        image: usize,
    },
}

/// Scores `logits`, row-major `[n, 10]`, against `labels`.
pub fn scores(logits: &[f32], labels: &[u8]) -> Result<Scores, InvalidLogits> {
    check(logits, labels)?;
    let mut confusion = vec![vec![0_u32; CLASSES]; CLASSES];
    let mut top5 = 0_u32;
    let mut p_false = Vec::with_capacity(labels.len());
    for (row, &label) in logits.chunks_exact(CLASSES).zip(labels) {
        let label = usize::from(label);
        confusion[label][prediction(row)] += 1;
        top5 += u32::from(rank(row, label) < 5);
        p_false.push(largest_wrong(&probabilities(row), label));
    }
    Ok(summarize(confusion, top5, p_false))
}

/// Softmax of the logits of one image, in double precision and stable for all finite logits.
pub fn probabilities(logits: &[f32]) -> Vec<f64> {
    let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let powers: Vec<f64> = logits.iter().map(|&logit| (f64::from(logit) - f64::from(largest)).exp()).collect();
    let sum: f64 = powers.iter().sum();
    powers.into_iter().map(|power| power / sum).collect()
}

fn check(logits: &[f32], labels: &[u8]) -> Result<(), InvalidLogits> {
    if labels.is_empty() && logits.is_empty() {
        return Err(InvalidLogits::Empty);
    }
    if logits.len() != labels.len() * CLASSES {
        return Err(InvalidLogits::Length { logits: logits.len(), labels: labels.len() });
    }
    if let Some(image) = labels.iter().position(|&label| usize::from(label) >= CLASSES) {
        return Err(InvalidLogits::Label { image, label: labels[image] });
    }
    match logits.iter().position(|logit| !logit.is_finite()) {
        Some(index) => Err(InvalidLogits::NotFinite { image: index / CLASSES }),
        None => Ok(()),
    }
}

/// The class with the largest logit; among equals the first, as PyTorch's argmax on a CPU.
fn prediction(row: &[f32]) -> usize {
    (1..row.len()).fold(0, |best, class| if row[class] > row[best] { class } else { best })
}

/// How many classes come before `class`: those with a larger logit, or with the same logit and a lower index.
fn rank(row: &[f32], class: usize) -> usize {
    // Equality is meant: a tie is two logits of the same value.
    #[expect(clippy::float_cmp)]
    let before = |&(other, logit): &(usize, &f32)| *logit > row[class] || (*logit == row[class] && other < class);
    row.iter().enumerate().filter(before).count()
}

/// p_F: the largest probability among the wrong classes.
fn largest_wrong(probabilities: &[f64], label: usize) -> f64 {
    let wrong = probabilities.iter().enumerate().filter(|(class, _)| *class != label);
    wrong.map(|(_, &probability)| probability).fold(0.0, f64::max)
}

fn summarize(confusion: Vec<Vec<u32>>, top5: u32, p_false: Vec<f64>) -> Scores {
    let images = p_false.len() as u32;
    let percent = |count: u32, of: f64| 100.0 * f64::from(count) / of;
    let n = f64::from(images);
    let correct: u32 = (0..CLASSES).map(|class| confusion[class][class]).sum();
    let row_sum = |class: usize| confusion[class].iter().sum::<u32>();
    let column_sum = |class: usize| confusion.iter().map(|row| row[class]).sum::<u32>();
    let false_positives: Vec<u32> = (0..CLASSES).map(|class| column_sum(class) - confusion[class][class]).collect();
    let false_negatives: Vec<u32> = (0..CLASSES).map(|class| row_sum(class) - confusion[class][class]).collect();
    // One against the rest, every image is TP, TN, FP or FN.
    let right: Vec<u32> = (0..CLASSES).map(|c| images - false_positives[c] - false_negatives[c]).collect();
    Scores {
        images,
        top1_pct: percent(correct, n),
        top5_pct: percent(top5, n),
        eq9_accuracy_pct: right.iter().map(|&count| percent(count, n)).collect(),
        eq9_overall_pct: percent(right.iter().sum(), n * CLASSES as f64),
        p_false_histogram: histogram(&p_false),
        p_false_mean: p_false.iter().sum::<f64>() / n,
        p_false_median: median(p_false),
        confusion,
        false_positives,
        false_negatives,
    }
}

fn histogram(values: &[f64]) -> Vec<u32> {
    let mut counts = vec![0; BINS];
    for value in values {
        // The last bin includes 1.
        counts[((value * BINS as f64) as usize).min(BINS - 1)] += 1;
    }
    counts
}

/// The median; of an even number of values the mean of the middle two.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 { values[middle] } else { f64::midpoint(values[middle - 1], values[middle]) }
}
