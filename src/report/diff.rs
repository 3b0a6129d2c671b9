//! What differs between two reports: which numbers moved, by how many standard errors, and which fields of fingerprints.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::cells::prefix;
use super::input::{Cell, ReportInput};
use super::number::{fixed, plural, signed};
use crate::artifact::Scores;
use crate::fingerprint::differences;
use crate::stats::{mean, sample_sd};

/// A measure that is compared.
struct Measure {
    name: &'static str,
    decimals: usize,
    of: fn(&Scores) -> f64,
    /// The standard error of one run by the test images alone, where it follows from the value.
    of_one_run: fn(&Scores) -> Option<f64>,
}

const MEASURES: [Measure; 4] = [
    Measure {
        name: "top-1 (%)",
        decimals: 2,
        of: |scores| scores.top1_pct,
        of_one_run: |s| binomial_pct(s, s.top1_pct),
    },
    Measure {
        name: "top-5 (%)",
        decimals: 2,
        of: |scores| scores.top5_pct,
        of_one_run: |s| binomial_pct(s, s.top5_pct),
    },
    Measure {
        name: "false positives",
        decimals: 1,
        of: |scores| f64::from(scores.false_positives.iter().sum::<u32>()),
        of_one_run: |s| Some(binomial_pct(s, s.top1_pct)? / 100.0 * f64::from(s.images)),
    },
    Measure { name: "mean p_F", decimals: 4, of: |scores| scores.p_false_mean, of_one_run: |_| None },
];

/// √(p·(1 − p)/n) of an accuracy p over n test images, in percentage points.
fn binomial_pct(scores: &Scores, accuracy_pct: f64) -> Option<f64> {
    let p = accuracy_pct / 100.0;
    (scores.images > 0).then(|| 100.0 * (p * (1.0 - p) / f64::from(scores.images)).sqrt())
}

/// A measure of a row in one report.
#[derive(Debug, Clone, PartialEq)]
pub struct Estimate {
    /// Cells with results.
    pub runs: usize,
    /// Their mean.
    pub mean: f64,
    /// Its standard error: over seeds from two runs on; for one run the binomial one of its test images, where there is
    /// one.
    pub standard_error: Option<f64>,
}

/// A number that moved.
#[derive(Debug, Clone, PartialEq)]
pub struct Moved {
    /// Cell ids without seeds.
    pub row: String,
    /// Measure and unit.
    pub measure: &'static str,
    /// In the first report.
    pub before: Estimate,
    /// In the second.
    pub after: Estimate,
    decimals: usize,
}

impl Moved {
    /// Second minus first.
    pub fn change(&self) -> f64 {
        self.after.mean - self.before.mean
    }

    /// The change in units of √(SE₁² + SE₂²): as if the two were independent, so too small for runs of the same seeds.
    pub fn standard_errors(&self) -> Option<f64> {
        let both = self.before.standard_error?.hypot(self.after.standard_error?);
        (both > 0.0).then(|| self.change() / both)
    }
}

/// A field of a fingerprint that differs, with the cells that it concerns.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    /// `field: old → new`.
    pub text: String,
    /// Ids of cells.
    pub cells: Vec<String>,
}

/// What differs between two reports.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Diff {
    /// Numbers that moved.
    pub moved: Vec<Moved>,
    /// Numbers that are equal.
    pub unmoved: usize,
    /// Rows that have numbers only in the first report.
    pub only_before: Vec<String>,
    /// Rows that have numbers only in the second.
    pub only_after: Vec<String>,
    /// Fields of fingerprints that differ.
    pub fields: Vec<Field>,
}

impl Diff {
    /// Compares two reports.
    pub fn of(before: &ReportInput, after: &ReportInput) -> Self {
        let mut diff = Self { fields: fields(before, after), ..Self::default() };
        let (old, new) = (rows(before), rows(after));
        for row in old.keys().chain(new.keys()).collect::<BTreeSet<_>>() {
            match (old.get(row), new.get(row)) {
                (Some(old), Some(new)) => diff.compare(row, old, new),
                (Some(_), None) => diff.only_before.push((*row).to_owned()),
                _ => diff.only_after.push((*row).to_owned()),
            }
        }
        diff
    }

    fn compare(&mut self, row: &str, old: &[&Scores], new: &[&Scores]) {
        for measure in &MEASURES {
            let (before, after) = (estimate(measure, old), estimate(measure, new));
            if before == after {
                self.unmoved += 1;
            } else {
                let Measure { name, decimals, .. } = *measure;
                self.moved.push(Moved { row: row.to_owned(), measure: name, before, after, decimals });
            }
        }
    }

    /// The comparison as aligned text, or as GitHub's Markdown.
    pub fn text(&self, markdown: bool) -> String {
        let mut text = String::new();
        let _ = writeln!(text, "{} moved, {} equal", plural(self.moved.len(), "number"), self.unmoved);
        if !self.moved.is_empty() {
            let _ = write!(text, "\n{}", table(&self.moved, markdown));
        }
        for (title, rows) in [("only in the first", &self.only_before), ("only in the second", &self.only_after)] {
            if !rows.is_empty() {
                let _ = writeln!(text, "\n{title}: {}", rows.join(", "));
            }
        }
        let _ = writeln!(text, "\n{} of fingerprints differ", plural(self.fields.len(), "field"));
        for field in &self.fields {
            let shown = if let [only] = &field.cells[..] { only.clone() } else { plural(field.cells.len(), "cell") };
            let tick = if markdown { "`" } else { "" };
            let _ = writeln!(text, "- {tick}{}{tick} ({shown})", field.text);
        }
        text
    }
}

/// Scores by row: cell ids without their seeds.
fn rows(report: &ReportInput) -> BTreeMap<&str, Vec<&Scores>> {
    let mut rows: BTreeMap<&str, Vec<&Scores>> = BTreeMap::new();
    for cell in &report.cells {
        if let Some(scores) = &cell.scores {
            rows.entry(prefix(&cell.id)).or_default().push(scores);
        }
    }
    rows
}

fn estimate(measure: &Measure, scores: &[&Scores]) -> Estimate {
    let values: Vec<f64> = scores.iter().map(|scores| (measure.of)(scores)).collect();
    let runs = values.len();
    let standard_error = match scores {
        [one] => (measure.of_one_run)(one),
        _ => sample_sd(&values).map(|sd| sd / (runs as f64).sqrt()),
    };
    Estimate { runs, mean: mean(&values).unwrap_or_default(), standard_error }
}

fn fields(before: &ReportInput, after: &ReportInput) -> Vec<Field> {
    let new: BTreeMap<&str, &Cell> = after.cells.iter().map(|cell| (cell.id.as_str(), cell)).collect();
    let mut fields: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for cell in &before.cells {
        let Some(other) = new.get(cell.id.as_str()) else { continue };
        for difference in differences(&cell.identity, &other.identity) {
            fields.entry(difference.to_string()).or_default().push(cell.id.clone());
        }
    }
    fields.into_iter().map(|(text, cells)| Field { text, cells }).collect()
}

fn table(moved: &[Moved], markdown: bool) -> String {
    let estimate = |estimate: &Estimate, decimals| {
        let error = estimate.standard_error.map_or(String::new(), |error| format!(" ± {}", fixed(error, decimals)));
        format!("{}{error} (n = {})", fixed(estimate.mean, decimals), estimate.runs)
    };
    let head = ["cells", "measure", "first", "second", "change", "standard errors"].map(str::to_owned);
    let line = |moved: &Moved| {
        [
            moved.row.clone(),
            moved.measure.to_owned(),
            estimate(&moved.before, moved.decimals),
            estimate(&moved.after, moved.decimals),
            signed(moved.change(), moved.decimals),
            moved.standard_errors().map_or_else(|| "—".to_owned(), |count| signed(count, 1)),
        ]
    };
    let rows: Vec<[String; 6]> = std::iter::once(head).chain(moved.iter().map(line)).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let mut text = String::new();
    for (index, row) in rows.iter().enumerate() {
        let cells: Vec<String> =
            row.iter().enumerate().map(|(column, cell)| format!("{cell:<width$}", width = width(column))).collect();
        let _ = if markdown {
            writeln!(text, "| {} |", cells.join(" | "))
        } else {
            writeln!(text, "{}", cells.join("  ").trim_end())
        };
        if markdown && index == 0 {
            text.push_str("|---|---|--:|--:|--:|--:|\n");
        }
    }
    text
}
