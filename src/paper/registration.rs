//! What was said beforehand: registrations of what is judged, with which seeds and looks, which differences matter, and which
//! readings are tried (`registered.toml`).
//!
//! A registration is never changed: who changes the plan registers again, and the report says after how many runs.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Alternative, Claim, Family, Margin, Measure, Paper, Sign};
use crate::fingerprint::{Difference, Fingerprint, differences};
use crate::id::RowId;

/// The file of all registrations, beside `pipeline.toml`.
pub const REGISTRATIONS: &str = "registered.toml";

/// A plan and when it was registered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Registration {
    /// When, RFC 3339, UTC.
    pub date: String,
    /// sha256 of the plan's canonical JSON.
    pub digest: String,
    /// What a reader must know of how it came about; may be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
    /// The plan.
    pub plan: AnalysisPlan,
}

/// What is planned before the data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AnalysisPlan {
    /// Seeds of the pairs, at least as many as pairs are planned. Runs with others are exploratory.
    pub seeds: Vec<u64>,
    /// Which claims share one error rate, and when one looks.
    pub family: Family,
    /// What the claims of the family say.
    pub claims: Vec<PlannedClaim>,
    /// The smallest differences that matter.
    pub margins: Vec<Margin>,
    /// Other readings of what the paper leaves open that have cells.
    pub readings: Vec<PlannedReading>,
}

/// What a claim of the family says; its words may change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PlannedClaim {
    /// Its id.
    pub id: String,
    /// What is compared.
    pub measure: &'static Measure,
    /// The cells.
    pub cells: RowId,
    /// Those that are subtracted.
    pub against: RowId,
    /// The sign of the difference.
    pub claimed: Sign,
}

/// A reading of a detail that the paper leaves open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PlannedReading {
    /// What is open.
    pub about: String,
    /// How it is read.
    pub alternative: Alternative,
}

impl Registration {
    /// A plan, registered now.
    pub fn new(date: String, plan: AnalysisPlan) -> Self {
        Self { date, digest: plan.digest(), note: String::new(), plan }
    }
}

impl AnalysisPlan {
    /// The plan that a paper's data declare.
    pub fn of(paper: &Paper, seeds: &[u64]) -> Self {
        let planned = |claim: &Claim| PlannedClaim {
            id: claim.id.clone(),
            measure: claim.measure,
            cells: claim.cells.clone(),
            against: claim.against.clone(),
            claimed: claim.claimed,
        };
        let member = |claim: &&Claim| paper.family.position(&claim.id).is_some();
        let readings = paper.assumptions.iter().flat_map(|assumption| {
            let has_cells = |other: &&Alternative| other.table.is_some() || other.best_epoch;
            let reading =
                |other: &Alternative| PlannedReading { about: assumption.about.clone(), alternative: other.clone() };
            assumption.alternatives.iter().filter(has_cells).map(reading)
        });
        Self {
            seeds: seeds.to_vec(),
            family: paper.family.clone(),
            claims: paper.claims.iter().filter(member).map(planned).collect(),
            margins: paper.margins.clone(),
            readings: readings.collect(),
        }
    }

    /// sha256 of its canonical JSON.
    pub fn digest(&self) -> String {
        Fingerprint::of(&serde_json::to_value(self).unwrap_or_default()).to_string()
    }

    /// How the plan of one claim differs in a later one; `None` if this one does not have it.
    pub fn changes(&self, claim: &str, later: &Self) -> Option<Vec<Difference>> {
        let (old, new) = (self.concerning(claim)?, later.concerning(claim).unwrap_or_default());
        Some(differences(&old, &new))
    }

    /// Everything that decides the verdict on a claim of the family; `None` of others. Readings do not: they are checks.
    fn concerning(&self, id: &str) -> Option<Value> {
        let claim = self.claims.iter().find(|claim| claim.id == id && self.family.position(id).is_some())?;
        let margin = self.margins.iter().find(|margin| margin.measure == claim.measure);
        let Family { claims, level, planned_pairs, looks, rho } = &self.family;
        Some(json!({
            "claim": { "measure": claim.measure, "cells": claim.cells, "against": claim.against, "claimed": claim.claimed },
            "family": { "claims": claims, "level": level, "planned_pairs": planned_pairs, "looks": looks, "rho": rho },
            "margin": margin.map(|margin| margin.difference),
            "seeds": self.seeds,
        }))
    }
}
