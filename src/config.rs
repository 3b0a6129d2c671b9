//! `pipeline.toml`, a profile and `--set`, merged and checked: what the user asked for.
//!
//! Every error names the file and line (or the option), the key, and the nearest valid name.

mod source;
mod check;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::paper::Paper;
use crate::recipe::{Loss, Network, Recipe};
use crate::report::input::TableKind;

pub use source::Sources;

/// The configuration as shipped, with the alternative readings: what "reduced" is measured against.
const SHIPPED: [(&str, &str); 3] = [
    ("pipeline.toml", include_str!("../pipeline.toml")),
    (PAPER_FILE, include_str!("../paper.toml")),
    ("profiles/what-if.toml", include_str!("../profiles/what-if.toml")),
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
    /// How to run, not what.
    pub run: RunOptions,
    /// The data.
    pub dataset: Dataset,
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
    pub jobs: u32,
    /// Threads of libtorch per cell; 0: cores / jobs.
    pub threads: u32,
    /// Whether a failed cell leaves the others running.
    pub keep_going: bool,
    /// Whether downloads are forbidden.
    pub offline: bool,
}

/// Where the data come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", deny_unknown_fields, rename_all = "kebab-case")]
pub enum Dataset {
    /// CIFAR-10's binary archive.
    Archive {
        /// Address; `file://` is understood.
        url: String,
        /// Further addresses, tried in turn.
        mirrors: Vec<String>,
        /// Of the archive at these addresses.
        sha256: String,
        /// Its size.
        bytes: u64,
        /// A local archive instead; empty for none.
        archive: String,
        /// Training records it must hold.
        train_records: u32,
        /// Test records it must hold.
        test_records: u32,
        /// Order-independent digest of the training records.
        train_content: String,
        /// Order-independent digest of the test records.
        test_content: String,
        /// Training images in use; 0: all.
        train_limit: u32,
        /// Test images in use; 0: all.
        test_limit: u32,
    },
    /// Images made by the program.
    Generated {
        /// Seed of the generator.
        seed: u64,
        /// Training images made.
        train_records: u32,
        /// Test images made.
        test_records: u32,
        /// Training images in use; 0: all.
        train_limit: u32,
        /// Test images in use; 0: all.
        test_limit: u32,
    },
}

impl Dataset {
    /// Training and test images in use; 0: all.
    pub fn limits(&self) -> (u32, u32) {
        match self {
            Self::Archive { train_limit, test_limit, .. } | Self::Generated { train_limit, test_limit, .. } => {
                (*train_limit, *test_limit)
            }
        }
    }

    /// Training and test images that are there.
    pub fn records(&self) -> (u32, u32) {
        match self {
            Self::Archive { train_records, test_records, .. } | Self::Generated { train_records, test_records, .. } => {
                (*train_records, *test_records)
            }
        }
    }

    /// Training and test images that cells see.
    pub fn images(&self) -> (u32, u32) {
        let used = |limit, records| if limit == 0 { records } else { limit };
        let ((train, test), (train_limit, test_limit)) = (self.records(), self.limits());
        (used(train_limit, train), used(test_limit, test))
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
        /// The cell's id without its seed.
        cell: String,
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
}

/// What the figures show.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Figures {
    /// Figure 1: a cell without its seed.
    pub example: String,
    /// Figure 2: images per class.
    pub samples_per_class: u32,
    /// Figure 3: cells without loss and seed.
    pub curves: Vec<String>,
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

/// Reads `pipeline.toml`, `paper.toml`, the profile and the `--set`s, merges and checks them.
pub fn load(file: &Path, profile: Option<&str>, sets: &[String]) -> Result<Loaded> {
    let root = file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new(".")).to_path_buf();
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
    if let Some(name) = profile {
        sources.add_file(&profile_path(&root, name)?)?;
    }
    for set in sets {
        sources.add_set(set)?;
    }
    let config = finish(&sources)?;
    Ok(Loaded { config, root, profile: profile.unwrap_or("paper").to_owned() })
}

/// The shipped configuration: the paper's tables, and those of the alternative readings.
pub fn shipped() -> Result<Config> {
    let mut sources = Sources::default();
    for (name, text) in SHIPPED {
        sources.add_text(name, text)?;
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
