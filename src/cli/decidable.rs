//! What a plan can decide: with its seeds, and within a budget.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _; // Writing to a String cannot fail.

use super::Session;
use crate::error::Result;
use crate::id::RowId;
use crate::number::{duration, plural};
use crate::paper::Claim;
use crate::plan::Cell;
use crate::report::ledger::{Progress, Standing, progress};
use crate::run::Estimator;

/// The profile that has tables for other readings.
const READINGS: &str = "what-if";

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
    let seeds = session.seeds.len();
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

/// Which readings of what the paper leaves open should be run first: one seed of each is cheaper than a decision, and a decision
/// about another experiment than the paper's says nothing of it. `to_train` says whether a cell's training is to be run. `None`
/// where all of them have been run.
pub(super) fn readings_first(session: &Session, to_train: impl Fn(&Cell) -> bool) -> Option<String> {
    let alternatives = session.loaded.config.paper.assumptions.iter().flat_map(|assumption| &assumption.alternatives);
    let tables: BTreeSet<&str> = alternatives.filter_map(|other| other.table.as_deref()).collect();
    let is_reading = |cell: &&Cell| tables.contains(cell.id.setting().table());
    let seed = session.seeds.first()?;
    let of_readings: Vec<&Cell> = session.plan.cells.iter().filter(is_reading).collect();
    if of_readings.is_empty() {
        let known = session.loaded.root.join(format!("profiles/{READINGS}.toml")).exists();
        let cheap = "first, since it is cheap, one run of each reading of what the paper leaves open";
        return known.then(|| format!("{cheap}: `fpl-repro plan --profile {READINGS} --seeds {seed}`"));
    }
    let first = |cell: &&Cell| cell.training.seed == *seed && cell.selected && to_train(cell);
    let first: Vec<&Cell> = of_readings.into_iter().filter(first).collect();
    let estimator = Estimator::new(&session.store, &session.options);
    let seconds: Option<f64> = first.iter().map(|cell| estimator.training(cell)).sum();
    let time = seconds.map_or_else(
        || "time unknown".to_owned(),
        |seconds| format!("about {}", duration(seconds / session.options.jobs.min(first.len()).max(1) as f64)),
    );
    let tables: BTreeSet<String> = first.iter().map(|cell| cell.id.setting().table().to_owned()).collect();
    let chosen: Vec<String> = tables.iter().map(|table| format!("--cells '{table}/*'")).collect();
    (!first.is_empty()).then(|| {
        format!(
            "run one seed of each reading first, {}, {time}; `fpl-repro readings` then says which can be the paper's:\n  \
             fpl-repro all{} {} --seeds {seed}",
            plural(first.len(), "cell"),
            session.options.invocation,
            chosen.join(" ")
        )
    })
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
