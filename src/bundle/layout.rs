//! What a bundle is made of: names, and the files that say what it holds.

use std::collections::{BTreeMap, BTreeSet};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::archive::Files;
use super::compare;
use super::fault::Fault;
use crate::artifact::{METRICS, Manifest, OutputFile, PREDICTIONS, PROBABILITIES, SCORES, TRAINING_SET};
use crate::config::Config;
use crate::fingerprint::Fingerprint;
use crate::report::CONTENT;
use crate::store::{EVALUATE_MANIFEST, TRAIN_MANIFEST};

/// Format of a bundle that this program writes and reads.
pub const SCHEMA: u32 = 1;
/// The list of all files.
pub const MANIFEST: &str = "MANIFEST.json";
/// The configuration.
pub const CONFIG: &str = "config.json";
/// The RO-Crate's metadata.
pub const CRATE: &str = "ro-crate-metadata.json";
/// What the bundle is, for whoever unpacks it.
pub const README: &str = "README.md";
/// Folder of the report.
pub const REPORT: &str = "report/";
/// The class of every test image.
pub const LABELS: &str = "evidence/labels.bin";
/// Manifest of the data.
pub const DATA_MANIFEST: &str = "evidence/data-manifest.json";
/// Manifest of the figures.
pub const PLOT_MANIFEST: &str = "evidence/plot-manifest.json";
/// Manifest of the report.
pub const REPORT_MANIFEST: &str = "evidence/report-manifest.json";

/// What a cell's training leaves in the bundle; the training set only where it was made imbalanced or noisy.
pub(super) const TRAINING_FILES: [&str; 2] = [METRICS, TRAINING_SET];
/// What a cell's evaluation leaves in the bundle.
pub(super) const EVALUATION_FILES: [&str; 3] = [PREDICTIONS, PROBABILITIES, SCORES];
/// The manifests of both.
pub(super) const CELL_MANIFESTS: [&str; 2] = [TRAIN_MANIFEST, EVALUATE_MANIFEST];

/// `MANIFEST.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Listing {
    /// Format of the bundle.
    pub schema: u32,
    /// Every other file.
    pub files: BTreeMap<String, OutputFile>,
}

/// `config.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Configuration {
    /// The program that made the report.
    pub program: String,
    /// Digest of the configuration as the program that wrote the bundle ships it: what "reduced" is measured against.
    pub shipped: String,
    /// The configuration with all its values.
    pub config: Config,
    /// Who made it.
    #[serde(default, skip_serializing_if = "Attribution::is_empty")]
    pub attribution: Attribution,
}

/// Who made a bundle, and where it is published; nothing where nobody said.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attribution {
    /// Who ran the cells and answers for the results.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub authors: Vec<Author>,
    /// Where it is published.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub url: String,
}

/// A person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Author {
    /// As cited.
    pub name: String,
    /// An address that identifies the person, like an ORCID's; may be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub id: String,
}

impl Attribution {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl std::str::FromStr for Author {
    type Err = String;

    /// `Ada Lovelace` or `Ada Lovelace <https://orcid.org/0000-0000-0000-0000>`
    fn from_str(text: &str) -> Result<Self, String> {
        let (name, id) = match text.trim().strip_suffix('>').and_then(|text| text.split_once('<')) {
            Some((name, id)) => (name.trim(), id.trim()),
            None => (text.trim(), ""),
        };
        if name.is_empty() || name.contains(['<', '>']) {
            return Err("write a name, or a name and an address: `Ada Lovelace <https://orcid.org/…>`".to_owned());
        }
        if !id.is_empty() && !is_web(id) {
            return Err(format!("`{id}` is no address that begins with https://"));
        }
        Ok(Self { name: name.to_owned(), id: id.to_owned() })
    }
}

/// Whether a text is an address of the web, without white space.
pub fn is_web(text: &str) -> bool {
    ["https://", "http://"].iter().any(|scheme| text.starts_with(scheme)) && !text.contains(char::is_whitespace)
}

impl Listing {
    /// The list of `files`.
    pub fn of(files: &Files) -> Self {
        let listed = |(name, bytes): (&String, &Vec<u8>)| {
            let output = OutputFile { sha256: crate::fs::sha256_bytes(bytes), bytes: bytes.len() as u64 };
            (name.clone(), output)
        };
        let files = files.iter().filter(|(name, _)| *name != MANIFEST).map(listed).collect();
        Self { schema: SCHEMA, files }
    }
}

/// The files that a training left.
pub(super) fn training_files(train: &Manifest) -> impl Iterator<Item = &'static str> {
    TRAINING_FILES.into_iter().filter(|name| train.outputs.contains_key(*name))
}

/// The files of a cell's evidence.
pub(super) fn cell_files(train: &Manifest) -> impl Iterator<Item = &'static str> {
    training_files(train).chain(EVALUATION_FILES).chain(CELL_MANIFESTS)
}

/// The folder of a cell's evidence, whatever characters its id has.
pub fn cell_folder(id: &str) -> String {
    let part = |part: &str| -> String {
        let escaped: String = part.bytes().map(escape).collect();
        // `.` and `..` are folders of another kind, and an empty part is none.
        if escaped.bytes().all(|byte| byte == b'.') { format!("={escaped}") } else { escaped }
    };
    format!("evidence/cells/{}/", id.split('/').map(part).collect::<Vec<_>>().join("/"))
}

fn escape(byte: u8) -> String {
    if byte.is_ascii_alphanumeric() || b"-_.".contains(&byte) {
        char::from(byte).to_string()
    } else {
        format!("={byte:02X}")
    }
}

/// What identifies the configuration that this program ships.
pub(super) fn shipped_digest(shipped: &Config) -> String {
    Fingerprint::of(&serde_json::to_value(shipped).unwrap_or_default()).to_string()
}

/// The report's content.
pub(super) fn report_path() -> String {
    format!("{REPORT}{CONTENT}")
}

/// A JSON file, whatever its layout.
pub(super) fn parse<T: DeserializeOwned>(name: &str, bytes: &[u8]) -> Result<T, Fault> {
    let mut json = serde_json::Deserializer::from_slice(bytes);
    serde_path_to_error::deserialize(&mut json).map_err(|error| Fault::new(name, error.to_string()))
}

/// A file of the bundle.
pub(super) fn get<'a>(files: &'a Files, name: &str) -> Result<&'a [u8], Fault> {
    files.get(name).map(Vec::as_slice).ok_or_else(|| Fault::missing(name))
}

/// A JSON file, laid out as this program does it.
pub(super) fn canonical<T: DeserializeOwned + Serialize>(name: &str, bytes: &[u8]) -> Result<T, Fault> {
    let read: T = serde_json::from_slice(bytes).map_err(|error| Fault::new(name, error.to_string()))?;
    let again = serde_json::to_vec_pretty(&read).map_err(|error| Fault::new(name, error.to_string()))?;
    match compare::bytes(bytes, &again) {
        Some(difference) => Err(Fault::new(name, difference)),
        None => Ok(read),
    }
}

/// Ids of the cells that the report has as done.
pub(super) fn done(report: &Value) -> Result<Vec<String>, Fault> {
    let fault = || Fault::new(&report_path(), "is no report");
    let cells = report["cells"].as_array().ok_or_else(fault)?;
    let done = cells.iter().filter(|cell| cell["state"]["state"] == "done");
    let ids: Vec<String> =
        done.map(|cell| cell["id"].as_str().map(str::to_owned).ok_or_else(fault)).collect::<Result<_, _>>()?;
    let distinct: BTreeSet<&String> = ids.iter().collect();
    if distinct.len() < ids.len() {
        return Err(Fault::new(&report_path(), "has a cell twice"));
    }
    Ok(ids)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cells_folder_is_always_below_the_evidence() {
        assert_eq!(cell_folder("table2/resnet18/seed0"), "evidence/cells/table2/resnet18/seed0/");
        assert_eq!(cell_folder("../a b//ü%"), "evidence/cells/=../a=20b/=/=C3=BC=25/");
    }
}
