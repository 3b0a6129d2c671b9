//! Makes a cell again beside the cache, to see that the same bits come out.

use std::path::Path;

use super::{Options, Runner, Status, process};
use crate::artifact::{Environment, EpochMetrics, LOGITS, METRICS, Manifest, WEIGHTS};
use crate::error::{Error, Result};
use crate::event::Event;
use crate::fs;
use crate::plan::{Cell, NodeId};
use crate::results::read_metrics;

/// What making a cell again came to.
#[derive(Debug)]
pub struct Rerun {
    /// Epochs that were trained.
    pub epochs: usize,
    /// What differs, in words, beginning with the first epoch that does; empty if every bit is the same.
    pub differences: Vec<String>,
    /// What this machine has otherwise than the one that the cached results are of.
    pub circumstances: Vec<String>,
}

impl Runner<'_> {
    /// Trains and evaluates a cached cell again, with as many threads as before, in a temporary folder, and compares.
    ///
    /// # Errors
    /// The cell is not in the cache, or fails.
    pub fn rerun(&self, cell: &Cell) -> Result<Rerun> {
        let trained = self.cached(cell, cell.train)?;
        self.cached(cell, cell.evaluate)?;
        let folder = tempfile::Builder::new().prefix("fpl-repro-").tempdir();
        let folder = folder.map_err(Error::io("make a folder in", std::env::temp_dir()))?;
        let [work, train, evaluate] = ["work", "train", "evaluate"].map(|name| folder.path().join(name));
        for out in [&train, &evaluate] {
            fs::create_dir_all(out)?;
        }
        let options = Options { threads: trained.environment.threads.max(1), ..self.options.clone() };
        let runner = Runner::new(self.loaded, self.plan, self.store, self.reporter, &options);
        let [train_node, evaluate_node] = [cell.train, cell.evaluate].map(|id| &self.plan.nodes[id]);
        let (stage, subject, reason) = (train_node.stage, train_node.subject.as_str(), "again, to compare");
        self.reporter.emit(&Event::Started { stage, subject, reason });
        let (environment, _) = process::train(&runner, train_node, cell, &work, &train)?;
        process::evaluate(&runner, evaluate_node, cell, &train.join(WEIGHTS), &evaluate)?;

        let entry = self.store.entry(train_node);
        let (before, again) = (read_metrics(&entry.join(METRICS))?, read_metrics(&train.join(METRICS))?);
        let mut differences: Vec<String> = first_difference(&before, &again).into_iter().collect();
        for (what, before, again) in [
            ("the weights", entry.join(WEIGHTS), train.join(WEIGHTS)),
            ("the logits", self.store.entry(evaluate_node).join(LOGITS), evaluate.join(LOGITS)),
        ] {
            differences.extend(different(what, &before, &again)?);
        }
        let circumstances = otherwise(&trained.environment, &environment);
        Ok(Rerun { epochs: again.len(), differences, circumstances })
    }

    fn cached(&self, cell: &Cell, id: NodeId) -> Result<Manifest> {
        match self.status(id) {
            Status::Hit(manifest) => Ok(*manifest),
            _ => Err(Error::Usage {
                message: format!(
                    "`{}` of `{}` is not in the cache: there is nothing to compare with",
                    self.plan.nodes[id].stage.name(),
                    cell.id
                ),
                help: format!("make it by `fpl-repro evaluate --cells '{}'`", cell.id),
            }),
        }
    }
}

/// The first epoch whose numbers differ, but for its times.
fn first_difference(before: &[EpochMetrics], again: &[EpochMetrics]) -> Option<String> {
    let timeless = |line: &EpochMetrics| EpochMetrics { seconds: 0.0, images_per_second: 0.0, ..line.clone() };
    let (a, b) = before.iter().zip(again).find(|(a, b)| timeless(a) != timeless(b))?;
    let numbers = |line: &EpochMetrics| format!("loss {}, top-1 {} %", line.train_loss, line.test_top1_pct);
    Some(format!("the metrics differ from epoch {} on: {} → {}", a.epoch, numbers(a), numbers(b)))
}

fn different(what: &str, before: &Path, again: &Path) -> Result<Option<String>> {
    let [before, again] = [fs::sha256_file(before)?, fs::sha256_file(again)?];
    Ok((before != again).then(|| format!("{what} differ: sha256 {before} → {again}")))
}

/// What can lead to other bits.
fn otherwise(was: &Environment, is: &Environment) -> Vec<String> {
    let fields = [
        ("processor", &was.cpu, &is.cpu),
        ("device", &was.device, &is.device),
        ("libtorch", &was.libtorch, &is.libtorch),
        ("program", &was.program, &is.program),
    ];
    let differing = fields.into_iter().filter(|(_, was, is)| was != is);
    differing.map(|(name, was, is)| format!("another {name} than the cached results': {was} → {is}")).collect()
}
