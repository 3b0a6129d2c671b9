//! Cells, and what was measured of them.

use super::{Records, class_name, full, header, parts};
use crate::paper::measure::ALL;
use crate::report::cells::{Index, prefix, state};
use crate::report::forms::grade;
use crate::report::input::{Cell, CellState, ReportInput};

/// The columns that name a cell.
const NAME: &str = "id table network initialization loss seed";

fn named(cell: &Cell) -> Vec<String> {
    let mut record = vec![cell.id.clone()];
    record.extend(parts(prefix(&cell.id)));
    record.push(cell.seed.to_string());
    record
}

fn head(columns: &str) -> Records {
    vec![header(&format!("{NAME} {columns}"))]
}

/// One record per cell.
pub(super) fn cells(input: &ReportInput, index: &Index) -> Records {
    let mut records = head("state evidence");
    records[0].extend(ALL.map(|measure| measure.column.to_owned()));
    records[0].extend(header("test_images epochs fingerprint"));
    records.extend(input.cells.iter().map(|cell| {
        let mut record = named(cell);
        record.extend([state(cell).0, grade(index, cell)].map(str::to_owned));
        record.extend(ALL.map(|measure| full(cell.measured(measure))));
        record.push(cell.scores.as_ref().map(|scores| scores.images.to_string()).unwrap_or_default());
        record.push(if cell.metrics.is_empty() { String::new() } else { cell.metrics.len().to_string() });
        record.push(cell.fingerprint.clone());
        record
    }));
    records
}

/// How and where every cell with results was trained.
pub(super) fn runs(input: &ReportInput) -> Records {
    let mut records = head("device libtorch threads resumed train_seconds");
    records.extend(input.cells.iter().filter_map(|cell| {
        let environment = cell.environment.as_ref()?;
        let mut record = named(cell);
        record.extend([environment.device.clone(), environment.libtorch.clone()]);
        record.extend([environment.threads, environment.resumed].map(|count| count.to_string()));
        record.push(cell.seconds.to_string());
        Some(record)
    }));
    records
}

/// One record per cell with results and class.
pub(super) fn classes(input: &ReportInput) -> Records {
    let mut records = head("class false_positives_images false_negatives_images");
    for (cell, scores) in input.cells.iter().filter_map(|cell| Some((cell, cell.scores.as_ref()?))) {
        for (at, (positives, negatives)) in scores.false_positives.iter().zip(&scores.false_negatives).enumerate() {
            let mut record = named(cell);
            record.extend([class_name(&input.dataset.classes, at), positives.to_string(), negatives.to_string()]);
            records.push(record);
        }
    }
    records
}

/// One record per cell and epoch.
pub(super) fn epochs(input: &ReportInput) -> Records {
    let mut records = head("epoch train_loss learning_rate top1_pct top5_pct train_seconds images_per_second");
    for (cell, epoch) in input.cells.iter().flat_map(|cell| cell.metrics.iter().map(move |epoch| (cell, epoch))) {
        let mut record = named(cell);
        record.push(epoch.epoch.to_string());
        let numbers = [epoch.train_loss, epoch.learning_rate, epoch.test_top1_pct, epoch.test_top5_pct, epoch.seconds];
        record.extend(numbers.map(|number| full(Some(number))));
        record.push(full(Some(epoch.images_per_second)));
        records.push(record);
    }
    records
}

/// One record per cell, true class and predicted class.
pub(super) fn confusion(input: &ReportInput) -> Records {
    let class = |at: usize| class_name(&input.dataset.classes, at);
    let mut records = head("true predicted images");
    for (cell, scores) in input.cells.iter().filter_map(|cell| Some((cell, cell.scores.as_ref()?))) {
        for (truth, counts) in scores.confusion.iter().enumerate() {
            records.extend(counts.iter().enumerate().map(|(predicted, count)| {
                let mut record = named(cell);
                record.extend([class(truth), class(predicted), count.to_string()]);
                record
            }));
        }
    }
    records
}

/// One record per cell with results and difference from the paper's protocol.
pub(super) fn deviations(input: &ReportInput, index: &Index) -> Records {
    let mut records = head("deviation");
    for cell in input.cells.iter().filter(|cell| cell.state == CellState::Done) {
        records.extend(index.deviations(cell).into_iter().map(|deviation| {
            let mut record = named(cell);
            record.push(deviation);
            record
        }));
    }
    records
}

/// Why a cell has no results.
pub(super) fn missing(input: &ReportInput) -> Records {
    let mut records = head("state reason");
    records.extend(input.cells.iter().filter(|cell| cell.state != CellState::Done).map(|cell| {
        let (state, reason) = state(cell);
        let mut record = named(cell);
        record.extend([state, reason].map(str::to_owned));
        record
    }));
    records
}

/// The bundles that results came in.
pub(super) fn imports(input: &ReportInput) -> Records {
    let mut records = head("bundle bundle_sha256");
    records.extend(input.cells.iter().filter_map(|cell| {
        let origin = cell.origin.as_ref()?;
        let mut record = named(cell);
        record.extend([origin.file.clone(), origin.bundle.clone()]);
        Some(record)
    }));
    records
}
