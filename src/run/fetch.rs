//! The fetch stage: data and weights files, downloaded or local, verified.

use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::{INTERRUPTED, Runner};
use crate::config::{Dataset, WeightsFile};
use crate::data::{archive, synthetic};
use crate::download::{self, Source};
use crate::error::{Error, Result};
use crate::event::Event;
use crate::fs;
use crate::plan::Node;

/// Name of a fetched weights file in its entry; its kind is told by its content.
pub(super) const WEIGHTS_FILE: &str = "weights.bin";
const ARCHIVE_HELP: &str = "give a local copy: `--set dataset.archive=PATH`, or set `dataset.mirrors`";

/// Brings the data into a folder.
pub(super) fn data(runner: &Runner, node: &Node, dataset: &Dataset, out: &Path) -> Result<()> {
    match dataset {
        Dataset::Generated { seed, train_records, test_records, .. } => {
            synthetic::generate(*seed, *train_records, *test_records, out)
        }
        Dataset::Archive { url, mirrors, sha256, bytes, archive: local, train_records, test_records, .. } => {
            let source = Source { url: url.clone(), mirrors: mirrors.clone(), sha256: sha256.clone(), bytes: *bytes };
            let path = if local.is_empty() {
                download(runner, node, &source, ARCHIVE_HELP)?
            } else {
                runner.loaded.root_path(local)
            };
            let layout =
                archive::Layout { train_records: *train_records as usize, test_records: *test_records as usize };
            let unpacked = archive::unpack(&path, &layout, out)?;
            check_content(dataset, &path, &unpacked)?;
            if local.is_empty() { fs::remove(&path) } else { Ok(()) } // The unpacked data replace the download.
        }
    }
}

/// The archive holds the images that the configuration names, in whatever order.
fn check_content(dataset: &Dataset, path: &Path, unpacked: &archive::Unpacked) -> Result<()> {
    let Dataset::Archive { train_content, test_content, .. } = dataset else { return Ok(()) };
    for (split, expected, found) in
        [("training", train_content, &unpacked.train_content), ("test", test_content, &unpacked.test_content)]
    {
        if expected != found {
            let message = format!("its {split} images are not CIFAR-10's: content digest {found}, expected {expected}");
            return Err(Error::data(
                path,
                message,
                "use the genuine archive; `dataset.train_content` and `dataset.test_content` name others",
            ));
        }
    }
    Ok(())
}

/// Brings a weights file into a folder.
pub(super) fn weights(runner: &Runner, node: &Node, file: &WeightsFile, out: &Path) -> Result<()> {
    let target = out.join(WEIGHTS_FILE);
    if file.path.is_empty() {
        let help = "give a local copy with the file's `path` in `[initializations.…]`";
        let source = Source {
            url: file.url.clone(),
            mirrors: file.mirrors.clone(),
            sha256: file.sha256.clone(),
            bytes: file.bytes,
        };
        return fs::rename(&download(runner, node, &source, help)?, &target);
    }
    let path = runner.loaded.root_path(&file.path);
    std::fs::copy(&path, &target)
        .map_err(|error| Error::data(&path, format!("cannot be read: {error}"), "check `path`"))?;
    let found = fs::sha256_file(&target)?;
    if found == file.sha256 {
        return Ok(());
    }
    Err(Error::data(
        &path,
        format!("its sha256 is {found}, expected {}", file.sha256),
        "use the file that `sha256` names, or change `sha256`",
    ))
}

fn download(runner: &Runner, node: &Node, source: &Source, help: &str) -> Result<PathBuf> {
    if runner.options.offline && !source.url.starts_with("file://") {
        return Err(Error::Forbidden {
            message: format!(
                "needs `{}`, which is not in the cache and which --offline forbids to download",
                node.subject
            ),
            help: help.to_owned(),
        });
    }
    download::download(
        source,
        &runner.store.downloads(),
        &download::Options {
            progress: &|bytes, total| runner.reporter.emit(&Event::Download(&node.subject, bytes, total)),
            cancelled: &|| INTERRUPTED.load(Ordering::Relaxed),
            retries: 4,
            first_backoff: Duration::from_secs(1),
            stall_timeout: Duration::from_secs(30),
            help,
        },
    )
}
