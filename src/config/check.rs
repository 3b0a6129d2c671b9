//! What the types cannot say: references, ranges and combinations that are impossible.

mod dataset;
mod paper;
mod registration;

use std::collections::BTreeSet;

use super::source::{Sources, nearest_help};
use super::{Config, Initialization, Jobs, Remote, TableRow};
use crate::error::Result;
use crate::id::{RowId, Setting};
use crate::paper::Registration;
use crate::recipe::{Optimizer, Recipe, Schedule, Stem};

/// The format of `pipeline.toml` that this program reads.
const SCHEMA: u32 = 1;
/// Cells at once: each is a thread here and a process with its own.
const MOST_JOBS: u32 = 1024;
/// Bytes of a name: file names hold up to four of them, and 255 bytes.
const LONGEST_NAME: usize = 48;
/// Seconds of silence after which a cell is taken over: a day.
const LONGEST_LEASE: u32 = 86_400;
/// What addresses of remote caches begin with.
const REMOTES: [&str; 6] = ["s3", "gs", "az", "https", "http", "file"];
/// The stem's convolution.
const STEM: &str = "conv1.weight";
/// Images of a class in a figure, and the memory that they take.
const MOST_SAMPLES: u32 = 100;

/// Checks a configuration; the first fault found is the error.
pub(super) fn check(config: &Config, sources: &Sources) -> Result<()> {
    let check = Check { sources };
    check.that(config.schema == SCHEMA, &["schema"], "this program reads schema 1", "set `schema = 1`")?;
    check.seeds(config)?;
    check.device(config)?;
    check.that(
        !matches!(config.run.jobs, Jobs::Count(jobs) if !(1..=MOST_JOBS).contains(&jobs)),
        &["run", "jobs"],
        "at least one cell must run at a time, and at most 1024",
        "`auto` takes one per GPU, or per core",
    )?;
    check.that(
        config.run.silence >= 1,
        &["run", "silence"],
        "no process speaks all the time",
        "give seconds; 600 is usual",
    )?;
    check.that(
        (1..=LONGEST_LEASE).contains(&config.run.lease),
        &["run", "lease"],
        "must be from 1 to 86400 seconds",
        "60 is usual, and more where the shared file system is slow",
    )?;
    let scheme = config.remote.url.split_once("://").map_or("", |(scheme, _)| scheme);
    check.that(
        config.remote.url.is_empty() || REMOTES.contains(&scheme),
        &["remote", "url"],
        "no address of a remote cache",
        Remote::ADDRESSES,
    )?;
    check.refers(&["dataset"], &config.dataset, config.datasets.keys())?;
    for (name, dataset) in &config.datasets {
        check.dataset(name, dataset)?;
    }
    for (name, recipe) in &config.recipes {
        check.recipe(name, recipe)?;
    }
    for (name, network) in &config.networks {
        check.that(
            network.architecture.family().has(network.stem),
            &["networks", name, "stem"],
            &format!("{} has no CIFAR stem", network.architecture.title()),
            "set `stem = \"imagenet\"`",
        )?;
    }
    for (name, loss) in &config.losses {
        loss.check().map_err(|fault| {
            let path: Vec<&str> = ["losses", name].into_iter().chain(fault.key).collect();
            sources.error(&path, fault.message, fault.help)
        })?;
    }
    for (name, table) in &config.tables {
        for (index, row) in table.rows.iter().enumerate() {
            check.row(config, name, index, row)?;
        }
    }
    check.names(config)?;
    check.figures(config)?;
    check.paper(&config.paper)?;
    check.registrations(&config.registrations)
}

/// Checks registrations alone.
pub(super) fn registrations(all: &[Registration], sources: &Sources) -> Result<()> {
    Check { sources }.registrations(all)
}

struct Check<'a> {
    sources: &'a Sources,
}

impl Check<'_> {
    fn that(&self, holds: bool, path: &[&str], message: &str, help: &str) -> Result<()> {
        if holds { Ok(()) } else { Err(self.sources.error(path, message, help)) }
    }

    fn seeds(&self, config: &Config) -> Result<()> {
        let distinct: BTreeSet<u64> = config.seeds.iter().copied().collect();
        self.that(!config.seeds.is_empty(), &["seeds"], "no seed is given", "give at least one, like `seeds = [0]`")?;
        self.that(distinct.len() == config.seeds.len(), &["seeds"], "a seed is given twice", "list every seed once")
    }

    fn device(&self, config: &Config) -> Result<()> {
        let device = config.run.device.as_str();
        let known = matches!(device, "auto" | "cpu" | "cuda")
            || device.strip_prefix("cuda:").is_some_and(|index| index.parse::<u32>().is_ok());
        self.that(
            known,
            &["run", "device"],
            &format!("unknown device `{device}`"),
            "use `auto`, `cpu`, `cuda` or `cuda:N`",
        )
    }

    fn digest(&self, path: &[&str], digest: &str) -> Result<()> {
        let valid = digest.len() == 64 && digest.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        self.that(valid, path, "not a sha256", "give 64 lower-case hexadecimal digits, as `sha256sum FILE` prints them")
    }

    fn recipe(&self, name: &str, recipe: &Recipe) -> Result<()> {
        let at = |key| ["recipes", name, key];
        self.that(recipe.epochs >= 1, &at("epochs"), "a cell trains for at least one epoch", "set it to 1 or more")?;
        self.that(
            recipe.batch_size >= 1,
            &at("batch_size"),
            "a minibatch holds at least one image",
            "set it to 1 or more",
        )?;
        self.that(
            (8..=1024).contains(&recipe.input_size),
            &at("input_size"),
            "must be 8 to 1024 pixels",
            "CIFAR-10's own size is 32",
        )?;
        self.optimizer(name, &recipe.optimizer)?;
        let augmentation = &recipe.augmentation;
        self.that(
            (0.0..=1.0).contains(&augmentation.flip),
            &["recipes", name, "augmentation", "flip"],
            "not a probability",
            "use 0 to 1",
        )?;
        self.that(
            augmentation.crop_padding <= 16,
            &["recipes", name, "augmentation", "crop_padding"],
            "more than 16 pixels",
            "use 0 to 16",
        )?;
        let positive = recipe.normalization.std.iter().all(|std| *std > 0.0 && std.is_finite());
        self.that(positive, &["recipes", name, "normalization", "std"], "must be positive", "units are 0 to 255")?;
        let finite = recipe.normalization.mean.iter().all(|mean| mean.is_finite());
        self.that(finite, &["recipes", name, "normalization", "mean"], "must be finite", "units are 0 to 255")?;
        if let Schedule::MultiStep { milestones, gamma } = &recipe.schedule {
            let ascending = milestones.windows(2).all(|pair| pair[0] < pair[1]);
            self.that(
                ascending,
                &["recipes", name, "schedule", "milestones"],
                "must ascend",
                "list epochs, counted from 0",
            )?;
            let positive = *gamma > 0.0 && gamma.is_finite();
            self.that(positive, &["recipes", name, "schedule", "gamma"], "must be positive", "0.1 is usual")?;
        }
        Ok(())
    }

    fn optimizer(&self, name: &str, optimizer: &Optimizer) -> Result<()> {
        let at = |key| ["recipes", name, "optimizer", key];
        let positive = |value: f64| value > 0.0 && value.is_finite();
        let decay = |value: f64| {
            let holds = value >= 0.0 && value.is_finite();
            self.that(holds, &at("weight_decay"), "must not be negative", "0 is none")
        };
        let lr = optimizer.learning_rate();
        self.that(positive(lr), &at("lr"), "must be positive", "the paper uses 0.001 with AdaDelta")?;
        match optimizer {
            Optimizer::Adadelta { rho, eps, weight_decay, .. } => {
                self.that(
                    (0.0..1.0).contains(rho),
                    &at("rho"),
                    "must be at least 0 and below 1",
                    "PyTorch's default is 0.9",
                )?;
                self.that(positive(*eps), &at("eps"), "must be positive", "PyTorch's default is 1e-6")?;
                decay(*weight_decay)
            }
            Optimizer::Sgd { momentum, weight_decay, nesterov, .. } => {
                self.that(
                    (0.0..1.0).contains(momentum),
                    &at("momentum"),
                    "must be at least 0 and below 1",
                    "0.9 is usual",
                )?;
                decay(*weight_decay)?;
                self.that(!nesterov || *momentum > 0.0, &at("nesterov"), "needs a momentum", "set `momentum = 0.9`")
            }
        }
    }

    fn row(&self, config: &Config, table: &str, index: usize, row: &TableRow) -> Result<()> {
        let index = index.to_string();
        let at = |key| ["tables", table, "rows", index.as_str(), key];
        self.refers(&at("network"), &row.network, config.networks.keys())?;
        self.refers(&at("initialization"), &row.initialization, config.initializations.keys())?;
        self.refers(&at("recipe"), &row.recipe, config.recipes.keys())?;
        self.that(!row.losses.is_empty(), &at("losses"), "no loss is given", "list keys of `losses`")?;
        for loss in &row.losses {
            self.refers(&at("losses"), loss, config.losses.keys())?;
        }
        self.row_data(config, &at("dataset"), row)?;
        let architecture = config.networks[&row.network].architecture.id();
        self.stem(config, table, row)?;
        match &config.initializations[&row.initialization] {
            Initialization::Random => Ok(()),
            Initialization::Weights { files } => {
                let at = ["initializations", &row.initialization, "files"];
                let message = format!("no file for `{architecture}`, which table `{table}` starts from it");
                self.that(
                    files.contains_key(architecture),
                    &at,
                    &message,
                    &format!("add `[initializations.{}.files.{architecture}]`", row.initialization),
                )?;
                for (key, file) in files {
                    self.digest(&["initializations", &row.initialization, "files", key, "sha256"], &file.sha256)?;
                }
                Ok(())
            }
            Initialization::Cell { cell } => self.source_cell(config, &row.initialization, architecture, cell),
        }
    }

    /// The stem is that of the initial weights, or those of the stem are drawn anew.
    fn stem(&self, config: &Config, table: &str, row: &TableRow) -> Result<()> {
        let (network, name) = (&config.networks[&row.network], &row.initialization);
        let architecture = network.architecture.id();
        let (fits, from, other) = match &config.initializations[name] {
            Initialization::Random => return Ok(()),
            Initialization::Weights { files } => {
                // Files are of torchvision's networks, which have the ImageNet stem.
                let drop = files.get(architecture).map(|file| file.drop.as_slice()).unwrap_or_default();
                let fits = network.stem == Stem::Imagenet || drop.iter().any(|prefix| STEM.starts_with(prefix));
                let key = format!("initializations.{name}.files.{architecture}");
                (fits, key.clone(), format!("have the stem drawn anew with `{key}.drop = [\"conv1.\"]`"))
            }
            Initialization::Cell { cell } => {
                let source =
                    config.rows().find(|(row, _)| row == cell).and_then(|(_, row)| config.networks.get(&row.network));
                let fits = source.is_none_or(|source| source.stem == network.stem);
                (fits, format!("initializations.{name}.cell"), "name a cell with this stem".to_owned())
            }
        };
        let message = format!("table `{table}` starts it from `{from}`, whose stem is another one and does not fit");
        self.that(
            fits,
            &["networks", &row.network, "stem"],
            &message,
            &format!("set the stem of those weights, or {other}"),
        )
    }

    /// The cell that another one starts from exists, has the same architecture and itself starts from random weights.
    fn source_cell(&self, config: &Config, initialization: &str, architecture: &str, cell: &RowId) -> Result<()> {
        let at = ["initializations", initialization, "cell"];
        self.refers(&at, cell.as_str(), config.rows().map(|(row, _)| row))?;
        let starts_random = config
            .rows()
            .filter(|(row, _)| row == cell)
            .all(|(_, row)| config.initializations.get(&row.initialization) == Some(&Initialization::Random));
        self.that(
            starts_random,
            &at,
            "that cell does not start from random weights",
            "name a cell with random initial weights",
        )?;
        let same = cell.setting().architecture() == architecture;
        self.that(
            same,
            &at,
            &format!("that cell is not a `{architecture}`"),
            "weights pass between cells of one architecture",
        )
    }

    fn refers(&self, path: &[&str], name: &str, known: impl Iterator<Item = impl ToString>) -> Result<()> {
        let known: Vec<String> = known.map(|known| known.to_string()).collect();
        if known.iter().any(|known| known == name) {
            return Ok(());
        }
        let help = nearest_help(name, known.iter().map(String::as_str));
        Err(self.sources.error(path, format!("there is no `{name}`"), help))
    }

    /// Names become parts of paths and cell ids, and no two cells share one.
    fn names(&self, config: &Config) -> Result<()> {
        let plain = |name: &String| {
            (1..=LONGEST_NAME).contains(&name.len())
                && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
        };
        let groups = [
            ("tables", config.tables.keys().collect::<Vec<_>>()),
            ("losses", config.losses.keys().collect()),
            ("initializations", config.initializations.keys().collect()),
            ("datasets", config.datasets.keys().collect()),
        ];
        for (group, names) in groups {
            for name in names {
                self.that(
                    plain(name),
                    &[group, name],
                    "names become parts of paths",
                    "use at most 48 letters, digits, `-`, `_` and `.`",
                )?;
            }
        }
        let mut seen = BTreeSet::new();
        for (id, row) in config.rows() {
            let setting = id.setting();
            let table = setting.table();
            let message = format!("two rows make the cell `{id}`");
            let help = "give one of them another table, initialization or loss name";
            self.that(seen.insert(id), &["tables", table, "rows"], &message, help)?;
            let distinct: BTreeSet<&String> = row.losses.iter().collect();
            self.that(
                distinct.len() == row.losses.len(),
                &["tables", table, "rows"],
                "a loss is listed twice",
                "list every loss once",
            )?;
        }
        Ok(())
    }

    fn figures(&self, config: &Config) -> Result<()> {
        let figures = &config.figures;
        self.that(
            figures.samples_per_class <= MOST_SAMPLES,
            &["figures", "samples_per_class"],
            "a figure shows at most 100 images of a class",
            "8 are enough to see what they are",
        )?;
        self.refers(&["figures", "example"], figures.example.as_str(), config.rows().map(|(row, _)| row))?;
        for curve in &figures.curves {
            let settings: BTreeSet<Setting> = config.rows().map(|(row, _)| row.setting()).collect();
            self.refers(&["figures", "curves"], curve.as_str(), settings.iter())?;
        }
        Ok(())
    }
}
