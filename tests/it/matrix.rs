//! Reports that no run has made: every measured number here is test data.

#![allow(clippy::unwrap_used, reason = "a failure here is a failed test")]

use std::collections::BTreeMap;

use fpl_repro::artifact::{Environment, EpochMetrics, ReliabilityBin, Scores};
use fpl_repro::report::frame::{Measured, Results};
use fpl_repro::report::input::{Cell, CellState, Example, Image, ReportInput};
use fpl_repro::run::{Outline, setup};
use fpl_repro::{config, plan, scores};

/// The report of the paper's matrix, as the shipped configuration has it, with `seeds` seeds and `epochs` epochs that count
/// as the paper's; `state` decides what has run, by the row of the tables and the seed.
pub(crate) fn input(seeds: u64, epochs: u32, state: impl Fn(usize, u64) -> CellState) -> ReportInput {
    let mut config = config::shipped().unwrap();
    config.seeds = (0..seeds).collect();
    config.tables.retain(|id, _| config.paper.has_table(id));
    // One Figure 3, as in the paper.
    config.figures.curves.truncate(1);
    config.recipes.values_mut().for_each(|recipe| recipe.epochs = epochs);
    let plan = plan::plan(&config, &config, None, &[]).unwrap();
    let mut rows: Vec<String> = Vec::new();
    for row in plan.cells.iter().map(|cell| cell.id.row().to_string()) {
        if !rows.contains(&row) {
            rows.push(row);
        }
    }
    let row = |id: &str| rows.iter().position(|row| *row == id).unwrap();
    let state_of = |cell: &plan::Cell| state(row(cell.id.row().to_string().as_str()), cell.training.seed);
    let states: BTreeMap<String, CellState> =
        plan.cells.iter().map(|cell| (cell.id.to_string(), state_of(cell))).collect();
    let outline = Outline {
        config: &config,
        plan: &plan,
        profile: "paper",
        invocation: "",
        data: true,
        states: &states,
        origins: &BTreeMap::new(),
    };
    let done = plan.cells.iter().filter(|cell| states[cell.id.as_str()] == CellState::Done);
    let results: BTreeMap<String, Results> =
        done.map(|cell| (cell.id.to_string(), results(cell.id.as_str(), cell.training.seed, epochs))).collect();
    let mut input = outline.frame().report(Measured {
        setup: setup(&config, &plan, &results),
        example: plan.cells.first().map(|cell| example(cell.id.as_str())),
        samples: (0..10).map(|label| (0..10).map(|index| image(label, index)).collect()).collect(),
        classes: None,
        noise: Vec::new(),
        results,
    });
    // Tests name cells by their row, then by their seed.
    input.cells.sort_by_key(|cell| row(cell.id.rsplit_once('/').unwrap().0));
    input
}

fn image(label: u8, index: usize) -> Image {
    let pixel = |at: usize| ((at % 32 * (index + 3) + at / 32 * (usize::from(label) + 2)) % 256) as u8;
    Image { label, pixels: (0..3072).map(pixel).collect() }
}

fn example(cell: &str) -> Example {
    let probabilities = vec![0.01, 0.005, 0.02, 0.31, 0.04, 0.565, 0.03, 0.01, 0.005, 0.005];
    Example { cell: cell.into(), index: 24, image: image(3, 1), probabilities }
}

/// What a training and an evaluation could have given.
fn results(id: &str, seed: u64, epochs: u32) -> Results {
    let shift = f64::from(id.bytes().map(u32::from).sum::<u32>() % 37) / 40.0 + seed as f64 / 7.0;
    let accuracy = |epoch: u32| 90.0 - 60.0 / f64::from(epoch) + shift + f64::from(epoch * 7 % 5) / 5.0;
    let metrics = |epoch: u32| EpochMetrics {
        epoch,
        train_loss: 1.0 / f64::from(epoch),
        learning_rate: 0.1,
        test_top1_pct: accuracy(epoch),
        test_top5_pct: 99.0 - 9.0 / f64::from(epoch) + shift / 10.0,
        seconds: 12.5,
        learned_alpha: None,
        memorized_pct: None,
        images_per_second: 4000.0,
    };
    Results {
        predictions: String::new(),
        metrics: (1..=epochs).map(metrics).collect(),
        scores: flat_scores(seed as u32),
        training_set: None,
        environment: Environment {
            program: "fpl-repro 0.1.0".into(),
            git_commit: "0123456789abcdef0123456789abcdef01234567".into(),
            host: "test-host".into(),
            cpu: "test processor".into(),
            device: "NVIDIA test GPU".into(),
            cuda: "CUDA 12.8".into(),
            libtorch: "2.11.0".into(),
            threads: 8,
            resumed: 0,
        },
        seconds: 4321.0,
        started: "2026-11-24T08:47:59Z".into(),
        finished: "2026-11-24T10:00:00Z".into(),
    }
}

/// A cell that no plan of the configuration has.
pub(crate) fn cell(id: &str, seed: u64, epochs: u32, state: CellState) -> Cell {
    let results = (state == CellState::Done).then(|| results(id, seed, epochs));
    let (scores, environment) = results.clone().map(|results| (results.scores, results.environment)).unzip();
    Cell {
        predictions: String::new(),
        id: id.into(),
        seed,
        deviations: Vec::new(),
        fingerprint: fpl_repro::fs::sha256_bytes(id.as_bytes()),
        identity: serde_json::json!({ "train": { "fields": { "seed": seed } } }),
        command: format!("fpl-repro evaluate --cells {id} --seeds {seed}"),
        seconds: results.as_ref().map_or(0.0, |results| results.seconds),
        started: results.as_ref().map_or_else(String::new, |results| results.started.clone()),
        finished: results.as_ref().map_or_else(String::new, |results| results.finished.clone()),
        metrics: results.map(|results| results.metrics).unwrap_or_default(),
        scores,
        training_set: None,
        environment,
        origin: None,
        state,
    }
}

/// 1,000 images per class, of which 10·(seed + 1) of every class are taken for the next.
fn flat_scores(seed: u32) -> Scores {
    let wrong = 10 * (seed + 1);
    let count = |truth: usize, predicted: usize| match predicted {
        _ if predicted == truth => 1000 - wrong,
        _ if predicted == (truth + 1) % 10 => wrong,
        _ => 0,
    };
    let top1_pct = 100.0 - f64::from(wrong) / 10.0;
    Scores {
        images: 10_000,
        top1_pct,
        top5_pct: 99.5,
        confusion: (0..10).map(|truth| (0..10).map(|predicted| count(truth, predicted)).collect()).collect(),
        false_positives: vec![wrong; 10],
        false_negatives: vec![wrong; 10],
        eq9_accuracy_pct: vec![100.0 - f64::from(wrong) / 50.0; 10],
        eq9_overall_pct: 100.0 - f64::from(wrong) / 50.0,
        p_false_histogram: vec![200; 50],
        p_false_mean: 0.1234,
        p_false_median: 0.000_012_3,
        margin_histogram: vec![200; 50],
        margin_mean: 0.75,
        reliability: vec![ReliabilityBin { count: 0, correct: 0, confidence: 0.0 }; 15],
        ece_pct: 1.5,
    }
}

pub(crate) fn not_run() -> CellState {
    CellState::NotRun { reason: "no weights for it".into() }
}

/// As [`input`], with results as training gives them: scores of pseudo-random logits of `images` test images, in which
/// some classes look alike, noisy curves, and times of their own.
pub(crate) fn realistic(
    seeds: u64,
    epochs: u32,
    images: usize,
    state: impl Fn(usize, u64) -> CellState,
) -> ReportInput {
    let mut input = input(seeds, epochs, state);
    input.dataset.test_images = images as u32;
    for (index, cell) in input.cells.iter_mut().enumerate().filter(|(_, cell)| cell.state == CellState::Done) {
        let mut noise = Noise(index as u64 * 7919 + 1);
        let (fpl, converged) = (cell.id.contains("/fpl/"), cell.id.starts_with("table3"));
        let labels: Vec<u8> = (0..images).map(|image| (image % 10) as u8).collect();
        let logits: Vec<f32> = labels.iter().flat_map(|&label| noise.logits(label.into(), converged, fpl)).collect();
        cell.scores = Some(scores::scores(&logits, &labels, 10).unwrap());
        let rough = if fpl { 0.4 } else { 0.6 };
        let mut last = 0.0;
        for metrics in &mut cell.metrics {
            let drop = if metrics.epoch * 2 > epochs { 6.0 } else { 0.0 };
            last = (88.0 + drop - 55.0 / f64::from(metrics.epoch) + rough * noise.normal()).clamp(10.0, 99.9);
            metrics.test_top1_pct = last;
            metrics.test_top5_pct = 100.0 - (100.0 - last) / 12.0;
        }
        cell.seconds = (if converged { 9_800.0 } else { 1_150.0 }) * (1.0 + 0.05 * noise.normal());
        assert!(last.is_finite());
    }
    input
}

/// SplitMix64 (Steele et al., 2014), so that test data are the same everywhere.
struct Noise(u64);

impl Noise {
    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((bits ^ (bits >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Box and Muller's.
    fn normal(&mut self) -> f64 {
        (-2.0 * (1.0 - self.uniform()).ln()).sqrt() * (std::f64::consts::TAU * self.uniform()).cos()
    }

    fn logits(&mut self, label: usize, converged: bool, fpl: bool) -> [f32; 10] {
        // Airplane and ship, automobile and truck, cat and dog, deer and horse.
        const ALIKE: [usize; 10] = [8, 9, 0, 5, 7, 3, 3, 4, 0, 1];
        let (signal, alike) = if converged { (4.2, 1.6) } else { (2.3, 1.2) };
        let scale = if fpl { 2.0 } else { 1.6 };
        std::array::from_fn(|class| {
            let own = if class == label { signal } else { 0.0 };
            let other = if class == ALIKE[label] { alike } else { 0.0 };
            (scale * (own + other + self.normal())) as f32
        })
    }
}
