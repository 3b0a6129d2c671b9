//! Errors as the user sees them: what is wrong, where, and what to do.

use std::ops::Range;

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};

use crate::error::{ConfigPlace, Error};
use crate::stream;

/// Tells of an error on standard error.
pub(super) fn complain(error: &Error) {
    stream::err(&in_file(error).unwrap_or_else(|| format!("error: {error}")));
    if !error.help().is_empty() {
        stream::err(&format!("help: {}", error.help()));
    }
}

/// An error in a configuration file with the line that it is in, as compilers show it; `None` for any other.
fn in_file(error: &Error) -> Option<String> {
    let Error::Config { place: ConfigPlace::Line(path, line), key, message, .. } = error else { return None };
    let text = std::fs::read_to_string(path).ok()?;
    let source = text.lines().nth(line - 1)?;
    let span = span(source, key);
    let snippet = Snippet::source(source).line_start(*line).path(path).annotation(AnnotationKind::Primary.span(span));
    let title = format!("`{key}`: {message}");
    Some(Renderer::plain().render(&[Level::ERROR.primary_title(title).element(snippet)]))
}

/// The last part of a key in its line, or all that the line says.
fn span(source: &str, key: &str) -> Range<usize> {
    let last = key.rsplit('.').next().unwrap_or_default();
    let start = source.len() - source.trim_start().len();
    match source.find(last) {
        Some(at) if !last.is_empty() => at..at + last.len(),
        _ => start..source.trim_end().len().max(start),
    }
}
