//! `plan` and `status`: what is there, what would run, and why. Nothing is run and nothing is written.

use std::cell::LazyCell;
use std::collections::{BTreeSet, HashMap};
use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::Serialize;

use super::{Session, decidable, print, print_json};
use crate::artifact::METRICS;
use crate::error::Result;
use crate::fingerprint::Difference;
use crate::number::{duration, plural};
use crate::plan::{Cell, NodeId, StageKind, Work};
use crate::results::read_metrics;
use crate::run::{Estimator, Reason, Runner, Status, cell_command};
use crate::store::{Failure, Foreign, Holder};

/// Seconds without a sign of life that a reader is told of: more than what lies between two.
const SILENT: u64 = 60;

/// `plan --json`.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct PlanDocument {
    /// Name of the profile; `paper` for none.
    profile: String,
    /// Every stage of `all`, inputs first.
    stages: Vec<Entry>,
    /// Every selected cell.
    cells: Vec<PlannedCell>,
    /// Estimated seconds of the trainings to run whose time is known, with `jobs` at a time.
    training_seconds: f64,
    /// Trainings to run whose time is not known.
    trainings_of_unknown_time: usize,
    /// Cells at once.
    jobs: usize,
}

/// A cell, for whoever runs cells by another scheduler.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct PlannedCell {
    /// `table2/resnet18/random/fpl/seed0`
    id: String,
    /// The last stage of it that `all` runs.
    stage: &'static str,
    /// Of that stage.
    fingerprint: String,
    /// `hit`, `imported`, `run`, `maybe` or `unreadable`.
    state: &'static str,
    /// The command that makes exactly this cell.
    command: String,
    /// Estimated seconds of its training; null if unknown or there.
    seconds: Option<f64>,
}

/// A stage, as `plan --json` and `status --json` print it.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Entry {
    /// `fetch`, `train`, `evaluate`, `plot` or `report`.
    stage: &'static str,
    /// A cell's id, the data's name, a profile.
    subject: String,
    /// Null for figures and report while cells are to run: what those give is a part of it.
    fingerprint: Option<String>,
    /// `hit`, `imported`, `run`, `maybe` or `unreadable`.
    state: &'static str,
    /// Why it is not a hit; empty for a hit.
    reason: String,
    /// Fields that differ from the last result for the same subject.
    changes: Vec<Difference>,
    /// Estimated seconds of a training; null if unknown or there.
    seconds: Option<f64>,
    /// Why it failed when it last ran; empty if it did not.
    failure: String,
    /// Who works on it now.
    #[serde(skip_serializing_if = "Option::is_none")]
    held: Option<Held>,
}

/// Who works on a stage.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Held {
    /// Name of the machine.
    host: String,
    /// Process id there.
    process: u32,
    /// The batch system's job; empty outside one.
    job: String,
    /// RFC 3339, by the clock of that machine.
    since: String,
    /// Seconds since its last sign of life, as far as clocks agree.
    silent: u64,
    /// Epochs of the training that are done; null for an evaluation.
    epoch: Option<u32>,
    /// Epochs of the training in all; null for an evaluation.
    epochs: Option<u32>,
}

impl std::fmt::Display for Held {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { host, process, job, since, silent, epoch, epochs } = self;
        let who = if job.is_empty() { format!("process {process}") } else { format!("job {job}") };
        write!(formatter, "held by {who} on {host} since {since}")?;
        if let (Some(epoch), Some(epochs)) = (epoch, epochs) {
            write!(formatter, ", epoch {epoch} of {epochs} done")?;
        }
        if *silent > SILENT { write!(formatter, ", no sign of life for {}", duration(*silent as f64)) } else { Ok(()) }
    }
}

/// Prints every stage of `all` with hit or miss, reason and estimated time, and what can be decided; exit code 0.
pub(super) fn plan(session: &Session, calibrate: bool, budget: Option<f64>, json: bool) -> Result<u8> {
    if calibrate {
        session.runner().calibrate()?;
    }
    let entries = survey(session)?;
    if json {
        print_json(&document(session, entries))?;
        return Ok(0);
    }
    let mut text = String::new();
    for entry in &entries {
        let time = match (entry.state, entry.stage, entry.seconds) {
            ("hit" | "imported", _, _) => String::new(),
            (_, "train", None) => "  [time unknown]".into(),
            (_, _, None) => String::new(),
            (_, _, Some(seconds)) => format!("  [{}]", duration(seconds)),
        };
        let state =
            if entry.reason.is_empty() { entry.state.to_owned() } else { format!("{}: {}", entry.state, entry.reason) };
        let _ = writeln!(text, "{:<8} {:<44} {state}{time}", entry.stage, entry.subject);
    }
    text.push_str(&totals(session, &entries));
    let _ = write!(text, "\n{}", decidable::by_seeds(session));
    let to_train = |cell: &Cell| {
        let of_cell = |entry: &&Entry| entry.stage == StageKind::Train.name() && entry.subject == cell.id.as_str();
        entries.iter().find(of_cell).is_some_and(|entry| entry.state == "run")
    };
    if let Some(first) = decidable::readings_first(session, to_train) {
        let _ = write!(text, "\n{first}");
    }
    if let Some(budget) = budget {
        let _ = write!(text, "\n{}", decidable::in_budget(session, budget)?);
    }
    print(text.trim_end());
    Ok(0)
}

fn document(session: &Session, entries: Vec<Entry>) -> PlanDocument {
    let trainings = Trainings::of(session, &entries);
    let places: HashMap<(&str, &str), &Entry> =
        entries.iter().rev().map(|entry| ((entry.stage, entry.subject.as_str()), entry)).collect();
    let of = |stage: StageKind, id: &str| places.get(&(stage.name(), id)).copied();
    let planned = |cell: &Cell| {
        let evaluation = of(StageKind::Evaluate, cell.id.as_str())?;
        Some(PlannedCell {
            id: cell.id.to_string(),
            stage: evaluation.stage,
            fingerprint: evaluation.fingerprint.clone().unwrap_or_default(),
            state: evaluation.state,
            command: cell_command(&session.options.invocation, cell),
            seconds: of(StageKind::Train, cell.id.as_str())
                .filter(|train| train.state == "run")
                .and_then(|train| train.seconds),
        })
    };
    PlanDocument {
        profile: session.loaded.profile.clone(),
        cells: session.plan.cells.iter().filter(|cell| cell.selected).filter_map(planned).collect(),
        training_seconds: trainings.known / trainings.jobs as f64,
        trainings_of_unknown_time: trainings.unknown,
        jobs: trainings.jobs,
        stages: entries,
    }
}

/// The trainings that `all` would run.
struct Trainings {
    count: usize,
    /// Seconds of those whose time is known.
    known: f64,
    /// How many are of unknown time.
    unknown: usize,
    /// How many run at once.
    jobs: usize,
}

impl Trainings {
    fn of(session: &Session, entries: &[Entry]) -> Self {
        let trainings: Vec<&Entry> =
            entries.iter().filter(|entry| entry.stage == "train" && entry.state == "run").collect();
        Self {
            count: trainings.len(),
            known: trainings.iter().filter_map(|entry| entry.seconds).sum(),
            unknown: trainings.iter().filter(|entry| entry.seconds.is_none()).count(),
            jobs: session.options.jobs.min(trainings.len()).max(1),
        }
    }
}

fn totals(session: &Session, entries: &[Entry]) -> String {
    let count = |state: &str| entries.iter().filter(|entry| entry.state == state).count();
    let Trainings { count: trainings, known, unknown, jobs } = Trainings::of(session, entries);
    let mut text = format!("{} stages: {} cached, {} to run", entries.len(), count("hit"), count("run"));
    if count("imported") > 0 {
        let _ = write!(text, ", {} imported", count("imported"));
    }
    if count("maybe") > 0 {
        let _ = write!(text, ", {} depending on their inputs", count("maybe"));
    }
    if trainings > 0 {
        let threads = session.options.threads as usize;
        match (trainings - unknown, unknown) {
            (0, _) => text.push_str("; training time unknown: `fpl-repro plan --calibrate` measures it"),
            (_, unknown) => {
                let _ = write!(
                    text,
                    "; training about {} with {jobs} at a time, {} each",
                    duration(known / jobs as f64),
                    plural(threads, "thread")
                );
                if unknown > 0 {
                    let _ = write!(text, ", not counting {unknown} of unknown time");
                }
            }
        }
    }
    text
}

/// Prints what is there and what is stale; exit code 0.
pub(super) fn status(session: &Session, json: bool) -> Result<u8> {
    let entries = survey(session)?;
    if json {
        print_json(&entries)?;
        return Ok(0);
    }
    let mut text = String::new();
    for entry in &entries {
        let state = match (entry.state, entry.changes.is_empty()) {
            ("hit", _) => "there",
            ("imported", _) => "imported",
            ("run", false) => "stale",
            ("run", true) => "missing",
            ("unreadable", _) => "unreadable",
            _ => "unsure",
        };
        let short = entry.fingerprint.as_deref().map_or("—", |fingerprint| &fingerprint[..12]);
        let _ = writeln!(text, "{:<8} {:<44} {short:<12} {state}", entry.stage, entry.subject);
        for change in &entry.changes {
            let _ = writeln!(text, "         {change}");
        }
        if !entry.reason.is_empty() && entry.changes.is_empty() && entry.reason != "not made yet" {
            let _ = writeln!(text, "         {}", entry.reason);
        }
        if !entry.failure.is_empty() {
            let _ = writeln!(text, "         failed: {}", entry.failure);
        }
        if let Some(held) = &entry.held {
            let _ = writeln!(text, "         {held}");
        }
    }
    print(text.trim_end());
    Ok(0)
}

fn survey(session: &Session) -> Result<Vec<Entry>> {
    let runner = session.runner();
    let (mut wanted, mut imported) = (BTreeSet::from([session.plan.data]), Vec::new());
    for cell in session.plan.cells.iter().filter(|cell| cell.selected) {
        if let Some(foreign) = runner.foreign(cell) {
            imported.push(imported_entry(session, cell, &foreign));
            continue;
        }
        for id in with_inputs(&runner, cell.evaluate) {
            wanted.insert(id);
        }
    }
    let mut wanted: Vec<NodeId> = wanted.into_iter().collect();
    wanted.sort_by_key(|&id| (session.plan.nodes[id].stage, id));
    // The records of every training are looked through, which a plan without one need not wait for.
    let estimator = LazyCell::new(|| Estimator::new(&session.store, &session.options));
    let seconds = |cell: &Cell| estimator.training(cell);
    let failures = session.store.failures();
    let mut entries: Vec<Entry> = wanted.iter().map(|&id| entry(session, &runner, &failures, &seconds, id)).collect();
    hold(session, &wanted, &mut entries)?;
    entries.extend(imported);
    let some = |entries: &[Entry], state: &str| entries.iter().any(|entry| entry.state == state);
    let (runs, maybe) = (some(&entries, "run"), some(&entries, "maybe"));
    if runs {
        let after = |stage| summary_entry(session, stage, None, ("run", "after the cells".to_owned()));
        entries.extend([StageKind::Plot, StageKind::Report].map(after));
    } else {
        let as_it_stands = |(stage, fingerprint, reason): (StageKind, String, Option<Reason>)| {
            let state = match reason {
                None if maybe => ("maybe", "runs if a result comes out different".to_owned()),
                None => ("hit", String::new()),
                Some(reason) => ("run", reason.to_string()),
            };
            summary_entry(session, stage, Some(fingerprint), state)
        };
        entries.extend(runner.summaries()?.map(as_it_stands));
    }
    session.store.save_memo();
    Ok(entries)
}

/// Figures or report.
fn summary_entry(
    session: &Session,
    stage: StageKind,
    fingerprint: Option<String>,
    found: (&'static str, String),
) -> Entry {
    Entry {
        stage: stage.name(),
        subject: session.loaded.profile.clone(),
        fingerprint,
        state: found.0,
        reason: found.1,
        changes: Vec::new(),
        seconds: None,
        failure: String::new(),
        held: None,
    }
}

/// A cell whose results came in a bundle: `all` runs neither of its stages.
fn imported_entry(session: &Session, cell: &Cell, foreign: &Foreign) -> Entry {
    Entry {
        stage: StageKind::Evaluate.name(),
        subject: cell.id.to_string(),
        fingerprint: Some(session.plan.nodes[cell.evaluate].fingerprint.to_string()),
        state: "imported",
        reason: format!(
            "from `{}` (sha256 {}…)",
            foreign.origin.file,
            foreign.origin.bundle.get(..12).unwrap_or_default()
        ),
        changes: Vec::new(),
        seconds: None,
        failure: String::new(),
        held: None,
    }
}

/// A stage and everything it reads, inputs first.
fn with_inputs(runner: &Runner, id: NodeId) -> Vec<NodeId> {
    let node = &runner.plan.nodes[id];
    let mut found: Vec<NodeId> = node.inputs.iter().flat_map(|&input| with_inputs(runner, input)).collect();
    found.push(id);
    found
}

/// Adds to the stages who works on them.
fn hold(session: &Session, nodes: &[NodeId], entries: &mut [Entry]) -> Result<()> {
    let mut holders = session.store.holders()?;
    for (&id, entry) in nodes.iter().zip(entries) {
        let node = &session.plan.nodes[id];
        let Some((holder, silent)) = holders.remove(&(node.stage.name().to_owned(), node.fingerprint.to_string()))
        else {
            continue;
        };
        let epochs = if let Work::Train(cell) = node.work {
            Some(session.plan.cells[cell].training.recipe.epochs)
        } else {
            None
        };
        let done = || read_metrics(&session.store.work(node).join(METRICS)).map_or(0, |epochs| epochs.len() as u32);
        let Holder { host, process, job, since, .. } = holder;
        entry.held =
            Some(Held { host, process, job, since, silent: silent.as_secs(), epoch: epochs.map(|_| done()), epochs });
    }
    Ok(())
}

fn entry(
    session: &Session,
    runner: &Runner,
    failures: &HashMap<String, Failure>,
    seconds: &dyn Fn(&Cell) -> Option<f64>,
    id: NodeId,
) -> Entry {
    let node = &session.plan.nodes[id];
    let cell = match node.work {
        Work::Train(cell) | Work::Evaluate(cell) => Some(&session.plan.cells[cell]),
        _ => None,
    };
    let found = match (runner.status(id), cell) {
        (Status::Run(Reason::New), _) => Status::Run(Reason::New),
        (_, Some(cell)) if runner.is_evidence_only(cell) => runner.evidence(id),
        (found, _) => found,
    };
    let (state, reason) = match found {
        Status::Hit(_) => ("hit", None),
        Status::Run(reason) => ("run", Some(runner.explain(id, reason))),
        Status::Maybe(reason) => ("maybe", Some(reason)),
        Status::Unreadable(reason) => ("unreadable", Some(Reason::Damaged(reason))),
    };
    Entry {
        stage: node.stage.name(),
        subject: node.subject.clone(),
        fingerprint: Some(node.fingerprint.to_string()),
        state,
        changes: match &reason {
            Some(Reason::Changed(changes)) => changes.clone(),
            _ => Vec::new(),
        },
        reason: reason.map(|reason| reason.to_string()).unwrap_or_default(),
        seconds: cell.filter(|_| node.stage == StageKind::Train && state != "hit").and_then(seconds),
        // One of before a result that is there by now says nothing.
        failure: failures
            .get(node.fingerprint.as_str())
            .filter(|_| state != "hit")
            .map_or_else(String::new, |failure| failure.reason.clone()),
        held: None,
    }
}
