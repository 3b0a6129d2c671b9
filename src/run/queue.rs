//! The cells of a run: each thread takes the next one that nobody holds, finishes it, and takes the next.
//!
//! Any number of processes can do so at once on one cache, on any machines that see it: the cache is the queue.

use std::cmp::Reverse;
use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::{CellOutcome, Estimator, Runner, device, lock, share};
use crate::error::{Error, Result};
use crate::event::Event;
use crate::interrupt;
use crate::machine;
use crate::plan::{Cell, NodeId, StageKind};
use crate::report::ledger::ledger;

/// How often cells that others hold are looked at again where nothing else is left.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// The cells that are still to be looked at, and how those of before went.
struct Queue<'a> {
    waiting: Mutex<VecDeque<Waiting<'a>>>,
    outcomes: Mutex<BTreeMap<String, CellOutcome>>,
    /// Cells that this process has finished, in whatever way.
    finished: AtomicUsize,
    /// The first error that ends the run.
    fatal: Mutex<Option<Error>>,
    /// Whether no further cell is begun.
    stop: AtomicBool,
}

/// A cell in the queue.
struct Waiting<'a> {
    cell: &'a Cell,
    /// Who held it when it was passed by, and how many cells this process had finished then.
    passed_by: Option<(String, usize)>,
    /// Whether the user knows that it is waited for.
    told: bool,
}

impl Runner<'_> {
    /// Trains and evaluates the selected cells, `jobs` at a time.
    pub(super) fn run_cells(&self) -> Result<BTreeMap<String, CellOutcome>> {
        let mut queue = self.queue();
        let jobs = self.prepare(queue.waiting.get_mut().unwrap_or_else(PoisonError::into_inner));
        std::thread::scope(|scope| {
            for job in 0..jobs {
                let queue = &queue;
                scope.spawn(move || {
                    device::use_slot(job, &self.options.device);
                    while let Some(waiting) = self.next(queue) {
                        self.take(queue, waiting);
                    }
                });
            }
        });
        let Queue { waiting, mut outcomes, fatal, .. } = queue;
        if let Some(error) = fatal.into_inner().unwrap_or_else(PoisonError::into_inner) {
            return Err(error);
        }
        for left in waiting.into_inner().unwrap_or_else(PoisonError::into_inner) {
            let by = left.passed_by.map(|(by, _)| by).unwrap_or_default();
            let outcomes = outcomes.get_mut().unwrap_or_else(PoisonError::into_inner);
            outcomes.insert(left.cell.id.to_string(), CellOutcome::Held(by));
        }
        Ok(outcomes.into_inner().unwrap_or_else(PoisonError::into_inner))
    }

    /// The selected cells, less those whose results from elsewhere are taken or are damaged.
    fn queue(&self) -> Queue<'_> {
        let selected = self.plan.cells.iter().filter(|cell| cell.selected);
        // Whoever asks for a report takes imported results; whoever asks for a training gets one.
        let summarizes = self.options.upto >= StageKind::Plot;
        let (imported, wanted): (Vec<&Cell>, Vec<&Cell>) =
            selected.partition(|cell| summarizes && self.foreign(cell).is_some());
        let (mut outcomes, mut waiting) = (BTreeMap::new(), VecDeque::new());
        for cell in wanted {
            if summarizes && let Some(reason) = self.lost_import(cell) {
                self.reporter.emit(&Event::Skipped(cell.id.as_str(), &reason));
                outcomes.insert(cell.id.to_string(), CellOutcome::Failed(reason));
            } else if !(summarizes && self.is_evidence_only(cell)) {
                waiting.push_back(Waiting { cell, passed_by: None, told: false });
            }
        }
        if !imported.is_empty() {
            self.reporter.emit(&Event::Note(&format!("imported: {} cells", imported.len())));
        }
        Queue {
            waiting: Mutex::new(waiting),
            outcomes: Mutex::new(outcomes),
            finished: AtomicUsize::new(0),
            fatal: Mutex::new(None),
            stop: AtomicBool::new(false),
        }
    }

    /// Of the cells of a seed the longest first, so that no core waits in the end; how many can run at once.
    fn prepare(&self, waiting: &mut VecDeque<Waiting>) -> usize {
        let wanted = self.options.jobs.clamp(1, waiting.len().max(1));
        let cells = waiting.iter().map(|waiting| waiting.cell);
        let open: Vec<&Cell> = cells.filter(|cell| self.options.force || !self.is_there(cell)).collect();
        if open.is_empty() {
            return wanted; // Estimates read the records of every training, which a run without work need not wait for.
        }
        let estimator = Estimator::new(self.store, self.options);
        let milliseconds = |cell: &Cell| estimator.training(cell).map_or(u64::MAX, |seconds| (1000.0 * seconds) as u64);
        // The sort is stable: cells of one length, as those of the losses to be compared are, stay side by side.
        let cells = waiting.make_contiguous();
        for of_a_seed in cells.chunk_by_mut(|a, b| a.cell.training.seed == b.cell.training.seed) {
            of_a_seed.sort_by_cached_key(|waiting| Reverse(milliseconds(waiting.cell)));
        }
        let needs = |cell: &&Cell| estimator.memory(&cell.training);
        let fitting = share::fitting(wanted, machine::available_memory(), open.iter().map(needs));
        let open: Vec<_> = open.iter().map(|cell| (cell.id.to_string(), estimator.training(cell))).collect();
        self.reporter.emit(&Event::Queue(&open));
        if fitting < wanted {
            let text = format!("{fitting} of {wanted} cells at a time: there is no memory for more");
            self.reporter.emit(&Event::Note(&text));
        }
        fitting
    }

    /// Whether something stands where a cell's result will be.
    fn is_there(&self, cell: &Cell) -> bool {
        self.store.entry(&self.plan.nodes[self.last_stage(cell)]).exists()
    }

    /// Whether a selected cell is still to be made.
    pub fn has_open_cells(&self) -> bool {
        self.plan.cells.iter().any(|cell| cell.selected && !self.is_there(cell))
    }

    /// The next cell to try; `None` if there is none, or if others hold all that are left and they are not waited for.
    fn next<'a>(&self, queue: &Queue<'a>) -> Option<Waiting<'a>> {
        let mut waiting = lock(&queue.waiting);
        let next = waiting.front_mut()?;
        let finished = queue.finished.load(Ordering::Relaxed);
        let nothing_new = next.passed_by.as_ref().is_some_and(|(_, before)| *before == finished);
        if !nothing_new || queue.stop.load(Ordering::Relaxed) {
            return waiting.pop_front();
        }
        if !self.options.wait {
            return None;
        }
        let mut next = waiting.pop_front()?;
        drop(waiting);
        if !next.told {
            self.reporter.emit(&Event::Waiting(StageKind::Train, next.cell.id.as_str()));
            next.told = true;
        }
        std::thread::sleep(LOOK_AGAIN);
        Some(next)
    }

    /// Runs a cell, or passes it by if another process or thread holds it.
    fn take<'a>(&self, queue: &Queue<'a>, mut waiting: Waiting<'a>) {
        let id = waiting.cell.id.to_string();
        let outcome = if let Err(interrupted) = interrupt::check() {
            Err(interrupted)
        } else if queue.stop.load(Ordering::Relaxed) {
            Ok(CellOutcome::NotRun("another cell failed first".into()))
        } else {
            self.run_cell(waiting.cell)
        };
        match outcome {
            Ok(CellOutcome::Held(by)) => {
                waiting.passed_by = Some((by, queue.finished.load(Ordering::Relaxed)));
                lock(&queue.waiting).push_back(waiting);
                return;
            }
            Ok(outcome) => {
                let failed = !matches!(outcome, CellOutcome::Done);
                queue.stop.fetch_or(failed && !self.options.keep_going, Ordering::Relaxed);
                lock(&queue.outcomes).insert(id, outcome);
                self.tell_decided();
            }
            Err(error) => {
                queue.stop.store(true, Ordering::Relaxed);
                lock(&queue.fatal).get_or_insert(error);
            }
        }
        queue.finished.fetch_add(1, Ordering::Relaxed);
    }

    /// What the claims have come to, for the live line: only where there is one, since all results are read for it.
    fn tell_decided(&self) {
        if self.reporter.is_live()
            && let Ok(content) = self.content()
        {
            self.reporter.emit(&Event::Decided(&format!("claims: {}", ledger(&content).in_brief())));
        }
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
}
