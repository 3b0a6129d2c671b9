//! Which reading of an open detail is the paper's: how well each foretells the numbers that the paper prints.

use super::holm;
use super::prediction::Prediction;

/// How well one reading foretells printed numbers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ReadingFit {
    /// Σ log density over the printed numbers. It compares readings of the same numbers only.
    pub log_density: f64,
    /// The smallest two-sided p of a printed number, Holm-adjusted over the numbers of this reading: the reading is excluded
    /// at a level where this is below it.
    pub p: f64,
    /// How many numbers it rests on.
    pub numbers: usize,
}

/// The fit of one reading: per printed number the distribution of a further run under this reading, and the number. `None`
/// without numbers.
pub fn reading_fit(numbers: &[(Prediction, f64)]) -> Option<ReadingFit> {
    let p_values: Vec<f64> = numbers.iter().map(|(prediction, printed)| prediction.p(*printed)).collect();
    let log_density = numbers.iter().map(|(prediction, printed)| prediction.log_density(*printed)).sum();
    let p = holm(&p_values).into_iter().reduce(f64::min)?;
    Some(ReadingFit { log_density, p, numbers: numbers.len() })
}
