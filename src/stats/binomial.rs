//! What a test set of n images can resolve.

use statrs::distribution::{Binomial, DiscreteCDF};

/// √(p·(1 − p)/n): the standard error of an accuracy p (0 to 1) over n images.
pub fn accuracy_standard_error(accuracy: f64, images: u32) -> f64 {
    (accuracy * (1.0 - accuracy) / f64::from(images.max(1))).sqrt()
}

/// The smallest and the largest two-sided p that McNemar's exact test can have for two networks with so many errors on the
/// same images.
///
/// The test needs the discordant images, b and c, of which only b − c, the difference of the errors, is known. The fewer
/// there are, the smaller is p: at least |b − c| are discordant; at most all errors of both are, as far as the images
/// allow.
pub fn mcnemar_bounds(errors: u32, other_errors: u32, images: u32) -> (f64, f64) {
    let (more, fewer) = (errors.max(other_errors), errors.min(other_errors));
    let shared = (u64::from(more) + u64::from(fewer)).saturating_sub(u64::from(images)) as u32;
    (mcnemar(more - fewer, 0), mcnemar(more - shared, fewer - shared))
}

/// Two-sided exact p of b against c discordant images: twice the tail of Binomial(b + c, ½).
fn mcnemar(b: u32, c: u32) -> f64 {
    let n = u64::from(b) + u64::from(c);
    match Binomial::new(0.5, n) {
        Ok(binomial) if n > 0 => (2.0 * binomial.cdf(u64::from(b.min(c)))).min(1.0),
        _ => 1.0,
    }
}
