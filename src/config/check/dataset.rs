//! Data sets: sizes, selections, label noise, and what rows ask of them.

use super::Check;
use crate::config::{Config, Dataset, LabelNoise, Sort, Source, TableRow};
use crate::error::Result;
use crate::recipe::{Imbalance, Loss};

impl Check<'_> {
    pub(super) fn dataset(&self, name: &str, dataset: &Dataset) -> Result<()> {
        self.source(name, &dataset.source)?;
        let at = |key| ["datasets", name, key];
        let (train, test) = dataset.source.records();
        let help = "leave it out for all images, or set it to fewer than there are";
        for (key, what, limit, records) in
            [("train_limit", "training", dataset.train_limit, train), ("test_limit", "test", dataset.test_limit, test)]
        {
            self.that(limit <= records, &at(key), &format!("there are only {records} {what} images"), help)?;
        }
        self.imbalance(name, dataset)?;
        self.noise(name, dataset)
    }

    fn source(&self, name: &str, source: &Source) -> Result<()> {
        let at = |key| ["datasets", name, "source", key];
        let (train, test) = source.records();
        self.that(train >= 1, &at("train_records"), "there must be training images", "set it to 1 or more")?;
        self.that(test >= 1, &at("test_records"), "there must be test images", "set it to 1 or more")?;
        let (archive, format) = match source.sort() {
            Sort::Published(archive, format) => (archive, format),
            Sort::Generated(generated) => {
                let possible = (2..=100).contains(&generated.classes);
                return self.that(possible, &at("classes"), "must be 2 to 100", "leave it out for CIFAR-10's ten");
            }
        };
        let contents = [("train_content", &archive.train_content), ("test_content", &archive.test_content)];
        self.digest(&at("sha256"), &archive.sha256)?;
        for (key, digest) in contents {
            digest.iter().try_for_each(|digest| self.digest(&at(key), digest))?;
        }
        let members = format.train.len() as u32;
        self.that(
            train.is_multiple_of(members),
            &at("train_records"),
            &format!("the archive has {members} training files of equal size"),
            &format!("use a multiple of {members}"),
        )
    }

    fn imbalance(&self, name: &str, dataset: &Dataset) -> Result<()> {
        let Some(imbalance) = &dataset.imbalance else { return Ok(()) };
        let at = |key| ["datasets", name, "imbalance", key];
        let factor = imbalance.factor();
        let valid = factor >= 1.0 && factor.is_finite();
        self.that(valid, &at("factor"), "must be 1 or more: largest class to smallest", "100 is usual")?;
        let message = "an imbalanced training set is taken from all images";
        let help = "remove `train_limit`; `imbalance.largest` makes the training set smaller";
        self.that(dataset.train_limit == 0, &["datasets", name, "train_limit"], message, help)?;
        let classes = dataset.source.shape().classes;
        let available = dataset.source.records().0 / classes as u32;
        let most = imbalance.largest().unwrap_or(available);
        let message = format!("every class has {available} images");
        self.that((1..=available).contains(&most), &at("largest"), &message, "leave it out for all")?;
        if let Imbalance::Step { minority, .. } = imbalance {
            let small = (minority * classes as f64).round();
            let some = small >= 1.0 && small < classes as f64;
            let message = format!("of {classes} classes, {small} would be small");
            self.that(some, &at("minority"), &message, "0.5 makes half of the classes small")?;
        }
        let empty = imbalance.counts(classes, available).iter().position(|&count| count == 0);
        let named = empty.map(|class| dataset.source.classes()[class].clone()).unwrap_or_default();
        let message = format!("no image of class `{named}` is left: the largest class has {most}");
        self.that(empty.is_none(), &at("factor"), &message, &format!("use at most {most}"))
    }

    fn noise(&self, name: &str, dataset: &Dataset) -> Result<()> {
        let at = |key| ["datasets", name, "noise", key];
        match &dataset.noise {
            None => Ok(()),
            Some(LabelNoise::Symmetric { rate }) => self.rate(&at("rate"), *rate),
            Some(LabelNoise::Asymmetric { rate, partners }) => {
                self.rate(&at("rate"), *rate)?;
                let classes = dataset.source.classes();
                for (from, to) in partners {
                    let at = ["datasets", name, "noise", "partners", from];
                    self.refers(&at, from, classes.iter())?;
                    self.refers(&at, to, classes.iter())?;
                    self.that(from != to, &at, "a label would become itself", "name another class")?;
                }
                let help = "for example `{ cat = \"dog\", dog = \"cat\" }`";
                self.that(!partners.is_empty(), &at("partners"), "no class has a partner", help)
            }
            Some(LabelNoise::File { path, sha256 }) => {
                self.that(!path.is_empty(), &at("path"), "names no file", "name the file with the labels")?;
                self.digest(&at("sha256"), sha256)?;
                let message = "a file has a label for every training image of the archive";
                let whole = dataset.train_limit == 0 && dataset.imbalance.is_none();
                self.that(whole, &at("path"), message, "remove `train_limit` and `imbalance`")
            }
        }
    }

    fn rate(&self, at: &[&str], rate: f64) -> Result<()> {
        self.that((0.0..=1.0).contains(&rate), at, "not a probability", "use 0 to 1")
    }

    /// What a row asks of its data set.
    pub(super) fn row_data(&self, config: &Config, at: &[&str], row: &TableRow) -> Result<()> {
        let name = config.dataset_of(row);
        self.refers(at, name, config.datasets.keys())?;
        let (dataset, reported) = (&config.datasets[name], &config.datasets[&config.dataset]);
        let same = dataset.source == reported.source && dataset.test_limit == reported.test_limit;
        let message = format!("`{name}` has other test images than `{}`, which the report is about", config.dataset);
        self.that(same, at, &message, "set `dataset` at the top to it, in a profile of its own")?;
        self.minibatches(config, row, dataset)?;
        let classes = dataset.source.shape().classes;
        for loss in &row.losses {
            if let Loss::Fpl { false_classes, .. } = config.losses[loss] {
                let wrong = classes - 1;
                let message = format!("must be 1 to {wrong}: there are {wrong} wrong classes");
                let possible = (1..=wrong).contains(&usize::from(false_classes));
                self.that(possible, &["losses", loss, "false_classes"], &message, "the paper uses 1")?;
            }
        }
        Ok(())
    }

    /// Batch norm cannot train on one value per channel, which a last minibatch of one image is in deep layers.
    fn minibatches(&self, config: &Config, row: &TableRow, dataset: &Dataset) -> Result<()> {
        let (images, batch) = (dataset.images().0, config.recipes[&row.recipe].batch_size);
        self.that(
            batch > 1 && images % batch != 1,
            &["recipes", &row.recipe, "batch_size"],
            &format!(
                "of {images} training images it leaves a minibatch of one image, on which batch norm cannot train"
            ),
            "change it, or the number of training images, by one",
        )
    }
}
