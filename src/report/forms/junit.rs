//! The claims ledger as JUnit XML, which CI services show: a contradicted claim is a failure, a reproduced
//! one passes, and every other is skipped with its verdict. Its times are those of the trainings: the same results give the
//! same file.

use std::time::Duration;

use chrono::{DateTime, FixedOffset};
use quick_junit::{NonSuccessKind, Property, Report, TestCase, TestCaseStatus, TestSuite};

use crate::error::{Error, Result};
use crate::report::input::{Cell, ReportInput};
use crate::report::ledger::{Entry, Evidence, Ledger, Verdict};
use crate::report::xml;

/// `claims.xml`: the claims as one suite, the claims under other readings of the paper as another.
///
/// Viewers show a suite whose cases are all skipped like one whose cases passed, so its name says how many are decided.
pub(super) fn junit(input: &ReportInput, ledger: &Ledger) -> Result<String> {
    let verdicts: Vec<Verdict> = ledger.entries.iter().map(|entry| entry.verdict).collect();
    let mut claims = TestSuite::new(suite("claims", &verdicts));
    let under_readings = ledger.entries.iter().flat_map(|entry| &entry.readings);
    let verdicts: Vec<Verdict> = under_readings.map(|reading| reading.verdict).collect();
    let mut readings = TestSuite::new(suite("readings", &verdicts));
    for entry in &ledger.entries {
        let name = format!("{}: {}", entry.claim.id, entry.claim.text);
        let mut case = case(&name, "claims", entry.verdict, &entry.why, &entry.evidence);
        add(&mut case, "paper_effect", entry.paper_effect);
        case.add_property(Property::new("protocol", entry.protocol.title()));
        add(&mut case, "p_adjusted", entry.test.p_adjusted);
        add(&mut case, "e_adjusted", entry.test.e_adjusted);
        claims.add_test_case(case);
        readings.add_test_cases(of_readings(entry));
    }
    let mut report = Report::new(format!("{} ({})", input.paper.title, input.profile));
    for suite in [&mut claims, &mut readings] {
        began(input).map(|began| suite.set_timestamp(began));
    }
    claims.set_time(Duration::try_from_secs_f64(input.cells.iter().map(|cell| cell.seconds).sum()).unwrap_or_default());
    report.add_test_suites([claims, readings]);
    report
        .to_string()
        .map(|text| xml::text(&text))
        .map_err(|error| Error::Render { what: "claims.xml".to_owned(), message: error.to_string() })
}

/// When the first training began; `None` without any.
fn began(input: &ReportInput) -> Option<DateTime<FixedOffset>> {
    let began = input.cells.iter().filter_map(Cell::began).min()?;
    DateTime::from_timestamp_secs(began.as_second()).map(|began| began.fixed_offset())
}

/// `claims: 1 reproduced, 0 contradicted, 9 undecided`
fn suite(name: &str, verdicts: &[Verdict]) -> String {
    let count = |verdict| verdicts.iter().filter(|other| **other == verdict).count();
    let (reproduced, contradicted) = (count(Verdict::Reproduced), count(Verdict::Contradicted));
    let undecided = verdicts.len() - reproduced - contradicted;
    format!("{name}: {reproduced} reproduced, {contradicted} contradicted, {undecided} undecided")
}

fn of_readings(entry: &Entry) -> impl Iterator<Item = TestCase> {
    entry.readings.iter().map(|reading| {
        let name = format!("{}: {}: {}", entry.claim.id, reading.about, reading.reading);
        case(&name, "readings", reading.verdict, reading.verdict.title(), &reading.evidence)
    })
}

fn case(name: &str, suite: &str, verdict: Verdict, why: &str, evidence: &Evidence) -> TestCase {
    let mut status = match verdict {
        Verdict::Reproduced => TestCaseStatus::success(),
        Verdict::Contradicted => TestCaseStatus::non_success(NonSuccessKind::Failure),
        _ => TestCaseStatus::skipped(),
    };
    if verdict != Verdict::Reproduced {
        status.set_type(verdict.title()).set_message(why);
    }
    let mut case = TestCase::new(name, status);
    case.set_classname(suite);
    case.add_property(Property::new("verdict", verdict.title()));
    case.add_property(Property::new("pairs", evidence.pairs().to_string()));
    if !evidence.deviations.is_empty() {
        case.add_property(Property::new("reduced", evidence.deviations.join("; ")));
    }
    add(&mut case, "mean", evidence.mean);
    add(&mut case, "interval95_low", evidence.interval.map(|[low, _]| low));
    add(&mut case, "interval95_high", evidence.interval.map(|[_, high]| high));
    add(&mut case, "p_two_sided", evidence.p_two_sided);
    case
}

fn add(case: &mut TestCase, name: &str, value: Option<f64>) {
    if let Some(value) = value {
        case.add_property(Property::new(name, value.to_string()));
    }
}
