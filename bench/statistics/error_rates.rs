//! Prints how often the tests of a replication are wrong, and how often they see what is there, as a Markdown table.
//!
//! `cargo run --release --example error-rates [REPETITIONS]`; the numbers follow from the repetitions alone.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "printing is what it is for")]

use std::process::ExitCode;

use fpl_repro::stats::{Procedure, SPENDING_EXPONENT, Scenario, Simulated, Undefined, simulate};

/// Claims and their effects, in standard deviations of differences.
struct Family {
    name: &'static str,
    effects: Vec<f64>,
    correlation: f64,
}

fn families() -> Vec<Family> {
    let family = |name, claims: usize, with_effect: usize, effect: f64, correlation| {
        let effects = (0..claims).map(|claim| if claim < with_effect { effect } else { 0.0 }).collect();
        Family { name, effects, correlation }
    };
    vec![
        family("1 claim, no effect", 1, 0, 0.0, 0.0),
        family("1 claim, effect 1", 1, 1, 1.0, 0.0),
        family("1 claim, effect 1.5", 1, 1, 1.5, 0.0),
        family("8 claims, no effect", 8, 0, 0.0, 0.0),
        family("the same, correlation 0.5", 8, 0, 0.0, 0.5),
        family("8 claims, 4 effects of 1.5", 8, 4, 1.5, 0.0),
        family("8 claims, 8 effects of 1.5", 8, 8, 1.5, 0.0),
    ]
}

/// What is said about a procedure, how many pairs it has at most, and itself. With one claim Holm and the joint test are the
/// same.
fn procedures(claims: usize) -> Vec<(&'static str, usize, Procedure)> {
    let mut all = Vec::new();
    for pairs in if claims > 1 { vec![8, 9, 12] } else { Vec::new() } {
        all.push(("Holm, once", pairs, Procedure::Holm));
        all.push(("joint sign-flip, once", pairs, Procedure::JointSignFlip));
    }
    all.push(("joint sign-flip, once", 14, Procedure::JointSignFlip));
    all.push(("joint sign-flip at every look, unadjusted", 14, Procedure::EveryLookUnadjusted));
    all.push(("alpha spending, every look", 14, Procedure::Spending(SPENDING_EXPONENT)));
    all.push(("the same, futile claims stop", 14, Procedure::SpendingWithStops(SPENDING_EXPONENT)));
    all.push(("e-value, every look", 14, Procedure::EValue));
    all
}

fn percent(rate: Simulated) -> String {
    format!("{:.1} ± {:.1} %", 100.0 * rate.share, 100.0 * rate.standard_error)
}

fn rows(repetitions: u32) -> Result<(), Undefined> {
    println!("| claims | test | pairs, at most | family-wise error | power | pairs until rejected |");
    println!("| --- | --- | --: | --: | --: | --: |");
    for family in families() {
        for (name, pairs, procedure) in procedures(family.effects.len()) {
            let scenario =
                Scenario { effects: family.effects.clone(), correlation: family.correlation, pairs, level: 0.05 };
            let rates = simulate(&scenario, procedure, repetitions)?;
            let all_true = scenario.effects.iter().all(|effect| *effect != 0.0);
            let error = if all_true { "–".into() } else { percent(rates.family_wise_error) };
            let power = rates.power.map_or("–".into(), percent);
            let wait = rates.pairs.map_or("–".into(), |pairs| format!("{pairs:.1}"));
            println!("| {} | {name} | {pairs} | {error} | {power} | {wait} |", family.name);
        }
    }
    Ok(())
}

fn main() -> ExitCode {
    let repetitions = std::env::args().nth(1).map_or(Ok(5_000), |count| count.parse());
    let Ok(repetitions) = repetitions else {
        eprintln!("error-rates [REPETITIONS]: a whole number");
        return ExitCode::from(2);
    };
    match rows(repetitions) {
        Ok(()) => ExitCode::SUCCESS,
        Err(undefined) => {
            eprintln!("error-rates: {undefined}");
            ExitCode::FAILURE
        }
    }
}
