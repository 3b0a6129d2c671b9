//! The stage that brings images.

use serde_json::{Value, json};

use super::{Builder, NodeId, StageKind, Work};
use crate::config::{Dataset, Sort, Source};
use crate::error::{Error, Result};
use crate::recipe::Shape;

impl Builder<'_> {
    /// The stage that brings images.
    pub(super) fn fetch_data(&mut self, source: &Source) -> NodeId {
        let name = format!("data {}", source.title());
        self.push(StageKind::Fetch, &name, data_fields(source, self.archive_sha256), Work::Data(source.clone()), &[])
    }
}

/// Labels of a file are in the order of the official archive's images; a local archive may have another.
pub(super) fn check_order(name: &str, dataset: &Dataset, archive_sha256: Option<&str>) -> Result<()> {
    let official = dataset.source.archive().map(|archive| archive.sha256.as_str());
    match (dataset.labels_file(), archive_sha256) {
        (Some(file), Some(found)) if official != Some(found) => Err(Error::Usage {
            message: format!(
                "data set `{name}`: the labels in `{file}` are in the order of the official archive, and \
                 `source.archive` is another"
            ),
            help: "use the official archive, or leave `archive` empty to download it".into(),
        }),
        _ => Ok(()),
    }
}

/// What determines images. Generated data name their number of classes where it is not CIFAR-10's.
fn data_fields(source: &Source, archive_sha256: Option<&str>) -> Value {
    let (train_records, test_records) = source.records();
    let mut fields = json!({ "train_records": train_records, "test_records": test_records });
    match source.sort() {
        Sort::Published(archive, format) => {
            fields["kind"] = format.kind.into();
            fields["sha256"] = archive_sha256.unwrap_or(&archive.sha256).into();
        }
        Sort::Generated(generated) => {
            fields["kind"] = "generated".into();
            fields["seed"] = generated.seed.into();
            if source.shape() != Shape::CIFAR10 {
                fields["classes"] = generated.classes.into();
            }
        }
    }
    fields
}
