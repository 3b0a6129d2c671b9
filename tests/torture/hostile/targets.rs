//! What reads input that others may have made, as functions of that input: none panics, runs for long, or writes outside its
//! folder, whatever the input is.

use std::io::Write;
use std::path::Path;

use flate2::{Compression, write::GzEncoder};
use fpl_repro::bundle::{self, Archive};
use fpl_repro::config::{self, Config};
use fpl_repro::data::CIFAR10;
use fpl_repro::data::archive::{Layout, unpack};
use fpl_repro::error::Result;
use fpl_repro::protocol::{Job, Message};
use fpl_repro::results::{parse_logits, parse_metrics};
use fpl_repro::{plan, store};

/// A reader.
pub(super) type Target = fn(&[u8]);

/// Every reader by the name of its input.
pub(super) const TARGETS: [(&str, Target); 9] = [
    ("configuration", configuration),
    ("set", set),
    ("paper", paper),
    ("manifest", manifest),
    ("metrics", metrics),
    ("safetensors", safetensors),
    ("tar", tar),
    ("bundle", bundle),
    ("message", message),
];

/// The configuration as shipped, which hostile ones are laid over.
pub(super) const PIPELINE: (&str, &str) = ("pipeline.toml", include_str!("../../../pipeline.toml"));
/// The paper as data.
pub(super) const PAPER: (&str, &str) = ("paper.toml", include_str!("../../../paper.toml"));
/// The path that names inputs in errors.
const PATH: &str = "input";
/// What archives must hold.
pub(super) const LAYOUT: Layout = Layout { format: &CIFAR10, train_records: 10, test_records: 3 };

/// A profile over the configuration as shipped, and the plan that follows.
fn configuration(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    planned(config::of_texts(&[PIPELINE, PAPER, (PATH, text)], &[]));
}

/// A line per `--set`.
fn set(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let sets: Vec<String> = text.lines().map(str::to_owned).collect();
    planned(config::of_texts(&[PIPELINE, PAPER], &sets));
}

/// Another `paper.toml`.
fn paper(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    planned(config::of_texts(&[PIPELINE, (PATH, text)], &[]));
}

/// What is accepted can be planned, or is refused with an error.
fn planned(config: Result<Config>) {
    if let (Ok(config), Ok(shipped)) = (config, config::shipped()) {
        let _ = plan::plan(&config, &shipped, None, &[]);
    }
}

/// The manifest of an entry or of a report.
fn manifest(input: &[u8]) {
    let _ = store::parse_manifest(Path::new(PATH), input);
}

/// The metrics of a training.
fn metrics(input: &[u8]) {
    if let Ok(text) = std::str::from_utf8(input) {
        let _ = parse_metrics(Path::new(PATH), text);
    }
}

/// The logits of an evaluation.
fn safetensors(input: &[u8]) {
    let _ = parse_logits(Path::new(PATH), input, 10);
}

/// An archive of data, unpacked into a folder: nothing else is touched.
fn tar(input: &[u8]) {
    let folder = tempfile::tempdir().expect("a folder");
    let archive = folder.path().join("archive.tar.gz");
    std::fs::write(&archive, zipped(&with_checksums(input))).expect("a file in it");
    let _ = unpack(&archive, &LAYOUT, &folder.path().join("out"));
    let mut names: Vec<_> =
        fpl_repro::fs::entries(folder.path()).iter().map(|path| fpl_repro::fs::name(path)).collect();
    names.retain(|name| name != "archive.tar.gz" && name != "out");
    assert!(names.is_empty(), "written outside: {names:?}");
}

/// A bundle, and its verification.
fn bundle(input: &[u8]) {
    if let Ok(archive) = Archive::from_bytes(&zipped(&with_checksums(input)), PATH) {
        let _ = bundle::verify(&archive);
    }
}

/// A line between the program and its workers.
fn message(input: &[u8]) {
    let _ = serde_json::from_slice::<Message>(input);
    let _ = serde_json::from_slice::<Job>(input);
}

pub(super) fn zipped(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).and_then(|()| encoder.finish()).expect("memory")
}

/// The archive with right checksums in its headers, so that what is behind them is reached.
fn with_checksums(tar: &[u8]) -> Vec<u8> {
    let mut tar = tar.to_vec();
    for block in tar.as_chunks_mut::<512>().0 {
        if &block[257..262] == b"ustar" {
            block[148..156].fill(b' ');
            let sum: u32 = block.iter().map(|&byte| u32::from(byte)).sum();
            block[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
        }
    }
    tar
}
