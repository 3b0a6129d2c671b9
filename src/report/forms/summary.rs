//! `summary.md`: the report in brief, for a comment on a pull request or GitHub's summary of a job. It fits in a comment
//! whatever the report holds: detail is left out, whole lines at a time, and the summary says so.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::artifact::Environment;
use crate::error::Result;
use crate::number::{p_value, plural};
use crate::report::cells::state;
use crate::report::derived::Derived;
use crate::report::input::{CellState, ReportInput, Row, Table};
use crate::report::ledger::{self, Entry, Ledger};
use crate::report::markdown::render;
use crate::report::tables::{self, Comparison};
use crate::report::view::Opening;
use crate::shell;

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

/// From everything to next to nothing. The last fits always: 10 claims, 10 protocols and 10 reasons with up to three
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
pub fn summary(derived: &Derived) -> Result<String> {
    let mut text = String::new();
    for level in LEVELS {
        text = render("summary.md", include_str!("../../../templates/summary.md"), &view(derived, level))?;
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
    trainings: usize,
    failed: usize,
    not_run: usize,
    reduced: usize,
    other_data: bool,
    data: String,
    headline: String,
    protocols: Lines<String>,
    family: usize,
    printed: String,
    claims: Lines<ClaimView>,
    tables: Lines<TableView>,
    missing: Lines<String>,
    program: String,
}

/// Lines of a table or a list, and in words how many were left out; empty if none was.
#[derive(Serialize)]
struct Lines<T> {
    shown: Vec<T>,
    left_out: String,
}

impl<T> Lines<T> {
    /// The first of `all`, each of which is a `noun`.
    fn first(most: usize, all: Vec<T>, noun: &str) -> Self {
        let left_out = match all.len().saturating_sub(most) {
            0 => String::new(),
            1 => format!("1 more {noun} is in report.html"),
            more => format!("{} are in report.html", plural(more, &format!("more {noun}"))),
        };
        Self { shown: all.into_iter().take(most).collect(), left_out }
    }
}

#[derive(Serialize)]
struct ClaimView {
    id: String,
    text: String,
    paper: Option<String>,
    ours: Option<String>,
    interval: Option<String>,
    /// Why there is none although there are runs.
    no_interval: &'static str,
    pairs: usize,
    reduced: bool,
    imported: bool,
    p: Option<String>,
    protocol: &'static str,
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

    fn lines<T>(self, all: Vec<T>, noun: &str) -> Lines<T> {
        Lines::first(self.lines, all, noun)
    }
}

fn view(derived: &Derived, level: Level) -> View {
    let Derived { input, ledger, status, .. } = derived;
    let made = input.cells.iter().find_map(|cell| cell.environment.as_ref());
    let program = made.map(made_with);
    let mut command = vec!["fpl-repro", "all"];
    if input.profile != "paper" {
        command.extend(["--profile", &input.profile]);
    }
    View {
        marker: MARKER,
        title: level.cut(&input.paper.title),
        profile: level.cut(&input.profile),
        command: level.cut(&shell::command(&command)),
        cell_command: input.cells.first().map(|cell| level.cut(&cell.command)).unwrap_or_default(),
        cells: status.cells,
        done: status.done,
        trainings: status.trainings,
        failed: status.failed,
        not_run: status.not_run,
        reduced: status.reduced_done,
        other_data: status.other_data,
        data: level.cut(&input.dataset.name),
        headline: Opening::new(derived).headline,
        protocols: level.lines(protocols(derived, level), "protocol"),
        family: ledger.family,
        printed: printed(ledger),
        claims: level.lines(ledger.entries.iter().map(|entry| claim(entry, level)).collect(), "claim"),
        tables: results(derived, level),
        missing: level.lines(missing(input, level), "reason"),
        program: program.map(|program| level.cut(&program)).unwrap_or_default(),
    }
}

/// What the names of reduced protocols mean.
fn protocols(derived: &Derived, level: Level) -> Vec<String> {
    let protocols = derived.index.protocols();
    let line = |name: &str, differences: &[String]| level.cut(&format!("{name}: {}", differences.join("; ")));
    let common = (!protocols.common.is_empty()).then(|| line(&protocols.sharing.join(", "), &protocols.common));
    let own = protocols.list.iter().map(|protocol| {
        let cells = plural(protocol.cells, "cell");
        line(&format!("{} ({cells})", protocol.name), &protocol.differences)
    });
    common.into_iter().chain(own).collect()
}

/// How many printed numbers lie where: `2 inside, 2 outside, 8 not run`.
fn printed(ledger: &Ledger) -> String {
    let count = |level: &ledger::Level| match ledger.count_numbers(*level) {
        0 => None,
        count => Some(format!("{count} {}", level.title())),
    };
    ledger::Level::ALL.iter().filter_map(count).collect::<Vec<_>>().join(", ")
}

fn claim(entry: &Entry, level: Level) -> ClaimView {
    let evidence = &entry.evidence;
    let (measure, pairs) = (entry.claim.measure, evidence.pairs());
    ClaimView {
        id: level.cut(&entry.claim.id),
        text: level.cut(&format!("{} Measure: {}.", entry.claim.text, measure.difference())),
        paper: entry.paper_effect.map(|effect| measure.effect(effect, 1)),
        ours: evidence.mean.map(|mean| measure.effect(mean, pairs)),
        interval: evidence.interval.map(|ends| measure.interval(ends, pairs)),
        no_interval: if pairs > 0 { evidence.no_interval() } else { "" },
        pairs,
        reduced: !evidence.deviations.is_empty(),
        imported: evidence.imported > 0,
        p: entry.test.p_adjusted.map(p_value),
        protocol: entry.protocol.title(),
        verdict: entry.verdict.title(),
        why: level.cut(&entry.why),
    }
}

/// The paper's tables without the counts of single classes.
fn results(derived: &Derived, level: Level) -> Lines<TableView> {
    let view = |(table, view): (&Table, &tables::TableView)| {
        let reading = view.readings.first()?;
        let whole = |at: usize| reading.columns.get(at).is_some_and(|column| !column.of_class);
        let notes: BTreeSet<String> =
            reading.rows.iter().flat_map(|row| &row.notes).map(|note| level.cut(note)).collect();
        let row = |(input_row, row): (&Row, &tables::RowView)| RowView {
            name: level.cut(&format!("{}, {}, {}", row.network, row.initialization, row.loss)),
            state: row.source.state,
            runs: row.source.done,
            reduced: row.source.reduced,
            imported: derived.index.scored(input_row).iter().any(|cell| cell.origin.is_some()),
            values: row
                .values
                .iter()
                .enumerate()
                .filter(|(at, _)| whole(*at))
                .map(|(_, value)| value.clone())
                .collect(),
        };
        Some(TableView {
            title: level.cut(&format!("{}. {}", view.number, view.caption)),
            columns: reading
                .columns
                .iter()
                .filter(|column| !column.of_class)
                .map(|column| level.cut(&column.heading))
                .collect(),
            notes: level.lines(notes.into_iter().collect(), "note"),
            rows: level.lines(table.rows.iter().zip(&reading.rows).map(row).collect(), "row"),
        })
    };
    let all: Vec<TableView> = derived.input.tables.iter().zip(&derived.tables).filter_map(view).collect();
    Lines::first(level.tables, all, "table")
}

/// The program and, where it is known, its commit.
fn made_with(environment: &Environment) -> String {
    let Environment { program, git_commit, .. } = environment;
    if git_commit.is_empty() { program.clone() } else { format!("{program}, commit {git_commit}") }
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
