//! Carries out a plan: for every stage, look it up, run it if it is a miss, commit it.

mod decide;
mod environment;
mod estimate;
mod share;
mod fetch;
mod process;
mod bring;
mod calibrate;
mod summary;

use std::cmp::Reverse;
use std::collections::{BTreeMap, VecDeque};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::artifact::Manifest;
use crate::config::Loaded;
use crate::error::{Error, Result};
use crate::event::{Event, Reporter};
use crate::fingerprint::Fingerprint;
use crate::machine;
use crate::plan::{Cell, Node, NodeId, Plan, StageKind, Work};
use crate::report::input::{CellState, Origin};
use crate::store::{self, Foreign, Store};
use bring::{Ran, Stage};

pub use decide::{Reason, Status};
pub use estimate::Estimator;
pub use share::{Machine, Share, share};
pub use summary::{Outline, Published, setup};

/// Set when the user interrupts; workers are stopped and nothing new starts.
pub static INTERRUPTED: AtomicBool = AtomicBool::new(false);

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
    /// Options that choose this configuration again, for the commands in the report.
    pub invocation: String,
}

/// What a run came to.
#[derive(Debug)]
pub struct Outcome {
    /// How many stages were hits and how many ran.
    pub counts: BTreeMap<StageKind, (usize, usize)>,
    /// State of every cell of the matrix.
    pub states: BTreeMap<String, CellState>,
    /// Selected cells that failed, or could not run.
    pub missing: usize,
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
}

/// What became of one cell.
enum CellOutcome {
    Done,
    Failed(String),
    NotRun(String),
    Forbidden(String),
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
        Self { loaded, plan, store, reporter, options, done: Mutex::default(), counts: Mutex::default() }
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
        let states = self.states(&outcomes);
        let mut published = None;
        if self.options.upto >= StageKind::Plot {
            published = summary::summarize(self, &states, reports)?;
        }
        Ok(Outcome {
            counts: self.counts().clone(),
            states,
            missing: outcomes.values().filter(|outcome| !matches!(outcome, CellOutcome::Done)).count(),
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
        match self.ensure(weights) {
            Err(error @ (Error::Network { .. } | Error::Data { .. })) => {
                let reason = format!("weights missing: {error}");
                self.reporter.emit(&Event::Skipped(cell.id.as_str(), &reason));
                Ok(CellOutcome::NotRun(reason))
            }
            result => self.outcome_of(cell, result.map(|_| ())),
        }
    }

    /// Trains and evaluates the selected cells, `jobs` at a time.
    fn run_cells(&self) -> Result<BTreeMap<String, CellOutcome>> {
        let selected = self.plan.cells.iter().filter(|cell| cell.selected);
        // Whoever asks for a report takes imported results; whoever asks for a training gets one.
        let summarizes = self.options.upto >= StageKind::Plot;
        let (imported, wanted): (Vec<&Cell>, Vec<&Cell>) =
            selected.partition(|cell| summarizes && self.foreign(cell).is_some());
        let mut outcomes = BTreeMap::new();
        let mut queue = VecDeque::new();
        for cell in wanted {
            if let Some(reason) = self.lost_import(cell).filter(|_| summarizes) {
                self.reporter.emit(&Event::Skipped(cell.id.as_str(), &reason));
                outcomes.insert(cell.id.to_string(), CellOutcome::Failed(reason));
            } else {
                queue.push_back(cell);
            }
        }
        if !imported.is_empty() {
            self.reporter.emit(&Event::Note(&format!("imported: {} cells", imported.len())));
        }
        let jobs = self.prepare_queue(&mut queue);
        let (queue, outcomes) = (Mutex::new(queue), Mutex::new(outcomes));
        let fatal = Mutex::new(None);
        let stop = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for _ in 0..jobs {
                scope.spawn(|| {
                    loop {
                        // Taken in a statement of its own: the lock must not be held while the cell runs.
                        let next = lock(&queue).pop_front();
                        let Some(cell) = next else { break };
                        if stop.load(Ordering::Relaxed) {
                            lock(&outcomes)
                                .insert(cell.id.to_string(), CellOutcome::NotRun("another cell failed first".into()));
                            continue;
                        }
                        match self.run_cell(cell) {
                            Ok(outcome) => {
                                let failed = !matches!(outcome, CellOutcome::Done);
                                stop.fetch_or(failed && !self.options.keep_going, Ordering::Relaxed);
                                lock(&outcomes).insert(cell.id.to_string(), outcome);
                            }
                            Err(error) => {
                                stop.store(true, Ordering::Relaxed);
                                lock(&fatal).get_or_insert(error);
                            }
                        }
                    }
                });
            }
        });
        match fatal.into_inner().unwrap_or_else(PoisonError::into_inner) {
            Some(error) => Err(error),
            None => Ok(outcomes.into_inner().unwrap_or_else(PoisonError::into_inner)),
        }
    }

    /// Of the cells of a seed the longest first, so that no core waits in the end; how many can run at once.
    fn prepare_queue(&self, queue: &mut VecDeque<&Cell>) -> usize {
        let wanted = self.options.jobs.clamp(1, queue.len().max(1));
        let there = |cell: &Cell| self.store.entry(&self.plan.nodes[self.last_stage(cell)]).exists();
        let open: Vec<&Cell> = queue.iter().copied().filter(|cell| self.options.force || !there(cell)).collect();
        if open.is_empty() {
            return wanted; // Estimates read the records of every training, which a run without work need not wait for.
        }
        let estimator = Estimator::new(self.store, self.options);
        let milliseconds = |cell: &Cell| estimator.training(cell).map_or(u64::MAX, |seconds| (1000.0 * seconds) as u64);
        // The sort is stable: cells of one length, as those of the losses to be compared are, stay side by side.
        let cells = queue.make_contiguous();
        for of_a_seed in cells.chunk_by_mut(|a, b| a.training.seed == b.training.seed) {
            of_a_seed.sort_by_cached_key(|cell| Reverse(milliseconds(cell)));
        }
        let needs = |cell: &&Cell| estimator.memory(&cell.training);
        let fitting = share::fitting(wanted, machine::available_memory(), open.iter().map(needs));
        if fitting < wanted {
            let text = format!("{fitting} of {wanted} cells at a time: there is no memory for more");
            self.reporter.emit(&Event::Note(&text));
        }
        fitting
    }

    fn run_cell(&self, cell: &Cell) -> Result<CellOutcome> {
        // With `--only`, a cell that is there needs no weights any more.
        if !self.options.only {
            let brought = self.bring_weights(cell)?;
            if !matches!(brought, CellOutcome::Done) {
                return Ok(brought);
            }
        }
        self.outcome_of(cell, self.ensure(self.last_stage(cell)).map(|_| ()))
    }

    /// The last stage of a cell that this run brings about.
    fn last_stage(&self, cell: &Cell) -> NodeId {
        if self.options.upto == StageKind::Train { cell.train } else { cell.evaluate }
    }

    /// What an error means for a cell; errors that concern the whole run are passed on.
    fn outcome_of(&self, cell: &Cell, result: Result<()>) -> Result<CellOutcome> {
        let Err(error) = result else { return Ok(CellOutcome::Done) };
        let text = error.to_string();
        match error {
            Error::Interrupted { .. } | Error::Device { .. } | Error::Worker { .. } | Error::Io { .. } => Err(error),
            Error::Forbidden { .. } => {
                self.reporter.emit(&Event::Skipped(cell.id.as_str(), &text));
                Ok(CellOutcome::Forbidden(text))
            }
            _ => Ok(CellOutcome::Failed(text)),
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
            None => CellState::NotRun { reason: "not run yet".into() },
        }
    }

    /// Whether a cell's results were made in this cache, and are there but perhaps for the weights.
    fn local(&self, cell: &Cell) -> bool {
        let hit = |id: NodeId| self.known(id).is_some() || matches!(self.evidence(id), Status::Hit(_));
        hit(cell.train) && hit(cell.evaluate)
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
                process::train(runner, node, &runner.plan.cells[*cell], out)
            }
            Work::Evaluate(cell) => process::evaluate(runner, node, &runner.plan.cells[*cell], out),
            Work::Summarize => Ok((environment::here(), None)), // Stands in no plan: see `summary`.
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn interrupted() -> Error {
    Error::Interrupted {
        message: "finished epochs and cells are kept".into(),
        help: "run the same command again to go on".into(),
    }
}
