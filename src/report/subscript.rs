//! The paper's symbols with a subscript, as plain text has them: `p_F`, `α_i`.

/// A stretch of text, and the subscript that follows it; empty at the end.
pub(super) type Piece<'a> = (&'a str, &'a str);

/// Symbols that take a subscript, and the subscripts that they take.
const SYMBOLS: [char; 5] = ['p', 'α', 'L', 'N', 'm'];
const SUBSCRIPTS: [char; 3] = ['T', 'F', 'i'];

/// Splits a text before and after every subscript. All pieces together are the text without its underscores.
pub(super) fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some((before, subscript, after)) = first(rest) {
        pieces.push((before, subscript));
        rest = after;
    }
    pieces.push((rest, ""));
    pieces
}

/// The text up to the first subscript, the subscript, and what follows.
fn first(text: &str) -> Option<(&str, &str, &str)> {
    let is_symbol = |before: &str| {
        let mut letters = before.chars().rev();
        letters.next().is_some_and(|letter| SYMBOLS.contains(&letter))
            && !letters.next().is_some_and(char::is_alphanumeric)
    };
    let at = text.match_indices('_').map(|(at, _)| at).find(|&at| {
        let mut letters = text[at + 1..].chars();
        is_symbol(&text[..at])
            && letters.next().is_some_and(|letter| SUBSCRIPTS.contains(&letter))
            && !letters.next().is_some_and(|letter| letter.is_alphanumeric() || letter == '_')
    })?;
    Some((&text[..at], &text[at + 1..at + 2], &text[at + 2..]))
}
