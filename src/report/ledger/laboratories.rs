//! Laboratories: what runs of other machines say together with ours.
//!
//! A laboratory is a cache or the bundle that results came in; a pair counts for one if both of its runs are of it. Effects are
//! pooled by random effects with the modified Knapp–Hartung interval ([`crate::stats::pool`]), and e-values multiply. Pooled
//! numbers stand beside the verdict and are no part of it. Equal seeds share initial weights and order of images, so that
//! laboratories with the same seeds are less independent than they look: other seeds are worth more.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::gather::{Epoch, Gather, Pair};
use super::verdict::LEVEL;
use crate::number::short;
use crate::paper::Claim;
use crate::report::input::{Cell, ReportInput};
use crate::stats::{self, Laboratory, Undefined};

/// One laboratory's pairs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LaboratoryPairs {
    /// `here`, or the file of its bundle.
    pub name: String,
    /// Seeds of its pairs.
    pub seeds: Vec<u64>,
    /// Mean difference.
    pub mean: f64,
    /// s/√n; `None` of one pair, and where all differences are equal: then it is not pooled.
    pub standard_error: Option<f64>,
    /// The e-value of its pairs in the order of their seeds.
    pub e_value: f64,
    /// How its runs differ from the protocol; empty: they follow it.
    pub deviations: Vec<String>,
}

/// What laboratories say together of a claim.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Laboratories {
    /// Each of them, those that are not pooled too.
    pub laboratories: Vec<LaboratoryPairs>,
    /// Pairs that were left out because a run of them was counted before, by its predictions.
    pub duplicates: usize,
    /// Pairs that were left out because their runs are of two laboratories.
    pub mixed: usize,
    /// How many are pooled.
    pub pooled: usize,
    /// The mean effect.
    pub estimate: Option<f64>,
    /// Its 95 % interval.
    pub interval: Option<[f64; 2]>,
    /// Two-sided p of "the mean effect is 0".
    pub p: Option<f64>,
    /// τ: the standard deviation of true effects between laboratories.
    pub tau: Option<f64>,
    /// The product of the e-values: at 20 it rejects at 5 %, whenever one looks.
    pub e_value: Option<f64>,
    /// Why nothing is pooled; empty where something is.
    pub why: String,
}

/// A report with its laboratory's name.
pub struct Source<'a> {
    /// The file of the bundle.
    pub name: String,
    /// Its report.
    pub input: &'a ReportInput,
}

/// The laboratories of one report: this cache, and every bundle that results came in. `None` of fewer than two.
pub(super) fn of_report(gather: &Gather, claim: &Claim) -> Option<Laboratories> {
    let rows = [claim.cells.as_str(), claim.against.as_str()];
    let pairs = gather.pairs(claim.measure, rows, Epoch::Last);
    let (mut mixed, mut by_laboratory) = (0, BTreeMap::<(bool, String), Vec<Pair>>::new());
    for pair in pairs {
        match pair.cells.map(|cell| &cell.origin) {
            [one, other] if one != other => mixed += 1,
            [None, _] => by_laboratory.entry((false, "here".to_owned())).or_default().push(pair),
            [Some(origin), _] => {
                let name = format!("{} ({})", origin.file, short(&origin.bundle));
                by_laboratory.entry((true, name)).or_default().push(pair);
            }
        }
    }
    let of = |((_, name), pairs): ((bool, String), Vec<Pair>)| laboratory(gather, name, &pairs);
    let laboratories: Vec<LaboratoryPairs> = by_laboratory.into_iter().filter_map(of).collect();
    (laboratories.len() > 1).then(|| together(laboratories, gather.duplicates(rows), mixed))
}

/// The laboratories of several reports, for every claim of the first. Runs whose predictions are equal to the last byte count
/// once, for the first that has them.
pub fn of_bundles(sources: &[Source]) -> Vec<(Claim, Laboratories)> {
    let Some(first) = sources.first() else { return Vec::new() };
    let gathered: Vec<Gather> = sources.iter().map(|source| Gather::new(source.input)).collect();
    let of_claim = |claim: &Claim| {
        let (mut duplicates, mut seen, mut laboratories) = (0, BTreeSet::new(), Vec::new());
        for (source, gather) in sources.iter().zip(&gathered) {
            let rows = [claim.cells.as_str(), claim.against.as_str()];
            let mut pairs = gather.pairs(claim.measure, rows, Epoch::Last);
            let all = pairs.len();
            pairs.retain(|pair| !pair.cells.iter().any(|cell| seen.contains(&cell.predictions)));
            duplicates += all - pairs.len() + gather.duplicates(rows);
            let counted = pairs.iter().flat_map(|pair| pair.cells).map(|cell| &cell.predictions);
            seen.extend(counted.filter(|digest| !digest.is_empty()));
            laboratories.extend(laboratory(gather, source.name.clone(), &pairs));
        }
        (claim.clone(), together(laboratories, duplicates, 0))
    };
    first.input.paper.claims.iter().map(of_claim).filter(|(_, found)| !found.laboratories.is_empty()).collect()
}

/// `None` without pairs.
fn laboratory(gather: &Gather, name: String, pairs: &[Pair]) -> Option<LaboratoryPairs> {
    let differences: Vec<f64> = pairs.iter().map(|pair| pair.values[0] - pair.values[1]).collect();
    let cells: Vec<&Cell> = pairs.iter().flat_map(|pair| pair.cells).collect();
    Some(LaboratoryPairs {
        name,
        seeds: pairs.iter().map(|pair| pair.cells[0].seed).collect(),
        mean: stats::mean(&differences)?,
        standard_error: stats::spread(&differences).ok().map(|sd| sd / (differences.len() as f64).sqrt()),
        e_value: stats::e_value(&differences).ok()?,
        deviations: gather.index.reasons(&cells),
    })
}

/// Pools those that follow the protocol; if none does, all of them, which is told by their deviations.
fn together(laboratories: Vec<LaboratoryPairs>, duplicates: usize, mixed: usize) -> Laboratories {
    let any_full = laboratories.iter().any(|laboratory| laboratory.deviations.is_empty());
    let fit = |laboratory: &&LaboratoryPairs| !any_full || laboratory.deviations.is_empty();
    let chosen: Vec<&LaboratoryPairs> = laboratories.iter().filter(fit).collect();
    let estimates: Vec<Laboratory> = chosen
        .iter()
        .filter_map(|one| Some(Laboratory { estimate: one.mean, standard_error: one.standard_error? }))
        .collect();
    let e_values: Vec<f64> = chosen.iter().map(|one| one.e_value).collect();
    let pooled = stats::pool(&estimates, 1.0 - LEVEL);
    let why = match &pooled {
        Ok(_) => String::new(),
        Err(Undefined::TooFew { .. }) => {
            "two laboratories with two pairs or more each are needed that follow the same protocol".to_owned()
        }
        Err(undefined) => undefined.to_string(),
    };
    let pooled = pooled.ok();
    Laboratories {
        duplicates,
        mixed,
        pooled: pooled.map_or(0, |_| estimates.len()),
        estimate: pooled.map(|pooled| pooled.estimate),
        interval: pooled.map(|pooled| pooled.interval),
        p: pooled.map(|pooled| pooled.p),
        tau: pooled.map(|pooled| pooled.tau_squared.sqrt()),
        e_value: (e_values.len() > 1).then(|| stats::product_of_laboratories(&e_values)),
        why,
        laboratories,
    }
}
