//! What is exported from a report: articles that TeX sets, checklists, attestations that in-toto's own code reads.

#![allow(clippy::unwrap_used, reason = "a failure here is a failed test")]

use std::path::Path;
use std::process::Command;

use fpl_repro::export::{Subject, article, attestation, checklist, forrt};
use fpl_repro::report::derived::Derived;
use fpl_repro::report::figures;
use fpl_repro::report::input::{CellState, ReportInput};
use fpl_repro::report::ledger::{Ledger, Verdict};
use serde_json::{Value, json};

use crate::matrix::{input, not_run, realistic};
use crate::support::{Project, skip};

fn some_done() -> ReportInput {
    realistic(3, 20, 1000, |row, _| if row < 4 { CellState::Done } else { not_run() })
}

#[test]
fn an_article_can_be_set_and_marks_what_is_open() {
    let input = some_done();
    let derived = Derived::new(&input);
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("article");
    let _ = std::fs::remove_dir_all(&folder);
    let files = article(&derived, &figures(&input).unwrap()).unwrap();
    for (name, bytes) in &files {
        fpl_repro::fs::write_atomic(&folder.join(name), bytes).unwrap();
    }
    let text = std::fs::read_to_string(folder.join("article.tex")).unwrap();
    for words in ["[Re]", "What was easy", "What was difficult", "\\open{authors}", "T2-b", "\\fplFloatTableThree"] {
        assert!(text.contains(words), "no `{words}` in {text}");
    }
    for entry in &derived.ledger.entries {
        assert!(text.contains(&format!(": {}.}}", entry.verdict.title())), "{}", entry.claim.id);
    }
    let metadata = std::fs::read_to_string(folder.join("metadata.yaml")).unwrap();
    assert!(metadata.contains("title: \"[Re] FPL: False Positive Loss\"\n"), "{metadata}");
    for (program, argument) in [("pdflatex", "article.tex"), ("bibtex", "article"), ("pdflatex", "article.tex")] {
        let mut command = Command::new(program);
        if program == "pdflatex" {
            command.args(["-interaction=nonstopmode", "-halt-on-error"]);
        }
        let Ok(output) = command.arg(argument).current_dir(&folder).output() else {
            skip("there is no pdflatex; `scripts/tools.sh` brings one");
            return;
        };
        assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stdout));
    }
}

#[test]
fn a_checklist_ticks_what_there_is_evidence_for() {
    let text = |input: &ReportInput| checklist(&Derived::new(input)).unwrap();
    let (some, none) = (text(&some_done()), text(&input(2, 3, |_, _| not_run())));
    assert!(some.contains("- [x] 2c computing infrastructure: NVIDIA test GPU"), "{some}");
    assert!(some.contains("- [x] 7b uncertainty: standard deviation and 95 % interval over up to 3 seeds"), "{some}");
    assert!(none.contains("- [ ] 2c computing infrastructure: nothing has run"), "{none}");
    assert!(none.contains("- [ ] 7b uncertainty: fewer than two seeds"), "{none}");
    assert!(none.contains("- [ ] Results Replicated"), "{none}");
    // REFORMS has 32 items in 8 modules (Kapoor et al., 2024, Table 1), NeurIPS 2024 16 and the ACM 5 badges.
    let items = |text: &str| text.lines().filter(|line| line.starts_with("- [")).count();
    assert_eq!((items(&some), items(&none)), (32 + 16 + 5, 32 + 16 + 5));
}

#[test]
fn an_attestation_has_every_claim_once() {
    let input = some_done();
    let derived = Derived::new(&input);
    let subject = Subject::new("report.json", &"ab".repeat(32));
    let statement = |ledger: &Ledger| -> Value {
        serde_json::from_slice(&attestation(ledger, &subject, std::slice::from_ref(&subject)).unwrap()).unwrap()
    };
    let mut ledger = derived.ledger.clone();
    let found = statement(&ledger);
    assert_eq!(found["_type"], "https://in-toto.io/Statement/v1");
    assert_eq!(found["subject"], json!([{ "name": "report.json", "digest": { "sha256": "ab".repeat(32) } }]));
    assert_eq!(found["predicate"]["result"], "WARNED");
    let of = |statement: &Value, kind: &str| statement["predicate"][kind].as_array().unwrap().len();
    let all = |statement: &Value| ["passedTests", "warnedTests", "failedTests"].map(|kind| of(statement, kind));
    assert_eq!(all(&found).iter().sum::<usize>(), ledger.entries.len());
    ledger.entries.iter_mut().for_each(|entry| entry.verdict = Verdict::Reproduced);
    assert_eq!(statement(&ledger)["predicate"]["result"], "PASSED");
    ledger.entries[1].verdict = Verdict::Contradicted;
    let failed = statement(&ledger);
    assert_eq!((&failed["predicate"]["result"], all(&failed)[2]), (&json!("FAILED"), 1));
}

/// The checks of FLoRA's own data (`R/validate_flora.R` of forrtproject/FReD-data) that a row can pass before it is published.
#[test]
fn rows_for_forrt_have_the_words_of_its_library() {
    let input = some_done();
    let mut derived = Derived::new(&input);
    let verdicts =
        [Verdict::Reproduced, Verdict::Contradicted, Verdict::NoDifference, Verdict::NotRebuilt, Verdict::NotRun];
    for (entry, verdict) in derived.ledger.entries.iter_mut().zip(verdicts) {
        entry.verdict = verdict;
    }
    derived.ledger.entries.truncate(verdicts.len());
    let text = forrt(&derived).unwrap();
    let mut reader = csv::Reader::from_reader(&*text);
    let rows: Vec<std::collections::BTreeMap<String, String>> = reader.deserialize().map(Result::unwrap).collect();
    let column = |name: &str| rows.iter().map(|row| row[name].as_str()).collect::<Vec<_>>();
    assert_eq!(
        column("outcome"),
        ["successful", "failed", "failed", "uninformative"],
        "a claim without runs has no row"
    );
    assert!(column("type").iter().all(|kind| *kind == "replication"));
    assert!(column("source").iter().all(|source| *source == "replications"));
    // Preprints.org: <https://doi.org/10.20944/preprints202309.0280.v1>
    assert!(column("doi_o").iter().all(|doi| *doi == "10.20944/preprints202309.0280.v1"));
    assert!(rows.iter().all(|row| row["year_o"] == "2023" && row["year_r"] == "2026"));
    assert!(rows.iter().flat_map(|row| row.values()).all(|value| !["NA", "N/A"].contains(&value.as_str())));
    let studies: std::collections::BTreeSet<&str> = column("study_o").into_iter().collect();
    assert_eq!(studies.len(), rows.len(), "no two rows are of one claim");
}

#[test]
fn the_command_exports_from_folders_and_bundles() {
    let project = Project::finished();
    project.ok(&["bundle", "-o", "bundle.tar.gz"]);
    let root = &project.root;
    for report in ["reports/test", "bundle.tar.gz"] {
        let output = project.raw(&["export", "checklist", report]);
        assert!(output.code == 0 && output.stdout.starts_with("# Checklists"), "{output:#?}");
        assert_eq!(project.raw(&["export", "attestation", report, "-o", "statement.json"]).code, 0);
        let statement: Value = serde_json::from_slice(&std::fs::read(root.join("statement.json")).unwrap()).unwrap();
        let attested = if report.ends_with("gz") { report.to_owned() } else { "reports/test/report.json".to_owned() };
        let sha256 = fpl_repro::fs::sha256_file(&root.join(&attested)).unwrap();
        assert_eq!(statement["subject"][0]["digest"]["sha256"], sha256);
        in_toto_reads(&root.join("statement.json"));
    }
    assert_eq!(project.raw(&["export", "article", "bundle.tar.gz", "-o", "paper"]).code, 0);
    assert!(root.join("paper/article.tex").is_file() && root.join("paper/tables/notes.tex").is_file());
    let again = project.raw(&["export", "article", "bundle.tar.gz", "-o", "paper"]);
    assert_eq!(again.code, 2);
    again.says("is not overwritten");
    let unknown = project.raw(&["export", "poster", "reports/test"]);
    assert_eq!(unknown.code, 2);
    unknown.says("article, checklist, attestation, forrt");
}

/// in-toto's own messages, in a Python that `scripts/tools.sh` sets up.
fn in_toto_reads(statement: &Path) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let python = root.join("target/tools/bin/python");
    let has = Command::new(&python).args(["-c", "import in_toto_attestation"]).output();
    if !has.is_ok_and(|output| output.status.success()) {
        skip("there is no in-toto-attestation; `scripts/tools.sh` brings it");
        return;
    }
    let output = Command::new(&python).arg(root.join("tests/fixtures/attestation.py")).arg(statement).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
