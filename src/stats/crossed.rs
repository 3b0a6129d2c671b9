//! Intervals for unseen images and further seeds together: a bootstrap of both, crossed.
//!
//! A claim is about images that nobody has seen, not about these 10,000. Seeds and images are drawn anew, each with
//! replacement and independently, and every drawn seed is read on every drawn image. (Owen, Annals of Applied Statistics 2007:
//! the variance of the mean is not underestimated.) With few seeds a bootstrap interval is too short by about
//! √((n − 1)/n): the paired t interval over seeds stands beside it.

use super::draws::Draws;
use super::undefined::Undefined;
use crate::seed::{self, Purpose};

/// A mean over seeds and images, and how much it would move with others of both.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CrossedBootstrap {
    /// The mean outcome.
    pub mean: f64,
    /// Standard deviation of the bootstrap means.
    pub standard_error: f64,
    /// Percentile interval of the bootstrap means.
    pub interval: [f64; 2],
}

/// The crossed bootstrap of outcomes, a row per seed and a column per image: for a paired difference of accuracies 1 where only
/// the first network is right, −1 where only the other is, and else 0. `samples` (2,000) bootstrap means at `level` (0.95),
/// the same on every machine.
///
/// # Errors
/// [`Undefined`] of fewer than two seeds or images, of rows of different lengths, and where all outcomes are equal.
pub fn crossed_bootstrap(outcomes: &[Vec<i8>], level: f64, samples: u32) -> Result<CrossedBootstrap, Undefined> {
    let (seeds, images) = (outcomes.len(), outcomes.first().map_or(0, Vec::len));
    if seeds < 2 || images < 2 {
        return Err(Undefined::TooFew { needed: 2, found: seeds.min(images) });
    }
    if outcomes.iter().any(|row| row.len() != images) {
        return Err(Undefined::Parameter("all seeds have the same test images"));
    }
    if !(level > 0.0 && level < 1.0) || samples < 2 {
        return Err(Undefined::Parameter("a level lies between 0 and 1, and a bootstrap has two samples or more"));
    }
    if outcomes.iter().flatten().all(|outcome| *outcome == outcomes[0][0]) {
        return Err(Undefined::ZeroSpread);
    }
    let mut random = Draws(seed::generator(0, Purpose::Bootstrap, 0));
    let mut means: Vec<f64> = (0..samples).map(|_| resampled(outcomes, images, &mut random)).collect();
    means.sort_by(f64::total_cmp);
    let total: i64 = outcomes.iter().flatten().map(|outcome| i64::from(*outcome)).sum();
    let tail = (1.0 - level) / 2.0;
    Ok(CrossedBootstrap {
        mean: total as f64 / (seeds * images) as f64,
        standard_error: super::sample_sd(&means).unwrap_or(f64::NAN),
        interval: [quantile(&means, tail), quantile(&means, 1.0 - tail)],
    })
}

/// The mean of one draw of seeds and of images.
fn resampled(outcomes: &[Vec<i8>], images: usize, random: &mut Draws) -> f64 {
    let seeds = outcomes.len();
    let mut per_image = vec![0_i32; images];
    for _ in 0..seeds {
        let row = &outcomes[random.below(seeds)];
        for (sum, outcome) in per_image.iter_mut().zip(row) {
            *sum += i32::from(*outcome);
        }
    }
    let total: i64 = (0..images).map(|_| i64::from(per_image[random.below(images)])).sum();
    total as f64 / (seeds * images) as f64
}

/// The quantile of sorted values, interpolated linearly between neighbours, as NumPy's default does.
fn quantile(sorted: &[f64], probability: f64) -> f64 {
    let position = probability * (sorted.len() - 1) as f64;
    let (below, share) = (position.floor() as usize, position.fract());
    let above = sorted.get(below + 1).unwrap_or(&sorted[below]);
    sorted[below] + share * (above - sorted[below])
}
