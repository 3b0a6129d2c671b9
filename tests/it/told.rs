//! All runs told, and equal runs without an interval.

#![allow(clippy::unwrap_used, reason = "a failure here is a failed test")]

use fpl_repro::report::derived::Derived;
use fpl_repro::report::input::{CellState, INTERRUPTED, ReportInput};
use fpl_repro::report::{html, markdown};

use crate::matrix::{input, not_run};

fn both(input: &ReportInput) -> [String; 2] {
    let derived = Derived::new(input);
    [html(&derived, &[]).unwrap(), markdown(&derived, &[]).unwrap()]
}

#[test]
fn every_fate_of_a_cell_is_told() {
    let failed = |reason: &str| CellState::Failed { reason: reason.into() };
    let mut input = input(2, 3, |row, seed| match (row, seed) {
        (0, 0) => failed("the loss is not finite in epoch 2, step 3 of 10"),
        (0, 1) => failed("its process was killed (signal 9): out of memory?"),
        (1, _) => CellState::NotRun { reason: INTERRUPTED.into() },
        (2 | 3, _) => CellState::Done,
        _ => not_run(),
    });
    let done: Vec<usize> = (0..input.cells.len()).filter(|at| input.cells[*at].state == CellState::Done).collect();
    input.cells[done[0]].environment.as_mut().unwrap().resumed = 2;
    input.cells[done[1]].deviations = vec!["epochs: 20 → 3".into()];
    let [page, text] = both(&input);
    let rows = [
        ("finished", 4, "1 run stopped and went on from the last epoch"),
        ("of these, left out of the verdicts", 1, "seed 1: reduced, protocol P1"),
        ("diverged", 1, "seed 0: the loss is not finite in epoch 2, step 3 of 10"),
        ("failed or killed", 1, "seed 1: its process was killed (signal 9): out of memory?"),
        ("begun, and interrupted", 2, "seeds 0, 1: begun and interrupted: it goes on from its last epoch"),
        ("not begun", 8, ""),
    ];
    let table = page.split("id=\"runs\"").nth(1).unwrap().split("</table>").next().unwrap();
    for (fate, cells, why) in rows {
        let row = format!("<tr><th scope=\"row\">{fate}</th><td class=\"n\" data-label=\"Number\">{cells}</td>");
        let (_, rest) = table.split_once(&row).unwrap_or_else(|| panic!("no {row} in {table}"));
        assert!(rest.split("</tr>").next().unwrap().contains(why), "{fate}: {rest}");
        assert!(text.contains(&format!("- {fate}: {cells}")), "{fate}");
    }
}

#[test]
fn equal_runs_have_no_interval() {
    let mut input = input(3, 3, |row, _| if matches!(row, 2 | 3) { CellState::Done } else { not_run() });
    for cell in input.cells.iter_mut().filter(|cell| cell.state == CellState::Done) {
        let scores = cell.scores.as_mut().unwrap();
        (scores.top1_pct, scores.false_positives) = (60.0, vec![400; 10]);
    }
    let [page, text] = both(&input);
    assert!(page.contains(">no interval</abbr>") && text.contains("(equal runs: no interval)"));
    for form in [&page, &text] {
        assert!(!form.contains("± 0.00") && !form.contains("± 0.0<") && !form.contains("standard deviation 0.0"));
    }
}
