//! What is declared before the runs: which claims are judged together, when one looks, and which differences matter.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Measure;
use crate::stats::{SpendingPlan, Undefined};

/// The primary family: the claims that share one error rate, whether they have been run or not.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Family {
    /// Ids of its claims. The others are secondary: they can show a direction and no more.
    pub claims: Vec<String>,
    /// The chance of any false rejection in the family, over all looks.
    pub level: f64,
    /// Pairs of runs per claim. Further ones are exploratory.
    pub planned_pairs: usize,
    /// After how many pairs one looks, ascending; the last look is after all of them.
    pub looks: Vec<usize>,
    /// After n of N pairs the share (n/N)^rho of the level may have been spent.
    pub rho: f64,
}

impl Family {
    /// The looks and what each may spend.
    ///
    /// # Errors
    /// [`Undefined`] of a level, an exponent or looks that make no plan.
    pub fn plan(&self) -> Result<SpendingPlan, Undefined> {
        SpendingPlan::new(self.planned_pairs, self.level, self.rho)?.looking_at(&self.looks)
    }

    /// Where a claim stands in the family; `None` of a secondary one.
    pub fn position(&self, claim: &str) -> Option<usize> {
        self.claims.iter().position(|member| member == claim)
    }
}

/// The smallest difference in a measure that matters.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Margin {
    /// Of what.
    pub measure: &'static Measure,
    /// In the measure's unit: points, images.
    pub difference: f64,
    /// Why this one.
    pub reason: String,
}
