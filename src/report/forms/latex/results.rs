//! A table of results: a block per network, a line per measure, a pair of columns per loss.

use std::fmt::Write as _; // Writing to a String cannot fail.

use super::super::tex::{escape, number};
use super::{Form, TableRow, mark};
use crate::report::cells::Index;
use crate::report::derived::Derived;
use crate::report::input::Row;
use crate::report::tables::{Comparison, Reading, RowView};

/// Rows of the input that stand side by side: a network's two losses.
const BESIDE: usize = 2;
/// Blocks in one tabular: they fill a page.
const BLOCKS: usize = 3;
/// Characters of a heading that has a line of its own in a column.
const LONG: usize = 14;

/// The tabulars.
pub(super) fn results(derived: &Derived, reading: &Reading, rows: &[TableRow], form: Form) -> String {
    let mut text = String::new();
    let blocks: Vec<&[TableRow]> = rows
        .chunk_by(|(_, a), (_, b)| (&a.network, &a.initialization) == (&b.network, &b.initialization))
        .flat_map(|group| group.chunks(BESIDE))
        .collect();
    for page in blocks.chunks(BLOCKS) {
        let _ = writeln!(text, "\\begin{{tabular}}{{@{{}}l*{{{}}}{{r}}@{{}}}}\n\\toprule", 2 * BESIDE);
        for (at, rows) in page.iter().enumerate() {
            text.push_str(if at == 0 { "" } else { "\\midrule\n" });
            block(&mut text, &derived.index, reading, rows, form);
        }
        text.push_str("\\bottomrule\n\\end{tabular}\\par\n");
    }
    text
}

fn block(text: &mut String, index: &Index, reading: &Reading, rows: &[TableRow], form: Form) {
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
        let heading = heading(&column.heading, form);
        line(text, &heading, rows, |input_row, row| value(&row.values[at], row, marks(index, input_row, row), form));
    }
    line(text, "Epochs", rows, |_, row| {
        let paper = row.paper_epochs.map_or_else(|| "---".to_owned(), |epochs| format!("\\textit{{{epochs}}}"));
        format!("{paper} & {}", row.epochs)
    });
    line(text, "Runs ($n$)", rows, |_, row| format!(" & {}", row.source.done));
}

fn line(text: &mut String, title: &str, rows: &[TableRow], cell: impl Fn(&Row, &RowView) -> String) {
    text.push_str(title);
    for (input_row, row) in rows {
        let _ = write!(text, " & {}", cell(input_row, row));
    }
    text.push_str(" \\\\\n");
}

/// A heading; in a column a long one stands on two lines.
fn heading(text: &str, form: Form) -> String {
    let middle = text.match_indices(' ').map(|(at, _)| at).min_by_key(|at| at.abs_diff(text.len() / 2));
    match middle {
        Some(at) if form == Form::Column && text.chars().count() > LONG => {
            format!("\\shortstack[l]{{{}\\\\{}}}", escape(&text[..at]), escape(&text[at + 1..]))
        }
        _ => escape(text),
    }
}

/// The paper's value and ours, as two columns; the spread is small where there is little room.
fn value(value: &Comparison, row: &RowView, marks: &str, form: Form) -> String {
    let paper = value.paper.as_ref().map_or_else(|| "---".to_owned(), |paper| format!("\\textit{{{}}}", number(paper)));
    let ours = match (&value.ours, &value.sd, form) {
        (Some(ours), Some(sd), Form::Page) => format!("{} $\\pm$ {}{marks}", number(ours), number(sd)),
        (Some(ours), Some(sd), Form::Column) => {
            format!("{}{{\\scriptsize\\,$\\pm$\\,{}}}{marks}", number(ours), number(sd))
        }
        (Some(ours), None, _) => format!("{}{marks}", number(ours)),
        (None, ..) => row.source.state.to_owned(),
    };
    format!("{paper} & {ours}")
}

fn marks(index: &Index, input_row: &Row, row: &RowView) -> &'static str {
    mark(row.source.reduced, index.scored(input_row).iter().any(|cell| cell.origin.is_some()))
}
