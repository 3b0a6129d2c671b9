//! The plot and report stages: gathers the results of all cells, renders them, and publishes the report.

mod gather;

pub use gather::{Outline, cell_command, setup};

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::bring::{Ran, Stage};
use super::{Reason, Runner, Status, environment};
use crate::artifact::Manifest;
use crate::error::{Error, Result};
use crate::fs;
use crate::plan::{Node, StageKind, summary};
use crate::report;
use crate::report::derived::Derived;
use crate::report::figure::{Figure, figures};
use crate::report::frame::{Frame, Planned};
use crate::report::input::{CellState, ReportInput, Row, Table};
use crate::store::{self, Lookup, MANIFEST};

/// Index of the figures in a plot's entry.
const FIGURES: &str = "figures.json";

/// Where a report was published, and what made it.
#[derive(Debug, Clone)]
pub struct Published {
    /// The folder.
    pub folder: PathBuf,
    /// The report's entry in the cache.
    pub entry: PathBuf,
    /// Manifest of the figures.
    pub plot: Manifest,
    /// Manifest of the report.
    pub report: Manifest,
}

/// Draws the figures and, if asked for, writes and publishes the report.
pub(super) fn summarize(
    runner: &Runner,
    states: &BTreeMap<String, CellState>,
    reports: &Path,
) -> Result<Option<Published>> {
    let summaries = Summaries::new(runner, states)?;
    // Filled at most once, and not at all when everything is there.
    let filled = OnceCell::new();
    let fill = || -> Result<&ReportInput> {
        if filled.get().is_none() {
            let _ = filled.set(gather::fill(runner, summaries.frame.clone())?);
        }
        filled.get().ok_or_else(|| fault("report", "nothing gathered"))
    };
    let draw = |out: &Path| draw(fill()?, out);
    let plot = Summary { runner, node: &summaries.plot, reads: summaries.reads(StageKind::Plot), write: &draw };
    let drawn = runner.bring(&plot)?;
    if runner.options.upto == StageKind::Plot {
        return Ok(None);
    }
    let drawn_at = runner.store.entry(&summaries.plot);
    let write = |out: &Path| write(fill()?, &drawn_at, out);
    let report = Summary { runner, node: &summaries.report, reads: summaries.report_reads(&drawn), write: &write };
    let written = runner.bring(&report)?;
    let folder = reports.join(&runner.loaded.profile);
    let entry = runner.store.entry(&summaries.report);
    publish(runner, &entry, &written, &folder)?;
    Ok(Some(Published { folder, entry, plot: drawn, report: written }))
}

/// Figures and report over the results that are there: they follow from the plan and from what its cells came to.
struct Summaries<'a> {
    frame: Frame,
    /// What both read, with its role and manifest.
    sources: Vec<(String, &'a Node, Manifest)>,
    plot: Node,
    report: Node,
}

impl<'a> Summaries<'a> {
    fn new(runner: &Runner<'a>, states: &BTreeMap<String, CellState>) -> Result<Self> {
        let (frame, sources) = (gather::frame(runner, states), gather::sources(runner, states));
        let mut inputs: Vec<(String, &Node)> = sources.iter().map(|(role, node, _)| (role.clone(), *node)).collect();
        let profile = &runner.loaded.profile;
        let plot = summary(StageKind::Plot, profile, plot_recipe(&frame), &inputs);
        inputs.push(("figures".to_owned(), &plot));
        let recipe = serde_json::to_value(&frame).map_err(|error| fault("report", &error.to_string()))?;
        let report = summary(StageKind::Report, profile, recipe, &inputs);
        Ok(Self { frame, sources, plot, report })
    }

    /// Digests of what a stage reads of the results, by their fingerprints.
    fn reads(&self, reader: StageKind) -> BTreeMap<String, String> {
        let read =
            |(_, node, read): &(String, &Node, Manifest)| (node.fingerprint.to_string(), store::content(read, reader));
        self.sources.iter().map(read).collect()
    }

    /// The report reads the figures too.
    fn report_reads(&self, drawn: &Manifest) -> BTreeMap<String, String> {
        let mut reads = self.reads(StageKind::Report);
        reads.insert(self.plot.fingerprint.to_string(), store::content(drawn, StageKind::Report));
        reads
    }
}

/// Figures or report as a stage.
struct Summary<'r, 'a> {
    runner: &'r Runner<'a>,
    node: &'r Node,
    reads: BTreeMap<String, String>,
    write: &'r dyn Fn(&Path) -> Result<()>,
}

impl Stage for Summary<'_, '_> {
    fn node(&self) -> &Node {
        self.node
    }

    fn status(&self) -> Status {
        status(self.runner, self.node, &self.reads)
    }

    fn explain(&self, reason: Reason) -> Reason {
        reason
    }

    fn reads(&self) -> BTreeMap<String, String> {
        self.reads.clone()
    }

    fn work(&self, _: &Reason, out: &Path) -> Result<Ran> {
        (self.write)(out).map(|()| (environment::here(), None))
    }
}

/// Whether figures or report would be made. They are made in a second, so what cannot be read is written over.
fn status(runner: &Runner, node: &Node, reads: &BTreeMap<String, String>) -> Status {
    match runner.store.lookup(node) {
        Lookup::Hit(manifest) if manifest.inputs == *reads => Status::Hit(manifest),
        Lookup::Hit(_) => Status::Run(Reason::Results),
        Lookup::Damaged(message) | Lookup::Unreadable(message) => Status::Run(Reason::Damaged(message)),
        Lookup::Absent => Status::Run(Reason::New),
    }
}

/// The parts of a report's frame that figures depend on.
fn plot_recipe(frame: &Frame) -> Value {
    let row = |table: &Table, row: &Row| {
        json!([table.id, table.number, row.network, row.initialization, row.loss, row.loss_title, row.paper, row.cells])
    };
    let rows: Vec<Value> =
        frame.tables.iter().flat_map(|table| table.rows.iter().map(move |each| row(table, each))).collect();
    let cell = |cell: &Planned| json!([cell.id, cell.seed, cell.state, cell.deviations, cell.origin]);
    json!({
        "rows": rows,
        "cells": frame.cells.iter().map(cell).collect::<Vec<_>>(),
        "curves": frame.curves,
        "dataset": frame.dataset,
        "samples": frame.samples_per_class,
        "paper_images": frame.paper.test_images,
        "claims": frame.paper.claims,
        "assumptions": frame.paper.assumptions,
    })
}

fn draw(input: &ReportInput, out: &Path) -> Result<()> {
    let figures = figures(input)?;
    for figure in &figures {
        fs::write_atomic(&out.join(&figure.file), figure.svg.as_bytes())?;
    }
    fs::write_atomic(&out.join(FIGURES), &report::json(&figures)?)
}

fn write(input: &ReportInput, drawn: &Path, out: &Path) -> Result<()> {
    let path = drawn.join(FIGURES);
    let figures: Vec<Figure> = serde_json::from_slice(&fs::read(&path)?)
        .map_err(|error| Error::data(&path, error.to_string(), "run `fpl-repro plot --force`"))?;
    for (name, bytes) in report::files(&Derived::new(input), &figures)? {
        fs::write_atomic(&out.join(name), &bytes)?;
    }
    Ok(())
}

/// Copies what changed of a report to `reports/<profile>/`, and removes files of the report before it.
fn publish(runner: &Runner, entry: &Path, written: &Manifest, folder: &Path) -> Result<()> {
    let _lock = runner.store.lock(&format!("publish-{}", runner.loaded.profile))?;
    let current = |name: &str| {
        let output = &written.outputs[name];
        runner.store.matches(&folder.join(name), output)
    };
    let before = store::read_manifest(folder).map(|manifest| manifest.outputs).unwrap_or_default();
    for name in written.outputs.keys().filter(|name| !current(name)) {
        fs::write_atomic(&folder.join(name), &fs::read(&entry.join(name))?)?;
    }
    for name in before.keys().filter(|name| !written.outputs.contains_key(*name) && is_ours(name)) {
        fs::remove(&folder.join(name))?;
    }
    let manifest = fs::read(&entry.join(MANIFEST))?;
    if std::fs::read(folder.join(MANIFEST)).ok().as_ref() != Some(&manifest) {
        fs::write_atomic(&folder.join(MANIFEST), &manifest)?;
    }
    Ok(())
}

/// A manifest in a folder that others can write to must not make us remove anything else.
fn is_ours(name: &str) -> bool {
    let folder = name.split_once('/').map_or("", |(folder, _)| folder);
    let plain = !name.starts_with('/') && !name.contains("..");
    plain && (report::FOLDERS.contains(&folder) || folder.is_empty() && report::TOP.contains(&name))
}

fn fault(what: &str, message: &str) -> Error {
    Error::Render { what: what.to_owned(), message: message.to_owned() }
}

impl Runner<'_> {
    /// Makes and publishes the report on what the cache has; no cell runs.
    pub fn publish(&self, reports: &Path) -> Result<Option<Published>> {
        let _held = self.store.hold()?;
        let published = summarize(self, &self.states(&BTreeMap::new()), reports);
        self.store.save_memo();
        published
    }

    /// The report's content as the cache stands.
    pub fn content(&self) -> Result<ReportInput> {
        gather::fill(self, gather::frame(self, &self.states(&BTreeMap::new())))
    }

    /// The plot and report stages as the cache stands: stage, fingerprint, and why it is not a hit.
    pub fn summaries(&self) -> Result<[(StageKind, String, Option<Reason>); 2]> {
        let summaries = Summaries::new(self, &self.states(&BTreeMap::new()))?;
        let drawn = status(self, &summaries.plot, &summaries.reads(StageKind::Plot));
        let reads = match &drawn {
            Status::Hit(manifest) => summaries.report_reads(manifest),
            _ => summaries.reads(StageKind::Report),
        };
        let written = status(self, &summaries.report, &reads);
        let entry = |node: &Node, found| {
            let reason = match found {
                Status::Run(reason) | Status::Maybe(reason) => Some(reason),
                Status::Hit(_) | Status::Unreadable(_) => None, // The latter is none that `status` gives.
            };
            (node.stage, node.fingerprint.to_string(), reason)
        };
        Ok([entry(&summaries.plot, drawn), entry(&summaries.report, written)])
    }
}
