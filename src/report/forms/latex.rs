//! Tables for a paper's LaTeX: `\input` them into any document that uses booktabs.

use std::fmt::Write as _; // Writing to a String cannot fail.

use super::tex::{comment, escape, number};
use crate::number::{p_value, plural};
use crate::report::File;
use crate::report::cells::Index;
use crate::report::derived::Derived;
use crate::report::input::{ReportInput, Row};
use crate::report::ledger::{Entry, Ledger, Verdict};
use crate::report::tables::{Comparison, Reading, RowView, TableView};

/// Rows of the input that stand side by side: a network's two losses.
const BESIDE: usize = 2;
/// Blocks in one tabular: they fill a page.
const BLOCKS: usize = 3;

/// Every table of results, once per reading of its measures.
pub(super) fn tables(derived: &Derived) -> Vec<File> {
    let Derived { input, index, .. } = derived;
    let mut files = Vec::new();
    for (table, view) in input.tables.iter().zip(&derived.tables) {
        for reading in &view.readings {
            let rows: Vec<(&Row, &RowView)> = table.rows.iter().zip(&reading.rows).collect();
            let text = table_text(input, index, view, reading, &rows);
            files.push((format!("tables/{}.tex", reading.anchor), text.into_bytes()));
        }
    }
    files
}

fn table_text(
    input: &ReportInput,
    index: &Index,
    view: &TableView,
    reading: &Reading,
    rows: &[(&Row, &RowView)],
) -> String {
    let mut text = format!("% {}: {} {}\n", comment(&view.number), comment(&view.caption), comment(reading.title));
    text.push_str(
        "% Needs \\usepackage{booktabs}. Italic: quoted from the paper. Upright: measured.\n\\begingroup\\small\n",
    );
    let blocks: Vec<&[(&Row, &RowView)]> = rows
        .chunk_by(|(_, a), (_, b)| (&a.network, &a.initialization) == (&b.network, &b.initialization))
        .flat_map(|group| group.chunks(BESIDE))
        .collect();
    for page in blocks.chunks(BLOCKS) {
        let _ = writeln!(text, "\\begin{{tabular}}{{@{{}}l*{{{}}}{{r}}@{{}}}}\n\\toprule", 2 * BESIDE);
        for (at, rows) in page.iter().enumerate() {
            text.push_str(if at == 0 { "" } else { "\\midrule\n" });
            block(&mut text, index, reading, rows);
        }
        text.push_str("\\bottomrule\n\\end{tabular}\\par\n");
    }
    notes(&mut text, input, index, rows);
    text.push_str("\\endgroup\n");
    text
}

/// One network with the same initial weights: a line per measure, a pair of columns per loss.
fn block(text: &mut String, index: &Index, reading: &Reading, rows: &[(&Row, &RowView)]) {
    let Some((_, first)) = rows.first() else { return };
    let title = format!("{}, initial weights: {}", escape(&first.network), escape(&first.initialization));
    let _ = writeln!(text, "\\multicolumn{{{}}}{{@{{}}l}}{{\\textbf{{{title}}}}} \\\\", 1 + 2 * BESIDE);
    line(text, "", rows, |_, row| format!("\\multicolumn{{2}}{{c}}{{{}}}", escape(&row.loss)));
    for at in 0..rows.len() {
        let _ = write!(text, "\\cmidrule(lr){{{}-{}}}", 2 + 2 * at, 3 + 2 * at);
    }
    text.push('\n');
    line(text, "", rows, |_, _| "\\textit{paper} & ours".to_owned());
    for (at, column) in reading.columns.iter().enumerate() {
        line(text, &column.heading, rows, |input_row, row| value(&row.values[at], row, &marks(index, input_row, row)));
    }
    line(text, "Epochs", rows, |_, row| {
        let paper = row.paper_epochs.map_or_else(|| "---".to_owned(), |epochs| format!("\\textit{{{epochs}}}"));
        format!("{paper} & {}", row.epochs)
    });
    line(text, "Runs (n)", rows, |_, row| format!(" & {}", row.source.done));
}

fn line(text: &mut String, title: &str, rows: &[(&Row, &RowView)], cell: impl Fn(&Row, &RowView) -> String) {
    text.push_str(&escape(title));
    for (input_row, row) in rows {
        let _ = write!(text, " & {}", cell(input_row, row));
    }
    text.push_str(" \\\\\n");
}

/// The paper's value and ours, as two columns.
fn value(value: &Comparison, row: &RowView, marks: &str) -> String {
    let paper = value.paper.as_ref().map_or_else(|| "---".to_owned(), |paper| format!("\\textit{{{}}}", number(paper)));
    let ours = match (&value.ours, &value.sd) {
        (Some(ours), Some(sd)) => format!("{} $\\pm$ {}{marks}", number(ours), number(sd)),
        (Some(ours), None) => format!("{}{marks}", number(ours)),
        (None, _) => row.source.state.to_owned(),
    };
    format!("{paper} & {ours}")
}

fn marks(index: &Index, input_row: &Row, row: &RowView) -> String {
    mark(row.source.reduced, index.scored(input_row).iter().any(|cell| cell.origin.is_some()))
}

fn mark(reduced: bool, imported: bool) -> String {
    match (reduced, imported) {
        (true, true) => "$^{\\dagger\\ddagger}$",
        (true, false) => "$^\\dagger$",
        (false, true) => "$^\\ddagger$",
        (false, false) => "",
    }
    .to_owned()
}

fn notes(text: &mut String, input: &ReportInput, index: &Index, rows: &[(&Row, &RowView)]) {
    let _ = write!(
        text,
        "\\smallskip{{\\footnotesize\\raggedright Italic: quoted from the paper ({} per row, as it seems). \
         Upright: measured by us, mean $\\pm$ sample standard deviation over $n$ seeds.",
        plural(input.paper.runs as usize, "run")
    );
    if rows.iter().any(|(input_row, _)| index.scored(input_row).iter().any(|cell| cell.origin.is_some())) {
        text.push_str(" $^\\ddagger$ With results that were imported.");
    }
    for (_, row) in rows {
        let name = format!("{}, {}, {}", row.network, row.initialization, row.loss);
        for (what, list) in [("$^\\dagger$ Reduced", &row.source.reasons), ("Missing", &row.source.missing)] {
            if !list.is_empty() {
                let _ = write!(text, "\n{what}, {}: {}.", escape(&name), escape(&list.join("; ")));
            }
        }
        for note in &row.notes {
            let _ = write!(text, "\n{}: {}", escape(&name), escape(note));
        }
    }
    text.push_str("\\par}\n");
}

/// The claims ledger.
pub(super) fn claims(ledger: &Ledger) -> String {
    let mut text = String::from(
        "% The paper's claims against our runs. Needs \\usepackage{booktabs}.\n\\begingroup\\small\
         \\setlength{\\tabcolsep}{3pt}\n\
         \\begin{tabular}{@{}lrrcrrl@{}}\n\\toprule\nClaim & \\textit{paper} & ours & 95\\,\\% interval & $n$ & $p$ & \
         verdict \\\\\n\\midrule\n",
    );
    for (at, entry) in ledger.entries.iter().enumerate() {
        text.push_str(if at == 0 { "" } else { "\\addlinespace\n" });
        claim(&mut text, entry);
    }
    let _ = writeln!(
        text,
        "\\bottomrule\n\\end{{tabular}}\\par\n\\smallskip{{\\footnotesize\\raggedright Differences of the rows that a \
         claim compares, paired by seed. Italic: the paper's tables. Upright: mean over $n$ pairs of our runs, 95\\,\\% \
         interval by paired $t$, and exact two-sided sign-flip $p$, adjusted over the {} of the declared family by the step-down maximum (a dash: outside the family, or reduced); a dash for the interval: one pair, or equal differences. $^\\dagger$ Reduced \
         protocol or other data: no evidence for or against the claim. $^\\ddagger$ With results that were \
         imported.\\par}}\n\\endgroup",
        plural(ledger.family, "claim")
    );
    text
}

fn claim(text: &mut String, entry: &Entry) {
    let (claim, evidence) = (&entry.claim, &entry.evidence);
    let (measure, pairs) = (claim.measure, evidence.pairs());
    let paper = entry.paper_effect.map(|effect| format!("\\textit{{{}}}", number(&measure.effect(effect, 1))));
    let ours = evidence.mean.map(|mean| {
        format!(
            "{}{}",
            number(&measure.effect(mean, pairs)),
            mark(!evidence.deviations.is_empty(), evidence.imported > 0)
        )
    });
    let interval = evidence.interval.map(|ends| number(&measure.interval(ends, pairs)));
    let dash = || "---".to_owned();
    let what = format!("{} Measure: {}.", claim.text, measure.difference());
    let _ =
        writeln!(text, "{} & \\multicolumn{{6}}{{p{{0.8\\linewidth}}}}{{{}}} \\\\", escape(&claim.id), escape(&what));
    let _ = writeln!(
        text,
        " & {} & {} & {} & {} & {} & {} \\\\",
        paper.unwrap_or_else(dash),
        ours.unwrap_or_else(|| Verdict::NotRun.title().to_owned()),
        interval.unwrap_or_else(dash),
        pairs,
        entry.test.p_adjusted.map_or_else(dash, |p| number(&p_value(p))),
        entry.verdict.title()
    );
}
