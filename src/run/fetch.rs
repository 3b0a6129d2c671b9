//! The fetch stage: data and weights files, downloaded or local, verified.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::Runner;
use crate::config::{Archive, Generated, Sort, Source, WeightsFile};
use crate::data::{archive, synthetic};
use crate::download;
use crate::error::{Error, Result};
use crate::event::Event;
use crate::fs;
use crate::interrupt;
use crate::plan::Node;

/// Name of a fetched weights file in its entry; its kind is told by its content.
pub(super) const WEIGHTS_FILE: &str = "weights.bin";
const ARCHIVE_HELP: &str = "give a local copy: `--set datasets.NAME.source.archive=PATH`, or set `mirrors` there";

/// Brings images into a folder.
pub(super) fn data(runner: &Runner, node: &Node, source: &Source, out: &Path) -> Result<()> {
    let (archive, format) = match source.sort() {
        Sort::Published(archive, format) => (archive, format),
        Sort::Generated(Generated { seed, classes, train_records, test_records }) => {
            return synthetic::generate(*seed, usize::from(*classes), *train_records, *test_records, out);
        }
    };
    let Archive { url, mirrors, sha256, bytes, archive: local, train_records, test_records, .. } = archive;
    let path = if local.is_empty() {
        let from =
            download::Source { url: url.clone(), mirrors: mirrors.clone(), sha256: sha256.clone(), bytes: *bytes };
        download(runner, node, &from, ARCHIVE_HELP)?
    } else {
        runner.loaded.root_path(local)
    };
    let layout =
        archive::Layout { format, train_records: *train_records as usize, test_records: *test_records as usize };
    let unpacked = archive::unpack(&path, &layout, out)?;
    check_content(source, archive, &path, &unpacked)?;
    if local.is_empty() { fs::remove(&path) } else { Ok(()) } // The unpacked data replace the download.
}

/// The archive holds the images that the configuration names, in whatever order; where nobody knows their digest, it must
/// be the official archive.
fn check_content(source: &Source, archive: &Archive, path: &Path, unpacked: &archive::Unpacked) -> Result<()> {
    let title = source.title();
    let [train, test] = source.content();
    for (split, expected, found) in
        [("training", train, &unpacked.train_content), ("test", test, &unpacked.test_content)]
    {
        let Some(expected) = expected else {
            if unpacked.archive_sha256 == archive.sha256 {
                continue;
            }
            let (found, official) = (&unpacked.archive_sha256, &archive.sha256);
            let message = format!("is not the official archive of {title}: its sha256 is {found}, expected {official}");
            return Err(Error::data(path, message, "download it again"));
        };
        if expected != found {
            let message = format!("its {split} images are not {title}'s: content digest {found}, expected {expected}");
            return Err(Error::data(
                path,
                message,
                "use the genuine archive; `train_content` and `test_content` of the data set's `source` name others",
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
        let source = download::Source {
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

fn download(runner: &Runner, node: &Node, source: &download::Source, help: &str) -> Result<PathBuf> {
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
            cancelled: &interrupt::requested,
            retries: 4,
            first_backoff: Duration::from_secs(1),
            stall_timeout: Duration::from_secs(30),
            help,
        },
    )
}
