//! How rough a curve is.

/// The standard deviation of a curve around its own locally linear trend: √(2/(3(n − 2))·Σ(½y_{i−1} − y_i + ½y_{i+1})²)
/// (Gasser, Sroka and Jennen-Steinmetz, Biometrika 1986, for equidistant points). 0 for a straight line, σ for
/// independent noise of that deviation around one; `None` of fewer than three points.
pub fn curve_noise(values: &[f64]) -> Option<f64> {
    if values.len() < 3 {
        return None;
    }
    let squares: f64 = values.windows(3).map(|y| (0.5 * y[0] - y[1] + 0.5 * y[2]).powi(2)).sum();
    Some((2.0 / (3.0 * (values.len() - 2) as f64) * squares).sqrt())
}
