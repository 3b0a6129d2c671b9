//! Cells as the report shows them: where a number came from, and why one is missing.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::input::{Cell, CellState, Dataset, ReportInput, Row, Table};
use super::protocols::Protocols;
use crate::number::{count, duration, listed, mean_of, plural, short, slug};

/// A link to a cell's provenance.
#[derive(Debug, Clone, Serialize)]
pub struct CellLink {
    /// `#cell-…`
    pub href: String,
    /// `seed 0`
    pub text: String,
    /// `done`, `failed` or `not run`.
    pub state: &'static str,
    /// The fingerprint's first digits.
    pub short: String,
}

/// What is behind the numbers of a row.
#[derive(Debug, Clone, Serialize)]
pub struct Source {
    /// `done`, `partial`, `failed` or `not run`.
    pub state: &'static str,
    /// Cells with results.
    pub done: usize,
    /// Cells asked for.
    pub planned: usize,
    /// Whether a result behind the numbers is from a reduced run.
    pub reduced: bool,
    /// How the cells with results differ from the paper's protocol.
    pub reasons: Vec<String>,
    /// The names of the protocols that they follow instead.
    pub protocols: Vec<String>,
    /// Results that were made elsewhere: where, and in which bundle they came.
    pub imported: Vec<String>,
    /// Devices that the results are from, each once.
    pub devices: Vec<String>,
    /// The grade of the evidence in a few words: `mean of 5 runs; the paper's protocol; NVIDIA RTX A5000`, or `reduced
    /// protocol P1`.
    pub evidence: String,
    /// What is missing, and why.
    pub missing: Vec<String>,
    /// Where numbers link to: the cell, or the group of cells.
    pub href: String,
    /// The row's cells.
    pub cells: Vec<CellLink>,
}

/// A row of the provenance table.
#[derive(Debug, Clone, Serialize)]
#[expect(missing_docs, reason = "the names are the columns")]
pub struct CellView {
    pub anchor: String,
    pub id: String,
    pub state: &'static str,
    pub reason: String,
    pub fingerprint: String,
    pub short: String,
    pub seed: u64,
    pub epochs: usize,
    pub duration: String,
    pub device: String,
    pub cuda: String,
    pub cpu: String,
    pub threads: u32,
    pub libtorch: String,
    pub host: String,
    pub program: String,
    pub commit: String,
    pub resumed: u32,
    pub reduced: bool,
    /// The name of the protocol that it follows instead of the paper's.
    pub protocol: Option<String>,
    pub command: String,
    /// The file and the first digits of the bundle that the results came in; empty if they were made here.
    pub bundle: Vec<String>,
}

/// The cells of a row of a table.
#[derive(Debug, Clone, Serialize)]
pub struct Group {
    /// Whether the paper has their table.
    pub of_paper: bool,
    /// `cells-…`
    pub anchor: String,
    /// `Table 3: ResNet-50, random, FPL`
    pub title: String,
    /// Whether one cell has results, so that numbers link to it and not to the group.
    pub single: bool,
    /// Whether its cells differ in more than their seeds.
    pub mixed: bool,
    /// The names of the protocols that its cells follow instead of the paper's.
    pub protocols: Vec<String>,
    /// Where its cells ran, each place once, with the cells' seeds; with their ids where they are mixed.
    pub places: Vec<(String, String)>,
    /// Where its cells that were made elsewhere were made, and the bundles that they came in.
    pub imported: Vec<String>,
    /// How many of its cells were not run.
    pub not_run: usize,
    /// The command that makes its first cell; of cells that differ in more than their seeds, those of all.
    pub commands: Vec<String>,
    /// One per seed.
    pub cells: Vec<CellView>,
}

/// Cells by id.
pub struct Index<'a> {
    cells: BTreeMap<&'a str, &'a Cell>,
    dataset: &'a Dataset,
    protocols: Protocols,
}

impl Group {
    fn new(of_paper: bool, anchor: String, title: String, all: &[&Cell], index: &Index) -> Self {
        let cells: Vec<CellView> = all.iter().map(|cell| index.view(cell)).collect();
        let mut seen = BTreeSet::new();
        let protocols = cells.iter().filter_map(|cell| cell.protocol.clone()).filter(|name| seen.insert(name.clone()));
        let prefixes: BTreeSet<&str> = cells.iter().filter_map(|cell| Some(cell.id.rsplit_once('/')?.0)).collect();
        Self {
            of_paper,
            single: cells.iter().filter(|cell| cell.state == "done").count() == 1,
            mixed: prefixes.len() > 1,
            protocols: protocols.collect(),
            places: places(&cells, prefixes.len() > 1),
            imported: imported(all),
            not_run: cells.iter().filter(|cell| cell.state == "not run").count(),
            commands: all
                .iter()
                .map(|cell| cell.command.clone())
                .take(if prefixes.len() > 1 { usize::MAX } else { 1 })
                .collect(),
            anchor,
            title,
            cells,
        }
    }
}

impl<'a> Index<'a> {
    /// The cells of `input`.
    pub fn new(input: &'a ReportInput) -> Self {
        let dataset = &input.dataset;
        Self {
            cells: input.cells.iter().map(|cell| (cell.id.as_str(), cell)).collect(),
            dataset,
            protocols: Protocols::new(input, |cell| deviations(dataset, cell)),
        }
    }

    /// The protocols of the cells that are not the paper's.
    pub fn protocols(&self) -> &Protocols {
        &self.protocols
    }

    /// The names of the protocols that any of `cells` follows instead of the paper's.
    pub fn protocol_names(&self, cells: &[&Cell]) -> Vec<String> {
        self.protocols.names(&cells.iter().map(|cell| self.deviations(cell)).collect::<Vec<_>>())
    }

    /// The cells of a row that are known.
    pub fn of_row(&self, row: &'a Row) -> Vec<&'a Cell> {
        row.cells.iter().filter_map(|id| self.cells.get(id.as_str()).copied()).collect()
    }

    /// The cells of a row that have scores.
    pub fn scored(&self, row: &'a Row) -> Vec<&'a Cell> {
        self.of_row(row).into_iter().filter(|cell| cell.state == CellState::Done && cell.scores.is_some()).collect()
    }

    /// What is behind the numbers of a row.
    pub fn source(&self, row: &'a Row) -> Source {
        let (all, scored) = (self.of_row(row), self.scored(row));
        let failed = all.iter().any(|cell| matches!(cell.state, CellState::Failed { .. }));
        let state = match (scored.len(), all.len()) {
            (0, _) if failed => "failed",
            (0, _) => "not run",
            (done, planned) if done < planned => "partial",
            _ => "done",
        };
        let (reasons, protocols) = (self.reasons(&scored), self.protocol_names(&scored));
        let (imported, devices) = (imported(&scored), devices(&scored));
        let elsewhere = scored.iter().filter(|cell| cell.origin.is_some()).count();
        Source {
            state,
            done: scored.len(),
            planned: all.len(),
            reduced: !reasons.is_empty(),
            evidence: evidence(scored.len(), &protocols, elsewhere, &devices),
            protocols,
            reasons,
            imported,
            devices,
            missing: missing(&all),
            href: href(row, &scored),
            cells: all.iter().map(|cell| link(cell)).collect(),
        }
    }

    /// How any of `cells` differs from the paper's protocol, each difference once.
    pub fn reasons(&self, cells: &[&Cell]) -> Vec<String> {
        let mut seen = BTreeSet::new();
        let all = cells.iter().flat_map(|cell| self.deviations(cell));
        all.filter(|reason| seen.insert(reason.clone())).collect()
    }

    /// How `cell` differs from the paper's protocol: generated data always do.
    pub fn deviations(&self, cell: &Cell) -> Vec<String> {
        deviations(self.dataset, cell)
    }

    /// A row of the provenance table.
    pub fn view(&self, cell: &Cell) -> CellView {
        let environment = cell.environment.clone().unwrap_or_default();
        let (state, reason) = state(cell);
        let protocol = self.protocol_names(&[cell]).into_iter().next();
        CellView {
            anchor: anchor(&cell.id),
            id: cell.id.clone(),
            state,
            reason: reason.to_owned(),
            fingerprint: cell.fingerprint.clone(),
            short: short(&cell.fingerprint),
            seed: cell.seed,
            epochs: cell.metrics.len(),
            duration: if state == "done" { duration(cell.seconds) } else { String::new() },
            device: environment.device,
            cuda: environment.cuda,
            cpu: environment.cpu,
            threads: environment.threads,
            libtorch: environment.libtorch,
            host: environment.host,
            program: environment.program,
            commit: short_commit(&environment.git_commit),
            resumed: environment.resumed,
            reduced: protocol.is_some(),
            protocol,
            command: cell.command.clone(),
            bundle: cell.origin.iter().flat_map(|origin| [origin.file.clone(), short(&origin.bundle)]).collect(),
        }
    }
}

fn deviations(dataset: &Dataset, cell: &Cell) -> Vec<String> {
    let mut deviations = cell.deviations.clone();
    if deviations.is_empty() && is_other_data(dataset) {
        deviations.push(format!("data: CIFAR-10 → {}", dataset.name));
    }
    deviations
}

/// All cells, grouped by the rows of the tables; those in no row come last.
pub fn groups(input: &ReportInput, index: &Index) -> Vec<Group> {
    let mut seen = BTreeSet::new();
    let mut groups = Vec::new();
    for (table, row) in input.tables.iter().flat_map(|table| table.rows.iter().map(move |row| (table, row))) {
        let mut cells = index.of_row(row);
        cells.retain(|cell| seen.insert(cell.id.clone()));
        if !cells.is_empty() {
            let of_paper = input.paper.has_table(&table.id);
            groups.push(Group::new(of_paper, group_anchor(row), title(table, row), &cells, index));
        }
    }
    let rest: Vec<&Cell> = input.cells.iter().filter(|cell| seen.insert(cell.id.clone())).collect();
    if !rest.is_empty() {
        groups.push(Group::new(false, "cells-other".to_owned(), "Other cells".to_owned(), &rest, index));
    }
    groups
}

/// The rows of all tables, each training once: a row whose results stand in another table too is left out, but for that of a
/// table that the paper has.
pub fn distinct_rows(input: &ReportInput) -> Vec<(&Table, &Row)> {
    let fingerprints: BTreeMap<&str, &str> =
        input.cells.iter().map(|cell| (cell.id.as_str(), cell.fingerprint.as_str())).collect();
    let of_row =
        |row: &Row| -> Vec<&str> { row.cells.iter().filter_map(|id| fingerprints.get(id.as_str()).copied()).collect() };
    let rows = || input.tables.iter().flat_map(|table| table.rows.iter().map(move |row| (table, row)));
    let is_papers = |(table, _): &(&Table, &Row)| input.paper.has_table(&table.id);
    let mut seen: BTreeSet<Vec<&str>> = rows().filter(is_papers).map(|(_, row)| of_row(row)).collect();
    rows().filter(|row| is_papers(row) || seen.insert(of_row(row.1))).collect()
}

/// Device, libraries, host and program of the cells that ran.
fn places(cells: &[CellView], mixed: bool) -> Vec<(String, String)> {
    let mut places: Vec<(String, Vec<String>)> = Vec::new();
    for cell in cells.iter().filter(|cell| !cell.device.is_empty()) {
        let threads = plural(cell.threads as usize, "thread");
        let libtorch = format!("libtorch {}", cell.libtorch);
        let (host, program) = (format!("host {}", cell.host), format!("{} {}", cell.program, cell.commit));
        let cpu = if cell.device.eq_ignore_ascii_case("cpu") { cell.cpu.as_str() } else { "" };
        let parts = [cell.device.as_str(), cpu, &cell.cuda, &threads, &libtorch, &host, program.trim()];
        let place = parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ");
        let name = if mixed { cell.id.clone() } else { cell.seed.to_string() };
        match places.iter_mut().find(|(known, _)| *known == place) {
            Some((_, cells)) => cells.push(name),
            None => places.push((place, vec![name])),
        }
    }
    places.into_iter().map(|(place, cells)| (place, cells.join(", "))).collect()
}

/// A cell's id without its seed.
pub fn prefix(id: &str) -> &str {
    id.rsplit_once('/').map_or(id, |(prefix, _)| prefix)
}

/// The anchor of a cell's provenance.
pub fn anchor(id: &str) -> String {
    format!("cell-{}", slug(id))
}

/// Whether the data are there and not CIFAR-10.
pub fn is_other_data(dataset: &Dataset) -> bool {
    !dataset.genuine && (!dataset.fingerprint.is_empty() || dataset.name != "CIFAR-10")
}

/// `done`, `failed` or `not run`, and why.
pub fn state(cell: &Cell) -> (&'static str, &str) {
    match &cell.state {
        CellState::Done => ("done", ""),
        CellState::Failed { reason } => ("failed", reason),
        CellState::NotRun { reason } => ("not run", reason),
    }
}

/// `Table 3: ResNet-50, random, FPL`
pub fn title(table: &Table, row: &Row) -> String {
    format!("{}: {}, {}, {}", table.number, row.network, row.initialization, row.loss_title)
}

fn group_anchor(row: &Row) -> String {
    let id = row.cells.first().map_or("none", String::as_str);
    format!("cells-{}", slug(prefix(id)))
}

fn href(row: &Row, scored: &[&Cell]) -> String {
    match scored {
        [] => String::new(),
        [cell] => format!("#{}", anchor(&cell.id)),
        _ => format!("#{}", group_anchor(row)),
    }
}

fn link(cell: &Cell) -> CellLink {
    CellLink {
        href: format!("#{}", anchor(&cell.id)),
        text: format!("seed {}", cell.seed),
        state: state(cell).0,
        short: short(&cell.fingerprint),
    }
}

/// What is missing, seeds with the same reason together.
fn missing(cells: &[&Cell]) -> Vec<String> {
    let mut reasons: Vec<(&str, &str, Vec<u64>)> = Vec::new();
    for cell in cells.iter().filter(|cell| cell.state != CellState::Done) {
        let (state, reason) = state(cell);
        match reasons.iter_mut().find(|(s, r, _)| (*s, *r) == (state, reason)) {
            Some((_, _, seeds)) => seeds.push(cell.seed),
            None => reasons.push((state, reason, vec![cell.seed])),
        }
    }
    let line = |(state, reason, seeds): (&str, &str, Vec<u64>)| {
        // That it is not run yet is no reason.
        let because = if matches!(reason, "" | "not run yet") { String::new() } else { format!(": {reason}") };
        format!("{} {state}{because}", listed("seed", &seeds))
    };
    reasons.into_iter().map(line).collect()
}

/// Where the cells that were made elsewhere were made, and the bundles that they came in.
fn imported(cells: &[&Cell]) -> Vec<String> {
    let mut sources: Vec<(String, Vec<u64>)> = Vec::new();
    for (cell, origin) in cells.iter().filter_map(|cell| Some((cell, cell.origin.as_ref()?))) {
        let host = cell.environment.as_ref().map_or("unknown", |environment| environment.host.as_str());
        let source = format!("{} (bundle {}), run on host {host}", origin.file, short(&origin.bundle));
        match sources.iter_mut().find(|(known, _)| *known == source) {
            Some((_, seeds)) => seeds.push(cell.seed),
            None => sources.push((source, vec![cell.seed])),
        }
    }
    sources.into_iter().map(|(source, seeds)| format!("{} from {source}", listed("seed", &seeds))).collect()
}

fn devices(cells: &[&Cell]) -> Vec<String> {
    let all = cells.iter().filter_map(|cell| cell.environment.as_ref()).map(|environment| environment.device.clone());
    all.filter(|device| !device.is_empty()).collect::<BTreeSet<_>>().into_iter().collect()
}

fn evidence(runs: usize, protocols: &[String], imported: usize, devices: &[String]) -> String {
    if runs == 0 {
        return String::new();
    }
    let mut parts = vec![mean_of(runs, "run")];
    parts.push(match protocols {
        [] => "the paper’s protocol".to_owned(),
        names => format!("reduced protocol {}", names.join(", ")),
    });
    if imported > 0 {
        parts.push(format!("{imported} imported"));
    }
    parts.extend(devices.iter().cloned());
    parts.join("; ")
}

/// A commit's first ten digits, with `-dirty` if it is there.
fn short_commit(commit: &str) -> String {
    let dirty = if commit.ends_with("-dirty") { "-dirty" } else { "" };
    format!("{}{dirty}", short(commit.trim_end_matches("-dirty")))
}

/// `10,000 images`
pub fn images(number: u32) -> String {
    count(u64::from(number))
}
