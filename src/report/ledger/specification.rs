//! The specification curve: a claim under every reading of what the paper leaves open (Simonsohn, Simmons and Nelson, Nature
//! Human Behaviour 2020), and a test over all of them.
//!
//! The readings of a claim, ours among them, are a family of their own: joint sign flips with step-down maximum, those without
//! runs counted. Where one is rejected, the claim's losses differ in that reading; how many say so is told, and none of it is a
//! verdict on the paper's claim.

use super::evidence::Evidence;
use super::gather::{Epoch, Gather};
use crate::paper::{Alternative, Claim};
use crate::report::input::ReportInput;
use crate::stats::{Differences, joint_sign_flip};

/// A claim under one reading.
#[derive(Debug, Clone, PartialEq)]
pub struct Specification {
    /// What is open; empty for our own reading.
    pub about: String,
    /// How it is read.
    pub reading: String,
    /// Whether the epoch with the best top-1 on the test set counts.
    pub best_epoch: bool,
    /// Runs under it.
    pub evidence: Evidence,
    /// Two-sided sign-flip p, adjusted over the claim's readings; `None` without runs.
    pub p_adjusted: Option<f64>,
}

/// A claim under all readings that the configuration has cells of, our own first.
#[derive(Debug, Clone, PartialEq)]
pub struct SpecificationCurve {
    /// The claim.
    pub claim: Claim,
    /// What the paper reports.
    pub paper_effect: Option<f64>,
    /// Its readings.
    pub specifications: Vec<Specification>,
}

/// The curve of every claim that has cells under two readings or more.
pub fn specification_curves(input: &ReportInput) -> Vec<SpecificationCurve> {
    let gather = Gather::new(input);
    let curve = |claim: &Claim| SpecificationCurve {
        paper_effect: input.paper.effect(claim),
        specifications: specifications(&gather, claim),
        claim: claim.clone(),
    };
    input.paper.claims.iter().map(curve).filter(|curve| curve.specifications.len() > 1).collect()
}

/// A claim under our reading and every other one that the configuration has cells of.
pub(super) fn specifications(gather: &Gather, claim: &Claim) -> Vec<Specification> {
    let ours = Specification {
        about: String::new(),
        reading: "as in the paper's table, the last epoch".to_owned(),
        best_epoch: false,
        evidence: Evidence::new(gather, claim, [&claim.cells, &claim.against], Epoch::Last),
        p_adjusted: None,
    };
    let rest_on = gather.input.paper.assumptions.iter().filter(|assumption| assumption.claims.contains(&claim.id));
    let others =
        rest_on.flat_map(|assumption| assumption.alternatives.iter().map(move |other| (&assumption.about, other)));
    let others = others.filter_map(|(about, other)| specification(gather, claim, about, other));
    let mut all: Vec<Specification> = std::iter::once(ours).chain(others).collect();
    let differences: Vec<Differences> = all.iter().map(|one| one.evidence.by_seed()).collect();
    let tested = joint_sign_flip(&differences).map(|joint| joint.claims).unwrap_or_default();
    for (one, p) in all.iter_mut().zip(tested) {
        one.p_adjusted = p.map(|p| p.adjusted);
    }
    all
}

/// `None` for readings that no cell of the configuration stands for.
fn specification(gather: &Gather, claim: &Claim, about: &str, other: &Alternative) -> Option<Specification> {
    let (cells, against) = (other.cells(&claim.cells)?, other.cells(&claim.against)?);
    (gather.has(&cells) && gather.has(&against)).then(|| Specification {
        about: about.to_owned(),
        reading: other.reading.clone(),
        best_epoch: other.best_epoch,
        evidence: Evidence::new(gather, claim, [&cells, &against], Epoch::of(other)),
        p_adjusted: None,
    })
}
