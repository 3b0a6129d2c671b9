//! What is measured of a run: one row per measure, and all that the program knows about it. Tables, the ledger, the
//! comparison of reports, CSV files, LaTeX and macros loop over [`ALL`].

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

use super::{Paper, PaperRow, Sign};
use crate::artifact::{EpochMetrics, Scores, TrainingSet};
use crate::number::{fixed, scientific, signed};
use crate::stats::{accuracy_standard_error, curve_noise, mean};

/// A measure of a run. `paper.toml` names it by its key.
pub struct Measure {
    /// In `paper.toml`, in claims.json and, spoken, in macros: `top1`.
    pub key: &'static str,
    /// As a column of a CSV file, with the unit: `top1_pct`.
    pub column: &'static str,
    /// In a sentence, without the unit: `top-1`.
    pub title: &'static str,
    /// Unit of a value.
    pub unit: Unit,
    /// How many digits are written.
    pub digits: Digits,
    /// The sign of a difference that is an improvement.
    pub better: Sign,
    /// Where the report shows it.
    pub place: Place,
    /// Its value of a run; `None` where it is not defined, as for a curve too short.
    pub of: fn(&Run) -> Option<f64>,
    /// Its value of a row of the paper, as printed or as it follows; `None` where the paper does not have it.
    pub paper: fn(&Paper, &PaperRow) -> Option<f64>,
    /// The standard error of a run's value by its test images alone, in the measure's unit; `None` where the value is no
    /// share of images.
    pub standard_error: fn(&Run) -> Option<f64>,
}

/// What a trained and evaluated cell is measured by.
#[derive(Debug, Clone, Copy)]
pub struct Run<'a> {
    /// On the test set, after the last epoch.
    pub scores: &'a Scores,
    /// Per epoch.
    pub metrics: &'a [EpochMetrics],
    /// What it was trained on, where that was made imbalanced or noisy.
    pub training_set: Option<&'a TrainingSet>,
    /// Training time in seconds.
    pub seconds: f64,
}

/// A unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Percent; differences are percentage points.
    Percent,
    /// Percentage points.
    Points,
    /// Images.
    Images,
    /// Seconds.
    Seconds,
    /// A probability, or a difference of two.
    One,
}

/// How many digits a number has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Digits {
    /// Whole for one run; one digit after the point for the mean of several.
    Count,
    /// So many after the point.
    Fixed(usize),
    /// Four after the point; of values below 0.01, which differ by orders of magnitude, three in all.
    Magnitude,
}

/// From here on a value of [`Digits::Magnitude`] is written like any other.
const LARGE: f64 = 0.01;

/// Where the report shows a measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In the tables that the paper has.
    Tables,
    /// Among the measures that the paper does not report.
    Further,
    /// With the trainings on imbalanced or noisy data.
    ChangedData,
    /// With the cost of training.
    Cost,
}

/// Top-1 accuracy.
pub static TOP1: Measure = Measure {
    key: "top1",
    column: "top1_pct",
    title: "top-1",
    unit: Unit::Percent,
    digits: Digits::Fixed(2),
    better: Sign::Greater,
    place: Place::Tables,
    of: |run| Some(run.scores.top1_pct),
    paper: |_, row| row.top1_pct,
    standard_error: |run| Some(accuracy_error_pct(run, run.scores.top1_pct)),
};

/// Top-5 accuracy.
pub static TOP5: Measure = Measure {
    key: "top5",
    column: "top5_pct",
    title: "top-5",
    unit: Unit::Percent,
    digits: Digits::Fixed(2),
    better: Sign::Greater,
    place: Place::Tables,
    of: |run| Some(run.scores.top5_pct),
    paper: |_, row| row.top5_pct,
    standard_error: |run| Some(accuracy_error_pct(run, run.scores.top5_pct)),
};

/// Misclassified test images, each of which is a false positive of the class that it is taken for.
pub static FALSE_POSITIVES: Measure = Measure {
    key: "false-positives",
    column: "false_positives_images",
    title: "false positives",
    unit: Unit::Images,
    digits: Digits::Count,
    better: Sign::Less,
    place: Place::Tables,
    of: |run| Some(misclassified(run)),
    paper: |_, row| row.total_false_positives.map(f64::from),
    standard_error: |run| Some(f64::from(run.scores.images) * accuracy_error_pct(run, run.scores.top1_pct) / 100.0),
};

/// The accuracy that the false positives imply.
pub static ACCURACY_IMPLIED: Measure = Measure {
    key: "accuracy-implied",
    column: "accuracy_implied_pct",
    title: "accuracy implied",
    unit: Unit::Percent,
    digits: Digits::Fixed(2),
    better: Sign::Greater,
    place: Place::Tables,
    of: |run| {
        let images = f64::from(run.scores.images);
        (images > 0.0).then(|| 100.0 * (1.0 - misclassified(run) / images))
    },
    paper: |paper, row| {
        row.total_false_positives.map(|total| 100.0 * (1.0 - f64::from(total) / f64::from(paper.test_images)))
    },
    standard_error: |run| Some(accuracy_error_pct(run, run.scores.top1_pct)),
};

/// Accuracy after Eq. 9, with TP, TN, FP and FN summed over the classes.
pub static EQ9: Measure = Measure {
    key: "eq9",
    column: "eq9_pct",
    title: "Eq. 9, pooled",
    unit: Unit::Percent,
    digits: Digits::Fixed(2),
    better: Sign::Greater,
    place: Place::Further,
    of: |run| Some(run.scores.eq9_overall_pct),
    paper: |_, _| None,
    standard_error: |_| None,
};

/// Mean over the test set of p_F, the largest wrong probability.
pub static P_FALSE_MEAN: Measure = Measure {
    key: "p-false-mean",
    column: "p_false_mean",
    title: "mean p_F",
    unit: Unit::One,
    digits: Digits::Fixed(4),
    better: Sign::Less,
    place: Place::Further,
    of: |run| Some(run.scores.p_false_mean),
    paper: |_, _| None,
    standard_error: |_| None,
};

/// Median over the test set of p_F.
pub static P_FALSE_MEDIAN: Measure = Measure {
    key: "p-false-median",
    column: "p_false_median",
    title: "median p_F",
    unit: Unit::One,
    digits: Digits::Magnitude,
    better: Sign::Less,
    place: Place::Further,
    of: |run| Some(run.scores.p_false_median),
    paper: |_, _| None,
    standard_error: |_| None,
};

/// Mean over the test set of the margin p_T − p_F.
pub static MARGIN_MEAN: Measure = Measure {
    key: "margin-mean",
    column: "margin_mean",
    title: "mean margin p_T − p_F",
    unit: Unit::One,
    digits: Digits::Fixed(4),
    better: Sign::Greater,
    place: Place::Further,
    of: |run| Some(run.scores.margin_mean),
    paper: |_, _| None,
    standard_error: |_| None,
};

/// Expected calibration error ([`Scores::ece_pct`]).
pub static ECE: Measure = Measure {
    key: "ece",
    column: "ece_pct",
    title: "ECE",
    unit: Unit::Points,
    digits: Digits::Fixed(2),
    better: Sign::Less,
    place: Place::Further,
    of: |run| Some(run.scores.ece_pct),
    paper: |_, _| None,
    standard_error: |_| None,
};

/// How much the test top-1 departs from its own trend over epochs ([`curve_noise`]).
pub static ROUGHNESS: Measure = Measure {
    key: "roughness",
    column: "roughness_points",
    title: "roughness of top-1 over epochs",
    unit: Unit::Points,
    digits: Digits::Fixed(3),
    better: Sign::Less,
    place: Place::Further,
    of: |run| curve_noise(&run.metrics.iter().map(|epoch| epoch.test_top1_pct).collect::<Vec<_>>()),
    paper: |_, _| None,
    standard_error: |_| None,
};

/// Mean over the classes of F1 = 2·TP/(2·TP + FP + FN), 0 for a class of which there is nothing, as scikit-learn's
/// `f1_score(average="macro")`.
pub static MACRO_F1: Measure = Measure {
    key: "macro-f1",
    column: "macro_f1_pct",
    title: "macro F1",
    unit: Unit::Percent,
    digits: Digits::Fixed(2),
    better: Sign::Greater,
    place: Place::ChangedData,
    of: |run| macro_f1_pct(&run.scores.confusion),
    paper: |_, _| None,
    standard_error: |_| None,
};

/// Mean recall over the classes that the test set has: on CIFAR's, where every class has as many test images, the top-1.
pub static BALANCED_ACCURACY: Measure = Measure {
    key: "balanced-accuracy",
    column: "balanced_accuracy_pct",
    title: "balanced accuracy",
    unit: Unit::Percent,
    digits: Digits::Fixed(2),
    better: Sign::Greater,
    place: Place::ChangedData,
    of: |run| recall_pct(run.scores, |_| true),
    paper: |_, _| None,
    standard_error: |_| None,
};

// The groups of classes by training images are those of Liu et al., "Large-Scale Long-Tailed Recognition in an Open World",
// CVPR 2019 (arXiv 1904.05160), section 4.1.

/// Mean recall over the classes with more than 100 training images.
pub static RECALL_MANY: Measure = Measure {
    key: "recall-many",
    column: "recall_many_shot_pct",
    title: "recall, many-shot (> 100)",
    unit: Unit::Percent,
    digits: Digits::Fixed(2),
    better: Sign::Greater,
    place: Place::ChangedData,
    of: |run| recall_of_sizes_pct(run, |images| images > 100),
    paper: |_, _| None,
    standard_error: |_| None,
};

/// Mean recall over the classes with 20 to 100 training images.
pub static RECALL_MEDIUM: Measure = Measure {
    key: "recall-medium",
    column: "recall_medium_shot_pct",
    title: "recall, medium-shot (20–100)",
    unit: Unit::Percent,
    digits: Digits::Fixed(2),
    better: Sign::Greater,
    place: Place::ChangedData,
    of: |run| recall_of_sizes_pct(run, |images| (20..=100).contains(&images)),
    paper: |_, _| None,
    standard_error: |_| None,
};

/// Mean recall over the classes with fewer than 20 training images.
pub static RECALL_FEW: Measure = Measure {
    key: "recall-few",
    column: "recall_few_shot_pct",
    title: "recall, few-shot (< 20)",
    unit: Unit::Percent,
    digits: Digits::Fixed(2),
    better: Sign::Greater,
    place: Place::ChangedData,
    of: |run| recall_of_sizes_pct(run, |images| images < 20),
    paper: |_, _| None,
    standard_error: |_| None,
};

/// Of the training images whose label was made wrong, the share that is predicted as that label after the last epoch.
pub static MEMORIZED: Measure = Measure {
    key: "memorized",
    column: "memorized_pct",
    title: "wrong labels memorised",
    unit: Unit::Percent,
    digits: Digits::Fixed(2),
    better: Sign::Less,
    place: Place::ChangedData,
    of: |run| run.metrics.last()?.memorized_pct,
    paper: |_, _| None,
    standard_error: |_| None,
};

/// Training time, without the evaluations after epochs.
pub static TRAIN_SECONDS: Measure = Measure {
    key: "train-seconds",
    column: "train_seconds",
    title: "training time",
    unit: Unit::Seconds,
    digits: Digits::Fixed(0),
    better: Sign::Less,
    place: Place::Cost,
    of: |run| Some(run.seconds),
    paper: |_, _| None,
    standard_error: |_| None,
};

/// All measures, in the order in which they are shown.
pub static ALL: [&Measure; 17] = [
    &TOP1,
    &TOP5,
    &FALSE_POSITIVES,
    &ACCURACY_IMPLIED,
    &EQ9,
    &P_FALSE_MEAN,
    &P_FALSE_MEDIAN,
    &MARGIN_MEAN,
    &ECE,
    &ROUGHNESS,
    &MACRO_F1,
    &BALANCED_ACCURACY,
    &RECALL_MANY,
    &RECALL_MEDIUM,
    &RECALL_FEW,
    &MEMORIZED,
    &TRAIN_SECONDS,
];

/// Their keys.
static KEYS: [&str; ALL.len()] = {
    let mut keys = [""; ALL.len()];
    let mut at = 0;
    while at < keys.len() {
        keys[at] = ALL[at].key;
        at += 1;
    }
    keys
};

fn misclassified(run: &Run) -> f64 {
    f64::from(run.scores.false_positives.iter().sum::<u32>())
}

fn macro_f1_pct(confusion: &[Vec<u32>]) -> Option<f64> {
    let sum = |of: &mut dyn Iterator<Item = u32>| f64::from(of.sum::<u32>());
    let f1 = |class: usize| {
        let right = f64::from(confusion[class][class]);
        // Rows and columns each hold TP once: TP + FN and TP + FP.
        let both = sum(&mut confusion[class].iter().copied()) + sum(&mut confusion.iter().map(|row| row[class]));
        if both > 0.0 { 100.0 * 2.0 * right / both } else { 0.0 }
    };
    mean(&(0..confusion.len()).map(f1).collect::<Vec<_>>())
}

/// Mean recall in percent over the chosen classes that have test images; `None` if there are none.
fn recall_pct(scores: &Scores, chosen: impl Fn(usize) -> bool) -> Option<f64> {
    mean(
        &scores.recalls_pct().enumerate().filter(|(class, _)| chosen(*class)).filter_map(|of| of.1).collect::<Vec<_>>(),
    )
}

/// The same over classes of some numbers of training images; `None` where the training set was not changed.
fn recall_of_sizes_pct(run: &Run, chosen: fn(u32) -> bool) -> Option<f64> {
    let counts = &run.training_set?.class_counts;
    recall_pct(run.scores, |class| counts.get(class).is_some_and(|&images| chosen(images)))
}

/// The binomial standard error of an accuracy in percent, in points.
fn accuracy_error_pct(run: &Run, accuracy_pct: f64) -> f64 {
    100.0 * accuracy_standard_error(accuracy_pct / 100.0, run.scores.images)
}

impl Measure {
    /// Those that the report shows at a place.
    pub fn at(place: Place) -> impl Iterator<Item = &'static Self> {
        ALL.into_iter().filter(move |measure| measure.place == place)
    }

    /// As a heading of a column of values: `Top-1 (%)`.
    pub fn heading(&self) -> String {
        let mut letters = self.title.chars();
        let capital: String = letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect();
        with_unit(&capital, self.unit.of_values())
    }

    /// What a value is of, in a sentence: `top-1 (%)`.
    pub fn named(&self) -> String {
        with_unit(self.title, self.unit.of_values())
    }

    /// What a difference is of, in a sentence: `top-1 (points)`.
    pub fn difference(&self) -> String {
        with_unit(self.title, self.unit.of_differences())
    }

    /// A value over so many runs.
    pub fn value(&self, value: f64, runs: usize) -> String {
        self.digits.write(value, runs, fixed)
    }

    /// The spread of values over so many runs, with the digits of their mean.
    pub fn spread(&self, spread: f64, mean: f64, runs: usize) -> String {
        match self.digits {
            Digits::Magnitude if mean.abs() >= LARGE => fixed(spread, 4),
            digits => digits.write(spread, runs, fixed),
        }
    }

    /// A difference over so many pairs of runs, with its sign.
    pub fn effect(&self, difference: f64, pairs: usize) -> String {
        self.digits.write(difference, pairs, signed)
    }

    /// An interval of a difference over so many pairs of runs.
    pub fn interval(&self, [low, high]: [f64; 2], pairs: usize) -> String {
        format!("{} to {}", self.effect(low, pairs), self.effect(high, pairs))
    }

    /// Half a unit of the last digit of a printed value: what rounding can change.
    pub fn rounding(&self) -> f64 {
        match self.digits {
            Digits::Count => 0.5,
            Digits::Fixed(decimals) => 0.5 * 0.1_f64.powi(decimals as i32),
            Digits::Magnitude => 0.0,
        }
    }
}

impl Digits {
    fn write(self, value: f64, runs: usize, fixed: fn(f64, usize) -> String) -> String {
        match self {
            Self::Count => fixed(value, usize::from(runs > 1)),
            Self::Fixed(decimals) => fixed(value, decimals),
            Self::Magnitude if value.abs() >= LARGE => fixed(value, 4),
            Self::Magnitude => scientific(value),
        }
    }
}

impl Unit {
    fn of_values(self) -> &'static str {
        match self {
            Self::Percent => "%",
            Self::Points => "points",
            Self::Images => "images",
            Self::Seconds => "s",
            Self::One => "",
        }
    }

    fn of_differences(self) -> &'static str {
        if self == Self::Percent { "points" } else { self.of_values() }
    }
}

fn with_unit(title: &str, unit: &str) -> String {
    if unit.is_empty() { title.to_owned() } else { format!("{title} ({unit})") }
}

impl PartialEq for Measure {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl Eq for Measure {}

impl fmt::Debug for Measure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.key)
    }
}

impl Serialize for Measure {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.key)
    }
}

impl<'de> Deserialize<'de> for &'static Measure {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let key = Cow::<str>::deserialize(deserializer)?;
        let found = ALL.into_iter().find(|measure| measure.key == key);
        found.ok_or_else(|| D::Error::unknown_variant(&key, &KEYS))
    }
}

impl JsonSchema for Measure {
    fn schema_name() -> Cow<'static, str> {
        "Measure".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "description": "Key of a measure.", "type": "string", "enum": KEYS })
    }
}
