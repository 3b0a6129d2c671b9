//! The paper as data: what it reports, says, claims and leaves open (`paper.toml`).

pub mod measure;
mod family;
mod registration;
pub mod audit;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id::{RowId, Setting};
use crate::recipe::Architecture;
pub use family::{Family, Margin};
pub use measure::Measure;
pub use registration::{AnalysisPlan, PlannedClaim, PlannedReading, REGISTRATIONS, Registration};

/// The key of the paper's loss, in `[losses]` and in its own tables.
pub const PROPOSED: &str = "fpl";
/// The key of the loss that it is compared with: cross-entropy.
pub const BASELINE: &str = "ce";

/// The paper.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Paper {
    /// Title.
    pub title: String,
    /// Authors, as cited.
    pub authors: String,
    /// Year.
    pub year: u32,
    /// Where it appeared.
    pub venue: String,
    /// Address.
    pub url: String,
    /// Digital object identifier, `10.…`; empty without one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub doi: String,
    /// Images that its accuracies are of.
    pub test_images: u32,
    /// Runs per row.
    pub runs: u32,
    /// Table 1.
    pub setup: Setup,
    /// Numbers by `table/architecture/initial weights`, and by loss.
    pub tables: BTreeMap<Setting, BTreeMap<String, PaperRow>>,
    /// Numbers in the text that repeat the tables'.
    pub statements: Vec<Statement>,
    /// What is claimed.
    pub claims: Vec<Claim>,
    /// Which claims are judged together, and when.
    pub family: Family,
    /// The smallest differences that matter; a measure without one has none.
    pub margins: Vec<Margin>,
    /// What a reader finds that no computation does.
    pub findings: Vec<Finding>,
    /// What is left open.
    pub assumptions: Vec<Assumption>,
}

/// Table 1 as printed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)] // The paper's own row names.
pub struct Setup {
    /// Key of the table whose trainings it describes.
    pub table: String,
    pub gpu: String,
    pub cuda: String,
    pub framework: String,
    pub batch_size: String,
    pub epochs: String,
    pub learning_rate: String,
    pub optimizer: String,
    pub scheduler: String,
}

/// The paper's numbers of a row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PaperRow {
    /// Training epochs.
    pub epochs: u32,
    /// False positives per class (Table 2); empty if not reported.
    pub false_positives: Vec<u32>,
    /// Their total as printed (Table 2).
    pub total_false_positives: Option<u32>,
    /// Top-1 accuracy in percent (Table 3).
    pub top1_pct: Option<f64>,
    /// Top-5 accuracy in percent (Table 3).
    pub top5_pct: Option<f64>,
    /// Whether the classes add up to the total.
    pub adds_up: bool,
}

impl Default for PaperRow {
    fn default() -> Self {
        Self {
            epochs: 0,
            false_positives: Vec::new(),
            total_false_positives: None,
            top1_pct: None,
            top5_pct: None,
            adds_up: true,
        }
    }
}

/// A number in the text that follows from a table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Statement {
    /// Where.
    pub place: String,
    /// The words.
    pub quote: String,
    /// Of what.
    pub measure: &'static Measure,
    /// The row that it is about.
    pub row: RowId,
    /// The row that is subtracted; none for a value.
    #[serde(default)]
    pub minus: Option<RowId>,
    /// As printed, with the sign of `row` − `minus`.
    pub value: f64,
    /// Whether the tables have it so.
    #[serde(default = "yes")]
    pub agrees: bool,
}

fn yes() -> bool {
    true
}

/// A claim: the difference between two rows, paired by seed, has a sign.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Claim {
    /// Short name.
    pub id: String,
    /// Where.
    pub place: String,
    /// In words.
    pub text: String,
    /// What is compared.
    pub measure: &'static Measure,
    /// The cells, one per seed.
    pub cells: RowId,
    /// Those that are subtracted.
    pub against: RowId,
    /// The sign of the difference.
    pub claimed: Sign,
    /// The profile that has the cells, where `pipeline.toml` has not.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub profile: String,
}

/// The sign that a claim gives a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Sign {
    /// Above 0.
    Greater,
    /// Below 0.
    Less,
}

impl Sign {
    /// 1 or −1.
    pub fn factor(self) -> f64 {
        match self {
            Self::Greater => 1.0,
            Self::Less => -1.0,
        }
    }
}

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Seriousness {
    /// It decides what can be concluded.
    Decisive,
    /// It concerns a claim or a number.
    Substantial,
    /// A slip that changes no conclusion.
    Editorial,
}

impl Seriousness {
    /// As the report writes it.
    pub fn title(self) -> &'static str {
        match self {
            Self::Decisive => "decisive",
            Self::Substantial => "substantial",
            Self::Editorial => "editorial",
        }
    }
}

/// Something that a reader of the paper should know.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    /// Where.
    pub place: String,
    /// What is said there.
    pub says: String,
    /// What follows.
    pub follows: String,
    /// What the authors are asked, so that they can answer.
    pub ask: String,
    /// How much it matters.
    pub seriousness: Seriousness,
}

/// A detail that the paper leaves open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Assumption {
    /// What is open.
    pub about: String,
    /// Our reading, in words.
    pub ours: String,
    /// Keys of the configuration that hold it.
    pub keys: Vec<String>,
    /// Their values where it holds, as the report has them: with others the words do not.
    pub values: Vec<String>,
    /// Claims that rest on it; empty: all.
    pub claims: Vec<String>,
    /// Other readings.
    pub alternatives: Vec<Alternative>,
}

/// Another reading of what the paper leaves open, and the cells that are run under it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Alternative {
    /// In words.
    pub reading: String,
    /// The table whose cells stand for those of a claim; `None`: there are none.
    #[serde(default)]
    pub table: Option<String>,
    /// The architecture that stands for that of a claim.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub architecture: Option<Architecture>,
    /// The initial weights that stand for those of a claim.
    #[serde(default)]
    pub initialization: Option<String>,
    /// The loss that stands for FPL.
    #[serde(default)]
    pub loss: Option<String>,
    /// Whether the epoch with the best top-1 on the test set is reported, which follows from the same cells.
    #[serde(default)]
    pub best_epoch: bool,
}

impl Alternative {
    /// The cells that stand for a claim's; `None` if there are none.
    pub fn cells(&self, row: &RowId) -> Option<RowId> {
        let own = row.setting();
        let table = self.table.as_deref().or_else(|| self.best_epoch.then(|| own.table()))?;
        let setting = own.elsewhere(table, self.architecture, self.initialization.as_deref());
        let loss = self.loss.as_deref().filter(|_| row.loss() == PROPOSED).unwrap_or_else(|| row.loss());
        Some(setting.row(loss))
    }
}

impl Paper {
    /// The numbers of a row; `None` if the paper does not have it.
    pub fn row(&self, row: &RowId) -> Option<&PaperRow> {
        self.tables.get(&row.setting())?.get(row.loss())
    }

    /// Whether a table of this key is the paper's.
    pub fn has_table(&self, table: &str) -> bool {
        self.tables.keys().any(|setting| setting.table() == table)
    }

    /// Every row with its numbers.
    pub fn rows(&self) -> impl Iterator<Item = (RowId, &PaperRow)> {
        let of_setting = |(setting, losses): (&Setting, _)| {
            let losses: &BTreeMap<String, PaperRow> = losses;
            let setting = setting.clone();
            losses.iter().map(move |(loss, numbers)| (setting.row(loss), numbers))
        };
        self.tables.iter().flat_map(of_setting)
    }

    /// `row` − `minus`, or the value of `row` alone, as the tables have it.
    pub fn of_tables(&self, measure: &Measure, row: &RowId, minus: Option<&RowId>) -> Option<f64> {
        let value = |row: &RowId| (measure.paper)(self, self.row(row)?);
        match minus {
            Some(minus) => Some(value(row)? - value(minus)?),
            None => value(row),
        }
    }

    /// What the tables have for a statement, and whether they agree with it to the last printed digit.
    pub fn check(&self, statement: &Statement) -> Option<(f64, bool)> {
        let of_tables = self.of_tables(statement.measure, &statement.row, statement.minus.as_ref())?;
        Some((of_tables, (statement.value - of_tables).abs() < statement.measure.rounding()))
    }

    /// The smallest difference in a measure that matters; `None` where none is declared.
    pub fn margin(&self, measure: &Measure) -> Option<f64> {
        self.margins.iter().find(|margin| margin.measure == measure).map(|margin| margin.difference)
    }

    /// What the paper prints of a row, whole numbers of it: not the counts of single classes, nor what follows from others.
    pub fn printed(&self, row: &PaperRow) -> impl Iterator<Item = (&'static Measure, f64)> {
        let measures = measure::ALL.into_iter().filter(|measure| **measure != measure::ACCURACY_IMPLIED);
        measures.filter_map(|measure| Some((measure, (measure.paper)(self, row)?)))
    }

    /// The effect that the paper reports for a claim, from its tables.
    pub fn effect(&self, claim: &Claim) -> Option<f64> {
        self.of_tables(claim.measure, &claim.cells, Some(&claim.against))
    }

    /// Misclassified images of a row, from its total or its top-1.
    pub fn errors(&self, row: &RowId) -> Option<u32> {
        let row = self.row(row)?;
        let of_accuracy = |top1: f64| ((100.0 - top1) / 100.0 * f64::from(self.test_images)).round() as u32;
        row.total_false_positives.or_else(|| row.top1_pct.map(of_accuracy))
    }
}
