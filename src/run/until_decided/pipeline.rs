//! The world of `--until-decided`: the clock, the cache, and workers.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

use super::{Candidate, Pair, Ran, World, together};
use crate::config::Loaded;
use crate::error::{Error, Result};
use crate::event::{Event, Reporter};
use crate::id::RowId;
use crate::interrupt;
use crate::plan::{Cell, Plan, StageKind};
use crate::report::input::{CellState, ReportInput};
use crate::report::ledger::{Progress, Standing, progress};
use crate::run::{Estimator, Options, Outcome, Runner};
use crate::store::Store;

/// A plan that is run pair by pair.
pub struct Pipeline<'a> {
    loaded: &'a Loaded,
    plan: &'a Plan,
    store: &'a Store,
    reporter: &'a Reporter,
    options: Options,
    started: Instant,
}

impl<'a> Pipeline<'a> {
    /// Starts the clock; cells are stopped when `budget` seconds are over.
    pub fn new(runner: &Runner<'a>, budget: Option<f64>) -> Self {
        let started = Instant::now();
        let budget = budget.and_then(|budget| Duration::try_from_secs_f64(budget).ok());
        let deadline = budget.and_then(|budget| started.checked_add(budget));
        interrupt::stop_at(deadline);
        let options = Options { upto: StageKind::Evaluate, only: false, force: false, ..runner.options.clone() };
        let (loaded, plan, store, reporter) = (runner.loaded, runner.plan, runner.store, runner.reporter);
        Self { loaded, plan, store, reporter, options, started }
    }

    /// Makes the report on what is there, however long that takes.
    ///
    /// # Errors
    /// If it cannot be made.
    pub fn report(&self, reports: &Path) -> Result<Outcome> {
        interrupt::stop_at(None);
        let options = Options { upto: StageKind::Report, ..self.options.clone() };
        let plan = self.plan_of(|_| false);
        Runner::new(self.loaded, &plan, self.store, self.reporter, &options).run(reports)
    }

    /// The plan with these of the selected cells selected.
    fn plan_of(&self, selected: impl Fn(&Cell) -> bool) -> Plan {
        let mut plan = self.plan.clone();
        for cell in &mut plan.cells {
            cell.selected = cell.selected && selected(cell);
        }
        plan
    }

    /// The pairs that are missing until the claim may be decided, as far as there are seeds.
    fn missing(&self, progress: &Progress, done: &BTreeSet<String>, estimator: &Estimator) -> Vec<Pair> {
        let Standing::Open(at) = progress.standing else { return Vec::new() };
        let pair = |seed: &u64| {
            let lacking = lacking(self.plan, &progress.rows, *seed, done)?;
            let seconds: Option<Vec<f64>> = lacking.iter().map(|cell| estimator.training(cell)).collect();
            let seconds = seconds.map(|all| together(&all, self.options.jobs));
            (!lacking.is_empty()).then(|| Pair { rows: progress.rows.clone(), seed: *seed, seconds })
        };
        self.loaded.config.seeds.iter().filter_map(pair).take(at.saturating_sub(progress.pairs)).collect()
    }
}

/// Ids of cells with results.
fn done(content: &ReportInput) -> BTreeSet<String> {
    content.cells.iter().filter(|cell| cell.state == CellState::Done).map(|cell| cell.id.clone()).collect()
}

/// The cells of a pair that have no results; `None` if the plan does not have both, selected.
fn lacking<'p>(plan: &'p Plan, rows: &[RowId; 2], seed: u64, done: &BTreeSet<String>) -> Option<Vec<&'p Cell>> {
    let cell = |row: &RowId| {
        let id = row.cell(seed);
        plan.cells.iter().find(|cell| cell.id == id && cell.selected)
    };
    let both = [cell(&rows[0])?, cell(&rows[1])?];
    Some(both.into_iter().filter(|cell| !done.contains(cell.id.as_str())).collect())
}

impl World for Pipeline<'_> {
    fn elapsed(&self) -> f64 {
        self.started.elapsed().as_secs_f64()
    }

    fn candidates(&mut self) -> Result<Vec<Candidate>> {
        let content = Runner::new(self.loaded, self.plan, self.store, self.reporter, &self.options).content()?;
        let (done, estimator) = (done(&content), Estimator::new(self.store, &self.options));
        let runs = |row: &RowId| self.plan.cells.iter().any(|cell| cell.selected && cell.id.row() == *row);
        let claims = &content.paper.claims;
        let wanted = |id: &str| claims.iter().any(|claim| claim.id == id && runs(&claim.cells) && runs(&claim.against));
        let all = progress(&content, wanted).into_iter().filter(|progress| wanted(&progress.claim));
        Ok(all.map(|progress| Candidate { missing: self.missing(&progress, &done, &estimator), progress }).collect())
    }

    fn run(&mut self, pair: &Pair) -> Result<Ran> {
        let content = Runner::new(self.loaded, self.plan, self.store, self.reporter, &self.options).content()?;
        let done = done(&content);
        let lacking = lacking(self.plan, &pair.rows, pair.seed, &done).unwrap_or_default();
        let ids: BTreeSet<&str> = lacking.iter().map(|cell| cell.id.as_str()).collect();
        let plan = self.plan_of(|cell| ids.contains(cell.id.as_str()));
        let runner = Runner::new(self.loaded, &plan, self.store, self.reporter, &self.options);
        let outcome = match runner.run(Path::new("")) {
            // Nothing is published up to the evaluations.
            Err(Error::Interrupted { .. }) if interrupt::out_of_time() => return Ok(Ran::OutOfTime),
            outcome => outcome?,
        };
        let failed = outcome.missing.first_key_value().map(|(id, why)| format!("{id}: {why}"));
        Ok(failed.map_or(Ran::Done, Ran::Failed))
    }

    fn tell(&mut self, text: &str) {
        self.reporter.emit(&Event::Note(text));
    }
}
