//! A stage's fingerprint: the sha256 of the canonical JSON of everything that determines its result.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::fs::sha256_bytes;

/// A sha256 in hexadecimal; the first 12 digits are enough to tell two apart.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Fingerprint(String);

impl Fingerprint {
    /// The fingerprint of a value: keys sorted, no white space, shortest round-trip numbers.
    ///
    /// # Panics
    /// If the value cannot be JSON (a map with keys that are no strings): a fault of the program.
    pub fn of(identity: &Value) -> Self {
        Self::of_canonical(&canonical(identity))
    }

    /// The fingerprint of a value that [`canonical`] has written.
    pub fn of_canonical(text: &str) -> Self {
        Self(sha256_bytes(text.as_bytes()))
    }

    /// All 64 digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first 12 digits.
    pub fn short(&self) -> &str {
        &self.0[..12]
    }
}

impl std::fmt::Display for Fingerprint {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Canonical JSON. `serde_json`'s map is a `BTreeMap`, so keys are sorted.
pub fn canonical(value: &Value) -> String {
    value.to_string()
}

/// One field that differs between two identities.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Difference {
    /// Dotted path of the field.
    pub field: String,
    /// The value before; `None` if the field was not there.
    pub old: Option<Value>,
    /// The value now; `None` if the field is gone.
    pub new: Option<Value>,
}

impl std::fmt::Display for Difference {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let show = |value: &Option<Value>| value.as_ref().map_or_else(|| "(none)".to_owned(), Value::to_string);
        write!(formatter, "{}: {} → {}", self.field, show(&self.old), show(&self.new))
    }
}

/// The fields that differ, in the order of their names.
pub fn differences(old: &Value, new: &Value) -> Vec<Difference> {
    let mut found = Vec::new();
    collect("", Some(old), Some(new), &mut found);
    for difference in &mut found {
        // What the user configures stands under `fields`, which says nothing to a reader.
        if let Some(field) = difference.field.strip_prefix("fields.") {
            difference.field = field.to_owned();
        }
    }
    found
}

fn collect(field: &str, old: Option<&Value>, new: Option<&Value>, found: &mut Vec<Difference>) {
    if let (Some(Value::Object(a)), Some(Value::Object(b))) = (old, new) {
        let keys: std::collections::BTreeSet<&String> = a.keys().chain(b.keys()).collect();
        for key in keys {
            let path = if field.is_empty() { key.clone() } else { format!("{field}.{key}") };
            collect(&path, a.get(key), b.get(key), found);
        }
    } else if old != new {
        found.push(Difference { field: field.to_owned(), old: old.cloned(), new: new.cloned() });
    }
}

/// Whether a name has the form of a fingerprint: 64 hexadecimal digits in lower case.
pub fn is_fingerprint(name: &str) -> bool {
    name.len() == 64 && name.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn is_the_sha256_of_sorted_compact_json() {
        // printf '{"a":1,"b":{"c":0.001,"d":[2]}}' | sha256sum
        let value = json!({"b": {"d": [2], "c": 0.001}, "a": 1});
        assert_eq!(canonical(&value), r#"{"a":1,"b":{"c":0.001,"d":[2]}}"#);
        assert_eq!(
            Fingerprint::of(&value).as_str(),
            "bbfa86a8faa4282ebe2e13d81c3420b15a6a59638327311a20a766171454b96f"
        );
    }

    #[test]
    fn differences_name_the_leaf() {
        let old = json!({"recipe": {"lr": 0.001, "epochs": 20}, "same": 1});
        let new = json!({"recipe": {"lr": 0.01, "epochs": 20}, "same": 1, "more": true});
        let lines: Vec<String> = differences(&old, &new).iter().map(ToString::to_string).collect();
        assert_eq!(lines, ["more: (none) → true", "recipe.lr: 0.001 → 0.01"]);
    }
}
