//! What the types cannot say: references, ranges and combinations that are impossible.

mod loss;
mod paper;

use std::collections::BTreeSet;

use super::source::{Sources, nearest_help};
use super::{Config, Dataset, Initialization, TableRow};
use crate::error::Result;
use crate::recipe::{Architecture, Optimizer, Recipe, Schedule, Stem};

/// The format of `pipeline.toml` that this program reads.
const SCHEMA: u32 = 1;

/// Checks a configuration; the first fault found is the error.
pub(super) fn check(config: &Config, sources: &Sources) -> Result<()> {
    let check = Check { sources };
    check.that(config.schema == SCHEMA, &["schema"], "this program reads schema 1", "set `schema = 1`")?;
    check.seeds(config)?;
    check.device(config)?;
    check.that(
        config.run.jobs >= 1,
        &["run", "jobs"],
        "at least one cell must run at a time",
        "set it to 1 or more",
    )?;
    check.dataset(&config.dataset)?;
    for (name, recipe) in &config.recipes {
        check.recipe(name, recipe, config.dataset.images().0)?;
    }
    for (name, network) in &config.networks {
        let possible = !(network.architecture == Architecture::EfficientNetV2S && network.stem == Stem::Cifar);
        check.that(
            possible,
            &["networks", name, "stem"],
            "EfficientNetV2-S has no CIFAR stem",
            "set `stem = \"imagenet\"`",
        )?;
    }
    for (name, loss) in &config.losses {
        check.loss(name, loss)?;
    }
    for (name, table) in &config.tables {
        for (index, row) in table.rows.iter().enumerate() {
            check.row(config, name, index, row)?;
        }
    }
    check.names(config)?;
    check.figures(config)?;
    check.paper(&config.paper)
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

    fn dataset(&self, dataset: &Dataset) -> Result<()> {
        let ((train, test), (train_limit, test_limit)) = (dataset.records(), dataset.limits());
        let fits = |limit, records| limit <= records;
        self.that(train >= 1, &["dataset", "train_records"], "there must be training images", "set it to 1 or more")?;
        self.that(test >= 1, &["dataset", "test_records"], "there must be test images", "set it to 1 or more")?;
        let help = "set it to 0 for all images, or to fewer than there are";
        self.that(
            fits(train_limit, train),
            &["dataset", "train_limit"],
            &format!("there are only {train} training images"),
            help,
        )?;
        self.that(
            fits(test_limit, test),
            &["dataset", "test_limit"],
            &format!("there are only {test} test images"),
            help,
        )?;
        if let Dataset::Archive { sha256, train_content, test_content, train_records, test_records, .. } = dataset {
            for (key, digest) in [("sha256", sha256), ("train_content", train_content), ("test_content", test_content)]
            {
                self.digest(&["dataset", key], digest)?;
            }
            self.that(
                train_records.is_multiple_of(5),
                &["dataset", "train_records"],
                "the archive has five training files of equal size",
                "use a multiple of 5",
            )?;
            self.that(
                *test_records > 0,
                &["dataset", "test_records"],
                "there must be test images",
                "set it to 1 or more",
            )?;
        }
        Ok(())
    }

    fn digest(&self, path: &[&str], digest: &str) -> Result<()> {
        let valid = digest.len() == 64 && digest.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        self.that(valid, path, "not a sha256", "give 64 lower-case hexadecimal digits, as `sha256sum FILE` prints them")
    }

    fn recipe(&self, name: &str, recipe: &Recipe, train_images: u32) -> Result<()> {
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
        // Batch norm cannot train on one value per channel, which a last minibatch of one image is in deep layers.
        let alone = train_images % recipe.batch_size == 1 || recipe.batch_size == 1;
        self.that(
            !alone,
            &at("batch_size"),
            "leaves a minibatch of one image, on which batch norm cannot train",
            "change `batch_size` or `dataset.train_limit` by one",
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
        let architecture = config.networks[&row.network].architecture.id();
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

    /// The cell that another one starts from exists, has the same architecture and itself starts from random weights.
    fn source_cell(&self, config: &Config, initialization: &str, architecture: &str, cell: &str) -> Result<()> {
        let at = ["initializations", initialization, "cell"];
        let prefixes = prefixes(config);
        self.refers(&at, cell, prefixes.iter().map(|(prefix, _)| prefix))?;
        let starts_random = prefixes
            .iter()
            .filter(|(prefix, _)| prefix == cell)
            .all(|(_, row)| config.initializations.get(&row.initialization) == Some(&Initialization::Random));
        self.that(
            starts_random,
            &at,
            "that cell does not start from random weights",
            "name a cell with random initial weights",
        )?;
        let same = cell.split('/').nth(1) == Some(architecture);
        self.that(
            same,
            &at,
            &format!("that cell is not a `{architecture}`"),
            "weights pass between cells of one architecture",
        )
    }

    fn refers<'n>(&self, path: &[&str], name: &str, known: impl Iterator<Item = &'n String>) -> Result<()> {
        let known: Vec<&str> = known.map(String::as_str).collect();
        if known.contains(&name) {
            return Ok(());
        }
        Err(self.sources.error(path, format!("there is no `{name}`"), nearest_help(name, known.into_iter())))
    }

    /// Names become parts of paths and cell ids, and no two cells share one.
    fn names(&self, config: &Config) -> Result<()> {
        let plain = |name: &String| {
            !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
        };
        let groups = [
            ("tables", config.tables.keys().collect::<Vec<_>>()),
            ("losses", config.losses.keys().collect()),
            ("initializations", config.initializations.keys().collect()),
        ];
        for (group, names) in groups {
            for name in names {
                self.that(
                    plain(name),
                    &[group, name],
                    "names become parts of paths",
                    "use letters, digits, `-`, `_` and `.`",
                )?;
            }
        }
        let mut seen = BTreeSet::new();
        for (prefix, row) in prefixes(config) {
            let table = prefix.split('/').next().unwrap_or_default().to_owned();
            let message = format!("two rows make the cell `{prefix}`");
            let help = "give one of them another table, initialization or loss name";
            self.that(seen.insert(prefix), &["tables", &table, "rows"], &message, help)?;
            let distinct: BTreeSet<&String> = row.losses.iter().collect();
            self.that(
                distinct.len() == row.losses.len(),
                &["tables", &table, "rows"],
                "a loss is listed twice",
                "list every loss once",
            )?;
        }
        Ok(())
    }

    fn figures(&self, config: &Config) -> Result<()> {
        let prefixes: Vec<String> = prefixes(config).into_iter().map(|(prefix, _)| prefix).collect();
        if !config.figures.example.is_empty() {
            self.refers(&["figures", "example"], &config.figures.example, prefixes.iter())?;
        }
        let rows: BTreeSet<String> =
            prefixes.iter().filter_map(|prefix| Some(prefix.rsplit_once('/')?.0.to_owned())).collect();
        for curve in &config.figures.curves {
            self.refers(&["figures", "curves"], curve, rows.iter())?;
        }
        Ok(())
    }
}

/// Every cell's id without its seed, with its row.
fn prefixes(config: &Config) -> Vec<(String, &TableRow)> {
    let rows = config.tables.iter().flat_map(|(table, content)| content.rows.iter().map(move |row| (table, row)));
    rows.flat_map(|(table, row)| {
        let architecture = config.networks.get(&row.network).map_or("", |network| network.architecture.id());
        row.losses.iter().map(move |loss| (format!("{table}/{architecture}/{}/{loss}", row.initialization), row))
    })
    .collect()
}
