//! Everything as CSV, with numbers in full: the shortest digits that give the same double. Units stand in the header.

use csv::Writer;

use crate::error::{Error, Result};
use crate::paper::measure::{ALL, FALSE_POSITIVES};
use crate::paper::{Paper, PaperRow};
use crate::report::File;
use crate::report::cells::{Index, state};
use crate::report::input::{Cell, ReportInput};
use crate::report::ledger::{Entry, Evidence, Ledger, Verdict};

/// All CSV files.
pub(super) fn files(input: &ReportInput, index: &Index, ledger: &Ledger) -> Result<Vec<File>> {
    [
        ("data/cells.csv", cells(input, index)),
        ("data/epochs.csv", epochs(input)),
        ("data/confusion.csv", confusion(input)),
        ("data/paper.csv", paper(input)),
        ("data/claims.csv", claims(ledger)),
        ("data/printed.csv", printed(ledger)),
        ("data/readings.csv", readings(ledger)),
    ]
    .into_iter()
    .map(|(name, rows)| {
        let fault = |message: String| Error::Render { what: name.to_owned(), message };
        let mut writer = Writer::from_writer(Vec::new());
        for row in rows {
            writer.write_record(&row).map_err(|error| fault(error.to_string()))?;
        }
        let bytes = writer.into_inner().map_err(|error| fault(error.to_string()))?;
        Ok((name.to_owned(), bytes))
    })
    .collect()
}

type Rows = Vec<Vec<String>>;

fn header(names: &str) -> Vec<String> {
    names.split_whitespace().map(str::to_owned).collect()
}

/// A number in full, or nothing.
fn full(value: Option<f64>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

fn joined<T: ToString>(values: &[T]) -> String {
    values.iter().map(ToString::to_string).collect::<Vec<_>>().join(";")
}

/// One row per cell.
fn cells(input: &ReportInput, index: &Index) -> Rows {
    let mut head = header("id table network initialization loss seed state reason evidence deviations");
    head.extend(ALL.map(|measure| measure.column.to_owned()));
    head.extend(input.dataset.classes.iter().map(|class| format!("false_positives_{class}_images")));
    head.extend(header("test_images epochs device libtorch threads resumed fingerprint origin"));
    let mut rows = vec![head];
    for cell in &input.cells {
        let mut parts = cell.id.split('/');
        let mut part = || parts.next().unwrap_or_default().to_owned();
        let mut row = vec![cell.id.clone(), part(), part(), part(), part(), cell.seed.to_string()];
        let (state, reason) = state(cell);
        row.extend([state, reason, super::grade(index, cell)].map(str::to_owned));
        row.push(index.deviations(cell).join("; "));
        row.extend(measured(cell, input.dataset.classes.len()));
        row.extend(made(cell));
        rows.push(row);
    }
    rows
}

/// What a cell was measured by; empty without results.
fn measured(cell: &Cell, classes: usize) -> Vec<String> {
    let mut row = ALL.map(|measure| full(cell.measured(measure))).to_vec();
    let scores = cell.scores.as_ref();
    row.extend((0..classes).map(|class| {
        scores.and_then(|scores| scores.false_positives.get(class)).map(u32::to_string).unwrap_or_default()
    }));
    row.push(scores.map(|scores| scores.images.to_string()).unwrap_or_default());
    row
}

/// How and where a cell was made; empty without results.
fn made(cell: &Cell) -> Vec<String> {
    let environment = cell.environment.as_ref();
    let of = |field: fn(&crate::artifact::Environment) -> String| environment.map(field).unwrap_or_default();
    vec![
        if cell.metrics.is_empty() { String::new() } else { cell.metrics.len().to_string() },
        of(|environment| environment.device.clone()),
        of(|environment| environment.libtorch.clone()),
        of(|environment| environment.threads.to_string()),
        of(|environment| environment.resumed.to_string()),
        cell.fingerprint.clone(),
        cell.origin.as_ref().map(|origin| format!("{} (sha256 {})", origin.file, origin.bundle)).unwrap_or_default(),
    ]
}

/// One row per cell and epoch.
fn epochs(input: &ReportInput) -> Rows {
    let mut rows = vec![header("id epoch train_loss learning_rate top1_pct top5_pct train_seconds images_per_second")];
    for (cell, epoch) in input.cells.iter().flat_map(|cell| cell.metrics.iter().map(move |epoch| (cell, epoch))) {
        let mut row = vec![cell.id.clone(), epoch.epoch.to_string()];
        let numbers = [epoch.train_loss, epoch.learning_rate, epoch.test_top1_pct, epoch.test_top5_pct, epoch.seconds];
        row.extend(numbers.map(|number| full(Some(number))));
        row.push(full(Some(epoch.images_per_second)));
        rows.push(row);
    }
    rows
}

/// One row per cell, true class and predicted class.
fn confusion(input: &ReportInput) -> Rows {
    let classes = &input.dataset.classes;
    let class = |at: usize| classes.get(at).cloned().unwrap_or_else(|| at.to_string());
    let mut rows = vec![header("id true predicted images")];
    for (cell, scores) in input.cells.iter().filter_map(|cell| Some((cell, cell.scores.as_ref()?))) {
        for (truth, counts) in scores.confusion.iter().enumerate() {
            let row = |(predicted, count): (usize, &u32)| {
                vec![cell.id.clone(), class(truth), class(predicted), count.to_string()]
            };
            rows.extend(counts.iter().enumerate().map(row));
        }
    }
    rows
}

/// Every number that is quoted from the paper, and where it stands.
fn paper(input: &ReportInput) -> Rows {
    let mut rows = vec![header("place row minus measure class value agrees_with_tables quote")];
    let place = |id: &str| {
        input.tables.iter().find(|table| table.id == *id).map_or_else(|| id.to_owned(), |table| table.number.clone())
    };
    for (row, numbers) in input.paper.rows() {
        rows.extend(quoted(&input.paper, numbers, &input.dataset.classes).into_iter().map(
            |(measure, class, value)| {
                let (table, empty) = (place(row.setting().table()), String::new);
                vec![table, row.to_string(), empty(), measure.to_owned(), class, value, empty(), empty()]
            },
        ));
    }
    for statement in &input.paper.statements {
        rows.push(vec![
            statement.place.clone(),
            statement.row.to_string(),
            statement.minus.as_ref().map(ToString::to_string).unwrap_or_default(),
            statement.measure.column.to_owned(),
            String::new(),
            statement.value.to_string(),
            statement.agrees.to_string(),
            statement.quote.clone(),
        ]);
    }
    rows
}

/// Measure, class and value of every number that the paper prints in a row.
fn quoted(paper: &Paper, row: &PaperRow, classes: &[String]) -> Vec<(&'static str, String, String)> {
    let mut numbers = Vec::new();
    if row.epochs > 0 {
        numbers.push(("epochs", String::new(), row.epochs.to_string()));
    }
    for (at, count) in row.false_positives.iter().enumerate() {
        let class = classes.get(at).cloned().unwrap_or_else(|| at.to_string());
        numbers.push((FALSE_POSITIVES.column, class, count.to_string()));
    }
    numbers.extend(paper.printed(row).map(|(measure, value)| (measure.column, String::new(), value.to_string())));
    numbers
}

/// One row per claim, and one per other reading of it.
fn claims(ledger: &Ledger) -> Rows {
    let mut rows = vec![header(
        "claim place text reading measure claimed paper_effect verdict why cells against pairs seeds differences \
         mean_cells mean_against mean sd interval95_low interval95_high p_two_sided p_claimed e_value share_claimed \
         share95_low share95_high seed_sd binomial_se detectable imported_pairs deviations in_family protocol p_adjusted \
         rejected_after_pairs e_adjusted margin p_equivalent_sign_flip p_equivalent_t p_equivalent_planned_holm d33 \
         p_below_d33 paper_power",
    )];
    let columns = rows[0].len();
    for entry in &ledger.entries {
        let mut row = claim(entry, "", &entry.evidence, entry.verdict, &entry.why);
        row.extend(judged(entry));
        rows.push(row);
        rows.extend(entry.readings.iter().map(|reading| {
            let name = format!("{}: {}", reading.about, reading.reading);
            let mut row = claim(entry, &name, &reading.evidence, reading.verdict, "");
            row.resize(columns, String::new());
            row
        }));
    }
    rows
}

/// The family's tests of a claim, and what the paper's design could have seen.
fn judged(entry: &Entry) -> Vec<String> {
    let (test, equivalence, design) = (&entry.test, entry.equivalence.as_ref(), entry.papers_design.as_ref());
    let mut row = vec![entry.member.to_string(), entry.protocol.title().to_owned(), full(test.p_adjusted)];
    row.push(test.rejected_after.map(|pairs| pairs.to_string()).unwrap_or_default());
    let numbers = [
        test.e_adjusted,
        equivalence.map(|equivalence| equivalence.margin),
        equivalence.map(|equivalence| equivalence.p),
        equivalence.and_then(|equivalence| equivalence.p_t),
        test.p_equivalent,
        design.map(|design| design.d33),
        design.map(|design| design.p_smaller),
        design.and_then(|design| design.power).map(|[power, ..]| power),
    ];
    row.extend(numbers.map(full));
    row
}

/// One row per number that the paper prints.
fn printed(ledger: &Ledger) -> Rows {
    let mut rows = vec![header(
        "row measure printed level runs mean prediction95_low prediction95_high degrees_of_freedom pooled p p_holm why",
    )];
    for number in &ledger.numbers {
        let end = |at: usize| full(number.prediction.map(|ends| ends[at]));
        rows.push(vec![
            number.row.to_string(),
            number.measure.column.to_owned(),
            number.printed.to_string(),
            number.level.title().to_owned(),
            number.runs.to_string(),
            full(number.mean),
            end(0),
            end(1),
            full(number.freedom),
            number.pooled.to_string(),
            full(number.p),
            full(number.p_holm),
            number.why.clone(),
        ]);
    }
    rows
}

/// One row per row of the paper, reading and printed number.
fn readings(ledger: &Ledger) -> Rows {
    let mut rows = vec![header(
        "row rank about reading cells measure printed runs mean prediction95_low prediction95_high pooled log_density \
         p_holm excluded note",
    )];
    for row in &ledger.readings {
        for (rank, reading) in (1..).zip(&row.readings) {
            for number in &reading.numbers {
                let end = |at: usize| full(number.prediction.map(|ends| ends[at]));
                let mut line = vec![row.row.to_string(), rank.to_string()];
                line.extend([&*reading.about, &*reading.reading, reading.cells.as_str()].map(str::to_owned));
                line.extend([number.measure.column.to_owned(), number.printed.to_string(), number.runs.to_string()]);
                line.extend([full(number.mean), end(0), end(1), number.pooled.to_string()]);
                line.extend([full(reading.log_density), full(reading.p), reading.excluded.to_string()]);
                line.push(reading.note.clone());
                rows.push(line);
            }
        }
    }
    rows
}

fn claim(entry: &Entry, reading: &str, evidence: &Evidence, verdict: Verdict, why: &str) -> Vec<String> {
    let claim = &entry.claim;
    let claimed = if claim.claimed.factor() > 0.0 { "greater" } else { "less" };
    let mut row =
        [&claim.id, &claim.place, &claim.text, reading, claim.measure.column, claimed].map(str::to_owned).to_vec();
    row.push(full(entry.paper_effect));
    row.extend([verdict.title(), why, &evidence.cells, &evidence.against].map(str::to_owned));
    row.extend([evidence.pairs().to_string(), joined(&evidence.seeds), joined(&evidence.differences)]);
    let pair = |pair: Option<[f64; 2]>, at: usize| pair.map(|pair| pair[at]);
    let numbers = [
        pair(evidence.means, 0),
        pair(evidence.means, 1),
        evidence.mean,
        evidence.sd,
        pair(evidence.interval, 0),
        pair(evidence.interval, 1),
        evidence.p_two_sided,
        evidence.p_claimed,
        evidence.e_value,
        evidence.share_claimed,
        pair(evidence.share_interval, 0),
        pair(evidence.share_interval, 1),
        evidence.seed_sd,
        evidence.binomial_se,
        evidence.detectable,
    ];
    row.extend(numbers.map(full));
    row.extend([evidence.imported.to_string(), evidence.deviations.join("; ")]);
    row
}
