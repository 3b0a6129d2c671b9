//! P(A > B): how often the better loss wins a pair.

use statrs::distribution::{Beta, ContinuousCDF};

use super::mean;

/// P(A > B) over pairs, ties counting half, from the differences A − B (Bouthillier et al., 2021, arXiv 2103.03098);
/// `None` without differences.
pub fn probability_of_superiority(differences: &[f64]) -> Option<f64> {
    let score = |difference: &f64| if *difference > 0.0 { 1.0 } else { f64::from(u8::from(*difference >= 0.0)) / 2.0 };
    mean(&differences.iter().map(score).collect::<Vec<_>>())
}

/// The exact interval of P(A > B) at `level` (0.95), by Clopper and Pearson (1934). A tie counts as lost in the lower end and
/// as won in the upper one, so that the interval holds however ties are split: with ties it is wider than it need be. `None`
/// without differences, of values that are not numbers, and for a level outside 0 to 1.
pub fn superiority_interval(differences: &[f64], level: f64) -> Option<[f64; 2]> {
    if differences.is_empty() || differences.iter().any(|value| value.is_nan()) || !(level > 0.0 && level < 1.0) {
        return None;
    }
    let count = |wins: fn(f64) -> bool| differences.iter().filter(|value| wins(**value)).count() as f64;
    let (n, tail) = (differences.len() as f64, (1.0 - level) / 2.0);
    let (won, not_lost) = (count(|value| value > 0.0), count(|value| value >= 0.0));
    let quantile = |a: f64, b: f64, probability: f64| Some(Beta::new(a, b).ok()?.inverse_cdf(probability));
    let low = if won > 0.0 { quantile(won, n - won + 1.0, tail)? } else { 0.0 };
    let high = if not_lost < n { quantile(not_lost + 1.0, n - not_lost, 1.0 - tail)? } else { 1.0 };
    Some([low, high])
}
