//! How much of the spread of accuracies over seeds is more than the test images' sampling noise.
//!
//! Runs of one recipe that were equally good would still differ on a finite test set. (Jordan, arXiv 2304.01910.)

use super::sample_sd;
use super::undefined::Undefined;

/// Variances of accuracies, shares of 1 squared.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct VarianceSplit {
    /// Of the accuracies on this test set over seeds.
    pub observed: f64,
    /// What the draw of the test images alone would give: Σ p̂ᵢ(1 − p̂ᵢ)·R/(R − 1)/m², p̂ᵢ the share of R runs that get image
    /// i right, m images.
    pub test_images: f64,
    /// Of the accuracies on unlimited test data: m/(m − 1)·(observed − test images). An unbiased estimate, so that it can be
    /// negative: then no more than sampling noise is seen.
    pub true_accuracy: f64,
}

/// Splits the variance over seeds; `correct` has a row per run: whether each test image was right, in the same order.
///
/// # Errors
/// [`Undefined`] of fewer than two runs or images, and of rows of different lengths.
pub fn variance_split(correct: &[Vec<bool>]) -> Result<VarianceSplit, Undefined> {
    let (runs, images) = (correct.len(), correct.first().map_or(0, Vec::len));
    if runs < 2 || images < 2 {
        return Err(Undefined::TooFew { needed: 2, found: runs.min(images) });
    }
    if correct.iter().any(|run| run.len() != images) {
        return Err(Undefined::Parameter("all runs have the same test images"));
    }
    let (r, m) = (runs as f64, images as f64);
    let right = |run: &Vec<bool>| run.iter().filter(|right| **right).count() as f64;
    let accuracies: Vec<f64> = correct.iter().map(|run| right(run) / m).collect();
    let observed = sample_sd(&accuracies).map_or(0.0, |sd| sd * sd);
    let share = |image: usize| correct.iter().filter(|run| run[image]).count() as f64 / r;
    let noise: f64 = (0..images).map(share).map(|p| p * (1.0 - p)).sum();
    let test_images = noise * r / (r - 1.0) / (m * m);
    Ok(VarianceSplit { observed, test_images, true_accuracy: m / (m - 1.0) * (observed - test_images) })
}
