//! How long a training will take, from what trainings took before.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::artifact::METRICS;
use crate::plan::{Cell, StageKind};
use crate::results::read_metrics;
use crate::store::Store;

/// Images per second that a machine can have come to; other numbers say nothing of the next training.
const POSSIBLE: std::ops::Range<f64> = 1e-3..1e9;

/// Seconds per training image by network and input size, from the latest run on this machine's cache.
#[derive(Debug, Default)]
pub struct Estimator {
    seconds_per_image: BTreeMap<String, (String, f64)>,
}

impl Estimator {
    /// Reads the metrics of every trained cell.
    pub fn new(store: &Store) -> Self {
        let mut estimator = Self::default();
        for (entry, manifest) in store.manifests(StageKind::Train) {
            let Ok(metrics) = read_metrics(&entry.join(METRICS)) else { continue };
            let Some(last) = metrics.last().filter(|last| POSSIBLE.contains(&last.images_per_second)) else { continue };
            let fields = &manifest.identity["fields"];
            let key = key(&fields["network"], &fields["recipe"]["input_size"]);
            let known = estimator.seconds_per_image.entry(key).or_default();
            if known.0 <= manifest.finished {
                *known = (manifest.finished.clone(), 1.0 / last.images_per_second);
            }
        }
        estimator
    }

    /// Estimated seconds of a training; `None` if no like network was trained yet.
    pub fn training(&self, cell: &Cell) -> Option<f64> {
        let recipe = &cell.training.recipe;
        let network = serde_json::to_value(cell.training.network).ok()?;
        let (_, seconds) = self.seconds_per_image.get(&key(&network, &recipe.input_size.into()))?;
        // An image of the test set costs a forward pass, a third of a training image, after every epoch.
        let images = f64::from(cell.images.0) + f64::from(cell.images.1) / 3.0;
        Some(seconds * images * f64::from(recipe.epochs))
    }
}

fn key(network: &Value, input_size: &Value) -> String {
    format!("{network} {input_size}")
}
