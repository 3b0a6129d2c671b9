//! Gathers the report's content: its frame from the plan, its numbers from the cache.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use crate::artifact::{LOGITS, METRICS, Manifest, PREDICTIONS, SCORES, Scores, TRAINING_SET, TrainingSet};
use crate::config::{Config, Source};
use crate::data::{CLASSES_FILE, TEST_FILE};
use crate::error::{Error, Result};
use crate::fs;
use crate::id::{RowId, Setting};
use crate::plan::{self, Node, Plan};
use crate::recipe::{Schedule, Shape};
use crate::report::frame::{Frame, Measured, Planned, Results};
use crate::report::input::{CellState, Dataset, Example, Image, Origin, ReportInput, Row, SetupRow, Table};
use crate::report::noise::{ImageRanks, concerns, noise};
use crate::results::{read_logits, read_metrics, records};
use crate::run::Runner;
use crate::scores;
use crate::shell::word;
use crate::store::Lookup;

/// What a report's frame follows from.
#[derive(Debug, Clone, Copy)]
pub struct Outline<'a> {
    /// The configuration.
    pub config: &'a Config,
    /// Its plan.
    pub plan: &'a Plan,
    /// Name of the profile.
    pub profile: &'a str,
    /// Options that choose this configuration again.
    pub invocation: &'a str,
    /// Whether the data are there.
    pub data: bool,
    /// State of every cell.
    pub states: &'a BTreeMap<String, CellState>,
    /// Where the results of imported cells came from.
    pub origins: &'a BTreeMap<String, Origin>,
}

impl Outline<'_> {
    /// Everything in the report that no run decides.
    pub fn frame(&self) -> Frame {
        let config = self.config;
        Frame {
            paper: config.paper.clone(),
            registrations: config.registrations.clone(),
            readings: readings(config),
            profile: self.profile.to_owned(),
            profile_note: config.note.clone(),
            invocation: self.invocation.to_owned(),
            dataset: self.dataset(),
            tables: tables(config),
            cells: self.plan.cells.iter().map(|cell| self.cell(cell)).collect(),
            curves: config.figures.curves.iter().map(ToString::to_string).collect(),
            samples_per_class: config.figures.samples_per_class,
        }
    }
}

/// The report's frame as the cache stands.
pub(super) fn frame(runner: &Runner, states: &BTreeMap<String, CellState>) -> Frame {
    let data = &runner.plan.nodes[runner.plan.data];
    Outline {
        config: &runner.loaded.config,
        plan: runner.plan,
        profile: &runner.loaded.profile,
        invocation: &runner.options.invocation,
        data: matches!(runner.store.lookup(data), Lookup::Hit(_)),
        states,
        origins: &runner.origins(),
    }
    .frame()
}

/// The values of the keys that the paper's assumptions name.
fn readings(config: &Config) -> BTreeMap<String, String> {
    let values = serde_json::to_value(config).unwrap_or_default();
    let value = |key: &String| {
        let found = values.pointer(&format!("/{}", key.replace('.', "/")))?;
        Some((key.clone(), found.as_str().map_or_else(|| found.to_string(), str::to_owned)))
    };
    config.paper.assumptions.iter().flat_map(|assumption| &assumption.keys).filter_map(value).collect()
}

impl Outline<'_> {
    fn dataset(&self) -> Dataset {
        let node = &self.plan.nodes[self.plan.data];
        let (train_images, test_images) = self.plan.images;
        let source = self.config.datasets.get(&self.config.dataset).map(|dataset| &dataset.source);
        let published = source.is_some_and(Source::is_published);
        let name = match source {
            Some(Source::Generated(_)) | None => "generated data".to_owned(),
            Some(source) if published => source.title().to_owned(),
            Some(source) => format!("an archive that is not {}", source.title()),
        };
        Dataset {
            name,
            genuine: published && matches!(source, Some(Source::Cifar10(_))),
            classes: source.map(Source::classes).unwrap_or_default(),
            train_images,
            test_images,
            fingerprint: if self.data { node.fingerprint.to_string() } else { String::new() },
            archive_sha256: node.identity()["fields"]["sha256"].as_str().unwrap_or_default().to_owned(),
        }
    }

    fn cell(&self, cell: &plan::Cell) -> Planned {
        let not_run = || CellState::NotRun { reason: "not run yet".into() };
        Planned {
            id: cell.id.to_string(),
            seed: cell.training.seed,
            state: self.states.get(cell.id.as_str()).cloned().unwrap_or_else(not_run),
            deviations: cell.deviations.clone(),
            fingerprint: self.plan.nodes[cell.evaluate].fingerprint.to_string(),
            identity: json!({
                "train": self.plan.nodes[cell.train].identity(),
                "evaluate": self.plan.nodes[cell.evaluate].identity(),
            }),
            command: cell_command(self.invocation, cell),
            origin: self.origins.get(cell.id.as_str()).cloned(),
        }
    }
}

/// The command that makes exactly this cell; `invocation` are the options that choose its configuration.
pub fn cell_command(invocation: &str, cell: &plan::Cell) -> String {
    format!("fpl-repro evaluate{invocation} --cells {} --seeds {}", word(cell.id.as_str()), cell.training.seed)
}

fn tables(config: &Config) -> Vec<Table> {
    let table = |(id, table): (&String, &crate::config::Table)| Table {
        id: id.clone(),
        number: table.number.clone(),
        caption: table.caption.clone(),
        kind: table.kind,
        rows: table
            .rows
            .iter()
            .flat_map(|row| row.losses.iter().map(move |loss| (row, loss)))
            .map(|(row, loss)| {
                let architecture = config.networks[&row.network].architecture;
                let this = Setting::new(id, architecture, &row.initialization).row(loss);
                Row {
                    network: architecture.title().into(),
                    initialization: row.initialization.clone(),
                    loss: loss.clone(),
                    loss_title: loss.to_uppercase(),
                    epochs: config.recipes[&row.recipe].epochs,
                    paper: config.paper.row(&this).cloned(),
                    cells: config.seeds.iter().map(|&seed| this.cell(seed).to_string()).collect(),
                }
            })
            .collect(),
    };
    config.tables.iter().map(table).collect()
}

/// The stages that the report reads, with their roles and manifests: the data, and every cell that is done.
pub(super) fn sources<'a>(
    runner: &Runner<'a>,
    states: &BTreeMap<String, CellState>,
) -> Vec<(String, &'a Node, Manifest)> {
    let plan = runner.plan;
    let mut wanted = vec![("data".to_owned(), plan.data)];
    let mut imported = Vec::new();
    for cell in plan.cells.iter().filter(|cell| states.get(cell.id.as_str()) == Some(&CellState::Done)) {
        if let Some(foreign) = runner.foreign(cell) {
            imported.push((format!("{} imported", cell.id), &plan.nodes[cell.evaluate], foreign.manifest));
            continue;
        }
        wanted.push((format!("{} training", cell.id), cell.train));
        wanted.push((format!("{} evaluation", cell.id), cell.evaluate));
    }
    let read = |(role, id): (String, usize)| {
        let node = &plan.nodes[id];
        let manifest = runner.known(id).or_else(|| runner.store.manifest(node).ok())?;
        Some((role, node, manifest))
    };
    wanted.into_iter().filter_map(read).chain(imported).collect()
}

/// The report: the measured numbers in their frame.
pub(super) fn fill(runner: &Runner, frame: Frame) -> Result<ReportInput> {
    let mut measured = Measured::default();
    let cells = frame.cells.iter().zip(&runner.plan.cells);
    for (cell, planned) in cells.filter(|(cell, _)| cell.state == CellState::Done) {
        measured.results.insert(cell.id.clone(), results(runner, planned)?);
    }
    measured.noise = noise(&frame.paper.claims, &image_ranks(runner, &frame)?);
    measured.setup = setup(&runner.loaded.config, runner.plan, &measured.results);
    if !frame.dataset.fingerprint.is_empty() {
        let folder = entry(runner, runner.plan.data);
        let names = fs::read_to_string(&folder.join(CLASSES_FILE))?;
        measured.classes = Some(names.lines().map(str::to_owned).collect());
        let config = &runner.loaded.config;
        let shape = config.datasets.get(&config.dataset).map(|dataset| dataset.source.shape()).unwrap_or_default();
        let records = records(&folder.join(TEST_FILE), shape, runner.plan.images.1)?;
        measured.samples = samples(&records, shape, frame.samples_per_class as usize);
        measured.example = example(runner, &frame, &records)?;
    }
    Ok(frame.report(measured))
}

/// The results of a cell, from here or from the bundle that they came in.
fn results(runner: &Runner, planned: &plan::Cell) -> Result<Results> {
    let (train, evaluate, manifest, predictions) = if let Some(foreign) = runner.foreign(planned) {
        (foreign.entry.clone(), foreign.entry, foreign.train, foreign.manifest.predictions())
    } else {
        let (train, evaluate) = (entry(runner, planned.train), entry(runner, planned.evaluate));
        let nodes = &runner.plan.nodes;
        let predictions = runner.store.manifest(&nodes[planned.evaluate])?.predictions();
        (train, evaluate, runner.store.manifest(&nodes[planned.train])?, predictions)
    };
    Ok(Results {
        predictions,
        metrics: read_metrics(&train.join(METRICS))?,
        scores: read_scores(&evaluate.join(SCORES))?,
        training_set: read_training_set(&train.join(TRAINING_SET), &manifest)?,
        environment: manifest.environment,
        seconds: manifest.seconds,
        started: manifest.started,
        finished: manifest.finished,
    })
}

/// What the cells that claims are about said of every test image.
fn image_ranks(runner: &Runner, frame: &Frame) -> Result<Vec<ImageRanks>> {
    let cells = frame.cells.iter().zip(&runner.plan.cells).filter(|(cell, _)| cell.state == CellState::Done);
    let of_claims = cells.filter(|(_, planned)| concerns(&frame.paper.claims, &planned.id));
    let ranks = |(cell, planned): (&Planned, &plan::Cell)| {
        let evaluated =
            runner.foreign(planned).map_or_else(|| entry(runner, planned.evaluate), |foreign| foreign.entry);
        let bytes = fs::read(&evaluated.join(PREDICTIONS))?;
        let ranks = scores::ranks(&bytes, planned.training.shape.classes);
        Ok(ImageRanks { cell: planned.id.clone(), seed: cell.seed, ranks })
    };
    of_claims.map(ranks).collect()
}

fn entry(runner: &Runner, id: usize) -> std::path::PathBuf {
    runner.store.entry(&runner.plan.nodes[id])
}

fn read_scores(path: &std::path::Path) -> Result<Scores> {
    serde_json::from_slice(&fs::read(path)?)
        .map_err(|error| Error::data(path, error.to_string(), "evaluate the cell again: `fpl-repro evaluate --force`"))
}

/// Only trainings on changed data have one.
fn read_training_set(path: &std::path::Path, training: &Manifest) -> Result<Option<TrainingSet>> {
    if !training.outputs.contains_key(TRAINING_SET) {
        return Ok(None);
    }
    let read = serde_json::from_slice(&fs::read(path)?);
    read.map(Some)
        .map_err(|error| Error::data(path, error.to_string(), "train the cell again: `fpl-repro train --force`"))
}

fn image(record: &[u8]) -> Image {
    Image { label: record[0], pixels: record[1..].to_vec() }
}

/// The first test images of every class.
fn samples(records: &[u8], shape: Shape, per_class: usize) -> Vec<Vec<Image>> {
    let of =
        |class: usize| records.chunks_exact(shape.record_bytes()).filter(move |record| usize::from(record[0]) == class);
    (0..shape.classes).map(|class| of(class).take(per_class).map(image).collect()).collect()
}

/// Figure 1: the first test image whose true class the chosen cell puts second; else the first that it gets wrong.
fn example(runner: &Runner, frame: &Frame, records: &[u8]) -> Result<Option<Example>> {
    let chosen = &runner.loaded.config.figures.example;
    let done = |row: Option<&RowId>| {
        let cells = frame.cells.iter().zip(&runner.plan.cells);
        let mut matching = cells.filter(|(cell, planned)| {
            let here = cell.state == CellState::Done && cell.origin.is_none(); // Bundles hold no logits.
            here && row.is_none_or(|row| planned.id.row() == *row)
        });
        matching.next().map(|(_, planned)| planned)
    };
    let Some(cell) = done(Some(chosen)).or_else(|| done(None)) else { return Ok(None) };
    let shape = cell.training.shape;
    let logits = read_logits(&entry(runner, cell.evaluate).join(LOGITS), shape.classes)?;
    let asked: Vec<(usize, &[u8], Vec<f64>)> = logits
        .chunks_exact(shape.classes)
        .zip(records.chunks_exact(shape.record_bytes()))
        .enumerate()
        .map(|(index, (row, record))| (index, record, scores::probabilities(row)))
        .collect();
    let rank = |(_, record, probabilities): &(usize, &[u8], Vec<f64>)| {
        let truth = probabilities[usize::from(record[0])];
        probabilities.iter().filter(|&&probability| probability > truth).count()
    };
    let found = asked
        .iter()
        .find(|entry| rank(entry) == 1)
        .or_else(|| asked.iter().find(|entry| rank(entry) > 0))
        .or(asked.first());
    Ok(found.map(|(index, record, probabilities)| Example {
        cell: cell.id.to_string(),
        index: *index as u32,
        image: image(record),
        probabilities: probabilities.clone(),
    }))
}

/// Table 1; without results only the paper's side.
pub fn setup(config: &Config, plan: &Plan, results: &BTreeMap<String, Results>) -> Vec<SetupRow> {
    let paper = &config.paper.setup;
    let of_table = plan.cells.iter().filter(|planned| planned.id.setting().table() == paper.table);
    let measured: Vec<(&Results, &plan::Cell)> =
        of_table.filter_map(|planned| Some((results.get(planned.id.as_str())?, planned))).collect();
    let ours = |value: &dyn Fn(&Results, &plan::Cell) -> String| {
        let values: BTreeSet<String> = measured.iter().map(|(results, planned)| value(results, planned)).collect();
        values.into_iter().filter(|value| !value.is_empty()).collect::<Vec<_>>().join("; ")
    };
    let environment =
        |value: fn(&crate::artifact::Environment) -> String| ours(&|results: &Results, _| value(&results.environment));
    let row = |name: &str, paper: &str, ours: String| SetupRow { name: name.into(), paper: paper.into(), ours };
    vec![
        row(
            "GPU",
            &paper.gpu,
            environment(|on| {
                let none = if on.cuda.is_empty() { "none: " } else { "" };
                format!("{none}{}", on.device_title())
            }),
        ),
        row(
            "CUDA version",
            &paper.cuda,
            environment(|on| if on.cuda.is_empty() { "none: CPU".into() } else { on.cuda.clone() }),
        ),
        row("Framework", &paper.framework, environment(|on| format!("libtorch {} (tch 0.26)", on.libtorch))),
        row("Batch size", &paper.batch_size, ours(&|_, planned| planned.training.recipe.batch_size.to_string())),
        row("Epochs", &paper.epochs, ours(&|_, planned| planned.training.recipe.epochs.to_string())),
        row(
            "Initial learning rate",
            &paper.learning_rate,
            ours(&|_, planned| planned.training.recipe.optimizer.learning_rate().to_string()),
        ),
        row("Optimizer", &paper.optimizer, ours(&|_, planned| planned.training.recipe.optimizer.title().into())),
        row(
            "Scheduler",
            &paper.scheduler,
            ours(&|_, planned| match planned.training.recipe.schedule {
                Schedule::Cosine => "cosine, per epoch".into(),
                Schedule::CosinePerStep => "cosine, per step".into(),
                Schedule::MultiStep { .. } => "multi-step".into(),
            }),
        ),
    ]
}
