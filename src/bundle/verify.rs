//! `verify BUNDLE`: every number again, from the predictions. Needs neither libtorch, nor data, nor a configuration.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::archive::{Archive, Files, Packing, pack};
use super::compare;
use super::evidence::Evidence;
use super::fault::Fault;
use super::layout::{
    CELL_MANIFESTS, CONFIG, CRATE, DATA_MANIFEST, EVALUATION_FILES, LABELS, Listing, MANIFEST, PLOT_MANIFEST, README,
    REPORT, REPORT_MANIFEST, SCHEMA, TRAINING_FILES, canonical, cell_folder, done, get, parse, report_path,
    shipped_digest,
};
use super::{readme, remake, rocrate};
use crate::artifact::Manifest;
use crate::config;
use crate::error::Result as ProgramResult;
use crate::fs::sha256_bytes;
use crate::plan::StageKind;
use crate::report::derived::Derived;
use crate::report::input::ReportInput;
use crate::report::ledger::Ledger;
use crate::report::{CONTENT, figures, files as report_files};
use crate::store::{EVALUATE_MANIFEST, ORIGIN, TRAIN_MANIFEST};

/// What held in a bundle.
#[derive(Debug, Clone)]
pub struct Verified {
    /// The profile.
    pub profile: String,
    /// Cells with results, and of all.
    pub cells: (usize, usize),
    /// Of those with results, the ones that came from another bundle.
    pub imported: usize,
    /// Test images.
    pub images: usize,
    /// Numbers of cells that were computed again, or held against what the training recorded.
    pub numbers: usize,
    /// Files of the report that were rendered again and are equal byte for byte; `None` if this program cannot.
    pub rendered: Option<usize>,
    /// The claims by verdict, as they follow; empty if this program cannot say.
    pub verdicts: Vec<(String, usize)>,
    /// What is not a fault, but to be known.
    pub notes: Vec<String>,
}

/// Checks a bundle: first every number, then everything that is rendered from them, then digests.
///
/// # Errors
/// The first thing that does not follow.
pub fn verify(archive: &Archive) -> Result<Verified, Fault> {
    let files = &archive.files;
    let listing = listing(files)?;
    let report: Value = parse(&report_path(), get(files, &report_path())?)?;
    let done = done(&report)?;
    known_names(files, &done)?;
    let evidence = Evidence::read(files, &done)?;
    let mut notes = Vec::new();
    for cell in &evidence.cells {
        notes.extend(cell.check_last_epoch()?);
    }
    evidence.check_data()?;
    let version = other_version(files, &evidence);
    let (rendered, verdicts) = if let Some(why) = &version {
        remake::check_numbers(&report, &evidence)?;
        notes.push(format!(
            "made by another version ({why}): numbers were checked, the report's files and verdicts were not"
        ));
        (None, Vec::new())
    } else {
        let input = remake::check(files, &report, &evidence)?;
        let derived = Derived::new(&input);
        let rendered = rendered(files, &derived).map_err(|fault| blame_content(files, &evidence, fault))?;
        (Some(rendered), verdicts(&derived.ledger))
    };
    evidence.check_chain()?;
    recorded(files, &evidence)?;
    rocrate::check_digests(files)?;
    if version.is_none() {
        let follows = rocrate::metadata(files, &evidence)?;
        differs(CRATE, get(files, CRATE)?, &follows)?;
        let content: ReportInput = parse(&report_path(), get(files, &report_path())?)?;
        differs(README, get(files, README)?, readme::readme(&content).as_bytes())?;
    }
    digests(files, &listing)?;
    notes.extend(on_packing(archive));
    Ok(Verified {
        profile: report["profile"].as_str().unwrap_or_default().to_owned(),
        cells: (evidence.cells.len(), report["cells"].as_array().map_or(0, Vec::len)),
        imported: evidence.cells.iter().filter(|cell| cell.origin.is_some()).count(),
        images: evidence.labels.len(),
        numbers: remake::numbers(&report),
        rendered,
        verdicts,
        notes,
    })
}

/// What a reader who compares digests must know: packed otherwise, the same files have another sha256.
fn on_packing(archive: &Archive) -> Option<String> {
    let packed = || pack(&archive.files).map(|packed| sha256_bytes(&packed)).unwrap_or_default();
    match archive.packing {
        Packing::Own => None,
        Packing::Other => Some(format!(
            "packed by another program; as `fpl-repro bundle` packs them, these files have the sha256 {}",
            packed()
        )),
        Packing::Unpacked => {
            Some("a folder; the sha256 is that of the archive that `fpl-repro bundle` packs of it".into())
        }
    }
}

/// The list of files, and that those and no others are there.
fn listing(files: &Files) -> Result<Listing, Fault> {
    let bytes = get(files, MANIFEST)?;
    let schema: Value = parse(MANIFEST, bytes)?;
    if schema["schema"] != SCHEMA {
        let message = format!("schema: says {}, this program reads {SCHEMA}", schema["schema"]);
        return Err(Fault::new(MANIFEST, message));
    }
    let listing: Listing = canonical(MANIFEST, bytes)?;
    let there: BTreeSet<&String> = files.keys().filter(|name| *name != MANIFEST).collect();
    let listed: BTreeSet<&String> = listing.files.keys().collect();
    match (listed.difference(&there).next(), there.difference(&listed).next()) {
        (Some(missing), _) => Err(Fault::missing(missing)),
        (_, Some(extra)) => Err(Fault::new(extra, format!("is in the archive but not in {MANIFEST}"))),
        (None, None) => Ok(listing),
    }
}

/// Nothing is there that no check would look at.
fn known_names(files: &Files, done: &[String]) -> Result<(), Fault> {
    let mut known: BTreeSet<String> =
        [MANIFEST, CONFIG, CRATE, README, PLOT_MANIFEST, REPORT_MANIFEST, DATA_MANIFEST].map(str::to_owned).into();
    if !done.is_empty() {
        known.insert(LABELS.to_owned());
    }
    let names = || TRAINING_FILES.into_iter().chain(EVALUATION_FILES).chain(CELL_MANIFESTS).chain([ORIGIN]);
    known.extend(done.iter().flat_map(|id| names().map(|name| format!("{}{name}", cell_folder(id)))));
    let unknown = files.keys().find(|name| !name.starts_with(REPORT) && !known.contains(*name));
    unknown.map_or(Ok(()), |name| Err(Fault::new(name, format!("belongs to nothing that {} has", report_path()))))
}

/// Why this program cannot make the report again byte for byte; `None` if it can.
fn other_version(files: &Files, evidence: &Evidence) -> Option<String> {
    for manifest in evidence.manifests().into_iter().map(|(_, manifest)| manifest) {
        let stage = StageKind::ALL.into_iter().find(|stage| stage.name() == manifest.stage)?;
        let made = &manifest.identity["version"];
        if *made != stage.version() {
            return Some(format!("version {made} of `{}`, here {}", manifest.stage, stage.version()));
        }
    }
    let configuration: Value = serde_json::from_slice(files.get(CONFIG)?).ok()?;
    let shipped = config::shipped().ok()?;
    (configuration["shipped"] != shipped_digest(&shipped))
        .then(|| format!("{} with another `pipeline.toml`", configuration["program"].as_str().unwrap_or("a program")))
}

/// Renders every file of the report and compares.
fn rendered(files: &Files, derived: &Derived) -> Result<usize, Fault> {
    let fault = |error: crate::error::Error| Fault::new(&report_path(), format!("cannot be rendered: {error}"));
    let again = || -> ProgramResult<_> { report_files(derived, &figures(derived.input)?) };
    let again: BTreeMap<String, Vec<u8>> = again().map_err(fault)?.into_iter().collect();
    for (name, follows) in &again {
        let path = format!("{REPORT}{name}");
        differs(&path, get(files, &path)?, follows)?;
    }
    let extra = files.keys().find(|name| name.strip_prefix(REPORT).is_some_and(|name| !again.contains_key(name)));
    extra.map_or(Ok(again.len()), |name| Err(Fault::new(name, "is no file of the report")))
}

/// A file that was not rendered from this content: if the content is not what was recorded, that was changed. It can be
/// so in parts that follow from nothing else, as an image.
fn blame_content(files: &Files, evidence: &Evidence, fault: Fault) -> Fault {
    match record(files, &report_path(), &evidence.report, CONTENT, REPORT_MANIFEST) {
        Err(content) if fault.place != content.place => {
            Fault::new(&content.place, format!("{}; so {fault}", content.message))
        }
        _ => fault,
    }
}

fn verdicts(ledger: &Ledger) -> Vec<(String, usize)> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for entry in &ledger.entries {
        *counts.entry(entry.verdict.title().to_owned()).or_default() += 1;
    }
    counts.into_iter().collect()
}

fn differs(name: &str, says: &[u8], follows: &[u8]) -> Result<(), Fault> {
    compare::bytes(says, follows).map_or(Ok(()), |difference| Err(Fault::new(name, difference)))
}

/// The files are those that the stages' manifests recorded.
fn recorded(files: &Files, evidence: &Evidence) -> Result<(), Fault> {
    for cell in &evidence.cells {
        let folder = |name: &str| format!("{}{name}", cell.folder);
        // Those that are there: what is missing was noticed when the evidence was read.
        for name in TRAINING_FILES.into_iter().filter(|name| files.contains_key(&folder(name))) {
            record(files, &folder(name), &cell.train, name, &folder(TRAIN_MANIFEST))?;
        }
        for name in EVALUATION_FILES {
            record(files, &folder(name), &cell.evaluate, name, &folder(EVALUATE_MANIFEST))?;
        }
    }
    for name in evidence.report.outputs.keys() {
        record(files, &format!("{REPORT}{name}"), &evidence.report, name, REPORT_MANIFEST)?;
    }
    for name in evidence.plot.outputs.keys() {
        let path = format!("{REPORT}figures/{name}");
        if files.contains_key(&path) {
            record(files, &path, &evidence.plot, name, PLOT_MANIFEST)?;
        }
    }
    Ok(())
}

fn record(files: &Files, path: &str, manifest: &Manifest, name: &str, place: &str) -> Result<(), Fault> {
    let output = manifest.outputs.get(name).ok_or_else(|| Fault::new(place, format!("outputs has no `{name}`")))?;
    let bytes = get(files, path)?;
    let sha256 = sha256_bytes(bytes);
    if output.sha256 != sha256 || output.bytes != bytes.len() as u64 {
        let message = format!("its sha256 is {sha256}, but {place} recorded {}", output.sha256);
        return Err(Fault::new(path, message));
    }
    Ok(())
}

fn digests(files: &Files, listing: &Listing) -> Result<(), Fault> {
    let again = Listing::of(files);
    for (name, follows) in &again.files {
        let says = &listing.files[name];
        if says != follows {
            let message = format!(
                "its sha256 is {} ({} bytes), but {MANIFEST} says {} ({} bytes)",
                follows.sha256, follows.bytes, says.sha256, says.bytes
            );
            return Err(Fault::new(name, message));
        }
    }
    Ok(())
}
