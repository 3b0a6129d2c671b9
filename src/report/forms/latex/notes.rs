//! What holds for all tables: their legend, how runs were reduced, what is missing. It stands once in a paper.

use std::fmt::Write as _; // Writing to a String cannot fail.

use super::super::tex::escape;
use super::readings;
use crate::number::plural;
use crate::report::derived::Derived;

/// `tables/notes.tex`: a paragraph.
pub(super) fn notes(derived: &Derived) -> String {
    let mut text =
        String::from("% Of all tables. What a table's caption does not say.\n{\\footnotesize\\raggedright\n");
    legend(&mut text, derived);
    for (what, remarks) in remarks(derived) {
        for (remark, rows) in remarks {
            let _ = writeln!(text, "{what}{}: {}", escape(&rows.join("; ")), sentence(&escape(&remark)));
        }
    }
    text.push_str("\\par}\n");
    text
}

fn legend(text: &mut String, derived: &Derived) {
    let _ = writeln!(
        text,
        "Italic: quoted from the paper ({} per row, as it seems). Upright: measured by us, mean $\\pm$ sample \
         standard deviation over $n$ seeds; without $\\pm$ there is one run, or all are equal. Claims: differences \
         of the rows that a claim compares, paired by seed; mean over $n$ pairs, 95\\,\\% interval by paired $t$, \
         exact two-sided sign-flip $p$ adjusted over the {} of the declared family by the step-down maximum. A \
         dash for $p$: outside the family, or reduced; for the interval: fewer than two pairs, or equal \
         differences. $^\\dagger$ Reduced protocol or other data: no evidence for or against a claim. $^\\ddagger$ \
         With results that were imported.",
        plural(derived.input.paper.runs as usize, "run"),
        plural(derived.ledger.family, "claim")
    );
}

/// Remarks with the rows that they are about, in the order of the tables.
type Remarks = Vec<(String, Vec<String>)>;

/// How rows are reduced, what is missing of them, and what else a reader must know.
fn remarks(derived: &Derived) -> [(&'static str, Remarks); 3] {
    let mut all = [("$^\\dagger$ ", Remarks::new()), ("Missing of ", Remarks::new()), ("", Remarks::new())];
    for (view, _, rows) in readings(derived).filter(|(_, reading, _)| reading.key.is_empty()) {
        for (_, row) in rows {
            let name = format!("{}, {}, {}, {}", view.number, row.network, row.initialization, row.loss);
            let lists = [row.source.reasons.join("; "), row.source.missing.join("; "), row.notes.join(" ")];
            for ((_, remarks), remark) in all.iter_mut().zip(lists).filter(|(_, remark)| !remark.is_empty()) {
                match remarks.iter_mut().find(|(other, _)| *other == remark) {
                    Some((_, rows)) => rows.push(name.clone()),
                    None => remarks.push((remark, vec![name.clone()])),
                }
            }
        }
    }
    all
}

/// With a full stop at its end.
fn sentence(text: &str) -> String {
    let end = if text.ends_with(['.', '!', '?']) { "" } else { "." };
    format!("{text}{end}")
}
