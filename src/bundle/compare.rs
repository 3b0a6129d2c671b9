//! The first difference between what a file says and what follows.

use serde_json::Value;

/// Longest piece of a file that a message quotes, in characters.
const QUOTE: usize = 80;

/// The first value that differs, as `cells[3].scores.top1_pct: says 64.7, follows 64.69`.
pub(super) fn json(says: &Value, follows: &Value) -> Option<String> {
    at("", Some(says), Some(follows), true)
}

/// Likewise, of the values that both have.
pub(super) fn common(says: &Value, follows: &Value) -> Option<String> {
    at("", Some(says), Some(follows), false)
}

fn at(path: &str, says: Option<&Value>, follows: Option<&Value>, all: bool) -> Option<String> {
    match (says, follows) {
        (Some(Value::Object(a)), Some(Value::Object(b))) => {
            let keys: std::collections::BTreeSet<&String> = a.keys().chain(b.keys()).collect();
            let dot = if path.is_empty() { "" } else { "." };
            keys.into_iter().find_map(|key| at(&format!("{path}{dot}{key}"), a.get(key), b.get(key), all))
        }
        (Some(Value::Array(a)), Some(Value::Array(b))) => {
            (0..a.len().max(b.len())).find_map(|index| at(&format!("{path}[{index}]"), a.get(index), b.get(index), all))
        }
        (None, _) | (_, None) if !all => None,
        (says, follows) if says == follows => None,
        (says, follows) => Some(format!("{path}: says {}, follows {}", show(says), show(follows))),
    }
}

fn show(value: Option<&Value>) -> String {
    value.map_or_else(|| "nothing".to_owned(), |value| cut(&value.to_string()))
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(QUOTE) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// The first place where two files differ: of text the line and the words, else the byte.
pub(super) fn bytes(says: &[u8], follows: &[u8]) -> Option<String> {
    if says == follows {
        return None;
    }
    match (std::str::from_utf8(says), std::str::from_utf8(follows)) {
        (Ok(says), Ok(follows)) => Some(text(says, follows)),
        (Err(_), Ok(_)) => Some("is not text".to_owned()),
        _ => {
            let same = says.iter().zip(follows).take_while(|(a, b)| a == b).count();
            let show = |bytes: &[u8]| bytes.get(same).map_or("its end".to_owned(), |byte| format!("0x{byte:02x}"));
            Some(format!("byte {same}: says {}, follows {}", show(says), show(follows)))
        }
    }
}

fn text(says: &str, follows: &str) -> String {
    let (mut a, mut b) = (says.split('\n'), follows.split('\n'));
    let mut line = 0;
    loop {
        line += 1;
        match (a.next(), b.next()) {
            (Some(a), Some(b)) if a == b => {}
            (Some(a), Some(b)) => return format!("line {line}: {}", words(a, b)),
            (Some(_), None) => return format!("line {line}: follows no such line"),
            (None, Some(_)) => return format!("line {line}: ends there, but more follows"),
            (None, None) => return "differs".to_owned(),
        }
    }
}

/// The two words that differ first; without one, what follows the first difference.
fn words(says: &str, follows: &str) -> String {
    let same: usize = says.chars().zip(follows.chars()).take_while(|(a, b)| a == b).map(|(a, _)| a.len_utf8()).sum();
    let is_end = |c: char| c.is_whitespace() || "<>\"|,;:(){}[]=&".contains(c);
    let start = says[..same].rfind(is_end).map_or(0, |at| at + says[at..].chars().next().map_or(1, char::len_utf8));
    let word = |line| word(line, start, is_end);
    let (a, b) =
        if word(says) == word(follows) { (&says[same..], &follows[same..]) } else { (word(says), word(follows)) };
    format!("says `{}`, follows `{}`", cut(a), cut(b))
}

fn word(line: &str, start: usize, is_end: impl Fn(char) -> bool) -> &str {
    let rest = &line[start..];
    &rest[..rest.find(is_end).unwrap_or(rest.len())]
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_value_is_named_with_its_path() {
        let says = json!({"cells": [{"id": "a"}, {"id": "b", "scores": {"top1_pct": 64.7}}]});
        let mut follows = says.clone();
        assert_eq!(super::json(&says, &follows), None);
        follows["cells"][1]["scores"]["top1_pct"] = json!(64.69);
        let found = super::json(&says, &follows).expect("differs");
        assert_eq!(found, "cells[1].scores.top1_pct: says 64.7, follows 64.69");
        follows["cells"][1] = json!({});
        assert_eq!(super::json(&says, &follows).expect("differs"), "cells[1].id: says \"b\", follows nothing");
    }

    #[test]
    fn words_are_named_with_their_line() {
        let found = |a: &str, b: &str| bytes(a.as_bytes(), b.as_bytes()).expect("differs");
        assert_eq!(found("a\n| 64.70 | 1 |", "a\n| 64.69 | 1 |"), "line 2: says `64.70`, follows `64.69`");
        assert_eq!(found("<td>17.5</td>", "<td>17.25</td>"), "line 1: says `17.5`, follows `17.25`");
        assert_eq!(found("größer 1", "größer 12"), "line 1: says `1`, follows `12`");
        assert_eq!(found("a\nb", "a"), "line 2: follows no such line");
        assert_eq!(bytes(&[0xff, 1], &[0xff, 2]).expect("differs"), "byte 1: says 0x01, follows 0x02");
        assert_eq!(bytes(b"a", b"a"), None);
    }
}
