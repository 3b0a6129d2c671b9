//! The assumption ledger: what the paper leaves open, how we read it, and which claims were checked under which reading.

use serde::Serialize;

use super::claims::{self, VerdictView, verdict_view};
use crate::paper::{Alternative, Assumption};
use crate::report::{
    input::ReportInput,
    ledger::{Entry, Ledger, Verdict},
};

/// A detail that the paper leaves open.
#[derive(Debug, Serialize)]
pub struct AssumptionView {
    /// What is open.
    pub about: String,
    /// Our reading in words.
    pub words: String,
    /// Keys of the configuration and their values.
    pub ours: Vec<(String, String)>,
    /// Whether every claim rests on it.
    pub all_claims: bool,
    /// Claims under our reading.
    pub checks: Vec<Check>,
    /// Other readings.
    pub alternatives: Vec<AlternativeView>,
}

/// Another reading.
#[derive(Debug, Serialize)]
pub struct AlternativeView {
    /// In words.
    pub reading: String,
    /// Claims that were checked under it, or would be.
    pub checks: Vec<Check>,
    /// Why none was; empty if there are checks.
    pub unchecked: String,
}

/// A claim under a reading.
#[derive(Debug, Serialize)]
pub struct Check {
    /// Anchor of the claim.
    pub anchor: String,
    /// Its id.
    pub id: String,
    /// The verdict.
    pub verdict: VerdictView,
    /// Mean difference and pairs; empty without runs.
    pub effect: String,
}

/// All assumptions.
pub(super) fn assumptions(input: &ReportInput, ledger: &Ledger) -> Vec<AssumptionView> {
    let view = |assumption: &Assumption| {
        let rest_on: Vec<&Entry> =
            ledger.entries.iter().filter(|entry| assumption.claims.contains(&entry.claim.id)).collect();
        AssumptionView {
            about: assumption.about.clone(),
            words: words(input, assumption),
            ours: ours(input, assumption),
            all_claims: assumption.claims.is_empty(),
            checks: rest_on
                .iter()
                .map(|entry| check(entry, entry.verdict, entry.evidence.mean, entry.evidence.pairs()))
                .collect(),
            alternatives: assumption
                .alternatives
                .iter()
                .map(|alternative| alternative_view(assumption, alternative, &rest_on))
                .collect(),
        }
    };
    input.paper.assumptions.iter().map(view).collect()
}

/// Whether the configuration has the values that our reading is in words.
fn holds(input: &ReportInput, assumption: &Assumption) -> bool {
    assumption.keys.iter().zip(&assumption.values).all(|(key, value)| input.readings.get(key) == Some(value))
}

/// Our reading; where this configuration has other values, those, by what they are called.
fn words(input: &ReportInput, assumption: &Assumption) -> String {
    if holds(input, assumption) {
        return assumption.ours.clone();
    }
    let other = |(key, value): (String, String)| format!("{} {value}", called(&key));
    let others: Vec<String> = ours(input, assumption).into_iter().map(other).collect();
    format!("otherwise here ({})", others.join(", "))
}

/// What a key of a recipe or a network is about.
fn called(key: &str) -> String {
    let mut parts = key.rsplit('.');
    match (parts.next().unwrap_or_default(), parts.next()) {
        ("lr", _) => "learning rate".to_owned(),
        ("milestones", _) => "rate lowered after epochs".to_owned(),
        // Of an optimizer, a schedule, a loss's term.
        ("kind", Some(of)) => of.replace(['_', '-'], " "),
        (last, _) => last.replace(['_', '-'], " "),
    }
}

fn ours(input: &ReportInput, assumption: &Assumption) -> Vec<(String, String)> {
    let value = |key: &String| input.readings.get(key).cloned().unwrap_or_else(|| "not set".to_owned());
    assumption.keys.iter().map(|key| (key.clone(), value(key))).collect()
}

fn alternative_view(assumption: &Assumption, alternative: &Alternative, rest_on: &[&Entry]) -> AlternativeView {
    let of_entry = |entry: &&Entry| {
        let this = |reading: &&crate::report::ledger::Reading| {
            reading.about == assumption.about && reading.reading == alternative.reading
        };
        let reading = entry.readings.iter().find(this)?;
        Some(check(entry, reading.verdict, reading.evidence.mean, reading.evidence.pairs()))
    };
    let checks: Vec<Check> = rest_on.iter().filter_map(of_entry).collect();
    let unchecked = match &alternative.table {
        _ if !checks.is_empty() => String::new(),
        Some(table) => format!("not run: this configuration has no table “{table}”"),
        None => "not run: no cells stand for it".to_owned(),
    };
    AlternativeView { reading: alternative.reading.clone(), checks, unchecked }
}

fn check(entry: &Entry, verdict: Verdict, mean: Option<f64>, pairs: usize) -> Check {
    Check {
        anchor: claims::anchor(&entry.claim.id),
        id: entry.claim.id.clone(),
        verdict: verdict_view(verdict),
        effect: mean
            .map(|mean| format!("{}, n = {pairs}", entry.claim.measure.effect(mean, pairs)))
            .unwrap_or_default(),
    }
}
