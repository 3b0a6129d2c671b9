//! What is quoted from the paper.

use super::{Records, class_name, header, parts};
use crate::paper::measure::FALSE_POSITIVES;
use crate::report::input::ReportInput;

/// Every number of the paper's tables.
pub(super) fn tables(input: &ReportInput) -> Records {
    let mut records = vec![header("row table network initialization loss measure class value")];
    for (row, printed) in input.paper.rows() {
        let id = row.to_string();
        let mut add = |measure: &str, class: String, value: String| {
            let mut record = vec![id.clone()];
            record.extend(parts(&id));
            record.extend([measure.to_owned(), class, value]);
            records.push(record);
        };
        let all = || "all".to_owned();
        if printed.epochs > 0 {
            add("epochs", all(), printed.epochs.to_string());
        }
        for (at, count) in printed.false_positives.iter().enumerate() {
            add(FALSE_POSITIVES.column, class_name(&input.dataset.classes, at), count.to_string());
        }
        for (measure, value) in input.paper.printed(printed) {
            add(measure.column, all(), value.to_string());
        }
    }
    records
}

/// Every number of the paper's text, and whether its tables agree. `minus` is `nothing` unless it is a difference.
pub(super) fn statements(input: &ReportInput) -> Records {
    let mut records = vec![header("place row minus measure value agrees_with_tables quote")];
    records.extend(input.paper.statements.iter().map(|statement| {
        vec![
            statement.place.clone(),
            statement.row.to_string(),
            statement.minus.as_ref().map_or_else(|| "nothing".to_owned(), ToString::to_string),
            statement.measure.column.to_owned(),
            statement.value.to_string(),
            statement.agrees.to_string(),
            statement.quote.clone(),
        ]
    }));
    records
}
