//! Did we rebuild the experiment? Every number that the paper prints, against the distribution of our runs.
//!
//! A printed number is one further run, if the experiment is the same. It is *outside* where that is unlikely: p < 5 % by the
//! prediction distribution of our runs, adjusted by Holm over all numbers that the paper prints, those without runs counted.
//! Two runs are enough for an interval and can exclude a number, but not take one in: their interval is so wide that it holds
//! nearly everything. A number is *inside* with four degrees of freedom or more, those of five runs or of three pairs whose spread
//! is pooled: the interval is then three standard deviations to each side.

use std::fmt::Write as _; // Writing to a String cannot fail.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::gather::{Epoch, Gather};
use super::verdict::{LEVEL, Protocol};
use crate::id::RowId;
use crate::number::{p_is, plural};
use crate::paper::{Claim, Measure};
use crate::stats::{PooledSpread, Prediction, Undefined, holm, mean};

/// Degrees of freedom from which on a number may be called inside.
const ENOUGH: f64 = 4.0;

/// Where a printed number lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// It may be a further run of ours.
    Inside,
    /// It is none, at 5 %.
    Outside,
    /// Our runs follow a reduced protocol, or other data.
    Reduced,
    /// Our runs do not exclude it, and are too few to take it in; or have no spread that an interval could be made of.
    TooFewSeeds,
    /// There is no run.
    NotRun,
}

impl Level {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Inside, Self::Outside, Self::Reduced, Self::TooFewSeeds, Self::NotRun];

    /// As the report writes it.
    pub fn title(self) -> &'static str {
        match self {
            Self::Inside => "inside",
            Self::Outside => "outside",
            Self::Reduced => "reduced",
            Self::TooFewSeeds => "too few seeds",
            Self::NotRun => "not run",
        }
    }
}

/// A number that the paper prints, and what our runs predict of it. The counts of single classes are not judged: their total is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PrintedNumber {
    /// The row.
    pub row: RowId,
    /// Of what.
    pub measure: &'static Measure,
    /// As printed.
    pub printed: f64,
    /// Where it lies.
    pub level: Level,
    /// Our runs.
    pub runs: usize,
    /// Their mean.
    pub mean: Option<f64>,
    /// What a further run would be, with 95 %.
    pub prediction: Option<[f64; 2]>,
    /// Degrees of freedom of the spread behind it.
    pub freedom: Option<f64>,
    /// Whether that spread is pooled over rows with the same architecture, since this one has fewer than five runs.
    pub pooled: bool,
    /// The two-sided p of the printed number among our runs.
    pub p: Option<f64>,
    /// Adjusted by Holm over all numbers that the paper prints.
    pub p_holm: Option<f64>,
    /// Why there is no interval; empty where there is one.
    pub why: String,
}

impl PrintedNumber {
    /// How far it is from the mean of our runs: printed − ours.
    pub fn distance(&self) -> Option<f64> {
        self.mean.map(|mean| self.printed - mean)
    }
}

/// A distribution of a further run of a row, and whether its spread is pooled.
pub(super) struct Predicted {
    pub(super) prediction: Prediction,
    pub(super) pooled: bool,
}

/// What a further run of a row would be: by its own spread, or where that rests on too few runs by that of all rows with the
/// same architecture.
pub(super) fn predict(gather: &Gather, row: &RowId, measure: &Measure, epoch: Epoch) -> Result<Predicted, Undefined> {
    let runs = gather.values(row, measure, epoch);
    let own = Prediction::of(&runs).map(|prediction| Predicted { prediction, pooled: false });
    let freedom = own.as_ref().map_or(0.0, |own| own.prediction.freedom());
    if runs.is_empty() || freedom >= ENOUGH {
        return own;
    }
    let groups = gather.alike(row, measure, epoch);
    let spread = PooledSpread::of(&groups.iter().map(Vec::as_slice).collect::<Vec<_>>());
    match spread {
        Ok(spread) if spread.freedom() > freedom => {
            Ok(Predicted { prediction: Prediction::with_pooled(&runs, spread)?, pooled: true })
        }
        _ => own,
    }
}

/// All numbers that the paper prints.
pub(super) fn numbers(gather: &Gather) -> Vec<PrintedNumber> {
    let paper = &gather.input.paper;
    let rows = paper.rows().flat_map(|(row, numbers)| {
        paper.printed(numbers).map(|(measure, printed)| (row.clone(), measure, printed)).collect::<Vec<_>>()
    });
    let mut numbers: Vec<PrintedNumber> =
        rows.map(|(row, measure, printed)| number(gather, row, measure, printed)).collect();
    let p_values: Vec<f64> = numbers.iter().map(|number| number.p.unwrap_or(1.0)).collect();
    for (number, adjusted) in numbers.iter_mut().zip(holm(&p_values)) {
        if number.p.is_some() {
            number.p_holm = Some(adjusted);
            number.level = match number.freedom {
                _ if adjusted < LEVEL => Level::Outside,
                Some(freedom) if freedom >= ENOUGH => Level::Inside,
                _ => Level::TooFewSeeds,
            };
            if number.level == Level::TooFewSeeds {
                "not excluded, but with fewer than four degrees of freedom the interval holds nearly everything"
                    .clone_into(&mut number.why);
            }
        }
    }
    numbers
}

fn number(gather: &Gather, row: RowId, measure: &'static Measure, printed: f64) -> PrintedNumber {
    let runs = gather.values(&row, measure, Epoch::Last);
    let mut number = PrintedNumber {
        measure,
        printed,
        level: Level::NotRun,
        runs: runs.len(),
        mean: mean(&runs),
        prediction: None,
        freedom: None,
        pooled: false,
        p: None,
        p_holm: None,
        why: String::new(),
        row,
    };
    let deviations = gather.deviations(&number.row);
    if runs.is_empty() {
        "no run has it".clone_into(&mut number.why);
    } else if !deviations.is_empty() {
        number.level = Level::Reduced;
    } else {
        match predict(gather, &number.row, measure, Epoch::Last) {
            Ok(Predicted { prediction, pooled }) => {
                (number.pooled, number.freedom) = (pooled, Some(prediction.freedom()));
                number.prediction = prediction.interval(1.0 - LEVEL).ok();
                number.p = Some(prediction.p(printed));
            }
            Err(undefined) => {
                number.level = Level::TooFewSeeds;
                number.why = undefined.to_string();
            }
        }
    }
    number
}

/// Whether a claim's rows are the paper's experiment, and why, in a sentence.
pub(super) fn protocol(claim: &Claim, numbers: &[PrintedNumber]) -> (Protocol, String) {
    let of_claim: Vec<&PrintedNumber> =
        numbers.iter().filter(|number| [&claim.cells, &claim.against].contains(&&number.row)).collect();
    let worst = of_claim.iter().filter(|number| number.level == Level::Outside).min_by(|a, b| {
        let p = |number: &PrintedNumber| number.p.unwrap_or(1.0);
        p(a).total_cmp(&p(b))
    });
    if let Some(worst) = worst {
        return (Protocol::NotIdentified, format!("The experiment was not rebuilt: {}", sentence(worst)));
    }
    match of_claim.iter().find(|number| number.level != Level::Inside) {
        _ if of_claim.is_empty() => (
            Protocol::Unknown,
            "The paper prints no number by which these rows could be told from another experiment.".into(),
        ),
        Some(open) => {
            let why = if open.why.is_empty() { String::new() } else { format!(" ({})", open.why) };
            let message = format!(
                "Whether the experiment was rebuilt is unknown: {} of {}: {}{why}.",
                open.measure.title,
                open.row,
                open.level.title()
            );
            (Protocol::Unknown, message)
        }
        None => {
            let numbers = plural(of_claim.len(), "number");
            (
                Protocol::Identified,
                format!("The {numbers} that the paper prints of these rows may be further runs of ours."),
            )
        }
    }
}

/// `top-1 (%) of table3/…/ce: the paper prints 94.93; the mean of our 9 runs is 74.93, …`
fn sentence(number: &PrintedNumber) -> String {
    let (measure, runs) = (number.measure, number.runs);
    let mut text =
        format!("{} of {}: the paper prints {}", measure.named(), number.row, measure.value(number.printed, 1));
    if let Some((mean, distance)) = number.mean.zip(number.distance()) {
        let ours = match runs {
            1 => "our run has".to_owned(),
            _ => format!("the mean of our {} is", plural(runs, "run")),
        };
        let _ = write!(text, "; {ours} {}, away by {}", measure.value(mean, runs), measure.effect(distance, runs));
    }
    if let Some([low, high]) = number.prediction {
        let _ = write!(text, "; 95 % of further runs lie from {} to {}", measure.value(low, 2), measure.value(high, 2));
    }
    if let Some(p) = number.p_holm {
        let _ = write!(text, " (adjusted {})", p_is(p));
    }
    text + "."
}
