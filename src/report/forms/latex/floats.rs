//! `floats.tex`: a command per table and figure that sets it with its caption and label.

use std::fmt::Write as _; // Writing to a String cannot fail.

use super::super::tex::{PREAMBLE, comment, escape, name};
use super::{Form, readings};
use crate::report::derived::Derived;
use crate::report::figure::{Figure, WIDTH};

const HEAD: &str = r"% Tables and figures with captions and labels; \input this file in the preamble. Needs booktabs and graphicx.
%
% \fplFloatTableTwo sets a table over the whole page, also of two columns; \fplFloatTableTwoColumn in a column. Figures
% likewise. Labels: tab:fpl-table2, fig:fpl-figure1-example. \input{tables/notes} says once what all captions leave out.
% Where the report is not in the folder of the document:
%   \newcommand{\fplPath}{reports/cpu/}   before \input{reports/cpu/floats}
% and a second report takes \renewcommand and a name of its own, \renewcommand{\fplReport}{lab}: \labFloatTableTwo.
";

/// `\edef` keeps the path and the name of this report, whatever is set for the next one.
const DEFINITIONS: &str = r"
\providecommand{\fplFloat}[6]{% environment, name, type of label, label, caption, content without its path
  \expandafter\edef\csname\fplReport Float#2\endcsname{%
    \unexpanded{\begin{#1}\centering\caption{#5}}\noexpand\label{#3:\fplReport-#4}%
    \unexpanded{\def\fplHere}{\fplPath}\unexpanded{#6\end{#1}}}}
";

/// Definitions of all floats.
pub(super) fn floats(derived: &Derived, figures: &[Figure]) -> String {
    let mut text = format!("{HEAD}{PREAMBLE}{DEFINITIONS}\n");
    let mut tables: Vec<(&str, String)> = readings(derived)
        .map(|(view, reading, _)| (&*reading.anchor, caption(&[&view.number, &view.caption, reading.title])))
        .collect();
    tables.push(("claims", caption(&["The paper’s claims", "", "Differences of our runs, paired by seed"])));
    for (file, caption) in &tables {
        for form in Form::ALL {
            let (environment, suffix) = environment("table", form);
            let _ = writeln!(
                text,
                "\\fplFloat{{{environment}}}{{{}{suffix}}}{{tab}}{{{file}{}}}{{{caption} Italic: the paper; upright: \
                 ours.}}{{\\input{{\\fplHere tables/{file}{}}}}}",
                name(file),
                form.suffix(),
                form.suffix(),
            );
        }
    }
    for figure in figures {
        let file = figure.file.trim_end_matches(".svg");
        let _ = writeln!(text, "% {}", comment(&figure.number));
        // A figure that is not cut into panels would have text of 4 points in a column.
        for form in Form::ALL.into_iter().filter(|form| *form == Form::Page || !figure.panels.is_empty()) {
            let (environment, suffix) = environment("figure", form);
            let _ = writeln!(
                text,
                "\\fplFloat{{{environment}}}{{{}{suffix}}}{{fig}}{{{file}{}}}{{{}}}{{\\includegraphics[width={}\\linewidth,\
                 height=.7\\textheight,keepaspectratio]{{\\fplHere figures/{file}{}.pdf}}}}",
                name(file),
                form.suffix(),
                caption(&[&figure.caption]),
                if form == Form::Page { share(figure) } else { String::new() },
                form.suffix(),
            );
        }
    }
    text
}

/// The part of a page's width that a figure takes, so that text has one size in all of them; empty for all of it.
fn share(figure: &Figure) -> String {
    let whole = f64::from(WIDTH);
    let width = figure.svg.split_once("viewBox=\"0 0 ").and_then(|(_, rest)| rest.split(' ').next()?.parse().ok());
    width.filter(|width| *width < whole).map_or_else(String::new, |width: f64| format!("{:.2}", width / whole))
}

/// The environment, and what the command's name ends in.
fn environment(kind: &str, form: Form) -> (String, &'static str) {
    match form {
        Form::Page => (format!("{kind}*"), ""),
        Form::Column => (kind.to_owned(), "Column"),
    }
}

/// Parts of a caption as sentences.
fn caption(parts: &[&str]) -> String {
    let parts = parts.iter().filter(|part| !part.is_empty());
    parts.map(|part| format!("{}.", escape(part.trim_end_matches('.')))).collect::<Vec<_>>().join(" ")
}
