//! Reports that no run has made: every measured number here is test data.

#![allow(clippy::unwrap_used, reason = "a failure here is a failed test")]

use std::collections::BTreeMap;

use fpl_repro::artifact::{Environment, EpochMetrics, ReliabilityBin, Scores};
use fpl_repro::config;
use fpl_repro::paper::PaperRow;
use fpl_repro::report::input::{
    Cell, CellState, Dataset, Example, Image, ReportInput, Row, SetupRow, Table, TableKind,
};

pub(crate) const CLASSES: [&str; 10] =
    ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"];

/// The paper's rows: table, network, its id, initialization, loss, false positives, top-1 and top-5.
type PaperFacts = (&'static str, &'static str, &'static str, &'static str, &'static str, [u32; 10], f64, f64);
const MATRIX: [PaperFacts; 8] = [
    (
        "table2",
        "EfficientNetV2-S",
        "efficientnetv2-s",
        "random",
        "fpl",
        [716, 183, 375, 500, 966, 116, 461, 416, 45, 647],
        0.0,
        0.0,
    ),
    (
        "table2",
        "EfficientNetV2-S",
        "efficientnetv2-s",
        "random",
        "ce",
        [575, 183, 495, 899, 670, 167, 494, 365, 63, 553],
        0.0,
        0.0,
    ),
    ("table2", "ResNet-18", "resnet18", "random", "fpl", [402, 131, 260, 883, 702, 69, 417, 281, 64, 322], 0.0, 0.0),
    ("table2", "ResNet-18", "resnet18", "random", "ce", [411, 144, 359, 818, 631, 63, 381, 315, 58, 356], 0.0, 0.0),
    ("table3", "ResNet-50", "resnet50", "random", "fpl", [0; 10], 95.25, 99.87),
    ("table3", "ResNet-50", "resnet50", "random", "ce", [0; 10], 94.93, 99.85),
    ("table3", "ResNet-50", "resnet50", "imagenet", "fpl", [0; 10], 94.02, 99.93),
    ("table3", "ResNet-50", "resnet50", "imagenet", "ce", [0; 10], 94.22, 99.89),
];

/// The matrix with `seeds` seeds; `state` decides what has run.
pub(crate) fn input(seeds: u64, epochs: u32, state: impl Fn(usize, u64) -> CellState) -> ReportInput {
    let mut cells = Vec::new();
    let mut tables =
        vec![table("table2", "Table 2", TableKind::FalsePositives), table("table3", "Table 3", TableKind::Accuracy)];
    for (index, (table, network, id, initialization, loss, false_positives, top1, top5)) in
        MATRIX.into_iter().enumerate()
    {
        let ids: Vec<String> =
            (0..seeds).map(|seed| format!("{table}/{id}/{initialization}/{loss}/seed{seed}")).collect();
        cells.extend(ids.iter().zip(0..).map(|(id, seed)| cell(id, seed, epochs, state(index, seed))));
        let counts = table == "table2";
        let paper = PaperRow {
            epochs: if counts { 20 } else { 200 },
            false_positives: if counts { false_positives.to_vec() } else { Vec::new() },
            total_false_positives: counts.then(|| false_positives.iter().sum()),
            top1_pct: (!counts).then_some(top1),
            top5_pct: (!counts).then_some(top5),
            adds_up: true,
        };
        tables[usize::from(!counts)].rows.push(Row {
            network: network.into(),
            initialization: initialization.into(),
            loss: loss.into(),
            loss_title: loss.to_uppercase(),
            epochs,
            paper: Some(paper),
            cells: ids,
        });
    }
    ReportInput {
        paper: config::shipped().unwrap().paper,
        readings: BTreeMap::new(),
        profile: "paper".into(),
        profile_note: String::new(),
        dataset: dataset(),
        setup: vec![
            SetupRow { name: "Batch size".into(), paper: "64".into(), ours: "64".into() },
            SetupRow { name: "GPU".into(), paper: "NVIDIA RTX A5000".into(), ours: String::new() },
        ],
        tables,
        example: Some(example(&cells[0].id)),
        samples: (0..10).map(|label| (0..10).map(|index| image(label, index)).collect()).collect(),
        cells,
        curves: vec!["table3/resnet50/random".into()],
    }
}

fn table(id: &str, number: &str, kind: TableKind) -> Table {
    let caption = "Comparing the performance of False Positive Loss with Cross Entropy.".into();
    Table { id: id.into(), number: number.into(), caption, kind, rows: Vec::new() }
}

fn dataset() -> Dataset {
    Dataset {
        name: "CIFAR-10".into(),
        genuine: true,
        classes: CLASSES.map(String::from).to_vec(),
        train_images: 50_000,
        test_images: 10_000,
        fingerprint: "ab".repeat(32),
        archive_sha256: "cd".repeat(32),
    }
}

fn image(label: u8, index: usize) -> Image {
    let pixel = |at: usize| ((at % 32 * (index + 3) + at / 32 * (usize::from(label) + 2)) % 256) as u8;
    Image { label, pixels: (0..3072).map(pixel).collect() }
}

fn example(cell: &str) -> Example {
    let probabilities = vec![0.01, 0.005, 0.02, 0.31, 0.04, 0.565, 0.03, 0.01, 0.005, 0.005];
    Example { cell: cell.into(), index: 24, image: image(3, 1), probabilities }
}

pub(crate) fn cell(id: &str, seed: u64, epochs: u32, state: CellState) -> Cell {
    let done = state == CellState::Done;
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
        images_per_second: 4000.0,
    };
    Cell {
        id: id.into(),
        seed,
        deviations: Vec::new(),
        fingerprint: format!("{:064x}", u128::from(seed) + id.bytes().map(u128::from).product::<u128>() % 99_991),
        identity: serde_json::json!({ "train": { "fields": { "seed": seed } } }),
        command: format!("fpl-repro run --cell {id} --profile paper"),
        metrics: if done { (1..=epochs).map(metrics).collect() } else { Vec::new() },
        scores: done.then(|| scores(seed as u32)),
        environment: done.then(|| Environment {
            program: "0.1.0".into(),
            git_commit: "0123456789abcdef0123456789abcdef01234567".into(),
            host: "test-host".into(),
            cpu: "test processor".into(),
            device: "NVIDIA test GPU".into(),
            cuda: "CUDA 12.8".into(),
            libtorch: "2.11.0".into(),
            threads: 8,
            resumed: 0,
        }),
        seconds: 4321.0,
        origin: None,
        state,
    }
}

/// 1,000 images per class, of which 10·(seed + 1) of every class are taken for the next.
fn scores(seed: u32) -> Scores {
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
