//! The report's content, made again from the configuration and the evidence.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use super::archive::Files;
use super::compare;
use super::evidence::{Cell, Evidence};
use super::fault::Fault;
use super::layout::{CONFIG, Configuration, LABELS, REPORT_MANIFEST, canonical, get, parse, report_path};
use crate::config;
use crate::number::plural;
use crate::plan::{self, Plan};
use crate::report::document::Document;
use crate::report::frame::{Frame, Measured, Results};
use crate::report::input::{CellState, Example, ReportInput};
use crate::report::noise::{ImageRanks, noise};
use crate::run::{Outline, setup};

/// Holds a report's content against what follows, and returns it.
///
/// Taken from the report itself are only: why a cell has no result, the options that choose the configuration, the names of the classes,
/// the pixels of the images shown, and the probabilities of Figure 1 but for p_T and p_F.
pub(super) fn check(files: &Files, says: &Value, evidence: &Evidence) -> Result<ReportInput, Fault> {
    let bytes = get(files, &report_path())?;
    // Numbers first: what is wrong with a layout is not worth a message while a number is wrong.
    check_numbers(says, evidence)?;
    let report: ReportInput = parse(&report_path(), bytes)?;
    let configuration: Configuration = canonical(CONFIG, get(files, CONFIG)?)?;
    let plan = plan_of(&configuration, &report)?;
    let states: BTreeMap<String, CellState> =
        report.cells.iter().map(|cell| (cell.id.clone(), cell.state.clone())).collect();
    let origins = evidence.cells.iter().filter_map(|cell| Some((cell.id.clone(), cell.origin.clone()?))).collect();
    let frame = Outline {
        config: &configuration.config,
        plan: &plan,
        profile: &report.profile,
        invocation: &report.invocation,
        data: !report.dataset.fingerprint.is_empty(),
        states: &states,
        origins: &origins,
    }
    .frame();
    let mut measured = Measured { results: results(evidence), ..Measured::default() };
    measured.noise = noise(&frame.paper.claims, &image_ranks(&plan, evidence));
    measured.setup = setup(&configuration.config, &plan, &measured.results);
    images(&report, &frame, &mut measured, evidence)?;
    let follows = frame.clone().report(measured);
    // What follows from the content is compared with every other file of the report.
    let mut content = says.clone();
    if let Some(content) = content.as_object_mut() {
        for key in Document::DERIVED {
            content.remove(key);
        }
    }
    compare_values(&report_path(), &content, &follows)?;
    compare_values(&format!("{REPORT_MANIFEST}: identity.fields"), &evidence.report.identity["fields"], &frame)?;
    check_program(&configuration, evidence)?;
    Ok(report)
}

fn compare_values(place: &str, says: &Value, follows: &impl Serialize) -> Result<(), Fault> {
    let follows = serde_json::to_value(follows).map_err(|error| Fault::new(place, error.to_string()))?;
    let message = |difference| format!("{difference} (by {CONFIG} and the evidence)");
    compare::json(says, &follows).map_or(Ok(()), |difference| Err(Fault::new(place, message(difference))))
}

/// Scores, epochs, environments and fingerprints of a report's cells, of whatever version the report is.
pub(super) fn check_numbers(report: &Value, evidence: &Evidence) -> Result<(), Fault> {
    let cells = report["cells"].as_array().map(Vec::as_slice).unwrap_or_default();
    let of = |id: &str| evidence.cells.iter().find(|cell| cell.id == id);
    for (index, says) in cells.iter().enumerate() {
        let Some(cell) = says["id"].as_str().and_then(of) else {
            if says["scores"].is_object() || says["metrics"].as_array().is_some_and(|metrics| !metrics.is_empty()) {
                return Err(Fault::new(&report_path(), format!("cells[{index}]: has numbers without evidence")));
            }
            continue;
        };
        let follows = serde_json::json!({
            "scores": cell.scores, "metrics": cell.metrics,
            "environment": cell.train.environment, "seconds": cell.train.seconds,
            "fingerprint": cell.evaluate.fingerprint,
            "identity": { "train": cell.train.identity, "evaluate": cell.evaluate.identity },
        });
        if let Some(difference) = compare::common(says, &follows) {
            return Err(Fault::new(&report_path(), format!("cells[{index}].{difference} ({})", cell.folder)));
        }
    }
    Ok(())
}

/// How many numbers the cells of a report have.
pub(super) fn numbers(report: &Value) -> usize {
    fn count(value: &Value) -> usize {
        match value {
            Value::Number(_) => 1,
            Value::Array(values) => values.iter().map(count).sum(),
            Value::Object(values) => values.values().map(count).sum(),
            _ => 0,
        }
    }
    let cells = report["cells"].as_array().into_iter().flatten();
    cells.map(|cell| count(&cell["scores"]) + count(&cell["metrics"])).sum()
}

fn plan_of(configuration: &Configuration, report: &ReportInput) -> Result<Plan, Fault> {
    let config = &configuration.config;
    // Before a plan is made of it: a made-up configuration must not fill the memory.
    let rows: usize = config.tables.values().flat_map(|table| &table.rows).map(|row| row.losses.len()).sum();
    if rows.checked_mul(config.seeds.len()) != Some(report.cells.len()) {
        let message =
            format!("cells: has {}, follow {rows} × {}", plural(report.cells.len(), "entry"), config.seeds.len());
        return Err(Fault::new(&report_path(), message));
    }
    let fault = |error: crate::error::Error| Fault::new(CONFIG, error.to_string());
    let shipped = config::shipped().map_err(fault)?;
    let archive = Some(report.dataset.archive_sha256.as_str()).filter(|sha256| !sha256.is_empty());
    plan::plan(config, &shipped, archive, &[]).map_err(fault)
}

/// What the evidence says of every cell.
fn results(evidence: &Evidence) -> BTreeMap<String, Results> {
    let of = |cell: &Cell| Results {
        predictions: cell.evaluate.predictions(),
        metrics: cell.metrics.clone(),
        scores: cell.scores.clone(),
        training_set: cell.training_set.clone(),
        environment: cell.train.environment.clone(),
        seconds: cell.train.seconds,
        started: cell.train.started.clone(),
        finished: cell.train.finished.clone(),
    };
    evidence.cells.iter().map(|cell| (cell.id.clone(), of(cell))).collect()
}

/// What the cells that claims are about said of every test image.
fn image_ranks(plan: &Plan, evidence: &Evidence) -> Vec<ImageRanks> {
    let ranks = |planned: &plan::Cell| {
        let cell = evidence.cells.iter().find(|cell| cell.id == planned.id.as_str())?;
        let ranks = cell.predictions.iter().map(|prediction| prediction.rank).collect();
        Some(ImageRanks { cell: planned.id.clone(), seed: planned.training.seed, ranks })
    };
    plan.cells.iter().filter_map(ranks).collect()
}

/// Takes over the images shown, once they are held against labels and probabilities.
fn images(report: &ReportInput, frame: &Frame, follows: &mut Measured, evidence: &Evidence) -> Result<(), Fault> {
    let fault = |message: String| Fault::new(&report_path(), message);
    let per_class = frame.samples_per_class as usize;
    let (classes, known) = (report.dataset.classes.len(), frame.dataset.classes.len());
    if classes != known {
        return Err(fault(format!("dataset.classes: has {}, follow {known}", plural(classes, "entry"))));
    }
    follows.classes = Some(report.dataset.classes.clone());
    follows.samples.clone_from(&report.samples);
    follows.example.clone_from(&report.example);
    if evidence.labels.is_empty() {
        return Ok(());
    }
    if report.dataset.test_images as usize != evidence.labels.len() {
        let message =
            format!("dataset.test_images: says {}, follows {}", report.dataset.test_images, evidence.labels.len());
        return Err(fault(message));
    }
    for (class, samples) in report.samples.iter().enumerate() {
        let there = evidence.labels.iter().filter(|&&label| usize::from(label) == class).count();
        let expected = per_class.min(there);
        if samples.len() != expected || samples.iter().any(|image| usize::from(image.label) != class) {
            return Err(fault(format!("samples[{class}]: are not {expected} images of that class")));
        }
    }
    report.example.as_ref().map_or(Ok(()), |example| check_example(example, classes, evidence))
}

/// Figure 1's probabilities are those of the cell's prediction.
fn check_example(example: &Example, classes: usize, evidence: &Evidence) -> Result<(), Fault> {
    let fault = |message: String| Fault::new(&report_path(), format!("example.{message}"));
    let cell = evidence.cells.iter().find(|cell| cell.id == example.cell);
    let cell = cell.ok_or_else(|| fault(format!("cell: `{}` has no evidence", example.cell)))?;
    let index = example.index as usize;
    let (Some(prediction), Some(&label)) = (cell.predictions.get(index), evidence.labels.get(index)) else {
        return Err(fault(format!("index: says {index}, but there are {} images", evidence.labels.len())));
    };
    if example.image.label != label {
        return Err(fault(format!("image.label: says {}, follows {label} ({LABELS})", example.image.label)));
    }
    if example.probabilities.len() != classes {
        return Err(fault(format!("probabilities: has {}", plural(example.probabilities.len(), "entry"))));
    }
    let wrong = example.probabilities.iter().enumerate().filter(|(class, _)| *class != usize::from(label));
    let p_false = wrong.map(|(_, &p)| p).fold(0.0, f64::max) as f32;
    let p_true = example.probabilities[usize::from(label)] as f32;
    // The same double, rounded twice in the same way: equal to the last bit.
    if (p_true, p_false) != (prediction.p_true, prediction.p_false) {
        let (follows_true, follows_false) = (prediction.p_true, prediction.p_false);
        return Err(fault(format!(
            "probabilities: say p_T = {p_true} and p_F = {p_false}, follows p_T = {follows_true} and p_F = {follows_false}"
        )));
    }
    Ok(())
}

/// The program that the configuration names made the report.
fn check_program(configuration: &Configuration, evidence: &Evidence) -> Result<(), Fault> {
    let (says, made) = (&configuration.program, &evidence.report.environment.program);
    if says == made {
        return Ok(());
    }
    Err(Fault::new(CONFIG, format!("program: says {says}, but {REPORT_MANIFEST} says {made}")))
}
