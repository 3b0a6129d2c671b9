//! The plot and report stages: gathers the results of all cells, renders them, and publishes the report.

mod gather;

pub use gather::{Outline, setup};

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use serde_json::{Value, json};

use super::{Runner, environment, manifest};
use crate::artifact::Manifest;
use crate::error::{Error, Result};
use crate::event::Event;
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
    let frame = gather::frame(runner, states);
    let sources = gather::sources(runner, states);
    let contents = |reader| {
        sources.iter().map(|(_, node, read)| (node.fingerprint.to_string(), store::content(read, reader))).collect()
    };
    let inputs: Vec<(String, &Node)> = sources.iter().map(|(role, node, _)| (role.clone(), *node)).collect();
    let profile = &runner.loaded.profile;
    // Filled at most once, and not at all when everything is there.
    let filled = std::cell::OnceCell::new();
    let fill = || -> Result<&ReportInput> {
        if filled.get().is_none() {
            let _ = filled.set(gather::fill(runner, frame.clone())?);
        }
        filled.get().ok_or_else(|| Error::Render { what: "report".into(), message: "nothing gathered".into() })
    };
    let plot = summary(StageKind::Plot, profile, plot_recipe(&frame), &inputs);
    let drawn = run(runner, &plot, contents(StageKind::Plot), |out| draw(fill()?, out))?;
    if runner.options.upto == StageKind::Plot {
        return Ok(None);
    }
    let mut inputs = inputs.clone();
    inputs.push(("figures".to_owned(), &plot));
    let mut read: BTreeMap<String, String> = contents(StageKind::Report);
    read.insert(plot.fingerprint.to_string(), store::content(&drawn, StageKind::Report));
    let recipe = serde_json::to_value(&frame).map_err(|error| fault("report", &error.to_string()))?;
    let report = summary(StageKind::Report, profile, recipe, &inputs);
    let drawn_at = runner.store.entry(&plot);
    let written = run(runner, &report, read, |out| write(fill()?, &drawn_at, out))?;
    let folder = reports.join(profile);
    let entry = runner.store.entry(&report);
    publish(runner, &entry, &written, &folder)?;
    Ok(Some(Published { folder, entry, plot: drawn, report: written }))
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
    })
}

/// Runs a summarising stage if it is a miss.
fn run(
    runner: &Runner,
    node: &Node,
    read: BTreeMap<String, String>,
    work: impl FnOnce(&Path) -> Result<()>,
) -> Result<Manifest> {
    let forced = runner.options.force && runner.options.upto == node.stage;
    if let (Ok(manifest), false) = (check(runner, node, &read), forced) {
        runner.reporter.emit(&Event::Hit(node.stage, &node.subject));
        runner.count(node.stage, false);
        return Ok(*manifest);
    }
    if runner.options.only && node.stage != runner.options.upto {
        return Err(Error::Forbidden {
            message: format!(
                "needs the {} of {}, which is not there and which --only forbids",
                node.stage.name(),
                node.subject
            ),
            help: "run the command without `--only`".into(),
        });
    }
    let claim = runner.store.claim(node, || runner.reporter.emit(&Event::Waiting(node.stage, &node.subject)))?;
    let reason = match check(runner, node, &read) {
        Ok(manifest) if !forced => {
            runner.count(node.stage, false);
            return Ok(*manifest);
        }
        Ok(_) => "forced".to_owned(),
        Err(reason) => reason,
    };
    runner.reporter.emit(&Event::Started { stage: node.stage, subject: &node.subject, reason: &reason });
    let (started, clock) = (environment::now(), Instant::now());
    work(claim.staging())?;
    let manifest = manifest(runner, node, read, environment::here(), &started, clock.elapsed().as_secs_f64());
    let manifest = claim.commit(runner.store, manifest)?;
    runner.count(node.stage, true);
    runner.reporter.emit(&Event::Finished(node.stage, &node.subject, clock.elapsed().as_secs_f64()));
    Ok(manifest)
}

/// The result of a summarising stage, or why it is not there.
fn check(runner: &Runner, node: &Node, read: &BTreeMap<String, String>) -> Result<Box<Manifest>, String> {
    match runner.store.lookup(node) {
        Lookup::Hit(manifest) if manifest.inputs == *read => Ok(manifest),
        Lookup::Hit(_) => Err("the results changed".to_owned()),
        Lookup::Damaged(message) | Lookup::Unreadable(message) => Err(format!("made again: {message}")),
        Lookup::Absent => Err("not made yet for these results".to_owned()),
    }
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
    pub fn summaries(&self) -> [(StageKind, String, Option<String>); 2] {
        let states = self.states(&BTreeMap::new());
        let frame = gather::frame(self, &states);
        let sources = gather::sources(self, &states);
        let content = |reader| -> BTreeMap<String, String> {
            sources.iter().map(|(_, node, read)| (node.fingerprint.to_string(), store::content(read, reader))).collect()
        };
        let mut inputs: Vec<(String, &Node)> = sources.iter().map(|(role, node, _)| (role.clone(), *node)).collect();
        let profile = &self.loaded.profile;
        let plot = summary(StageKind::Plot, profile, plot_recipe(&frame), &inputs);
        let drawn = check(self, &plot, &content(StageKind::Plot));
        let mut read = content(StageKind::Report);
        if let Ok(manifest) = &drawn {
            read.insert(plot.fingerprint.to_string(), store::content(manifest, StageKind::Report));
        }
        inputs.push(("figures".to_owned(), &plot));
        let recipe = serde_json::to_value(&frame).unwrap_or_default();
        let report = summary(StageKind::Report, profile, recipe, &inputs);
        let written = check(self, &report, &read);
        let entry =
            |node: &Node, found: Result<Box<Manifest>, String>| (node.stage, node.fingerprint.to_string(), found.err());
        [entry(&plot, drawn), entry(&report, written)]
    }
}
