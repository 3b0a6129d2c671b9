//! Type errors of serde in the words of someone who writes TOML.

/// Keys of counts of which there is at least one.
const COUNTS: [&str; 4] = ["epochs", "batch_size", "jobs", "input_size"];

/// `must be a whole number, 1 or more, and not the text "two"`; `None` for what is no type error.
pub(super) fn in_words(message: &str, key: &str) -> Option<String> {
    let rest = message.strip_prefix("invalid type: ").or_else(|| message.strip_prefix("invalid value: "))?;
    let (found, expected) = rest.rsplit_once(", expected ")?;
    Some(format!("must be {}, and not {}", wanted(expected, key)?, given(found)))
}

fn wanted(expected: &str, key: &str) -> Option<String> {
    let expected = expected.trim_start_matches("a ").trim_start_matches("an ");
    let words = match expected {
        "u8" | "u16" | "u32" | "u64" | "usize" if COUNTS.contains(&key) => "a whole number, 1 or more",
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number, 0 or more",
        "i8" | "i16" | "i32" | "i64" => "a whole number",
        "f32" | "f64" => "a number",
        "boolean" => "true or false",
        "string" | "borrowed string" | "character" => "a text in quotes",
        "sequence" => "a list in brackets",
        "map" => "a table",
        _ if expected.starts_with("struct ") || expected.contains("enum ") || expected == "string or map" => {
            "a table in braces"
        }
        _ => {
            let length = expected.strip_prefix("array of length ")?;
            return Some(format!("a list of {length}"));
        }
    };
    Some(words.to_owned())
}

/// What stands there, without serde's names of types.
fn given(found: &str) -> String {
    let value = |kind: &str| found.strip_prefix(kind).map(|value| value.trim_matches('`').to_owned());
    match found {
        "sequence" => "a list".to_owned(),
        "map" => "a table".to_owned(),
        _ => value("integer ")
            .or_else(|| value("floating point "))
            .or_else(|| value("boolean "))
            .or_else(|| value("string ").map(|text| format!("the text {text}")))
            .unwrap_or_else(|| found.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::in_words;

    #[test]
    fn no_message_has_a_type_of_rust() {
        let words = |message: &str, key: &str| in_words(message, key).expect("a type error");
        assert_eq!(
            words("invalid type: string \"two\", expected u32", "epochs"),
            "must be a whole number, 1 or more, and not the text \"two\""
        );
        assert_eq!(
            words("invalid value: integer `-1`, expected u64", "seeds"),
            "must be a whole number, 0 or more, and not -1"
        );
        assert_eq!(words("invalid type: integer `1`, expected f64", "lr"), "must be a number, and not 1");
        assert_eq!(
            words("invalid type: string \"yes\", expected a boolean", "offline"),
            "must be true or false, and not the text \"yes\""
        );
        assert_eq!(
            words("invalid type: sequence, expected struct Recipe", "table2"),
            "must be a table in braces, and not a list"
        );
        assert_eq!(
            words("invalid type: floating point `0.5`, expected an array of length 3", "mean"),
            "must be a list of 3, and not 0.5"
        );
        assert_eq!(in_words("missing field `epochs`", "table2"), None);
    }
}
