//! What a reader sees first: the date, how to cite, the verdict in a sentence, and what was not run.

use serde::Serialize;

use super::claims::anchor;
use crate::number::plural;
use crate::report::derived::Derived;
use crate::report::input::ReportInput;
use crate::report::ledger::{Entry, Ledger, Verdict};

/// The program that makes the report.
const PROGRAM: &str = concat!("fpl-repro ", env!("CARGO_PKG_VERSION"));

/// The first screen.
#[derive(Debug, Serialize)]
pub struct Opening {
    /// `fpl-repro 0.1.0`
    pub program: &'static str,
    /// Day on which the last training ended: `2026-11-24`; empty without runs.
    pub date: String,
    /// How this report is cited.
    pub cite: String,
    /// The verdict.
    pub headline: String,
    /// What limits it; may be empty.
    pub limits: String,
    /// Anchors and ids of the claims that have no pair of runs.
    pub not_run: Vec<(String, String)>,
}

impl Opening {
    /// Of a report.
    pub fn new(derived: &Derived) -> Self {
        let Derived { input, ledger, status, .. } = derived;
        let date = date(input);
        let until = if date.is_empty() { "no run yet".to_owned() } else { format!("runs until {date}") };
        let not_run = ledger.entries.iter().filter(|entry| entry.evidence.pairs() == 0);
        Self {
            program: PROGRAM,
            cite: format!(
                "The contributors to fpl-repro. Reproduction of “{}”. {PROGRAM}, profile {}, {until}.",
                input.paper.title, input.profile
            ),
            date,
            headline: headline(ledger, status.other_data),
            limits: limits(ledger, status.other_data),
            not_run: not_run.map(|entry| (anchor(&entry.claim.id), entry.claim.id.clone())).collect(),
        }
    }
}

/// The last day on which a training ended.
fn date(input: &ReportInput) -> String {
    let days = input.cells.iter().filter_map(|cell| cell.finished.get(..10));
    days.max().unwrap_or_default().to_owned()
}

fn tested(ledger: &Ledger) -> impl Iterator<Item = &Entry> {
    ledger.entries.iter().filter(|entry| entry.evidence.pairs() > 0)
}

/// What a reader takes away who reads nothing else.
fn headline(ledger: &Ledger, other_data: bool) -> String {
    let claims = plural(ledger.entries.len(), "claim");
    if ledger.entries.is_empty() {
        return "The paper’s data list no claim.".to_owned();
    }
    match tested(ledger).count() {
        0 => format!("Nothing has been tested: none of {claims} has a pair of runs with the same seed."),
        runs if other_data => format!(
            "Nothing held up and nothing was refuted: the {runs} of {claims} that have runs were run on data that are \
             not CIFAR-10."
        ),
        _ => format!("Of {claims} {}.", sentence(ledger)),
    }
}

/// How many claims have which verdict, those that none has left out but for the two that decide.
fn sentence(ledger: &Ledger) -> String {
    let say = |verdict, one: &str, several: &str| match ledger.count(verdict) {
        0 => None,
        1 => Some(format!("1 {one}")),
        count => Some(format!("{count} {several}")),
    };
    let elsewhere = "run in what is not the paper’s experiment";
    let rest = [
        say(Verdict::NoDifference, "makes no difference that matters", "make no difference that matters"),
        say(Verdict::NotRebuilt, &format!("was {elsewhere}"), &format!("were {elsewhere}")),
        say(
            Verdict::DirectionOnly,
            "shows the claimed direction without proof",
            "show the claimed direction without proof",
        ),
        say(
            Verdict::OtherDirection,
            "shows the other direction without proof",
            "show the other direction without proof",
        ),
        say(Verdict::Inconclusive, "cannot be decided by these runs", "cannot be decided by these runs"),
        say(Verdict::NotRun, "was not run", "were not run"),
    ];
    let decided = match (ledger.count(Verdict::Reproduced), ledger.count(Verdict::Contradicted)) {
        (0, 0) => "none held up and none was refuted".to_owned(),
        (held, refuted) => format!("{held} held up and {refuted} turned out the other way"),
    };
    match rest.into_iter().flatten().collect::<Vec<_>>().as_slice() {
        [] => decided,
        [only] => format!("{decided}: {only}"),
        [first @ .., last] => format!("{decided}: {} and {last}", first.join(", ")),
    }
}

/// Why the runs cannot say more; empty if all of them follow the paper's protocol.
fn limits(ledger: &Ledger, other_data: bool) -> String {
    let all = tested(ledger).count();
    let reduced = tested(ledger).filter(|entry| !entry.evidence.deviations.is_empty()).count();
    match (all, reduced) {
        (0, _) | (_, 0) => String::new(),
        _ if other_data => "The verdict on each is “inconclusive” whatever the numbers are.".to_owned(),
        (all, reduced) => {
            let runs = if all == reduced {
                "All runs".to_owned()
            } else {
                format!("The runs behind {reduced} of these claims")
            };
            format!(
                "{runs} are of a reduced protocol, which can show a direction but neither reproduce nor contradict."
            )
        }
    }
}
