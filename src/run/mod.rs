//! Carries out a plan: for every stage, look it up, run it if it is a miss, commit it.

mod history;
mod decide;
mod environment;
mod estimate;
mod share;
mod device;
mod fetch;
mod worker;
mod outputs;
mod work;
mod process;
mod bring;
mod remote;
mod calibrate;
mod rerun;
mod summary;
mod queue;
pub mod until_decided;

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::artifact::{CHECKPOINT, Manifest, WEIGHTS};
use crate::config::Loaded;
use crate::error::{Error, Result};
use crate::event::{Event, Reporter};
use crate::fingerprint::Fingerprint;
use crate::plan::{Cell, Node, NodeId, Plan, StageKind, Work};
use crate::remote::Remote;
use crate::report::input::{self, CellState, Origin};
use crate::store::{self, Failure, Foreign, Store};
use bring::{Ran, Stage};
use decide::Need;
use history::History;

pub use decide::{Reason, Status};
pub use environment::now;
pub use estimate::Estimator;
pub use rerun::Rerun;
pub use share::{Machine, Share, share};
pub use summary::{Outline, Published, cell_command, setup};

/// How a plan is carried out. None of it changes a result.
#[derive(Debug, Clone)]
#[allow(clippy::struct_excessive_bools)] // Each is a switch of the command line.
pub struct Options {
    /// The last stage to run.
    pub upto: StageKind,
    /// Whether only that stage may run.
    pub only: bool,
    /// Whether that stage runs although it is a hit.
    pub force: bool,
    /// Cells at once.
    pub jobs: usize,
    /// libtorch threads per cell.
    pub threads: u32,
    /// `auto`, `cpu`, `cuda` or `cuda:N`.
    pub device: String,
    /// Whether a failed cell leaves the others running.
    pub keep_going: bool,
    /// Whether downloads are forbidden.
    pub offline: bool,
    /// How long a worker may say nothing before it is killed and its cell fails.
    pub silence: Duration,
    /// Whether cells that other processes hold are waited for; else they are left to those.
    pub wait: bool,
    /// A cache that others share, to bring results from and add them to.
    pub remote: Option<Arc<Remote>>,
    /// Options that choose this configuration again, for the commands in the report.
    pub invocation: String,
}

/// What a run came to.
#[derive(Debug)]
pub struct Outcome {
    /// How many stages were hits and how many ran.
    pub counts: BTreeMap<StageKind, (usize, usize)>,
    /// Selected cells that failed or could not run, and why.
    pub missing: BTreeMap<String, String>,
    /// Selected cells that other processes hold, and which holds them.
    pub held: BTreeMap<String, String>,
    /// Whether one of them needed what `--offline` or `--only` forbids.
    pub forbidden: bool,
    /// The report, if this run was to make one.
    pub published: Option<Published>,
}

/// A plan in execution.
pub struct Runner<'a> {
    /// The configuration.
    pub loaded: &'a Loaded,
    /// The plan.
    pub plan: &'a Plan,
    /// The cache.
    pub store: &'a Store,
    /// Who tells the user.
    pub reporter: &'a Reporter,
    /// How to run.
    pub options: &'a Options,
    done: Mutex<BTreeMap<Fingerprint, Manifest>>,
    counts: Mutex<BTreeMap<StageKind, (usize, usize)>>,
    history: History,
    /// Digests of what was found in the cache, as stages read it.
    seen: Mutex<HashMap<(NodeId, Need), String>>,
    /// Stages whose results could not be read, and why.
    unreadable: Mutex<HashMap<NodeId, String>>,
    /// Weights files that could not be had, and why: many cells start from one, and each would try for minutes again.
    unavailable: Mutex<HashMap<NodeId, String>>,
    /// Whether the remote cache failed to answer: it is not asked again.
    remote_is_down: AtomicBool,
}

/// What became of one cell.
enum CellOutcome {
    Done,
    Failed(String),
    NotRun(String),
    Forbidden(String),
    /// Another process works on it.
    Held(String),
}

impl<'a> Runner<'a> {
    /// A runner that has not started.
    pub fn new(
        loaded: &'a Loaded,
        plan: &'a Plan,
        store: &'a Store,
        reporter: &'a Reporter,
        options: &'a Options,
    ) -> Self {
        let (done, counts) = (Mutex::default(), Mutex::default());
        let (history, seen, unreadable) = (History::default(), Mutex::default(), Mutex::default());
        let (unavailable, remote_is_down) = (Mutex::default(), AtomicBool::new(false));
        Self {
            loaded,
            plan,
            store,
            reporter,
            options,
            done,
            counts,
            history,
            seen,
            unreadable,
            unavailable,
            remote_is_down,
        }
    }

    /// Runs everything up to the last stage.
    ///
    /// # Errors
    /// What stops the whole run: no data, an interruption, a full disk. A failed cell does not.
    pub fn run(&self, reports: &Path) -> Result<Outcome> {
        let _held = self.store.hold()?;
        let result = self.run_stages(reports);
        self.store.save_memo();
        result
    }

    fn run_stages(&self, reports: &Path) -> Result<Outcome> {
        let cells_run = self.options.upto <= StageKind::Evaluate || !self.options.only;
        let mut outcomes = BTreeMap::new();
        if self.options.upto == StageKind::Fetch || cells_run {
            self.ensure(self.plan.data)?;
        }
        if self.options.upto == StageKind::Fetch {
            self.fetch_weights(&mut outcomes)?;
        } else if cells_run {
            outcomes = self.run_cells()?;
        }
        let mut published = None;
        if self.options.upto >= StageKind::Plot {
            published = summary::summarize(self, &self.states(&outcomes), reports)?;
        }
        let held = |(id, outcome): (&String, &CellOutcome)| match outcome {
            CellOutcome::Held(by) => Some((id.clone(), by.clone())),
            _ => None,
        };
        let missing = |(id, outcome): (&String, &CellOutcome)| match outcome {
            CellOutcome::Failed(why) | CellOutcome::NotRun(why) | CellOutcome::Forbidden(why) => {
                Some((id.clone(), why.clone()))
            }
            CellOutcome::Done | CellOutcome::Held(_) => None,
        };
        Ok(Outcome {
            counts: self.counts().clone(),
            missing: outcomes.iter().filter_map(missing).collect(),
            held: outcomes.iter().filter_map(held).collect(),
            forbidden: outcomes.values().any(|outcome| matches!(outcome, CellOutcome::Forbidden(_))),
            published,
        })
    }

    /// `fetch` brings the weights of the selected cells too.
    fn fetch_weights(&self, outcomes: &mut BTreeMap<String, CellOutcome>) -> Result<()> {
        for cell in self.plan.cells.iter().filter(|cell| cell.selected && self.weights_of(cell).is_some()) {
            outcomes.insert(cell.id.to_string(), self.bring_weights(cell)?);
        }
        Ok(())
    }

    /// The stage that brings a cell's weights file, if it starts from one.
    fn weights_of(&self, cell: &Cell) -> Option<NodeId> {
        let inputs = &self.plan.nodes[cell.train].inputs;
        inputs.iter().copied().find(|&input| matches!(self.plan.nodes[input].work, Work::Weights(_)))
    }

    /// Brings a cell's weights file; one that cannot be had leaves the cell out.
    fn bring_weights(&self, cell: &Cell) -> Result<CellOutcome> {
        let Some(weights) = self.weights_of(cell) else { return Ok(CellOutcome::Done) };
        let known = lock(&self.unavailable).get(&weights).cloned();
        let reason = if let Some(reason) = known {
            reason
        } else {
            let reason = match self.ensure(weights) {
                Err(error @ (Error::Network { .. } | Error::Data { .. })) => format!("weights missing: {error}"),
                result => return self.outcome_of(cell, result.map(|_| ())),
            };
            lock(&self.unavailable).insert(weights, reason.clone());
            reason
        };
        self.reporter.emit(&Event::Skipped(cell.id.as_str(), &reason));
        Ok(CellOutcome::NotRun(reason))
    }

    /// What an error means for a cell; errors that concern the whole run are passed on.
    fn outcome_of(&self, cell: &Cell, result: Result<()>) -> Result<CellOutcome> {
        let Err(error) = result else { return Ok(CellOutcome::Done) };
        if error.ends_run() {
            return Err(error); // Told once, by whoever ends the run.
        }
        let text = error.to_string();
        if matches!(error, Error::Forbidden { .. }) {
            self.reporter.emit(&Event::Skipped(cell.id.as_str(), &text));
            return Ok(CellOutcome::Forbidden(text));
        }
        if let Error::Held { by, .. } = error {
            return Ok(CellOutcome::Held(by));
        }
        self.tell_failure(cell, &error);
        Ok(CellOutcome::Failed(text))
    }

    /// Tells and keeps why a cell failed, whatever it was, under the stage that it did not get beyond.
    fn tell_failure(&self, cell: &Cell, error: &Error) {
        let reached = if self.known(cell.train).is_some() { cell.evaluate } else { cell.train };
        let node = &self.plan.nodes[reached];
        let message = match error {
            Error::Cell { cell, message, .. } if *cell == node.subject => message.clone(),
            _ => error.to_string(),
        };
        let help = if error.help().is_empty() { String::new() } else { format!("; {}", error.help()) };
        self.reporter.emit(&Event::Failed(node.stage, &node.subject, &format!("{message}{help}")));
        let failure =
            Failure { cell: node.subject.clone(), stage: node.stage.name().into(), reason: error.to_string() };
        if let Err(error) = self.store.record_failure(node, &failure) {
            self.reporter.emit(&Event::Note(&format!("warning: {error}")));
        }
    }

    /// The state of every cell of the matrix: of this run, or as the cache has it.
    fn states(&self, outcomes: &BTreeMap<String, CellOutcome>) -> BTreeMap<String, CellState> {
        let state = |cell: &Cell| match outcomes.get(cell.id.as_str()) {
            Some(CellOutcome::Failed(reason)) => CellState::Failed { reason: reason.clone() },
            Some(CellOutcome::NotRun(reason) | CellOutcome::Forbidden(reason)) => {
                CellState::NotRun { reason: reason.clone() }
            }
            _ => self.state_in_cache(cell),
        };
        self.plan.cells.iter().map(|cell| (cell.id.to_string(), state(cell))).collect()
    }

    fn state_in_cache(&self, cell: &Cell) -> CellState {
        if self.local(cell) || self.foreign(cell).is_some() {
            return CellState::Done;
        }
        if let Some(reason) = self.damage(cell) {
            return CellState::Failed { reason };
        }
        let nodes = [&self.plan.nodes[cell.train], &self.plan.nodes[cell.evaluate]];
        match nodes.iter().find_map(|node| self.store.failure(node)) {
            Some(failure) => CellState::Failed { reason: failure.reason },
            None if self.store.work(nodes[0]).join(CHECKPOINT).exists() => {
                CellState::NotRun { reason: input::INTERRUPTED.into() }
            }
            None => CellState::NotRun { reason: "not run yet".into() },
        }
    }

    /// Whether a cell's results were made in this cache, and are there but perhaps for the weights.
    fn local(&self, cell: &Cell) -> bool {
        let hit = |id: NodeId| self.known(id).is_some() || matches!(self.evidence(id), Status::Hit(_));
        hit(cell.train) && hit(cell.evaluate)
    }

    /// Whether a cell's results are there but for its weights, which were left where the rest was brought from: enough for
    /// a report.
    pub fn is_evidence_only(&self, cell: &Cell) -> bool {
        self.store.is_without_weights(&self.plan.nodes[cell.train]) && self.local(cell)
    }

    /// A cell's results from a bundle, if there are none of this cache's own.
    pub fn foreign(&self, cell: &Cell) -> Option<Foreign> {
        let foreign = self.store.foreign(self.plan.nodes[cell.evaluate].fingerprint.as_str()).ok()??;
        (!self.local(cell)).then_some(foreign)
    }

    /// What is wrong with a cell's results from a bundle, if there are some and none of this cache's own.
    fn lost_import(&self, cell: &Cell) -> Option<String> {
        let error = self.store.foreign(self.plan.nodes[cell.evaluate].fingerprint.as_str()).err()?;
        let reason =
            format!("imported results are damaged: {error}; import the bundle again, or `train` the cell here");
        (!self.local(cell)).then_some(reason)
    }

    /// What is wrong with results that are there and cannot be used.
    fn damage(&self, cell: &Cell) -> Option<String> {
        let own = [cell.train, cell.evaluate].into_iter().find_map(|id| match self.evidence(id) {
            Status::Run(Reason::Damaged(message)) => Some(format!("damaged: {message}")),
            Status::Unreadable(message) => Some(message),
            _ => None,
        });
        own.or_else(|| self.lost_import(cell))
    }

    /// The cells whose results are there and cannot be used, with what is wrong.
    pub fn damaged(&self) -> Vec<(&'a Cell, String)> {
        let unusable = |cell: &&Cell| !self.local(cell) && self.foreign(cell).is_none();
        let cells = self.plan.cells.iter().filter(unusable);
        cells.filter_map(|cell| Some((cell, self.damage(cell)?))).collect()
    }

    /// Where the results of cells that are not this cache's own came from.
    pub fn origins(&self) -> BTreeMap<String, Origin> {
        let origin = |cell: &Cell| Some((cell.id.to_string(), self.foreign(cell)?.origin));
        self.plan.cells.iter().filter_map(origin).collect()
    }

    /// The result of a stage: from this run, from the cache, or by running it and what it needs.
    pub(crate) fn ensure(&self, id: NodeId) -> Result<Manifest> {
        let node = &self.plan.nodes[id];
        if let Some(manifest) = self.made(node) {
            return Ok(manifest);
        }
        let planned = Planned { runner: self, id };
        let only = self.options.only;
        if !only || (node.stage == self.options.upto && !matches!(planned.status(), Status::Hit(_))) {
            for &input in &node.inputs {
                self.ensure(input)?;
            }
        }
        self.bring(&planned)
    }

    fn counts(&self) -> MutexGuard<'_, BTreeMap<StageKind, (usize, usize)>> {
        lock(&self.counts)
    }

    /// The result of a stage, if this run has it already.
    pub(crate) fn known(&self, id: NodeId) -> Option<Manifest> {
        self.made(&self.plan.nodes[id])
    }
}

/// A stage of the plan.
struct Planned<'r, 'a> {
    runner: &'r Runner<'a>,
    id: NodeId,
}

impl Stage for Planned<'_, '_> {
    fn node(&self) -> &Node {
        &self.runner.plan.nodes[self.id]
    }

    fn status(&self) -> Status {
        self.runner.status(self.id)
    }

    fn explain(&self, reason: Reason) -> Reason {
        self.runner.explain(self.id, reason)
    }

    fn reads(&self) -> BTreeMap<String, String> {
        let (runner, node) = (self.runner, self.node());
        let read = |&input: &NodeId| {
            let content = store::content(&runner.known(input)?, node.stage);
            Some((runner.plan.nodes[input].fingerprint.to_string(), content))
        };
        node.inputs.iter().filter_map(read).collect()
    }

    fn work(&self, reason: &Reason, out: &Path) -> Result<Ran> {
        let (runner, node) = (self.runner, self.node());
        match &node.work {
            Work::Data(source) => fetch::data(runner, node, source, out).map(|()| (environment::here(), None)),
            Work::Weights(file) => fetch::weights(runner, node, file, out).map(|()| (environment::here(), None)),
            Work::Train(cell) => {
                if matches!(reason, Reason::Forced) {
                    crate::fs::remove(&runner.store.work(node))?;
                }
                process::train(runner, node, &runner.plan.cells[*cell], &runner.store.work(node), out)
            }
            Work::Evaluate(cell) => {
                let cell = &runner.plan.cells[*cell];
                let weights = runner.store.entry(&runner.plan.nodes[cell.train]).join(WEIGHTS);
                process::evaluate(runner, node, cell, &weights, out)
            }
            Work::Summarize => Ok((environment::here(), None)), // Stands in no plan: see `summary`.
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
