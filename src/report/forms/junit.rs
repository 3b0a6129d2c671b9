//! The claims ledger as JUnit XML, which CI services show: a contradicted claim is a failure, a reproduced
//! one passes, and every other is skipped with its verdict. There is no time in it.

use quick_junit::{NonSuccessKind, Property, Report, TestCase, TestCaseStatus, TestSuite};

use crate::error::{Error, Result};
use crate::report::input::ReportInput;
use crate::report::ledger::{Entry, Evidence, Ledger, Verdict};
use crate::report::xml;

/// `claims.xml`: the claims as one suite, the claims under other readings of the paper as another.
pub(super) fn junit(input: &ReportInput, ledger: &Ledger) -> Result<String> {
    let mut claims = TestSuite::new("claims");
    let mut readings = TestSuite::new("readings");
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
    report.add_test_suites([claims, readings]);
    report
        .to_string()
        .map(|text| xml::text(&text))
        .map_err(|error| Error::Render { what: "claims.xml".to_owned(), message: error.to_string() })
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
    for deviation in &evidence.deviations {
        case.add_property(Property::new("reduced", deviation));
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
