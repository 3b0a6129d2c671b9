//! An in-toto statement with the predicate "test result": the claims of the paper as tests of the report.
//!
//! Statement: <https://in-toto.io/Statement/v1>. Predicate: <https://in-toto.io/attestation/test-result/v0.1>. Nothing is
//! signed here: `actions/attest` on GitHub does that, or `cosign attest-blob`.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::error::Result;
use crate::report::json;
use crate::report::ledger::{Ledger, Verdict};

/// A file that is attested, or that was read for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Subject {
    /// Its name.
    pub name: String,
    /// Algorithm and digest: `sha256`.
    pub digest: BTreeMap<&'static str, String>,
}

impl Subject {
    /// A file by its sha256.
    pub fn new(name: &str, sha256: &str) -> Self {
        Self { name: name.to_owned(), digest: BTreeMap::from([("sha256", sha256.to_owned())]) }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Statement<'a> {
    #[serde(rename = "_type")]
    kind: &'static str,
    subject: [&'a Subject; 1],
    predicate_type: &'static str,
    predicate: Predicate<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Predicate<'a> {
    result: &'static str,
    configuration: &'a [Subject],
    passed_tests: Vec<&'a str>,
    warned_tests: Vec<&'a str>,
    failed_tests: Vec<&'a str>,
}

/// The statement about `subject`, a bundle or a report, made under `configuration`. A reproduced claim has passed, a
/// contradicted one failed, and every other is warned of.
///
/// # Errors
/// If it cannot be written as JSON.
pub fn attestation(ledger: &Ledger, subject: &Subject, configuration: &[Subject]) -> Result<Vec<u8>> {
    let of = |wanted: fn(Verdict) -> bool| -> Vec<&str> {
        let entries = ledger.entries.iter().filter(|entry| wanted(entry.verdict));
        entries.map(|entry| entry.claim.id.as_str()).collect()
    };
    let passed_tests = of(|verdict| verdict == Verdict::Reproduced);
    let failed_tests = of(|verdict| verdict == Verdict::Contradicted);
    let warned_tests = of(|verdict| !matches!(verdict, Verdict::Reproduced | Verdict::Contradicted));
    let result = match (failed_tests.is_empty(), warned_tests.is_empty()) {
        (false, _) => "FAILED",
        (true, false) => "WARNED",
        (true, true) => "PASSED",
    };
    json(&Statement {
        kind: "https://in-toto.io/Statement/v1",
        subject: [subject],
        predicate_type: "https://in-toto.io/attestation/test-result/v0.1",
        predicate: Predicate { result, configuration, passed_tests, warned_tests, failed_tests },
    })
}
