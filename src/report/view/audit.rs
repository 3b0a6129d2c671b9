//! The audit of the paper as the report shows it.

use serde::Serialize;

use super::claims;
use crate::number::{count, fixed, p_value, signed, true_minus};
use crate::paper::audit::{Audit, Resolution};
use crate::paper::{Finding, Seriousness};

/// What the paper's numbers say about each other.
#[derive(Debug, Serialize)]
pub struct AuditView {
    /// By seriousness, the most serious first; none is empty.
    pub groups: Vec<Findings>,
    /// What one run can tell.
    pub resolution: Vec<ResolutionView>,
    /// What agrees.
    pub consistent: Vec<String>,
}

/// Findings that are equally serious.
#[derive(Debug, Serialize)]
pub struct Findings {
    /// `decisive`, `substantial` or `editorial`
    pub seriousness: &'static str,
    /// What that means.
    pub meaning: &'static str,
    /// The findings themselves.
    pub list: Vec<FindingView>,
}

/// A finding.
#[derive(Debug, Serialize)]
pub struct FindingView {
    /// Where.
    pub place: String,
    /// What is said there.
    pub says: String,
    /// What follows.
    pub follows: String,
    /// What the authors are asked.
    pub ask: String,
}

/// What one run can tell about a pair of rows.
#[derive(Debug, Serialize)]
pub struct ResolutionView {
    /// Anchors and ids of the claims that rest on it.
    pub claims: Vec<(String, String)>,
    /// `Table 2, ResNet-18 (random): FPL − CE`
    pub pair: String,
    /// Misclassified images of both.
    pub errors: [String; 2],
    /// Difference in points.
    pub points: String,
    /// Standard error of one accuracy in points.
    pub standard_error: String,
    /// Difference that could have been told from chance, in points.
    pub detectable: String,
    /// The smallest and the largest p of McNemar's test.
    pub mcnemar: [String; 2],
}

/// The audit in words and digits.
pub(super) fn view(audit: &Audit) -> AuditView {
    let group = |(seriousness, meaning)| Findings {
        seriousness: Seriousness::title(seriousness),
        meaning,
        list: audit.findings.iter().filter(|finding| finding.seriousness == seriousness).map(finding).collect(),
    };
    let groups = [
        (Seriousness::Decisive, "decides what can be concluded from the paper at all"),
        (Seriousness::Substantial, "concerns a claim or a number"),
        (Seriousness::Editorial, "a slip that changes no conclusion"),
    ];
    AuditView {
        groups: groups.map(group).into_iter().filter(|group| !group.list.is_empty()).collect(),
        resolution: audit.resolution.iter().map(resolution).collect(),
        consistent: audit.consistent.iter().map(|text| true_minus(text)).collect(),
    }
}

fn finding(finding: &Finding) -> FindingView {
    FindingView {
        place: finding.place.clone(),
        says: true_minus(&finding.says),
        follows: true_minus(&finding.follows),
        ask: finding.ask.clone(),
    }
}

fn resolution(of: &Resolution) -> ResolutionView {
    ResolutionView {
        claims: of.claims.iter().map(|id| (claims::anchor(id), id.clone())).collect(),
        pair: of.pair.clone(),
        errors: of.errors.map(|errors| count(u64::from(errors))),
        points: signed(of.points, 2),
        standard_error: fixed(of.standard_error, 2),
        detectable: fixed(of.detectable, 2),
        mcnemar: of.mcnemar.map(p_value),
    }
}
