//! A claim as a drawing: our mean difference with its interval, the paper's value, and 0, on one line.

use serde::Serialize;

use crate::paper::Sign;
use crate::report::ledger::Evidence;

/// Width of the drawing in its own units.
const WIDTH: f64 = 160.0;
/// What is left free on both sides.
const MARGIN: f64 = 8.0;

/// Positions along a line, from 0 to [`WIDTH`]. Every drawing has its own scale.
#[derive(Debug, Serialize)]
pub struct Forest {
    /// Where 0 is.
    pub zero: String,
    /// Left end and width of the side that the paper claims.
    pub claimed: [String; 2],
    /// The paper's effect.
    pub paper: Option<String>,
    /// Our mean difference.
    pub ours: Option<String>,
    /// Our 95 % interval.
    pub interval: Option<[String; 2]>,
}

/// `None` if there is neither a number of the paper nor one of ours.
pub(super) fn forest(claimed: Sign, paper: Option<f64>, evidence: &Evidence) -> Option<Forest> {
    let interval = evidence.interval;
    let drawn = [paper, evidence.mean, interval.map(|[low, _]| low), interval.map(|[_, high]| high)];
    let farthest = drawn.into_iter().flatten().filter(|value| value.is_finite()).map(f64::abs).fold(0.0, f64::max);
    if paper.is_none() && evidence.mean.is_none() {
        return None;
    }
    let scale = if farthest > 0.0 { (WIDTH / 2.0 - MARGIN) / farthest } else { 0.0 };
    let at = |value: f64| format!("{:.1}", WIDTH / 2.0 + value * scale);
    let half = format!("{:.1}", WIDTH / 2.0);
    Some(Forest {
        zero: half.clone(),
        claimed: match claimed {
            Sign::Greater => [half.clone(), half],
            Sign::Less => ["0".to_owned(), half],
        },
        paper: paper.map(at),
        ours: evidence.mean.map(at),
        interval: interval.map(|ends| ends.map(at)),
    })
}
