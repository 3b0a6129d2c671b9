//! Hostile input: what others may have made, changed at random. The tests' short run tries some hundred changed inputs of every
//! reader, `make fuzz` twenty thousand.

#![allow(clippy::unwrap_used, reason = "a failure here is a failed test")]

#[path = "hostile/targets.rs"]
mod targets;

use std::fs;
use std::panic::catch_unwind;
use std::path::Path;
use std::time::{Duration, Instant};

use fpl_repro::bundle::Archive;
use fpl_repro::protocol::{Hello, Message};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use super::tell;
use crate::support::{FPL, Project};

const SEED: u64 = 20_231_125;
/// Inputs per reader in the tests' short run, unless `FPL_FUZZ_INPUTS` says how many.
const INPUTS: usize = 100;
/// Far longer than any input of this size takes.
const LONGEST: Duration = Duration::from_secs(20);
/// The parts of a bundle that are read; what is rendered from them is only compared.
const READ: [&str; 4] = ["evidence/", "MANIFEST.json", "config.json", "report/report.json"];

/// Sound inputs of a reader, which the changes begin with.
fn sound(name: &str, project: &Project) -> Vec<Vec<u8>> {
    let entry = |stage: &str, file: &str| fs::read(project.entry(stage, FPL).join(file)).unwrap();
    let json = |message: &Message| serde_json::to_vec(message).unwrap();
    match name {
        "configuration" => ["noise", "imbalance", "quickstart", "test"]
            .map(|profile| fs::read(project.root.join(format!("profiles/{profile}.toml"))).unwrap())
            .into(),
        "set" => vec![
            b"recipes.table2.epochs=2\nrun.jobs=4\nseeds=[0, 1]".to_vec(),
            b"tables.table2.rows.0.losses=[\"fpl\"]\nfigures.samples_per_class=3".to_vec(),
            b"losses.fpl.k=2\ndatasets.cifar10.source.archive=\"a b.tar.gz\"".to_vec(),
        ],
        "paper" => vec![targets::PAPER.1.into()],
        "manifest" => vec![entry("train", "manifest.json"), entry("evaluate", "manifest.json")],
        "metrics" => vec![entry("train", "metrics.jsonl")],
        "safetensors" => vec![entry("evaluate", "logits.safetensors")],
        "tar" => vec![archive()],
        "bundle" => vec![small_bundle(project)],
        "message" => vec![
            json(&Message::Hello(Hello::default())),
            json(&Message::Step { epoch: 1, step: 2, steps: 3, images_per_second: 4.5 }),
            json(&Message::Done { tensors: [("fc.weight".to_owned(), vec![10, 512])].into() }),
        ],
        other => panic!("no sound input of `{other}`"),
    }
}

/// Thirteen images in CIFAR-10's layout.
fn archive() -> Vec<u8> {
    let names = "airplane\nautomobile\nbird\ncat\ndeer\ndog\nfrog\nhorse\nship\ntruck\n";
    let mut files = vec![("batches.meta.txt".to_owned(), names.into())];
    files.extend((1..=5).map(|batch| (format!("data_batch_{batch}.bin"), vec![batch; 2 * 3073])));
    files.push(("test_batch.bin".to_owned(), vec![7; 3 * 3073]));
    packed(files.into_iter().map(|(name, bytes)| (format!("cifar-10-batches-bin/{name}"), bytes)))
}

/// A bundle without what is rendered: it fails only once everything else holds.
fn small_bundle(project: &Project) -> Vec<u8> {
    project.ok(&["bundle", "--output", "sound.tar.gz"]);
    let files = Archive::read(&project.root.join("sound.tar.gz")).unwrap().files;
    packed(files.into_iter().filter(|(name, _)| READ.iter().any(|read| name.starts_with(read))))
}

fn packed(files: impl Iterator<Item = (String, Vec<u8>)>) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, bytes) in files {
        let mut header = tar::Header::new_ustar();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        builder.append_data(&mut header, name, bytes.as_slice()).unwrap();
    }
    builder.into_inner().unwrap()
}

/// What stands in inputs that are written to harm: numbers at borders, other kinds of values, markup, paths.
const WORDS: [&str; 16] = [
    "0",
    "-1",
    "4294967295",
    "18446744073709551616",
    "1e999",
    "nan",
    "[]",
    "{}",
    "null",
    "\"\"",
    "[[[[[[[[",
    "../../x",
    "<script>",
    "\u{fffe}",
    "\0",
    "]\n[",
];

/// A sound input with one to eight changes.
fn changed(random: &mut ChaCha8Rng, sound: &[Vec<u8>]) -> Vec<u8> {
    let mut pick = |below: usize| random.next_u64() as usize % below.max(1);
    let mut input = sound[pick(sound.len())].clone();
    for _ in 0..=pick(8) {
        let (at, end) = (pick(input.len()), pick(input.len() + 1));
        match pick(7) {
            0 if !input.is_empty() => input[at] ^= 1 << pick(8),
            1 if !input.is_empty() => input[at] = [0, 0x7f, 0x80, 0xff][pick(4)],
            2 => input.truncate(end),
            3 => {
                input.drain(at.min(end)..end.min(at + 1 + pick(64)).max(at.min(end)));
            }
            4 => {
                let piece = input[at.min(end)..end.min(at.min(end) + 64)].to_vec();
                input.splice(at..at, piece);
            }
            5 => {
                // A value is replaced: from one place where none of its characters is to the next.
                let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"._-".contains(byte);
                let begin = input[..at].iter().rposition(|byte| !plain(byte)).map_or(0, |before| before + 1);
                let end = input[at..].iter().position(|byte| !plain(byte)).map_or(input.len(), |after| at + after);
                input.splice(begin..end, WORDS[pick(WORDS.len())].bytes());
            }
            _ => {
                input.splice(at..at, WORDS[pick(WORDS.len())].bytes());
            }
        }
    }
    input
}

#[test]
fn whatever_others_made_is_read_or_refused() {
    let project = Project::finished();
    let inputs = std::env::var("FPL_FUZZ_INPUTS").map_or(INPUTS, |inputs| inputs.parse().expect("a number"));
    let mut random = ChaCha8Rng::seed_from_u64(SEED);
    for (name, read) in targets::TARGETS {
        let sound = sound(name, &project);
        for input in &sound {
            read(input);
        }
        let last = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("hostile-{name}"));
        for _ in 0..inputs {
            let input = changed(&mut random, &sound);
            // There also if the process ends at once.
            fs::write(&last, &input).unwrap();
            let started = Instant::now();
            assert!(catch_unwind(|| read(&input)).is_ok(), "{name}: a panic by `{}`", last.display());
            assert!(started.elapsed() < LONGEST, "{name}: {:?} by `{}`", started.elapsed(), last.display());
        }
        tell(&format!("hostile: {inputs} inputs of {name}"));
    }
}

/// The readers read what is sound: else everything would be refused at once, and nothing tried.
#[test]
fn sound_inputs_are_accepted() {
    let project = Project::finished();
    let text = |name: &str| String::from_utf8(sound(name, &project).remove(0)).unwrap();
    let (pipeline, paper) = (targets::PIPELINE, targets::PAPER);
    fpl_repro::config::of_texts(&[pipeline, paper, ("profile", &text("configuration"))], &[]).unwrap();
    let sets: Vec<String> = text("set").lines().map(str::to_owned).collect();
    fpl_repro::config::of_texts(&[pipeline, paper], &sets).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.tar");
    fs::write(&path, targets::zipped(&archive())).unwrap();
    fpl_repro::data::archive::unpack(&path, &targets::LAYOUT, &folder.path().join("out")).unwrap();
    fpl_repro::store::parse_manifest(Path::new("m"), text("manifest").as_bytes()).unwrap();
    assert_eq!(fpl_repro::results::parse_metrics(Path::new("m"), &text("metrics")).unwrap().len(), 2);
    let logits = sound("safetensors", &project).remove(0);
    assert_eq!(fpl_repro::results::parse_logits(Path::new("l"), &logits, 10).unwrap().len(), 200);
}
