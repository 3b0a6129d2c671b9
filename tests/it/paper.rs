//! The paper as data: what is checked at start, and the audit. Expected values are from the paper, by hand.

#![allow(clippy::unwrap_used, reason = "a failure here is a failed test")]

use std::fs;

use fpl_repro::config;
use fpl_repro::id::RowId;
use fpl_repro::paper::audit::{Audit, audit};
use fpl_repro::paper::measure::{FALSE_POSITIVES, ROUGHNESS, TOP1, TOP5};
use fpl_repro::paper::{Paper, Seriousness};

use crate::support::Project;

fn paper() -> Paper {
    config::shipped().unwrap().paper
}

/// Replaces text in `paper.toml` and expects an error with all of these words.
#[track_caller]
fn refused(from: &str, to: &str, words: &[&str]) {
    let project = Project::new();
    let file = project.root.join("paper.toml");
    let text = fs::read_to_string(&file).unwrap();
    assert!(text.contains(from), "{from}");
    fs::write(&file, text.replacen(from, to, 1)).unwrap();
    let output = project.run(&["audit"]);
    assert_eq!(output.code, 2, "{output:#?}");
    for word in words {
        output.says(word);
    }
}

#[test]
fn slips_of_the_pen_are_errors() {
    refused("716, 183", "761, 183", &["paper.toml:", "fpl`", "add up to 4470, not to the total of 4425"]);
    refused("[716, 183, ", "[716, ", &["9 classes, expected 10"]);
    refused("value = -39.0", "value = -93.0", &["`paper.statements.0.value`", "-39.0000, not -93"]);
    refused("value = 94.93", "value = 94.93\nagrees = false", &["agrees with it", "remove `agrees = false`"]);
    refused(
        "value = 0.68\nagrees = false",
        "value = 0.68",
        &["`paper.statements.2.value`", "0.3200, not 0.68", "agrees = false"],
    );
    let row = "row = \"table2/efficientnetv2-s/random/fpl\"";
    refused(
        row,
        "row = \"table2/efficientnet/random/fpl\"",
        &["`paper.statements.0.row`", "table2/efficientnet/random/fpl"],
    );
    refused("claims = [\"T2-b\"]", "claims = [\"T2-z\"]", &["`paper.assumptions.0.claims`", "no `T2-z`", "T2-b"]);
    refused("id = \"T2-b\"", "id = \"T2-a\"", &["`paper.claims.1.id`", "two claims"]);
    refused("[paper.setup]", "[paper.setups]", &["setups", "did you mean `setup`"]);
}

#[test]
fn what_is_declared_must_make_a_plan() {
    let members = "claims = [\"T2-a\", \"T2-b\", \"T3-a\"";
    refused(members, "claims = [\"T2-a\", \"T2-c\", \"T3-a\"", &["`paper.family.claims`", "no `T2-c`", "T2-b"]);
    refused(
        members,
        "claims = [\"T2-a\", \"T2-a\", \"T3-a\"",
        &["`paper.family.claims`", "`T2-a` is in the family twice"],
    );
    refused("level = 0.05", "level = 5.0", &["`paper.family.level`", "between 0 and 1"]);
    refused("planned_pairs = 9", "planned_pairs = 21", &["`paper.family.planned_pairs`", "1 to 20 pairs"]);
    refused("looks = [6, 9]", "looks = [6, 8]", &["`paper.family.looks`", "planned_pairs, 9", "looks = [6, 9]"]);
    refused("looks = [6, 9]", "looks = [9, 9]", &["`paper.family.looks`"]);
    refused("rho = 3.0", "rho = 0.0", &["`paper.family.rho`", "positive"]);
    refused("difference = 50.0", "difference = 0.0", &["`paper.margins.0.difference`", "above 0"]);
    refused("measure = \"top5\"\ndifference", "measure = \"top1\"\ndifference", &["two margins are of this measure"]);
}

#[test]
fn the_family_is_the_one_that_was_registered() {
    let text = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/reports/registered.toml")).unwrap();
    let registered: toml::Table = text.parse().unwrap();
    let (family, margins) = (&registered["family"], &registered["margins"]);
    let paper = paper();
    let claims: Vec<&str> = family["claims"].as_array().unwrap().iter().map(|id| id.as_str().unwrap()).collect();
    assert_eq!(paper.family.claims, claims);
    let numbers = |value: &toml::Value| value.as_integer().map(|n| n as f64).or(value.as_float()).unwrap();
    let spending = &family["spending"];
    let registered = [numbers(&family["level"]), numbers(&spending["planned_pairs"]), numbers(&spending["rho"])];
    for (ours, registered) in
        [paper.family.level, paper.family.planned_pairs as f64, paper.family.rho].iter().zip(registered)
    {
        assert!((ours - registered).abs() < 1e-12, "{ours} is not {registered}");
    }
    let looks: Vec<usize> =
        spending["looks"].as_array().unwrap().iter().map(|look| look.as_integer().unwrap() as usize).collect();
    assert_eq!(paper.family.looks, looks);
    for (key, measure) in [("false_positives", &FALSE_POSITIVES), ("top1_pct", &TOP1), ("top5_pct", &TOP5)] {
        assert_eq!(paper.margin(measure), Some(numbers(&margins[key])), "{key}");
    }
    assert_eq!(paper.margin(&ROUGHNESS), None);
}

#[test]
fn a_project_without_the_paper_says_so() {
    let project = Project::new();
    fs::remove_file(project.root.join("paper.toml")).unwrap();
    let output = project.run(&["audit"]);
    assert_eq!(output.code, 2);
    output.says("paper.toml` does not exist");
    output.says("help: ");
}

#[track_caller]
fn finds(audit: &Audit, seriousness: Seriousness, place: &str, words: &[&str]) {
    let found = audit.findings.iter().any(|finding| {
        finding.seriousness == seriousness
            && finding.place.contains(place)
            && words.iter().all(|word| finding.says.contains(word) || finding.follows.contains(word))
    });
    assert!(found, "no finding at {place} with {words:?}: {:#?}", audit.findings);
}

#[test]
fn the_audit_finds_what_the_paper_contradicts() {
    let audit = audit(&paper());
    // 95.25 − 94.93 = 0.32; the text has 0.68.
    finds(&audit, Seriousness::Substantial, "Section 3.4", &["0.68", "0.32"]);
    finds(&audit, Seriousness::Substantial, "Abstract", &["99.86", "99.85"]);
    // 94.02 − 94.22 = −0.20.
    finds(&audit, Seriousness::Substantial, "Abstract", &["outperforms", "−0.20"]);
    finds(
        &audit,
        Seriousness::Substantial,
        "Author Contributions",
        &["without any tuning", "tuned the hyperparameters"],
    );
    finds(&audit, Seriousness::Editorial, "Section 3.5", &["Figure 2", "Figure 3"]);
    finds(&audit, Seriousness::Editorial, "Section 2.1", &["minus signs"]);
    // 39 of 10,000 images; if only one network misses any that the other does not, p = 2·2^−39.
    let pair = "Table 2, EfficientNetV2-S (random): FPL − CE";
    finds(&audit, Seriousness::Substantial, pair, &["4,425", "4,464", "0.39", "p < 0.0001", "cannot be told"]);
    // 5 of 10,000 images: even so p = 2·2^−5 = 0.0625.
    let pair = "Table 2, ResNet-18 (random): FPL − CE";
    finds(&audit, Seriousness::Decisive, pair, &["3,531", "3,536", "most favourable", "p = 0.0625"]);
    assert!(audit.findings.iter().all(|finding| finding.ask.ends_with('?')), "a finding that nobody can answer");
    // The most serious first.
    assert!(audit.findings.is_sorted_by_key(|finding| finding.seriousness));
    // 100·(1 − total/10,000).
    for accuracy in ["55.75 %", "55.36 %", "64.69 %", "64.64 %"] {
        assert!(audit.consistent.iter().any(|line| line.contains(accuracy)), "{accuracy}");
    }
    // −39 and −5 images, and 0.02 points of top-5, agree.
    for value in ["−39 agrees", "−5 agrees", "+0.02 agrees"] {
        assert!(audit.consistent.iter().any(|line| line.contains(value)), "{value}");
    }
}

#[test]
fn the_audit_says_what_one_run_resolves() {
    let audit = audit(&paper());
    let pair = |cells: &str| audit.resolution.iter().find(|pair| pair.cells.as_str() == cells).unwrap();
    let scratch = pair("table3/resnet50/random/fpl");
    // 100 − 95.25 and 100 − 94.93 percent of 10,000.
    assert_eq!((scratch.errors, scratch.claims.as_slice()), ([475, 507], &["T3-a".to_owned()][..]));
    // √(0.9493·0.0507/10,000) = 0.2194 points; 2.8016·√(0.9525·0.0475 + 0.9493·0.0507)/100 = 0.8561 points.
    assert!((scratch.standard_error - 0.2194).abs() < 1e-4, "{}", scratch.standard_error);
    assert!((scratch.detectable - 0.8561).abs() < 1e-4, "{}", scratch.detectable);
    assert!(audit.resolution.iter().all(|pair| pair.mcnemar[0] < pair.mcnemar[1]));
}

/// The shipped configuration has the keys, tables and cells that the paper's ledgers speak of.
#[test]
fn ledgers_refer_to_what_there_is() {
    let shipped = config::shipped().unwrap();
    let values = serde_json::to_value(&shipped).unwrap();
    let cells: Vec<RowId> = shipped.rows().map(|(row, _)| row).collect();
    for claim in &shipped.paper.claims {
        for id in [&claim.cells, &claim.against] {
            // The paper shows no experiment with class imbalance, and there is none yet.
            assert!(cells.contains(id) || claim.id == "S2.2", "{id}");
        }
    }
    for assumption in &shipped.paper.assumptions {
        for key in &assumption.keys {
            assert!(values.pointer(&format!("/{}", key.replace('.', "/"))).is_some(), "{key}");
        }
        let claims = shipped.paper.claims.iter().filter(|claim| assumption.claims.contains(&claim.id));
        for claim in claims {
            for other in assumption.alternatives.iter().filter_map(|other| other.cells(&claim.cells)) {
                let by_loss_only = ["what-if-stem/eff", "what-if-224/eff", "what-if-both/eff", "what-if-schedule/eff"]
                    .iter()
                    .any(|start| other.as_str().starts_with(start));
                assert!(cells.contains(&other) || by_loss_only, "{}: {other}", claim.id);
            }
        }
    }
    for (row, _) in shipped.paper.rows() {
        assert!(cells.contains(&row), "{row}");
    }
}
