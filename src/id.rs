//! Names of cells, and of what cells have in common: `table2/resnet18/random/fpl/seed0`.
//!
//! The only place that puts such names together or takes them apart.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::recipe::Architecture;

/// A text that is no name of the kind that is asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not the name of {what}: write `{form}`")]
pub struct InvalidId {
    text: String,
    what: &'static str,
    form: &'static str,
}

/// What cells that differ in loss and seed share: `table2/resnet18/random`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Setting(String);

/// What cells that differ in seed share, a row of a table: `table2/resnet18/random/fpl`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct RowId(String);

/// A cell: `table2/resnet18/random/fpl/seed0`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct CellId(String);

impl Setting {
    /// The parts' names must hold no `/`; the configuration guarantees it.
    pub fn new(table: &str, architecture: Architecture, initialization: &str) -> Self {
        Self(format!("{table}/{}/{initialization}", architecture.id()))
    }

    /// The row of a loss.
    pub fn row(&self, loss: &str) -> RowId {
        RowId(format!("{self}/{loss}"))
    }

    /// Key of the table.
    pub fn table(&self) -> &str {
        part(&self.0, 0)
    }

    /// The architecture's id.
    pub fn architecture(&self) -> &str {
        part(&self.0, 1)
    }

    /// Key of the initial weights.
    pub fn initialization(&self) -> &str {
        part(&self.0, 2)
    }

    /// The same row of another table, with another architecture and other initial weights if some are given.
    #[must_use]
    pub fn elsewhere(&self, table: &str, architecture: Option<Architecture>, initialization: Option<&str>) -> Self {
        let architecture = architecture.map_or_else(|| self.architecture(), |other| other.id());
        let initialization = initialization.unwrap_or_else(|| self.initialization());
        Self(format!("{table}/{architecture}/{initialization}"))
    }
}

impl RowId {
    /// The cell of a seed.
    pub fn cell(&self, seed: u64) -> CellId {
        CellId(format!("{self}/seed{seed}"))
    }

    /// The name without the loss.
    pub fn setting(&self) -> Setting {
        Setting(before_last(&self.0))
    }

    /// Key of the loss.
    pub fn loss(&self) -> &str {
        part(&self.0, 3)
    }
}

impl CellId {
    /// The name without the seed.
    pub fn row(&self) -> RowId {
        RowId(before_last(&self.0))
    }

    /// The name without loss and seed.
    pub fn setting(&self) -> Setting {
        self.row().setting()
    }

    /// Key of the loss.
    pub fn loss(&self) -> &str {
        part(&self.0, 3)
    }

    /// The seed.
    pub fn seed(&self) -> u64 {
        let seed = part(&self.0, 4).strip_prefix("seed");
        seed.and_then(|seed| seed.parse().ok()).unwrap_or_default() // A name of a cell has one.
    }
}

fn part(text: &str, index: usize) -> &str {
    text.split('/').nth(index).unwrap_or_default()
}

fn before_last(text: &str) -> String {
    text.rsplit_once('/').map_or_else(String::new, |(rest, _)| rest.to_owned())
}

/// Whether a text is so many names with a `/` between them.
fn names(text: &str, count: usize) -> bool {
    text.split('/').filter(|part| !part.is_empty()).count() == count && text.split('/').count() == count
}

/// What a text must be to be a name, and how names are written and read.
macro_rules! text {
    ($id:ident, $what:literal, $form:literal, $valid:expr) => {
        impl $id {
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $id {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                let valid: fn(&str) -> bool = $valid;
                let invalid = || InvalidId { text: text.to_owned(), what: $what, form: $form };
                valid(text).then(|| Self(text.to_owned())).ok_or_else(invalid)
            }
        }

        impl TryFrom<String> for $id {
            type Error = InvalidId;

            fn try_from(text: String) -> Result<Self, InvalidId> {
                text.parse()
            }
        }

        impl From<$id> for String {
            fn from(id: $id) -> Self {
                id.0
            }
        }

        impl fmt::Display for $id {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&self.0)
            }
        }
    };
}

text!(Setting, "cells without loss and seed", "table/architecture/initial weights", |text| names(text, 3));
text!(RowId, "cells without their seed", "table/architecture/initial weights/loss", |text| names(text, 4));
text!(CellId, "a cell", "table/architecture/initial weights/loss/seedN", |text| {
    let seed = part(text, 4).strip_prefix("seed").and_then(|seed| seed.parse::<u64>().ok());
    names(text, 5) && seed.is_some_and(|seed| text.ends_with(&format!("/seed{seed}")))
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_put_together_and_taken_apart() {
        let cell = Setting::new("table2", Architecture::ResNet18, "random").row("fpl").cell(7);
        assert_eq!(cell.as_str(), "table2/resnet18/random/fpl/seed7");
        assert_eq!(cell.to_string().parse(), Ok(cell.clone()));
        assert_eq!((cell.row().as_str(), cell.loss(), cell.seed()), ("table2/resnet18/random/fpl", "fpl", 7));
        let setting = cell.setting();
        assert_eq!(
            (setting.table(), setting.architecture(), setting.initialization()),
            ("table2", "resnet18", "random")
        );
        assert_eq!(setting.elsewhere("other", None, Some("imagenet")).as_str(), "other/resnet18/imagenet");
        let larger = setting.elsewhere("other", Some(Architecture::ResNet50), None);
        assert_eq!(larger.as_str(), "other/resnet50/random");
    }

    #[test]
    fn what_is_no_name_is_refused_with_the_form_that_it_must_have() {
        for text in ["", "table2", "table2/resnet18/random", "a/b/c/d/seed0", "a//c/d", "a/b/c/"] {
            assert!(text.parse::<RowId>().is_err(), "{text}");
        }
        for text in ["a/b/c/d", "a/b/c/d/0", "a/b/c/d/seed", "a/b/c/d/seed-1", "a/b/c/d/seed01", "a/b/c/d/seed0/"] {
            assert!(text.parse::<CellId>().is_err(), "{text}");
        }
        let error = serde_json::from_str::<RowId>("\"table2/fpl\"").expect_err("two parts").to_string();
        assert!(error.contains("`table2/fpl`") && error.contains("table/architecture/initial weights/loss"), "{error}");
    }
}
