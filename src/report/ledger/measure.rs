//! What claims are about, of one cell.

use crate::paper::Measure;
use crate::report::input::{Cell, CellState};
use crate::stats::{accuracy_standard_error, curve_noise};

/// A measure of a cell; `None` if it has no results, or a curve too short.
pub fn value(measure: Measure, cell: &Cell) -> Option<f64> {
    if cell.state != CellState::Done {
        return None;
    }
    let scores = cell.scores.as_ref()?;
    match measure {
        Measure::FalsePositives => Some(f64::from(scores.false_positives.iter().sum::<u32>())),
        Measure::Top1 => Some(scores.top1_pct),
        Measure::Top5 => Some(scores.top5_pct),
        Measure::Roughness => curve_noise(&cell.metrics.iter().map(|epoch| epoch.test_top1_pct).collect::<Vec<_>>()),
        Measure::PFalse => Some(scores.p_false_mean),
    }
}

/// The binomial standard error of a cell's value by its test images alone, in the measure's unit; `None` where the value
/// is no share of images.
pub fn binomial_se(measure: Measure, cell: &Cell) -> Option<f64> {
    let scores = cell.scores.as_ref()?;
    let of = |accuracy_pct: f64| accuracy_standard_error(accuracy_pct / 100.0, scores.images);
    match measure {
        Measure::FalsePositives => Some(f64::from(scores.images) * of(scores.top1_pct)),
        Measure::Top1 => Some(100.0 * of(scores.top1_pct)),
        Measure::Top5 => Some(100.0 * of(scores.top5_pct)),
        Measure::Roughness | Measure::PFalse => None,
    }
}
