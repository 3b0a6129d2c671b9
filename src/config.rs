//! `pipeline.toml`, a profile and `--set`, merged and checked: what the user asked for.
//!
//! Every error names the file and line (or the option), the key, and the nearest valid name.

mod dataset;
mod source;
mod check;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::id::{RowId, Setting};
use crate::paper::{Paper, REGISTRATIONS, Registration};
use crate::recipe::{Loss, Network, Recipe};
use crate::report::input::TableKind;

pub use dataset::{Archive, Dataset, Generated, LabelNoise, Sort, Source};
pub use source::Sources;
pub(crate) use source::nearest;

/// The configuration as shipped, with the profiles that add tables to the paper's: what "reduced" is measured against.
const SHIPPED: [(&str, &str); 5] = [
    ("pipeline.toml", include_str!("../pipeline.toml")),
    (PAPER_FILE, include_str!("../paper.toml")),
    ("profiles/what-if.toml", include_str!("../profiles/what-if.toml")),
    ("profiles/imbalance.toml", include_str!("../profiles/imbalance.toml")),
    ("profiles/noise.toml", include_str!("../profiles/noise.toml")),
];

/// The paper as data, beside `pipeline.toml`.
const PAPER_FILE: &str = "paper.toml";

/// The whole configuration. The keys are explained in `pipeline.toml`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Format of the file.
    pub schema: u32,
    /// What a profile says about itself.
    pub note: String,
    /// One run of every cell per seed.
    pub seeds: Vec<u64>,
    /// What the paper reports, claims and leaves open (`paper.toml`).
    pub paper: Paper,
    /// What was registered beforehand, the latest last (`registered.toml`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub registrations: Vec<Registration>,
    /// How to run, not what.
    pub run: RunOptions,
    /// A cache that others share. Never part of a fingerprint.
    #[serde(default)]
    pub remote: Remote,
    /// The data set of rows that name no other, a key of `datasets`; the report is about its test images.
    pub dataset: String,
    /// Data sets by name.
    pub datasets: BTreeMap<String, Dataset>,
    /// Recipes by name.
    pub recipes: BTreeMap<String, Recipe>,
    /// Networks by name.
    pub networks: BTreeMap<String, Network>,
    /// Losses by name.
    pub losses: BTreeMap<String, Loss>,
    /// Initial weights by name.
    pub initializations: BTreeMap<String, Initialization>,
    /// Tables by the first part of their cells' ids.
    pub tables: BTreeMap<String, Table>,
    /// Figures.
    pub figures: Figures,
}

/// How to run. Never part of a fingerprint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunOptions {
    /// `auto`, `cpu`, `cuda` or `cuda:N`.
    pub device: String,
    /// Cells at once.
    pub jobs: Jobs,
    /// Threads of libtorch per cell; 0: cores / jobs.
    pub threads: u32,
    /// Whether a failed cell leaves the others running.
    pub keep_going: bool,
    /// Whether downloads are forbidden.
    pub offline: bool,
    /// Seconds that a worker may say nothing before it is killed and its cell fails.
    #[serde(default = "default_silence")]
    pub silence: u32,
    /// Seconds without a sign of life after which a cell that another machine holds is taken over.
    #[serde(default = "default_lease")]
    pub lease: u32,
}

/// Ten minutes. The longest that a sound worker says nothing is one step on a slow machine.
fn default_silence() -> u32 {
    600
}

/// A minute: six signs of life.
fn default_lease() -> u32 {
    60
}

/// A cache that others share.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Remote {
    /// `s3://`, `gs://`, `az://`, `https://` or `file://`; empty for none.
    pub url: String,
    /// Whether nothing is written to it.
    pub read_only: bool,
}

impl Remote {
    /// What addresses look like, for whoever gave another.
    pub const ADDRESSES: &str = "give s3://BUCKET/PATH, gs://BUCKET/PATH, az://CONTAINER/PATH, https://… or file:///…";
}

/// Cells at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Jobs {
    /// As many as the machine has cores or GPUs, and memory.
    Auto,
    /// So many.
    Count(u32),
}

impl Serialize for Jobs {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Auto => serializer.serialize_str("auto"),
            Self::Count(jobs) => serializer.serialize_u32(*jobs),
        }
    }
}

impl<'de> Deserialize<'de> for Jobs {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl serde::de::Visitor<'_> for Visitor {
            type Value = Jobs;

            fn expecting(&self, formatter: &mut std::fmt::Formatter) -> std::fmt::Result {
                formatter.write_str("`auto` or a whole number")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Jobs, E> {
                if text == "auto" {
                    Ok(Jobs::Auto)
                } else {
                    Err(E::invalid_value(serde::de::Unexpected::Str(text), &self))
                }
            }

            fn visit_u64<E: serde::de::Error>(self, jobs: u64) -> Result<Jobs, E> {
                // Whatever is too large is beyond the bound that is checked.
                Ok(Jobs::Count(u32::try_from(jobs).unwrap_or(u32::MAX)))
            }

            fn visit_i64<E: serde::de::Error>(self, jobs: i64) -> Result<Jobs, E> {
                match u64::try_from(jobs) {
                    Ok(jobs) => self.visit_u64(jobs),
                    Err(_) => Err(E::invalid_value(serde::de::Unexpected::Signed(jobs), &self)),
                }
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

/// Where initial weights come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", deny_unknown_fields, rename_all = "kebab-case")]
pub enum Initialization {
    /// Drawn as the recipe says.
    Random,
    /// From a file; the head is drawn.
    Weights {
        /// By architecture.
        files: BTreeMap<String, WeightsFile>,
    },
    /// From a trained cell of the same seed; the head is drawn.
    Cell {
        /// The cell, without its seed.
        cell: RowId,
    },
}

/// A weights file, safetensors or torchvision's `.pth`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WeightsFile {
    /// Address; `file://` is understood.
    pub url: String,
    /// Further addresses, tried in turn.
    pub mirrors: Vec<String>,
    /// Of the file.
    pub sha256: String,
    /// Its size.
    pub bytes: u64,
    /// A local copy instead; empty for none.
    pub path: String,
    /// Prefixes of tensors, besides the head, that are drawn anew.
    pub drop: Vec<String>,
}

/// A table of results and its cells.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// `Table 2`.
    pub number: String,
    /// Caption.
    pub caption: String,
    /// Layout.
    pub kind: TableKind,
    /// Networks × initial weights, each with its losses.
    pub rows: Vec<TableRow>,
}

/// A network with its initial weights and recipe, and the losses it is trained with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableRow {
    /// A key of `networks`.
    pub network: String,
    /// A key of `initializations`.
    pub initialization: String,
    /// A key of `recipes`.
    pub recipe: String,
    /// Keys of `losses`.
    pub losses: Vec<String>,
    /// A key of `datasets`; none: the configuration's `dataset`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dataset: Option<String>,
}

impl Config {
    /// Key of a row's data set.
    pub fn dataset_of<'a>(&'a self, row: &'a TableRow) -> &'a str {
        row.dataset.as_deref().unwrap_or(&self.dataset)
    }

    /// Every row with each of its losses, in the tables' order, under the name that the cells share. Rows of networks that
    /// are not there are left out.
    pub fn rows(&self) -> impl Iterator<Item = (RowId, &TableRow)> {
        let rows = self.tables.iter().flat_map(|(table, content)| content.rows.iter().map(move |row| (table, row)));
        rows.filter_map(|(table, row)| {
            let architecture = self.networks.get(&row.network)?.architecture;
            Some((Setting::new(table, architecture, &row.initialization), row))
        })
        .flat_map(|(setting, row)| row.losses.iter().map(move |loss| (setting.row(loss), row)))
    }
}

/// What the figures show.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Figures {
    /// Figure 1: a cell without its seed.
    pub example: RowId,
    /// Figure 2: images per class.
    pub samples_per_class: u32,
    /// Figure 3: cells without loss and seed.
    pub curves: Vec<Setting>,
}

/// A configuration and where it came from.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The configuration.
    pub config: Config,
    /// The folder of `pipeline.toml`: relative paths, `cache/`, `reports/` and `profiles/` are below it.
    pub root: PathBuf,
    /// The profile's name; `paper` for none.
    pub profile: String,
}

/// Reads `pipeline.toml`, `paper.toml`, `registered.toml` if there is one, the profile and the `--set`s, merges and checks them.
pub fn load(file: &Path, profile: Option<&str>, sets: &[String]) -> Result<Loaded> {
    let root = file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new(".")).to_path_buf();
    if !file.is_file() {
        let what = if file.exists() { "is no file" } else { "does not exist" };
        return Err(Error::Usage {
            message: format!("`{}` {what}", file.display()),
            help: "name a configuration with `--config FILE`; without it `pipeline.toml` is read".into(),
        });
    }
    let mut sources = Sources::default();
    sources.add_file(file)?;
    let paper = root.join(PAPER_FILE);
    if !paper.exists() {
        return Err(Error::Usage {
            message: format!("`{}` does not exist", paper.display()),
            help: "it belongs beside `pipeline.toml`: copy it from the project".into(),
        });
    }
    sources.add_file(&paper)?;
    let registered = root.join(REGISTRATIONS);
    if registered.exists() {
        sources.add_file(&registered)?;
    }
    if let Some(name) = profile {
        sources.add_file(&profile_path(&root, name)?)?;
    }
    for set in sets {
        sources.add_set(set)?;
    }
    let config = finish(&sources)?;
    Ok(Loaded { config, root, profile: profile.unwrap_or("paper").to_owned() })
}

/// The registrations in a file, none if it is not there.
pub fn registrations(file: &Path) -> Result<Vec<Registration>> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Registered {
        #[serde(default)]
        registrations: Vec<Registration>,
    }
    let mut sources = Sources::default();
    if file.exists() {
        sources.add_file(file)?;
    }
    let Registered { registrations } = sources.deserialize()?;
    check::registrations(&registrations, &sources)?;
    Ok(registrations)
}

/// The shipped configuration: the paper's tables, those of the alternative readings, and those of imbalance and noise.
pub fn shipped() -> Result<Config> {
    of_texts(&SHIPPED, &[])
}

/// The configuration of files by name and text, each laid over those before it, and of `--set`s.
pub fn of_texts(files: &[(&str, &str)], sets: &[String]) -> Result<Config> {
    let mut sources = Sources::default();
    for (name, text) in files {
        sources.add_text(name, text)?;
    }
    for set in sets {
        sources.add_set(set)?;
    }
    finish(&sources)
}

fn finish(sources: &Sources) -> Result<Config> {
    let config: Config = sources.deserialize()?;
    check::check(&config, sources)?;
    Ok(config)
}

/// The names of the profiles below a root, sorted.
pub fn profiles(root: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(root.join("profiles"))
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.strip_suffix(".toml").map(str::to_owned))
        .collect();
    names.sort();
    names
}

fn profile_path(root: &Path, name: &str) -> Result<PathBuf> {
    let path = root.join("profiles").join(format!("{name}.toml"));
    if path.is_file() && !name.contains(['/', '\\']) {
        return Ok(path);
    }
    let known = profiles(root);
    Err(Error::Usage {
        message: format!("there is no profile `{name}`: `{}` does not exist", path.display()),
        help: source::nearest_help(name, known.iter().map(String::as_str)),
    })
}

/// Finds `pipeline.toml` in a folder or above it.
pub fn find(start: &Path) -> Result<PathBuf> {
    start.ancestors().map(|folder| folder.join("pipeline.toml")).find(|path| path.is_file()).ok_or_else(|| {
        Error::Usage {
            message: format!("no `pipeline.toml` in `{}` or above it", start.display()),
            help: "run the command in the project's folder, or name the file with `--config FILE`".into(),
        }
    })
}

impl Loaded {
    /// A path of the configuration: relative to the current folder if it is there, else to that of `pipeline.toml`.
    pub fn root_path(&self, path: &str) -> PathBuf {
        let here = PathBuf::from(path);
        if here.exists() { here } else { self.root.join(path) }
    }
}
