//! What was registered, and when, held against the dates of runs.

#![allow(clippy::unwrap_used, reason = "a failure here is a failed test")]

use std::fs;
use std::path::Path;

use fpl_repro::config;
use fpl_repro::paper::{AnalysisPlan, Registration};
use fpl_repro::report::input::ReportInput;
use fpl_repro::report::ledger::{Planned, Planning, ledger};

use crate::ledger::{ALL_POSITIVE, scratch};
use crate::support::Project;

/// The runs of [`scratch`] all began at 08:47:59 on 24 November: 4,321 s before they ended.
const BEFORE: &str = "2026-11-23T12:00:00.000Z";
const AFTER: &str = "2026-11-25T12:00:00.000Z";

fn registered(date: &str, input: &ReportInput) -> Registration {
    Registration::new(date.into(), AnalysisPlan::of(&input.paper, &[0, 1, 2, 3, 4, 5, 6, 7, 8]))
}

fn planning(input: &ReportInput, id: &str) -> Planning {
    ledger(input).entries.into_iter().find(|entry| entry.claim.id == id).unwrap().planning
}

#[test]
fn a_plan_is_before_the_data_or_not() {
    let mut input = scratch(&ALL_POSITIVE);
    let none = planning(&input, "T3-a");
    assert_eq!((none.planned, none.says.as_str()), (Planned::NotRegistered, "Not registered: exploratory."));
    input.registrations = vec![registered(BEFORE, &input)];
    let before = planning(&input, "T3-a");
    assert_eq!((before.planned, before.runs_before), (Planned::BeforeTheData, 0));
    assert_eq!(before.digest, Some(input.registrations[0].digest.clone()));
    let says = "Planned before the data: registered on 2026-11-23 12:00 UTC, before any run of it began.";
    assert_eq!(before.says, says);
    // Not in the family.
    assert_eq!(planning(&input, "control").planned, Planned::NotRegistered);
    // Of another ten minutes nobody knows what was seen.
    input.registrations = vec![registered("2026-11-24T08:47:59.000Z", &input)];
    let after = planning(&input, "T3-a");
    assert_eq!((after.planned, after.runs_before), (Planned::AfterRuns, 18));
    assert_eq!(after.says, "Registered on 2026-11-24 08:47 UTC, after 18 runs had begun.");
    // T2-a has no runs.
    assert_eq!(planning(&input, "T2-a").planned, Planned::BeforeTheData);
}

#[test]
fn a_change_is_told_with_the_runs_before_it() {
    let mut input = scratch(&ALL_POSITIVE);
    let first = registered(BEFORE, &input);
    input.paper.family.looks = vec![9];
    let second = registered(AFTER, &input);
    input.registrations = vec![first.clone(), second.clone()];
    let changed = planning(&input, "T3-a");
    assert_eq!((changed.planned, changed.runs_before), (Planned::Changed, 18));
    let says = "Changed on 2026-11-25 12:00 UTC, after 18 runs had begun: family.looks: [6,9] → [9].";
    assert_eq!(changed.says, says);
    // Changed before any run of it began, it is as good as the first plan.
    assert_eq!(planning(&input, "T2-a").planned, Planned::BeforeTheData);
    // What does not concern a claim's verdict is no change of it: another measure's margin, readings, words.
    input.registrations = vec![second.clone(), {
        let mut later = second.clone();
        later.plan.margins.retain(|margin| margin.measure.key == "top1");
        later.plan.readings.clear();
        Registration::new("2026-11-26T12:00:00.000Z".into(), later.plan)
    }];
    input.paper.margins.retain(|margin| margin.measure.key == "top1");
    assert_eq!(planning(&input, "T3-a").date.as_deref(), Some(AFTER));
    assert_eq!(planning(&input, "T3-b").changes, ["margin: 0.1 → null"]);
    // Changed and not registered again.
    input.registrations = vec![first];
    let open = planning(&input, "T3-a");
    assert_eq!((open.planned, open.date), (Planned::Changed, None));
    assert!(open.says.starts_with("Changed since it was registered, after 18 runs, and not registered again"));
    assert_eq!(planning(&input, "T2-a").planned, Planned::NotRegistered);
}

#[test]
fn further_seeds_are_exploratory() {
    let mut input = scratch(&ALL_POSITIVE);
    let mut plan = AnalysisPlan::of(&input.paper, &[0, 1, 2, 3, 4, 5, 6]);
    plan.seeds.retain(|seed| *seed != 3);
    input.registrations = vec![Registration::new(BEFORE.into(), plan)];
    let found = planning(&input, "T3-a");
    assert_eq!(found.further_seeds, [3, 7, 8]);
    assert!(found.says.ends_with("Not registered, and so exploratory: seeds 3, 7, 8."), "{}", found.says);
}

#[test]
fn registering_adds_and_never_changes() {
    let project = Project::new();
    let few = project.raw(&["register"]);
    assert_eq!(few.code, 2);
    few.says("5 seeds cannot give the 9 pairs that `paper.family` plans");
    few.says("fpl-repro register --seeds 0..8");
    let folder = project.raw(&["register", "--seeds", "0..8", "-o", "profiles"]);
    assert_eq!(folder.code, 2);
    folder.says("`profiles` is a folder");
    folder.says("name a file in it: `-o profiles/registered.toml`");
    let file = project.root.join("registered.toml");
    let register = || {
        let output = project.raw(&["register", "--seeds", "0..8"]);
        assert_eq!(output.code, 0, "{output:#?}");
        (output, fs::read_to_string(&file).unwrap())
    };
    let (output, first) = register();
    output.says("8 claims with 9 pairs each, looks after 6 and 9, 3 margins");
    output.says("no run of them is there");
    let digest = first.lines().find_map(|line| line.strip_prefix("digest = ")).unwrap().trim_matches('"').to_owned();
    output.says(&format!("digest {digest}"));
    let (again, same) = register();
    again.says("nothing changed since 20");
    assert_eq!(same, first);
    let paper = project.root.join("paper.toml");
    let changed = fs::read_to_string(&paper).unwrap().replace("looks = [6, 9]", "looks = [9]");
    fs::write(&paper, changed).unwrap();
    let (_, both) = register();
    assert!(both.starts_with(&first) && both.matches("[[registrations]]").count() == 2, "{both}");
    // By hand, nothing may change.
    fs::write(&file, both.replacen("level = 0.05", "level = 0.1", 1)).unwrap();
    let tampered = project.raw(&["plan"]);
    assert_eq!(tampered.code, 2);
    tampered.says("registered.toml:");
    tampered.says("`registrations.0.digest`: the plan was changed after it was registered");
}

#[test]
fn a_report_and_a_bundle_carry_it() {
    let project = Project::finished();
    project.ok(&["register", "--seeds", "0..8"]);
    let output = project.ok(&["bundle", "-o", "registered.tar.gz"]);
    output.says("rendered again and are equal byte for byte");
    let report = fs::read_to_string(project.root.join("reports/test/report.json")).unwrap();
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    let digest = report["registrations"][0]["digest"].as_str().unwrap();
    assert!(fs::read_to_string(project.root.join("registered.toml")).unwrap().contains(digest));
    // Two cells were trained before.
    project.ok(&["claims"]).says("after 2 runs had begun.");
    assert!(project.report().contains("after 2 runs had begun."));
    project.ok(&["verify", "registered.tar.gz"]);
}

/// The first registration says what was written by hand before the first run.
#[test]
fn the_projects_registration_is_what_was_planned() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let loaded = config::load(&root.join("pipeline.toml"), None, &[]).unwrap();
    let plan = &loaded.config.registrations[0].plan;
    let by_hand: toml::Table = fs::read_to_string(root.join("reports/registered.toml")).unwrap().parse().unwrap();
    let family = &by_hand["family"];
    let claims: Vec<&str> = family["claims"].as_array().unwrap().iter().map(|claim| claim.as_str().unwrap()).collect();
    assert_eq!(plan.family.claims, claims);
    assert_eq!(Some(plan.family.level), family["level"].as_float());
    let spending = &family["spending"];
    assert_eq!(spending["planned_pairs"].as_integer(), Some(plan.family.planned_pairs as i64));
    let looks: Vec<i64> = spending["looks"].as_array().unwrap().iter().map(|look| look.as_integer().unwrap()).collect();
    assert_eq!(plan.family.looks.iter().map(|look| *look as i64).collect::<Vec<_>>(), looks);
    assert_eq!(spending["rho"].as_integer().map(|rho| rho as f64), Some(plan.family.rho));
    for (key, measure) in [("false_positives", "false-positives"), ("top1_pct", "top1"), ("top5_pct", "top5")] {
        let margin = plan.margins.iter().find(|margin| margin.measure.key == measure).unwrap();
        let margin_by_hand = &by_hand["margins"][key];
        let by_hand = margin_by_hand.as_float().or_else(|| margin_by_hand.as_integer().map(|value| value as f64));
        assert_eq!(Some(margin.difference), by_hand);
    }
    let tables = by_hand["runs"].as_array().unwrap().iter().filter_map(|run| run.get("cells")?.as_array());
    let tables = tables.flatten().filter_map(|cell| cell.as_str()?.split_once('/')).map(|(table, _)| table);
    for table in tables.filter(|table| table.starts_with("what-if")) {
        let planned = plan.readings.iter().any(|reading| reading.alternative.table.as_deref() == Some(table));
        assert!(planned, "{table}");
    }
}
