//! `numbers.tex`: a macro per measured number, for use in prose.

use std::collections::BTreeSet;
use std::fmt::Write as _; // Writing to a String cannot fail.

use super::tex::{MISSING, comment, escape, name, number};
use crate::number::p_value;
use crate::paper::Measure;
use crate::paper::measure::{ALL, Place};
use crate::report::derived::Derived;
use crate::report::input::{Cell, Row, Table};
use crate::report::ledger::{Entry, Verdict};
use crate::report::tables::{Reading, RowView};
use crate::stats::{mean, sample_sd};

const HEAD: &str = r"% A macro for every measured number; \input this file in the preamble. Nothing in it is quoted from the paper but
% what ends in Paper, which is italic.
%
% Numbers of tables: \fpl<Table><Network><Weights><Loss><Measure> is the mean over seeds, the same with Sd the sample
% standard deviation, with N the number of runs. The first four parts are those of the cells' ids, so that
% table3/resnet50/random/fpl and Top-1 make \fplTableThreeResnetFiftyRandomFplTopOne. Every part starts with a capital,
% numbers are words, and everything else is left out. A name that is taken already gets another X.
% Numbers of claims: \fplClaim<Claim> is our mean difference, with N the pairs of runs, Low and High the 95 % interval, P
% the p adjusted over the declared family, Protocol whether the experiment is the paper's, Verdict the verdict, Paper the
% paper's difference.
%
% What does not exist expands to a bold ??, so that it cannot slip into prose. Numbers of reduced runs carry
% \fplReducedMark, numbers with imported results \fplImportedMark. A macro swallows the space after it: \fplX{} does not.
";

/// All macros.
pub(super) fn numbers(derived: &Derived) -> String {
    let Derived { input, index, ledger, tables, .. } = derived;
    let mut macros = Macros::default();
    macros.define("fplReducedMark".into(), r"\ensuremath{^\dagger}");
    macros.define("fplImportedMark".into(), r"\ensuremath{^\ddagger}");
    for (table, view) in input.tables.iter().zip(tables) {
        let _ = writeln!(macros.text, "\n% {}: {}", comment(&view.number), comment(&view.caption));
        for (at, row) in table.rows.iter().enumerate() {
            let cells = index.scored(row);
            let start = row_name(table, row);
            for reading in &view.readings {
                of_tables(&mut macros, &start, &reading.rows[at], &cells, reading);
            }
            let changed = index.of_row(row).iter().any(|cell| cell.changes_data());
            let applies = |measure: &Measure| changed || measure.place != Place::ChangedData;
            further(&mut macros, &start, &view.readings[0].rows[at], &cells, applies);
        }
    }
    macros.text.push_str("\n% Claims\n");
    for entry in &ledger.entries {
        claim(&mut macros, entry);
    }
    format!("{HEAD}{}", macros.text)
}

#[derive(Default)]
struct Macros {
    names: BTreeSet<String>,
    text: String,
}

impl Macros {
    fn define(&mut self, mut name: String, value: &str) {
        while !self.names.insert(name.clone()) {
            name.push('X');
        }
        let _ = writeln!(self.text, "\\newcommand{{\\{name}}}{{{value}}}");
    }

    /// A mean with its companions.
    fn measured(&mut self, name: &str, ours: Option<&str>, sd: Option<&str>, runs: usize, marks: &str) {
        let show =
            |text: Option<&str>, marks: &str| text.map_or_else(|| MISSING.into(), |text| format!("{text}{marks}"));
        let runs = (runs > 0).then(|| runs.to_string());
        self.define(name.to_owned(), &show(ours, marks));
        self.define(format!("{name}Sd"), &show(sd, marks));
        self.define(format!("{name}N"), &show(runs.as_deref(), ""));
    }
}

/// `fplTableTwoResnetEighteenRandomFpl`
fn row_name(table: &Table, row: &Row) -> String {
    let of_cell = row.cells.first().and_then(|id| id.rsplit_once('/')).map(|(prefix, _)| prefix.to_owned());
    let id = of_cell.unwrap_or_else(|| [&*table.id, &row.network, &row.initialization, &row.loss].join("/"));
    format!("fpl{}", name(&id))
}

fn marks(reduced: bool, imported: bool) -> String {
    let mark = |there: bool, name: &'static str| if there { name } else { "" };
    format!("{}{}", mark(reduced, r"\fplReducedMark{}"), mark(imported, r"\fplImportedMark{}"))
}

fn of_row(row: &RowView, cells: &[&Cell]) -> String {
    marks(row.source.reduced, cells.iter().any(|cell| cell.origin.is_some()))
}

/// The columns of a table under a reading.
fn of_tables(macros: &mut Macros, start: &str, row: &RowView, cells: &[&Cell], reading: &Reading) {
    let start = format!("{start}{}", name(reading.key));
    for (column, value) in reading.columns.iter().zip(&row.values) {
        let what = name(&column.name);
        let (ours, sd) = (value.ours.as_deref().map(number), value.sd.as_deref().map(number));
        macros.measured(&format!("{start}{what}"), ours.as_deref(), sd.as_deref(), cells.len(), &of_row(row, cells));
    }
}

/// What the paper's tables do not have.
fn further(macros: &mut Macros, start: &str, row: &RowView, cells: &[&Cell], applies: impl Fn(&Measure) -> bool) {
    for measure in ALL.into_iter().filter(|measure| measure.place != Place::Tables && applies(measure)) {
        let values: Vec<f64> = cells.iter().filter_map(|cell| cell.measured(measure)).collect();
        let show = |value: f64| number(&measure.value(value, values.len()));
        let (ours, sd) = (mean(&values).map(show), sample_sd(&values).map(show));
        let name = format!("{start}{}", name(measure.key));
        macros.measured(&name, ours.as_deref(), sd.as_deref(), values.len(), &of_row(row, cells));
    }
}

fn claim(macros: &mut Macros, entry: &Entry) {
    let evidence = &entry.evidence;
    let (measure, pairs) = (entry.claim.measure, evidence.pairs());
    let start = format!("fplClaim{}", name(&entry.claim.id));
    let marks = marks(!evidence.deviations.is_empty(), evidence.imported > 0);
    let or_missing = |text: Option<String>| text.unwrap_or_else(|| MISSING.to_owned());
    let show =
        |value: Option<f64>| or_missing(value.map(|value| format!("{}{marks}", number(&measure.effect(value, pairs)))));
    let paper = entry.paper_effect.map(|effect| format!("\\textit{{{}}}", number(&measure.effect(effect, 1))));
    macros.define(start.clone(), &show(evidence.mean));
    macros.define(format!("{start}Low"), &show(evidence.interval.map(|[low, _]| low)));
    macros.define(format!("{start}High"), &show(evidence.interval.map(|[_, high]| high)));
    macros.define(format!("{start}N"), &or_missing((pairs > 0).then(|| pairs.to_string())));
    macros.define(
        format!("{start}P"),
        &or_missing(entry.test.p_adjusted.map(|p| format!("{}{marks}", number(&p_value(p))))),
    );
    macros.define(format!("{start}Paper"), &or_missing(paper));
    macros.define(format!("{start}Protocol"), entry.protocol.title());
    let verdict = escape(entry.verdict.title());
    let not_run = entry.verdict == Verdict::NotRun;
    macros.define(format!("{start}Verdict"), &if not_run { format!("\\textbf{{{verdict}}}") } else { verdict });
}
