//! `bundle`: puts the current report and its evidence into an archive.

use std::path::{Path, PathBuf};

use super::archive::{Archive, Files, pack};
use super::evidence::Evidence;
use super::layout::{
    Attribution, CONFIG, CRATE, Configuration, DATA_MANIFEST, EVALUATION_FILES, LABELS, Listing, MANIFEST,
    PLOT_MANIFEST, README, REPORT, REPORT_MANIFEST, cell_files, cell_folder, shipped_digest, training_files,
};
use super::verify::{Verified, verify};
use super::{readme, rocrate};
use crate::config::{self, Config, Initialization, LabelNoise};
use crate::data::TEST_FILE;
use crate::error::{Error, Result};
use crate::fs;
use crate::plan::Cell;
use crate::recipe::Shape;
use crate::report::input::{CellState, ReportInput};
use crate::report::{self, CONTENT};
use crate::results::read_labels;
use crate::run::{Published, Runner};
use crate::store::{self, EVALUATE_MANIFEST, Lookup, ORIGIN, TRAIN_MANIFEST};

/// What was written.
#[derive(Debug)]
pub struct Written {
    /// The archive.
    pub path: PathBuf,
    /// Its size.
    pub bytes: u64,
    /// Its sha256.
    pub sha256: String,
    /// What was verified before it was written.
    pub verified: Verified,
}

/// Brings the report up to date on what the cache has, without running a cell, and writes it with its evidence.
///
/// The archive is verified before it is written; equal results give equal bytes.
///
/// # Errors
/// If the report cannot be made, a file cannot be read or written, or the bundle would not verify.
pub fn write(runner: &Runner, reports: &Path, out: Option<PathBuf>, attribution: Attribution) -> Result<Written> {
    let _held = runner.store.hold()?; // Until all is read, or `gc` could remove the report that was just made.
    let published = runner.publish(reports)?.ok_or_else(|| fault("there is no report"))?;
    let files = gather(runner, &published, attribution)?;
    let profile = &runner.loaded.profile;
    let path = out.unwrap_or_else(|| published.folder.join(format!("fpl-repro-{profile}.tar.gz")));
    let packed = pack(&files).map_err(|error| fault(&error.to_string()))?;
    let archive = Archive::from_bytes(&packed, "").map_err(|message| fault(&message))?;
    let verified = verify(&archive).map_err(|fault| {
        Error::data(
            &path,
            format!("not written, since it would not verify: {fault}"),
            "run `fpl-repro plot --force` and `fpl-repro report --force`",
        )
    })?;
    fs::write_atomic(&path, &packed)?;
    Ok(Written { path, bytes: packed.len() as u64, sha256: archive.sha256, verified })
}

fn fault(message: &str) -> Error {
    Error::Render { what: "bundle".to_owned(), message: message.to_owned() }
}

fn gather(runner: &Runner, published: &Published, attribution: Attribution) -> Result<Files> {
    let mut files = Files::new();
    for name in published.report.outputs.keys() {
        files.insert(format!("{REPORT}{name}"), fs::read(&published.entry.join(name))?);
    }
    let path = published.entry.join(CONTENT);
    let report: ReportInput = serde_json::from_slice(&fs::read(&path)?)
        .map_err(|error| Error::data(&path, error.to_string(), "run `fpl-repro report --force`"))?;
    files.insert(PLOT_MANIFEST.to_owned(), report::json(&published.plot)?);
    files.insert(REPORT_MANIFEST.to_owned(), report::json(&published.report)?);
    let configuration = Configuration {
        program: published.report.environment.program.clone(),
        shipped: shipped_digest(&config::shipped()?),
        config: without_paths(runner.loaded.config.clone()),
        attribution,
    };
    files.insert(CONFIG.to_owned(), report::json(&configuration)?);
    let mut done = Vec::new();
    for (cell, planned) in report.cells.iter().zip(&runner.plan.cells) {
        if cell.state == CellState::Done {
            add_cell(runner, planned, &mut files)?;
            done.push(cell.id.clone());
        }
    }
    add_data(runner, &done, &mut files)?;
    let evidence = Evidence::read(&files, &done).map_err(|found| fault(&found.to_string()))?;
    files.insert(README.to_owned(), readme::readme(&report).into_bytes());
    let metadata = rocrate::metadata(&files, &evidence).map_err(|found| fault(&found.to_string()))?;
    files.insert(CRATE.to_owned(), metadata);
    files.insert(MANIFEST.to_owned(), report::json(&Listing::of(&files))?);
    Ok(files)
}

/// Paths are another machine's and decide no result: only the files' names are kept.
fn without_paths(mut config: Config) -> Config {
    let shorten = |path: &mut String| {
        if let Some(name) = Path::new(path.as_str()).file_name() {
            *path = name.display().to_string();
        }
    };
    for dataset in config.datasets.values_mut() {
        if let Some(archive) = dataset.source.archive_mut() {
            shorten(&mut archive.archive);
        }
        if let Some(LabelNoise::File { path, .. }) = &mut dataset.noise {
            shorten(path);
        }
    }
    for initialization in config.initializations.values_mut() {
        if let Initialization::Weights { files } = initialization {
            for file in files.values_mut() {
                shorten(&mut file.path);
            }
        }
    }
    config
}

fn add_cell(runner: &Runner, planned: &Cell, files: &mut Files) -> Result<()> {
    let folder = cell_folder(planned.id.as_str());
    let mut add = |name: &str, from: &Path| -> Result<()> {
        files.insert(format!("{folder}{name}"), fs::read(from)?);
        Ok(())
    };
    if let Some(foreign) = runner.foreign(planned) {
        let mut names = cell_files(&foreign.train).chain([ORIGIN]);
        return names.try_for_each(|name| add(name, &foreign.entry.join(name)));
    }
    let entry = |node: usize| runner.store.entry(&runner.plan.nodes[node]);
    let (train, evaluate) = (entry(planned.train), entry(planned.evaluate));
    training_files(&store::read_manifest(&train)?).try_for_each(|name| add(name, &train.join(name)))?;
    add(TRAIN_MANIFEST, &train.join(store::MANIFEST))?;
    add(EVALUATE_MANIFEST, &evaluate.join(store::MANIFEST))?;
    EVALUATION_FILES.into_iter().try_for_each(|name| add(name, &evaluate.join(name)))
}

/// Classes and size of the images that the report is about.
fn shape_of(runner: &Runner) -> Shape {
    let Config { dataset, datasets, .. } = &runner.loaded.config;
    datasets.get(dataset).map(|dataset| dataset.source.shape()).unwrap_or_default()
}

/// Labels and manifest of the data: from here, or else from where the cells were made.
fn add_data(runner: &Runner, done: &[String], files: &mut Files) -> Result<()> {
    if done.is_empty() {
        return Ok(());
    }
    let data = &runner.plan.nodes[runner.plan.data];
    if let Lookup::Hit(manifest) = runner.store.lookup(data) {
        let labels = read_labels(&runner.store.entry(data).join(TEST_FILE), shape_of(runner), runner.plan.images.1)?;
        files.insert(LABELS.to_owned(), labels);
        files.insert(DATA_MANIFEST.to_owned(), report::json(&manifest)?);
        return Ok(());
    }
    let foreign = runner.plan.cells.iter().find_map(|cell| runner.foreign(cell));
    let foreign = foreign.ok_or_else(|| fault("the data are neither here nor came with a bundle"))?;
    files.insert(LABELS.to_owned(), fs::read(&foreign.entry.join(store::LABELS))?);
    files.insert(DATA_MANIFEST.to_owned(), fs::read(&foreign.entry.join(store::DATA_MANIFEST))?);
    Ok(())
}
