//! Everything that is derived from a cell's test logits: first what each image's prediction was, then, from that alone,
//! every score. So whoever has the predictions can compute the scores again.
//!
//! Two accuracies are computed. *Top-1* is the share of images whose most probable class is the true one. *Eq. 9* of the
//! paper, (TP + TN)/(TP + FP + TN + FN), is the accuracy of each class against the rest, in which the true negatives of
//! the other classes dominate. Every wrongly classified image is one false positive and one false negative, so over C
//! classes the pooled Eq. 9 is 1 − 2·(1 − top-1)/C: of ten classes, a network that guesses has a top-1 of 10 % and an Eq. 9
//! of 82 %. The tables of the paper can only be top-1.

use crate::artifact::{ReliabilityBin, Scores};

/// Bins of the histograms of p_F and of the margin.
const BINS: usize = 50;
/// Bins of the reliability diagram, as Guo et al. (2017) have.
const RELIABILITY_BINS: usize = 15;

/// What a network said about one test image, as far as scores depend on it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Prediction {
    /// The class with the largest logit; among equals the first, as PyTorch's argmax on a CPU.
    pub class: u8,
    /// How many classes come before the true one: 0 for a correct prediction, at most all others.
    pub rank: u8,
    /// p_T: the softmax probability of the true class.
    pub p_true: f32,
    /// p_F: the largest softmax probability among the wrong classes.
    pub p_false: f32,
}

/// Why stored predictions cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPredictions {
    /// The files are not of one length.
    #[error(
        "{predictions} bytes of predictions and {probabilities} of probabilities for {labels} labels: expected {each} and 8 per label"
    )]
    Length {
        /// Bytes of predictions.
        predictions: usize,
        /// Bytes of probabilities.
        probabilities: usize,
        /// Number of labels.
        labels: usize,
        /// Bytes of a prediction.
        each: usize,
    },
    /// A byte or a probability is impossible, or contradicts its label.
    #[error("the prediction of test image {image} is impossible")]
    Impossible {
        /// Index of the image.
        image: usize,
    },
}

/// Why logits cannot be scored.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidLogits {
    /// There is nothing to score.
    #[error("there are no test images")]
    Empty,
    /// The number of logits is not one per class and label.
    #[error("{logits} logits do not fit {labels} labels: expected {classes} per label")]
    Length {
        /// Number of logits.
        logits: usize,
        /// Number of labels.
        labels: usize,
        /// Number of classes.
        classes: usize,
    },
    /// A label is not a class.
    #[error("the label of test image {image} is {label}: expected less than {classes}")]
    Label {
        /// Index of the image.
        image: usize,
        /// Its label.
        label: u8,
        /// Number of classes.
        classes: usize,
    },
    /// A logit is infinite or not a number.
    #[error("the logits of test image {image} are not finite")]
    NotFinite {
        /// Index of the image.
        image: usize,
    },
}

/// Scores `logits`, row-major `[n, classes]`, against `labels`.
pub fn scores(logits: &[f32], labels: &[u8], classes: usize) -> Result<Scores, InvalidLogits> {
    Ok(of_predictions(&predictions(logits, labels, classes)?, labels, classes))
}

/// What `logits`, row-major `[n, classes]`, say about images with these labels.
pub fn predictions(logits: &[f32], labels: &[u8], classes: usize) -> Result<Vec<Prediction>, InvalidLogits> {
    check(logits, labels, classes)?;
    let prediction = |(row, &label): (&[f32], &u8)| {
        let (label, probabilities) = (usize::from(label), probabilities(row));
        Prediction {
            class: argmax(row) as u8,
            rank: rank(row, label) as u8,
            p_true: probabilities[label] as f32,
            p_false: largest_wrong(&probabilities, label) as f32,
        }
    };
    Ok(logits.chunks_exact(classes).zip(labels).map(prediction).collect())
}

/// Every score, from the predictions of images with these labels.
pub fn of_predictions(predictions: &[Prediction], labels: &[u8], classes: usize) -> Scores {
    let mut confusion = vec![vec![0_u32; classes]; classes];
    for (prediction, &label) in predictions.iter().zip(labels) {
        confusion[usize::from(label)][usize::from(prediction.class)] += 1;
    }
    summarize(confusion, predictions)
}

/// How a prediction is stored: in one byte, the class in the lower half and the rank in the upper, or, of more than 16
/// classes, in a byte for the class and one for the rank.
fn prediction_bytes(classes: usize) -> usize {
    if classes <= 16 { 1 } else { 2 }
}

/// Class and rank of every image.
pub fn to_bytes(predictions: &[Prediction], classes: usize) -> Vec<u8> {
    match prediction_bytes(classes) {
        1 => predictions.iter().map(|prediction| prediction.rank << 4 | prediction.class).collect(),
        _ => predictions.iter().flat_map(|prediction| [prediction.class, prediction.rank]).collect(),
    }
}

/// p_T and p_F of every image, little-endian.
pub fn probabilities_to_bytes(predictions: &[Prediction]) -> Vec<u8> {
    predictions.iter().flat_map(|p| [p.p_true.to_le_bytes(), p.p_false.to_le_bytes()]).flatten().collect()
}

/// The ranks of [`to_bytes`]: of every image, how many classes come before the true one.
pub fn ranks(bytes: &[u8], classes: usize) -> Vec<u8> {
    match prediction_bytes(classes) {
        1 => bytes.iter().map(|byte| byte >> 4).collect(),
        _ => bytes.iter().skip(1).step_by(2).copied().collect(),
    }
}

/// The inverse of [`to_bytes`] and [`probabilities_to_bytes`], for images with these labels.
pub fn from_bytes(
    predictions: &[u8],
    probabilities: &[u8],
    labels: &[u8],
    classes: usize,
) -> Result<Vec<Prediction>, InvalidPredictions> {
    let each = prediction_bytes(classes);
    if predictions.len() != each * labels.len() || probabilities.len() != 8 * labels.len() {
        let (predictions, probabilities, labels) = (predictions.len(), probabilities.len(), labels.len());
        return Err(InvalidPredictions::Length { predictions, probabilities, labels, each });
    }
    let float = |bytes: &[u8]| f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
    let read = predictions.chunks_exact(each).zip(probabilities.chunks_exact(8)).zip(labels).enumerate();
    read.map(|(image, ((bytes, pair), &label))| {
        let (class, rank) = if let [class, rank] = *bytes { (class, rank) } else { (bytes[0] & 15, bytes[0] >> 4) };
        let (p_true, p_false) = (float(&pair[..4]), float(&pair[4..]));
        let prediction = Prediction { class, rank, p_true, p_false };
        prediction.is_possible(label, classes).then_some(prediction).ok_or(InvalidPredictions::Impossible { image })
    })
    .collect()
}

impl Prediction {
    /// Whether a network can have said this about an image of class `label`.
    fn is_possible(&self, label: u8, classes: usize) -> bool {
        let probability = |p: f32| (0.0..=1.0).contains(&p);
        [label, self.class, self.rank].into_iter().all(|index| usize::from(index) < classes)
            && (self.rank == 0) == (self.class == label)
            && probability(self.p_true)
            && probability(self.p_false)
    }

    /// Probability of the predicted class.
    fn confidence(&self) -> f64 {
        f64::from(if self.rank == 0 { self.p_true } else { self.p_false })
    }

    fn margin(&self) -> f64 {
        f64::from(self.p_true) - f64::from(self.p_false)
    }
}

/// Softmax of the logits of one image, in double precision and stable for all finite logits.
pub fn probabilities(logits: &[f32]) -> Vec<f64> {
    let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let powers: Vec<f64> = logits.iter().map(|&logit| (f64::from(logit) - f64::from(largest)).exp()).collect();
    let sum: f64 = powers.iter().sum();
    powers.into_iter().map(|power| power / sum).collect()
}

fn check(logits: &[f32], labels: &[u8], classes: usize) -> Result<(), InvalidLogits> {
    if labels.is_empty() && logits.is_empty() {
        return Err(InvalidLogits::Empty);
    }
    if logits.len() != labels.len() * classes {
        return Err(InvalidLogits::Length { logits: logits.len(), labels: labels.len(), classes });
    }
    if let Some(image) = labels.iter().position(|&label| usize::from(label) >= classes) {
        return Err(InvalidLogits::Label { image, label: labels[image], classes });
    }
    match logits.iter().position(|logit| !logit.is_finite()) {
        Some(index) => Err(InvalidLogits::NotFinite { image: index / classes }),
        None => Ok(()),
    }
}

fn argmax(row: &[f32]) -> usize {
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

fn summarize(confusion: Vec<Vec<u32>>, predictions: &[Prediction]) -> Scores {
    let (images, classes) = (predictions.len() as u32, confusion.len());
    let percent = |count: u32, of: f64| 100.0 * f64::from(count) / of;
    let n = f64::from(images);
    let correct: u32 = (0..classes).map(|class| confusion[class][class]).sum();
    let top5 = predictions.iter().filter(|prediction| prediction.rank < 5).count() as u32;
    let row_sum = |class: usize| confusion[class].iter().sum::<u32>();
    let column_sum = |class: usize| confusion.iter().map(|row| row[class]).sum::<u32>();
    let false_positives: Vec<u32> = (0..classes).map(|class| column_sum(class) - confusion[class][class]).collect();
    let false_negatives: Vec<u32> = (0..classes).map(|class| row_sum(class) - confusion[class][class]).collect();
    // One against the rest, every image is TP, TN, FP or FN.
    let right: Vec<u32> = (0..classes).map(|c| images - false_positives[c] - false_negatives[c]).collect();
    let p_false: Vec<f64> = predictions.iter().map(|prediction| f64::from(prediction.p_false)).collect();
    let margins: Vec<f64> = predictions.iter().map(Prediction::margin).collect();
    let reliability = reliability(predictions);
    Scores {
        images,
        top1_pct: percent(correct, n),
        top5_pct: percent(top5, n),
        eq9_accuracy_pct: right.iter().map(|&count| percent(count, n)).collect(),
        eq9_overall_pct: percent(right.iter().sum(), n * classes as f64),
        p_false_histogram: histogram(&p_false, 0.0),
        p_false_mean: p_false.iter().sum::<f64>() / n,
        p_false_median: median(p_false),
        margin_histogram: histogram(&margins, -1.0),
        margin_mean: margins.iter().sum::<f64>() / n,
        ece_pct: expected_calibration_error(&reliability, n),
        reliability,
        confusion,
        false_positives,
        false_negatives,
    }
}

/// Counts in equal bins from `low` to 1, each with its lower end; the last includes 1.
fn histogram(values: &[f64], low: f64) -> Vec<u32> {
    let mut counts = vec![0; BINS];
    for value in values {
        counts[bin(*value, low, BINS)] += 1;
    }
    counts
}

fn bin(value: f64, low: f64, bins: usize) -> usize {
    // A negative number becomes 0.
    (((value - low) / (1.0 - low) * bins as f64) as usize).min(bins - 1)
}

fn reliability(predictions: &[Prediction]) -> Vec<ReliabilityBin> {
    let mut bins = vec![ReliabilityBin::default(); RELIABILITY_BINS];
    for prediction in predictions {
        let bin = &mut bins[bin(prediction.confidence(), 0.0, RELIABILITY_BINS)];
        bin.count += 1;
        bin.correct += u32::from(prediction.rank == 0);
        bin.confidence += prediction.confidence();
    }
    for bin in bins.iter_mut().filter(|bin| bin.count > 0) {
        bin.confidence /= f64::from(bin.count);
    }
    bins
}

/// In percentage points.
fn expected_calibration_error(bins: &[ReliabilityBin], images: f64) -> f64 {
    let gap = |bin: &ReliabilityBin| (f64::from(bin.correct) - f64::from(bin.count) * bin.confidence).abs();
    100.0 * bins.iter().map(gap).sum::<f64>() / images
}

/// The median; of an even number of values the mean of the middle two.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 { values[middle] } else { f64::midpoint(values[middle - 1], values[middle]) }
}
