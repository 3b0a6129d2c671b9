//! What a plan can decide: with its seeds, and within a budget.

use std::collections::BTreeMap;
use std::fmt::Write as _; // Writing to a String cannot fail.

use super::Session;
use crate::error::Result;
use crate::id::RowId;
use crate::number::{duration, plural};
use crate::paper::Claim;
use crate::plan::Cell;
use crate::report::ledger::{Progress, Standing, progress};
use crate::run::Estimator;

/// The cells of a row that are selected.
fn cells<'s>(session: &'s Session, row: &RowId) -> Vec<&'s Cell> {
    session.plan.cells.iter().filter(|cell| cell.selected && cell.id.row() == *row).collect()
}

/// `5 seeds: no claim can be decided, 9 can decide T2-a, T2-b`, by the looks that are planned.
pub(super) fn by_seeds(session: &Session) -> String {
    let paper = &session.loaded.config.paper;
    let in_family = |claim: &&Claim| paper.family.position(&claim.id).is_some();
    let with_cells: Vec<(&Claim, Vec<&Cell>)> = paper
        .claims
        .iter()
        .filter(in_family)
        .map(|claim| (claim, [cells(session, &claim.cells), cells(session, &claim.against)].concat()))
        .filter(|(claim, both)| {
            let has = |row: &RowId| both.iter().any(|cell| cell.id.row() == *row);
            has(&claim.cells) && has(&claim.against)
        })
        .collect();
    let full: Vec<&str> = with_cells
        .iter()
        .filter(|(_, both)| both.iter().all(|cell| cell.deviations.is_empty()))
        .map(|(claim, _)| claim.id.as_str())
        .collect();
    if full.is_empty() {
        let why = if with_cells.is_empty() { "none of its claims has cells here" } else { "its cells are reduced" };
        return format!("no number of seeds decides a claim of the family: {why}");
    }
    let family = &paper.family;
    let first = family.plan().ok().and_then(|plan| plan.first_look(full.len(), family.claims.len() - full.len()));
    let Some(first) = first else {
        return format!(
            "no number of seeds decides a claim: {} of the family’s {} are planned here, and the others keep their share",
            full.len(),
            plural(family.claims.len(), "claim")
        );
    };
    let seeds = session.loaded.config.seeds.len();
    let claims = full.join(", ");
    if seeds >= first {
        return format!(
            "{} can decide {claims}, after {} at the earliest",
            plural(seeds, "seed"),
            plural(first, "pair")
        );
    }
    format!("{}: no claim can be decided, {first} can decide {claims}", plural(seeds, "seed"))
}

/// What `all --until-decided` could decide in so many seconds, the cheapest decision first.
pub(super) fn in_budget(session: &Session, budget: f64) -> Result<String> {
    let content = session.runner().content()?;
    let runs = |row: &RowId| !cells(session, row).is_empty();
    let wanted = |id: &str| {
        let claim = content.paper.claims.iter().find(|claim| claim.id == id);
        claim.is_some_and(|claim| runs(&claim.cells) && runs(&claim.against))
    };
    let all = progress(&content, wanted);
    let estimator = Estimator::new(&session.store, &session.options);
    // Claims about the same rows are decided by the same runs.
    let mut groups: BTreeMap<&[RowId; 2], (Vec<&Progress>, usize)> = BTreeMap::new();
    for progress in all.iter().filter(|progress| wanted(&progress.claim)) {
        if let Standing::Open(at) = progress.standing {
            let group = groups.entry(&progress.rows).or_default();
            group.0.push(progress);
            group.1 = group.1.max(at - progress.pairs);
        }
    }
    let mut costs: Vec<(Option<f64>, &Vec<&Progress>, usize)> = groups
        .iter()
        .map(|(rows, (claims, pairs))| (cost(session, &estimator, rows).map(|one| one * *pairs as f64), claims, *pairs))
        .collect();
    costs.sort_by(|a, b| a.0.unwrap_or(f64::INFINITY).total_cmp(&b.0.unwrap_or(f64::INFINITY)));
    let (mut text, mut left) = (format!("in {}:", duration(budget)), budget);
    for (seconds, claims, pairs) in costs {
        let mut names = claims.iter().map(|progress| progress.claim.as_str()).collect::<Vec<_>>().join(", ");
        if claims.iter().any(|progress| progress.reduced) {
            names.push_str(" (reduced: about these runs, not the paper)");
        }
        let pairs = plural(pairs, "further pair");
        let _ = match seconds {
            None => write!(text, "\n  unknown  {names}: {pairs}; `plan --calibrate` measures how long they take"),
            Some(seconds) if seconds <= left => {
                left -= seconds;
                write!(text, "\n  yes      {names}: {pairs}, about {}", duration(seconds))
            }
            Some(seconds) => write!(text, "\n  no       {names}: {pairs}, about {}", duration(seconds)),
        };
    }
    if groups.is_empty() {
        text.push_str(" nothing is open that this configuration has cells of");
    }
    Ok(text)
}

/// Estimated seconds of one pair; `None` if a network is unknown.
fn cost(session: &Session, estimator: &Estimator, rows: &[RowId; 2]) -> Option<f64> {
    let of_row = |row: &RowId| estimator.training(cells(session, row).first()?);
    Some(crate::run::until_decided::together(&[of_row(&rows[0])?, of_row(&rows[1])?], session.options.jobs))
}
