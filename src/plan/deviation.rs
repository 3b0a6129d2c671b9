//! How a cell's protocol differs from the paper's as shipped: what "reduced" means.

use serde_json::{Value, json};

use crate::config::{Config, Dataset, Source, TableRow};
use crate::fingerprint::{Difference, differences};
use crate::id::RowId;

/// The differences of a cell's protocol from the paper's, as `epochs: 200 → 3`; empty for the paper's own.
pub(super) fn deviations(config: &Config, paper: &Config, id: &RowId, row: &TableRow) -> Vec<String> {
    let same_cell = |other: &&TableRow| {
        paper.networks.get(&other.network).map(|network| network.architecture)
            == config.networks.get(&row.network).map(|network| network.architecture)
            && other.initialization == row.initialization
            && other.losses.iter().any(|name| name == id.loss())
    };
    let Some(original) = paper.tables.get(id.setting().table()).and_then(|table| table.rows.iter().find(same_cell))
    else {
        return vec!["not a cell of the paper".into()];
    };
    differences(&protocol(paper, original, id.loss()), &protocol(config, row, id.loss())).iter().map(describe).collect()
}

/// What a reader would call the protocol of a cell.
fn protocol(config: &Config, row: &TableRow, loss: &str) -> Value {
    let dataset = config.datasets.get(config.dataset_of(row));
    let images = dataset.map(Dataset::images);
    let source = dataset.map(|dataset| &dataset.source);
    json!({
        "data": source.map(Source::title),
        "data content": source.map(Source::content),
        "training images": images.map(|(train, _)| train),
        "test images": images.map(|(_, test)| test),
        "imbalance": dataset.and_then(|dataset| dataset.imbalance),
        "label noise": dataset.and_then(|dataset| dataset.noise().ok().flatten()),
        "network": config.networks.get(&row.network),
        "initial weights": config.initializations.get(&row.initialization).map(sources),
        "loss": config.losses.get(loss),
        "recipe": config.recipes.get(&row.recipe),
    })
}

/// Initial weights without the addresses they are brought from.
fn sources(initialization: &crate::config::Initialization) -> Value {
    use crate::config::Initialization::{Cell, Random, Weights};
    match initialization {
        Random => json!("random"),
        Weights { files } => {
            json!(
                files
                    .iter()
                    .map(|(key, file)| (key.clone(), json!([file.sha256, file.drop])))
                    .collect::<serde_json::Map<_, _>>()
            )
        }
        Cell { cell } => json!(format!("those of {cell}")),
    }
}

fn describe(difference: &Difference) -> String {
    let field = difference.field.strip_prefix("recipe.").unwrap_or(&difference.field);
    match (field, &difference.old, &difference.new) {
        ("data content", _, _) => "data content: not CIFAR-10's".into(),
        ("initial weights", Some(Value::Object(_)), Some(new)) => format!("initial weights: ImageNet → {}", plain(new)),
        (_, old, new) => {
            let show = |value: &Option<Value>| value.as_ref().map_or_else(|| "none".into(), plain);
            format!("{}: {} → {}", field.replace('_', " "), show(old), show(new))
        }
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
