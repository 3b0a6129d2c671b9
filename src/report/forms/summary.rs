//! `summary.md`: the report in brief, for a comment on a pull request or GitHub's summary of a job. It fits in a comment
//! whatever the report holds: detail is left out, whole lines at a time, and the summary says so.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::error::Result;
use crate::report::cells::{Index, state};
use crate::report::input::{CellState, ReportInput, TableKind};
use crate::report::ledger::{Entry, Ledger};
use crate::report::markdown::render;
use crate::report::number::{fixed, signed};
use crate::report::tables::{Comparison, tables};
use crate::report::view::status;

/// The first line: by it a comment is found again, to be replaced.
pub const MARKER: &str = "<!-- fpl-repro:summary -->";

/// GitHub takes comments of up to 65,536 characters; a character has at least one byte.
pub const MOST_BYTES: usize = 65_000;

/// How much detail there is.
#[derive(Debug, Clone, Copy)]
struct Level {
    /// Characters of a string.
    text: usize,
    /// Lines of a table or a list.
    lines: usize,
    /// Tables of results.
    tables: usize,
}

/// From everything to next to nothing. The last fits always: 10 claims, 10 deviations and 10 reasons with up to three
/// strings each of 60 characters, none longer than 6 bytes when escaped.
const LEVELS: [Level; 6] = [
    Level { text: 1000, lines: 1000, tables: 100 },
    Level { text: 300, lines: 200, tables: 20 },
    Level { text: 200, lines: 50, tables: 4 },
    Level { text: 200, lines: 20, tables: 4 },
    Level { text: 120, lines: 20, tables: 0 },
    Level { text: 60, lines: 10, tables: 0 },
];

/// The summary, of at most [`MOST_BYTES`].
pub fn summary(input: &ReportInput, ledger: &Ledger) -> Result<String> {
    let mut text = String::new();
    for level in LEVELS {
        text = render("summary.md", include_str!("../../../templates/summary.md"), &view(input, ledger, level))?;
        if text.len() <= MOST_BYTES {
            break;
        }
    }
    Ok(text)
}

#[derive(Serialize)]
struct View {
    marker: &'static str,
    title: String,
    profile: String,
    command: String,
    cell_command: String,
    cells: usize,
    done: usize,
    failed: usize,
    not_run: usize,
    reduced: usize,
    other_data: bool,
    data: String,
    deviations: Lines<String>,
    family: usize,
    claims: Lines<ClaimView>,
    tables: Lines<TableView>,
    missing: Lines<String>,
    program: String,
}

/// Lines of a table or a list, and how many were left out.
#[derive(Serialize)]
struct Lines<T> {
    shown: Vec<T>,
    left_out: usize,
}

#[derive(Serialize)]
struct ClaimView {
    id: String,
    text: String,
    paper: Option<String>,
    ours: Option<String>,
    interval: Option<String>,
    pairs: usize,
    reduced: bool,
    imported: bool,
    p: Option<String>,
    verdict: &'static str,
    why: String,
}

#[derive(Serialize)]
struct TableView {
    title: String,
    columns: Vec<String>,
    rows: Lines<RowView>,
    notes: Lines<String>,
}

#[derive(Serialize)]
struct RowView {
    name: String,
    state: &'static str,
    runs: usize,
    reduced: bool,
    imported: bool,
    values: Vec<Comparison>,
}

impl Level {
    fn cut(self, text: &str) -> String {
        if text.chars().count() <= self.text {
            return text.to_owned();
        }
        text.chars().take(self.text).chain(['…']).collect()
    }

    fn lines<T>(self, all: Vec<T>) -> Lines<T> {
        let left_out = all.len().saturating_sub(self.lines);
        Lines { shown: all.into_iter().take(self.lines).collect(), left_out }
    }
}

fn view(input: &ReportInput, ledger: &Ledger, level: Level) -> View {
    let index = Index::new(input);
    let status = status(input, &index);
    let deviations = status.deviations.iter().map(|(what, cells)| format!("{} ({cells} cells)", level.cut(what)));
    let made = input.cells.iter().find_map(|cell| cell.environment.as_ref());
    let program =
        made.map(|environment| format!("fpl-repro {}, commit {}", environment.program, environment.git_commit));
    let profile = if input.profile == "paper" { String::new() } else { format!(" --profile {}", input.profile) };
    View {
        marker: MARKER,
        title: level.cut(&input.paper.title),
        profile: level.cut(&input.profile),
        command: level.cut(&format!("fpl-repro all{profile}")),
        cell_command: input.cells.first().map(|cell| level.cut(&cell.command)).unwrap_or_default(),
        cells: status.cells,
        done: status.done,
        failed: status.failed,
        not_run: status.not_run,
        reduced: status.reduced_done,
        other_data: status.other_data,
        data: level.cut(&input.dataset.name),
        deviations: level.lines(deviations.collect()),
        family: ledger.family,
        claims: level.lines(ledger.entries.iter().map(|entry| claim(entry, level)).collect()),
        tables: results(input, &index, level),
        missing: level.lines(missing(input, level)),
        program: program.map(|program| level.cut(&program)).unwrap_or_default(),
    }
}

fn claim(entry: &Entry, level: Level) -> ClaimView {
    let evidence = &entry.evidence;
    let decimals = entry.claim.measure.decimals();
    let ours = |value: f64| signed(value, decimals + 1);
    ClaimView {
        id: level.cut(&entry.claim.id),
        text: level.cut(&format!("{} Measure: {}.", entry.claim.text, entry.claim.measure.title())),
        paper: entry.paper_effect.map(|effect| signed(effect, decimals)),
        ours: evidence.mean.map(ours),
        interval: evidence.interval.map(|[low, high]| format!("{} to {}", ours(low), ours(high))),
        pairs: evidence.pairs(),
        reduced: !evidence.deviations.is_empty(),
        imported: evidence.imported > 0,
        p: entry.p_holm.map(|p| if p < 0.001 { format!("{p:.1e}") } else { fixed(p, 3) }),
        verdict: entry.verdict.title(),
        why: level.cut(&entry.why),
    }
}

/// The paper's tables without the counts of single classes.
fn results(input: &ReportInput, index: &Index, level: Level) -> Lines<TableView> {
    let classes = |kind| if kind == TableKind::FalsePositives { input.dataset.classes.len() } else { 0 };
    let view = |(table, view): (&crate::report::input::Table, crate::report::tables::TableView)| {
        let reading = view.readings.into_iter().next()?;
        let skip = classes(view.kind);
        let notes: BTreeSet<String> =
            reading.rows.iter().flat_map(|row| &row.notes).map(|note| level.cut(note)).collect();
        let row = |(input_row, row): (&crate::report::input::Row, crate::report::tables::RowView)| RowView {
            name: level.cut(&format!("{}, {}, {}", row.network, row.initialization, row.loss)),
            state: row.source.state,
            runs: row.source.done,
            reduced: row.source.reduced,
            imported: index.scored(input_row).iter().any(|cell| cell.origin.is_some()),
            values: row.values.into_iter().skip(skip).collect(),
        };
        Some(TableView {
            title: level.cut(&format!("{}. {}", view.number, view.caption)),
            columns: reading.columns.iter().skip(skip).map(|column| level.cut(column)).collect(),
            notes: level.lines(notes.into_iter().collect()),
            rows: level.lines(table.rows.iter().zip(reading.rows).map(row).collect()),
        })
    };
    let all: Vec<TableView> = input.tables.iter().zip(tables(input, index)).filter_map(view).collect();
    let left_out = all.len().saturating_sub(level.tables);
    Lines { shown: all.into_iter().take(level.tables).collect(), left_out }
}

/// Cells without results by their reason, failures first.
fn missing(input: &ReportInput, level: Level) -> Vec<String> {
    let mut reasons: BTreeMap<(&str, &str), Vec<&str>> = BTreeMap::new();
    for cell in input.cells.iter().filter(|cell| cell.state != CellState::Done) {
        reasons.entry(state(cell)).or_default().push(&cell.id);
    }
    let line = |((state, reason), cells): ((&str, &str), Vec<&str>)| {
        let others = if cells.len() > 1 { format!(" and {} more", cells.len() - 1) } else { String::new() };
        format!("{state}: {}{others}: {}", level.cut(cells[0]), level.cut(reason))
    };
    reasons.into_iter().map(line).collect()
}
