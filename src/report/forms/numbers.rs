//! `numbers.tex`: macros for every measured and every quoted number, for use in prose.

use std::collections::BTreeSet;
use std::fmt::Write as _; // Writing to a String cannot fail.

use super::tex::{MISSING, MISSING_RAW, PREAMBLE, comment, escape, name, number, raw};
use crate::number::{p_value, scientific};
use crate::paper::Measure;
use crate::paper::measure::{ALL, Place};
use crate::report::derived::Derived;
use crate::report::input::{Cell, Row, Table};
use crate::report::ledger::{Entry, Verdict};
use crate::report::tables::{Reading, RowView};
use crate::stats::{mean, spread};

const HEAD: &str = r"% Macros for every measured number and the paper's; \input this file in the preamble.
%
% Numbers of tables: \fpl<Table><Network><Weights><Loss><Measure> is the mean over seeds, the same with Sd the sample
% standard deviation (there is none of one run, and none of runs that are all equal: these say nothing of further ones),
% with N the number of runs, with Paper what the paper prints, in italics. The first four parts are those of the cells'
% ids, so that table3/resnet50/random/fpl and Top-1 make \fplTableThreeResnetFiftyRandomFplTopOne. Every part starts with
% a capital, numbers are words, and everything else is left out. A name that is taken already gets another X.
% Numbers of claims: \fplClaim<Claim> is our mean difference, with N the pairs of runs, Low and High the 95 % interval, P
% the p adjusted over the declared family, Protocol whether the experiment is the paper's, Verdict the verdict, Paper the
% paper's difference.
%
% Every number has a second macro, with Raw at the end: digits and nothing else, for \num{} of siunitx. The first carries
% \fplReducedMark where runs are reduced and \fplImportedMark where results are imported; the raw one carries no mark: the
% sentence has to say it.
%
% What does not exist expands to a bold ??, so that it cannot slip into prose; \num refuses its raw form. A macro swallows
% the space after it: \fplX{} does not.
%
% Two reports in one document: letters of your choice instead of fpl.
%   \newcommand{\fplReport}{ours}   \input{ours/numbers}     \oursTableThree...
%   \renewcommand{\fplReport}{lab}  \input{lab/numbers}      \labTableThree...
";

/// All macros.
pub(super) fn numbers(derived: &Derived) -> String {
    let Derived { input, index, ledger, tables, .. } = derived;
    let mut macros = Macros::default();
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
    format!("{HEAD}{PREAMBLE}{}", macros.text)
}

#[derive(Default)]
struct Macros {
    names: BTreeSet<String>,
    text: String,
}

impl Macros {
    /// A number, as [`crate::number`] writes it, with its marks; `None` if it does not exist.
    fn number(&mut self, name: &str, text: Option<&str>, marks: &str) {
        let shown = text.map(|text| format!("{}{marks}", number(text)));
        self.define(name, [shown.as_deref(), text.map(raw).as_deref()]);
    }

    /// A quoted number.
    fn quoted(&mut self, name: &str, text: Option<&str>) {
        let shown = text.map(|text| format!(r"\textit{{{}}}", number(text)));
        self.define(name, [shown.as_deref(), text.map(raw).as_deref()]);
    }

    fn count(&mut self, name: &str, count: usize) {
        let count = count.to_string();
        self.define(name, [Some(&count); 2]);
    }

    fn words(&mut self, name: &str, text: &str) {
        let name = self.free(name);
        let _ = writeln!(self.text, "\\fplWords{{{name}}}{{{text}}}");
    }

    fn define(&mut self, name: &str, [shown, raw]: [Option<&str>; 2]) {
        let name = self.free(name);
        let (shown, raw) = (shown.unwrap_or(MISSING), raw.unwrap_or(MISSING_RAW));
        let _ = writeln!(self.text, "\\fplNumber{{{name}}}{{{shown}}}{{{raw}}}");
    }

    /// The name, or one that is not taken.
    fn free(&mut self, name: &str) -> String {
        let mut name = name.to_owned();
        while !self.names.insert(name.clone()) {
            name.push('X');
        }
        name
    }

    /// A mean with its companions.
    fn measured(&mut self, name: &str, [ours, sd]: [Option<&str>; 2], runs: usize, marks: &str) {
        self.number(name, ours, marks);
        self.number(&format!("{name}Sd"), sd, marks);
        self.count(&format!("{name}N"), runs);
    }
}

/// `TableTwoResnetEighteenRandomFpl`
fn row_name(table: &Table, row: &Row) -> String {
    let of_cell = row.cells.first().and_then(|id| id.rsplit_once('/')).map(|(prefix, _)| prefix.to_owned());
    name(&of_cell.unwrap_or_else(|| [&*table.id, &row.network, &row.initialization, &row.loss].join("/")))
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
        let what = format!("{start}{}", name(&column.name));
        macros.measured(&what, [value.ours.as_deref(), value.sd.as_deref()], cells.len(), &of_row(row, cells));
        if row.in_paper {
            macros.quoted(&format!("{what}Paper"), value.paper.as_deref());
        }
    }
}

/// What the paper's tables do not have.
fn further(macros: &mut Macros, start: &str, row: &RowView, cells: &[&Cell], applies: impl Fn(&Measure) -> bool) {
    for measure in ALL.into_iter().filter(|measure| measure.place != Place::Tables && applies(measure)) {
        let values: Vec<f64> = cells.iter().filter_map(|cell| cell.measured(measure)).collect();
        let (ours, sd) = (mean(&values), spread(&values).ok());
        let sd = ours.zip(sd).map(|(mean, sd)| measure.spread(sd, mean, values.len()));
        let ours = ours.map(|mean| measure.value(mean, values.len()));
        let name = format!("{start}{}", name(measure.key));
        macros.measured(&name, [ours.as_deref(), sd.as_deref()], values.len(), &of_row(row, cells));
    }
}

fn claim(macros: &mut Macros, entry: &Entry) {
    let evidence = &entry.evidence;
    let (measure, pairs) = (entry.claim.measure, evidence.pairs());
    let start = format!("Claim{}", name(&entry.claim.id));
    let marks = marks(!evidence.deviations.is_empty(), evidence.imported > 0);
    let [low, high] = [0, 1].map(|end| evidence.interval.map(|ends| ends[end]));
    for (what, value) in [("", evidence.mean), ("Low", low), ("High", high)] {
        let text = value.map(|value| measure.effect(value, pairs));
        macros.number(&format!("{start}{what}"), text.as_deref(), &marks);
    }
    macros.count(&format!("{start}N"), pairs);
    let p = entry.test.p_adjusted;
    let shown = p.map(|p| format!("{}{marks}", number(&p_value(p))));
    let digits = p.map(|p| raw(&scientific(p)));
    macros.define(&format!("{start}P"), [shown.as_deref(), digits.as_deref()]);
    let paper = entry.paper_effect.map(|effect| measure.effect(effect, 1));
    macros.quoted(&format!("{start}Paper"), paper.as_deref());
    macros.words(&format!("{start}Protocol"), entry.protocol.title());
    let verdict = escape(entry.verdict.title());
    let not_run = entry.verdict == Verdict::NotRun;
    macros.words(&format!("{start}Verdict"), &if not_run { format!("\\textbf{{{verdict}}}") } else { verdict });
}
