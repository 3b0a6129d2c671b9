//! Sentences on a terminal: broken between words, not in them, and indented as they began.

use std::io::{IsTerminal as _, stdout};

use super::print;

/// Narrower than this nothing is broken: words would stand alone.
const NARROWEST: usize = 40;

/// Prints text; to a file or a pipe as it is.
pub(super) fn print_prose(text: &str) {
    let width = if stdout().is_terminal() {
        ratatui::crossterm::terminal::size().map_or(0, |(columns, _)| usize::from(columns))
    } else {
        0
    };
    if width < NARROWEST {
        print(text);
    } else {
        print(&text.lines().map(|line| broken(line, width)).collect::<Vec<_>>().join("\n"));
    }
}

/// A line as lines of at most so many characters; a longer word stands alone.
fn broken(line: &str, width: usize) -> String {
    let indent = line.chars().take_while(|letter| *letter == ' ').count();
    // A name in front, like `T2-a     reproduced  …`, is followed by several spaces: what is said begins after them.
    let hanging = " ".repeat(if indent == 0 { 9 } else { indent + 2 }.min(width / 2));
    let (mut lines, mut rest) = (Vec::new(), line);
    let mut before = String::new();
    while let Some(end) = cut(rest, width - before.chars().count()) {
        lines.push(format!("{before}{}", rest[..end].trim_end()));
        rest = rest[end..].trim_start();
        before.clone_from(&hanging);
    }
    lines.push(format!("{before}{rest}"));
    lines.join("\n")
}

/// Where to break a text that is wider: at the last space that fits, or at the first one.
fn cut(text: &str, width: usize) -> Option<usize> {
    let (limit, _) = text.char_indices().nth(width)?;
    let begin = text.len() - text.trim_start().len();
    let space = |from: usize, to: usize| text.get(from..to)?.rfind(' ').map(|at| from + at);
    space(begin, limit + usize::from(text[limit..].starts_with(' ')))
        .or_else(|| text[limit..].find(' ').map(|at| limit + at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_between_words_and_keep_their_indent() {
        assert_eq!(broken("short", 40), "short");
        let line = "  says:    one number per row and much more than fits";
        assert_eq!(broken(line, 30), "  says:    one number per row\n    and much more than fits");
        assert_eq!(broken("T2-a     not run  four five", 20), "T2-a     not run\n         four five");
        // Counted in characters, and a long word is not broken.
        assert_eq!(broken("α β γ δ", 3), "α β\n γ\n δ");
        assert_eq!(
            broken(&format!("a {} b", "x".repeat(50)), 42),
            format!("a\n         {}\n         b", "x".repeat(50))
        );
    }
}
