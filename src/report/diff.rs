//! What differs between two reports: which verdicts turned, which numbers moved, by how many standard errors, and which
//! fields of fingerprints are behind it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _; // Writing to a String cannot fail.

use schemars::JsonSchema;
use serde::Serialize;

use super::cells::prefix;
use super::input::{Cell, ReportInput};
use super::ledger::{Entry, Verdict, ledger};
use crate::fingerprint::{Difference, Fingerprint, differences};
use crate::number::{plural, signed};
use crate::paper::Measure;
use crate::paper::measure::{ALL, Place, Unit};
use crate::stats::{mean, sample_sd};

/// A claim whose verdict is another one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Turned {
    /// Id of the claim.
    pub claim: String,
    /// In words.
    pub text: String,
    /// In the first report; `None` if it has no such claim.
    pub before: Option<Verdict>,
    /// In the second.
    pub after: Option<Verdict>,
}

/// A measure of a row in one report.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
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
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Moved {
    /// Cell ids without seeds.
    pub row: String,
    /// What is measured.
    pub measure: &'static Measure,
    /// In the first report.
    pub before: Estimate,
    /// In the second.
    pub after: Estimate,
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
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Field {
    /// `field: old → new`.
    pub text: String,
    /// Ids of cells.
    pub cells: Vec<String>,
}

/// What differs between two reports.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
pub struct Diff {
    /// Verdicts that turned.
    pub turned: Vec<Turned>,
    /// Verdicts that are equal.
    pub unturned: usize,
    /// Numbers that moved.
    pub moved: Vec<Moved>,
    /// Numbers that are equal.
    pub unmoved: usize,
    /// Counts of other numbers of test images, which cannot be compared: `ROW: of 60 and of 500 test images`.
    pub incomparable: Vec<String>,
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
        diff.verdicts(before, after);
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

    fn verdicts(&mut self, before: &ReportInput, after: &ReportInput) {
        let (old, new) = (ledger(before).entries, ledger(after).entries);
        let added = new.iter().filter(|entry| old.iter().all(|other| other.claim.id != entry.claim.id));
        for entry in old.iter().chain(added) {
            let verdict = |entries: &[Entry]| {
                entries.iter().find(|other| other.claim.id == entry.claim.id).map(|entry| entry.verdict)
            };
            let (before, after) = (verdict(&old), verdict(&new));
            if before == after {
                self.unturned += 1;
            } else {
                let (claim, text) = (entry.claim.id.clone(), entry.claim.text.clone());
                self.turned.push(Turned { claim, text, before, after });
            }
        }
    }

    fn compare(&mut self, row: &str, old: &[&Cell], new: &[&Cell]) {
        let images = [old, new].map(test_images);
        let comparable = images[0] == images[1];
        if !comparable {
            let [before, after] = images.map(|counts| counts.iter().map(u32::to_string).collect::<Vec<_>>().join(", "));
            self.incomparable.push(format!("{row}: of {before} and of {after} test images"));
        }
        let counted = |measure: &Measure| measure.unit == Unit::Images;
        let all = ALL.into_iter().filter(|measure| measure.place != Place::Cost);
        for measure in all.filter(|measure| comparable || !counted(measure)) {
            match (estimate(measure, old), estimate(measure, new)) {
                (Some(before), Some(after)) if before != after => {
                    self.moved.push(Moved { row: row.to_owned(), measure, before, after });
                }
                (None, None) => {}
                _ => self.unmoved += 1,
            }
        }
    }

    /// The comparison as aligned text, or as GitHub's Markdown.
    pub fn text(&self, markdown: bool) -> String {
        let mut text = String::new();
        let _ = writeln!(text, "{} turned, {} equal", plural(self.turned.len(), "verdict"), self.unturned);
        for Turned { claim, text: words, before, after } in &self.turned {
            let name = |verdict: &Option<Verdict>| verdict.map_or("no such claim", Verdict::title);
            let _ = writeln!(text, "- {claim}: {} → {}: {words}", name(before), name(after));
        }
        let _ = writeln!(text, "\n{} moved, {} equal", plural(self.moved.len(), "number"), self.unmoved);
        if !self.moved.is_empty() {
            let _ = write!(text, "\n{}", table(&self.moved, markdown));
        }
        if !self.incomparable.is_empty() {
            let _ = writeln!(text, "\ncounts that cannot be compared:");
            self.incomparable.iter().for_each(|line| {
                let _ = writeln!(text, "- {line}");
            });
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

/// Cells with results by row: their ids without seeds.
fn rows(report: &ReportInput) -> BTreeMap<&str, Vec<&Cell>> {
    let mut rows: BTreeMap<&str, Vec<&Cell>> = BTreeMap::new();
    for cell in report.cells.iter().filter(|cell| cell.run().is_some()) {
        rows.entry(prefix(&cell.id)).or_default().push(cell);
    }
    rows
}

/// How many test images the cells of a row were tested on: one number, unless they were mixed.
fn test_images(cells: &[&Cell]) -> BTreeSet<u32> {
    cells.iter().filter_map(|cell| cell.scores.as_ref()).map(|scores| scores.images).collect()
}

/// `None` where no cell has the measure.
fn estimate(measure: &Measure, cells: &[&Cell]) -> Option<Estimate> {
    let values: Vec<f64> = cells.iter().filter_map(|cell| cell.measured(measure)).collect();
    let runs = values.len();
    let standard_error = match cells {
        [one] => one.standard_error(measure),
        _ => sample_sd(&values).map(|sd| sd / (runs as f64).sqrt()),
    };
    Some(Estimate { runs, mean: mean(&values)?, standard_error })
}

/// The fields that differ and do not follow from another one: the fingerprint of a stage of the same report does.
fn fields(before: &ReportInput, after: &ReportInput) -> Vec<Field> {
    let new: BTreeMap<&str, &Cell> = after.cells.iter().map(|cell| (cell.id.as_str(), cell)).collect();
    let stages: BTreeSet<String> =
        before.cells.iter().map(|cell| Fingerprint::of(&cell.identity["train"]).to_string()).collect();
    let follows = |difference: &Difference| {
        let old = difference.old.as_ref().and_then(serde_json::Value::as_str);
        old.is_some_and(|old| stages.contains(old))
    };
    let mut fields: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for cell in &before.cells {
        let Some(other) = new.get(cell.id.as_str()) else { continue };
        for mut difference in differences(&cell.identity, &other.identity) {
            if follows(&difference) {
                continue;
            }
            // Training and evaluation have one input in common, the data.
            if let Some((_, input)) = difference.field.split_once(".inputs.") {
                difference.field = format!("inputs.{input}");
            }
            fields.entry(difference.to_string()).or_default().insert(&cell.id);
        }
    }
    let field =
        |(text, cells): (String, BTreeSet<&str>)| Field { text, cells: cells.into_iter().map(str::to_owned).collect() };
    fields.into_iter().map(field).collect()
}

fn table(moved: &[Moved], markdown: bool) -> String {
    let estimate = |measure: &Measure, Estimate { runs, mean, standard_error }: &Estimate| {
        let error = standard_error.map_or(String::new(), |error| format!(" ± {}", measure.value(error, 2)));
        format!("{}{error} (n = {runs})", measure.value(*mean, 2))
    };
    let head = ["cells", "measure", "first", "second", "change", "standard errors"].map(str::to_owned);
    let line = |moved: &Moved| {
        [
            moved.row.clone(),
            moved.measure.named(),
            estimate(moved.measure, &moved.before),
            estimate(moved.measure, &moved.after),
            moved.measure.effect(moved.change(), 2),
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
