//! The claims ledger as a table: two lines per claim.

use std::fmt::Write as _; // Writing to a String cannot fail.

use super::super::tex::{escape, number};
use super::{Form, mark};
use crate::number::p_value;
use crate::report::ledger::{Entry, Ledger, Verdict};

/// The tabular.
pub(super) fn claims(ledger: &Ledger, form: Form) -> String {
    let mut text = String::from(match form {
        Form::Page => {
            "\\begin{tabular}{@{}lrrcrrl@{}}\n\\toprule\nClaim & \\textit{paper} & ours & 95\\,\\% interval & $n$ & $p$ & \
             verdict \\\\\n\\midrule\n"
        }
        Form::Column => {
            "\\begin{tabular}{@{}rrcrrl@{}}\n\\toprule\n\\textit{paper} & ours & 95\\,\\% interval & $n$ & $p$ & verdict \
             \\\\\n\\midrule\n"
        }
    });
    for (at, entry) in ledger.entries.iter().enumerate() {
        text.push_str(if at == 0 { "" } else { "\\addlinespace\n" });
        claim(&mut text, entry, form);
    }
    text.push_str("\\bottomrule\n\\end{tabular}\\par\n");
    text
}

fn claim(text: &mut String, entry: &Entry, form: Form) {
    let (claim, evidence) = (&entry.claim, &entry.evidence);
    let (measure, pairs) = (claim.measure, evidence.pairs());
    let paper = entry.paper_effect.map(|effect| format!("\\textit{{{}}}", number(&measure.effect(effect, 1))));
    let marks = mark(!evidence.deviations.is_empty(), evidence.imported > 0);
    let ours = evidence.mean.map(|mean| format!("{}{marks}", number(&measure.effect(mean, pairs))));
    let interval = evidence.interval.map(|ends| number(&measure.interval(ends, pairs)));
    let dash = || "---".to_owned();
    let what = escape(&format!("{} Measure: {}.", claim.text, measure.difference()));
    let id = escape(&claim.id);
    let _ = match form {
        Form::Page => writeln!(text, "{id} & \\multicolumn{{6}}{{p{{0.8\\linewidth}}}}{{{what}}} \\\\\n &"),
        // Two spaces of 2 pt at each side of the columns are within the width of the paragraph.
        Form::Column => {
            writeln!(text, "\\multicolumn{{6}}{{@{{}}p{{\\linewidth}}@{{}}}}{{\\textbf{{{id}}} {what}}} \\\\")
        }
    };
    let _ = writeln!(
        text,
        "{} & {} & {} & {} & {} & {} \\\\",
        paper.unwrap_or_else(dash),
        ours.unwrap_or_else(|| Verdict::NotRun.title().to_owned()),
        interval.unwrap_or_else(dash),
        pairs,
        entry.test.p_adjusted.map_or_else(dash, |p| number(&p_value(p))),
        entry.verdict.title()
    );
}
