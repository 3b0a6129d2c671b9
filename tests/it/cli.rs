//! The command line: every command has its own options, and what it prints as JSON follows a published schema.

#![allow(clippy::unwrap_used, reason = "a failure here is a failed test")]

use std::path::Path;

use serde_json::Value;

use crate::support::{CE, FPL, Project, schema_errors};

#[test]
fn a_command_refuses_the_options_of_others() {
    let project = Project::new();
    for (command, option) in [
        (&["diff", "a", "b"][..], &["--jobs", "2"][..]),
        (&["audit"], &["--strict"]),
        (&["audit"], &["--cells", "*"]),
        (&["verify"], &["--seeds", "1"]),
        (&["gc"], &["--fail-fast"]),
        (&["man"], &["--quiet"]),
    ] {
        // Wherever it stands.
        for args in [[command, option].concat(), [option, command].concat()] {
            let output = project.raw(&args);
            assert_eq!(output.code, 2, "{args:?}: {output:#?}");
            output.says(&format!("`{}` has no option `{}`", command[0], option[0]));
        }
        let help = project.raw(&[command[0], "--help"]).stdout;
        assert!(!help.contains(option[0]), "{help}");
    }
    let help = project.raw(&["train", "--help"]).stdout;
    for option in ["--jobs", "--cells", "--profile", "--cache-dir", "--quiet", "--fail-fast"] {
        assert!(help.contains(option), "no `{option}` in {help}");
    }
    let output = project.run(&["plan", "--keep-going", "--fail-fast"]);
    assert_eq!(output.code, 2, "{output:#?}");
    output.says("cannot be used with");
}

/// clap alone keeps, of an option before a command and after it, the latter.
#[test]
fn options_before_a_command_and_after_it_are_one_list() {
    let project = Project::new();
    let ids = |args: &[&str]| -> Vec<String> {
        let plan: Value = serde_json::from_str(&project.ok(args).stdout).unwrap();
        plan["cells"].as_array().unwrap().iter().map(|cell| cell["id"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(ids(&["--cells", CE, "plan", "--json"]), [CE]);
    assert_eq!(ids(&["--cells", CE, "plan", "--cells", FPL, "--json"]).len(), 2);
    let (lost, kept) = ("recipes.table2.epochs=7", "recipes.table2.batch_size=32");
    for args in [
        &["--set", lost, "submit", "slurm", "--set", kept, "--print"][..],
        &["--set", lost, "submit", "--set", kept, "slurm", "--print"],
        &["submit", "--set", lost, "slurm", "--set", kept, "--print"],
    ] {
        let output = project.ok(args);
        output.says(lost);
        output.says(kept);
    }
    // What excludes each other, or may be given once, does and may wherever it stands.
    let (excluded, once) = ("cannot be used with", "cannot be used multiple times");
    for (args, complaint) in [
        (&["--quiet", "all", "--verbose"][..], excluded),
        (&["--keep-going", "all", "--fail-fast"], excluded),
        (&["--device", "cpu", "submit", "--device", "auto", "slurm"], once),
        (&["--seeds", "0", "all", "--seeds", "1"], once),
    ] {
        let output = project.run(args);
        assert_eq!(output.code, 2, "{args:?}: {output:#?}");
        output.says(complaint);
    }
    // A value that reads like a command is none.
    project.run(&["--cache-dir", "all", "--nosuch"]).says("unexpected argument '--nosuch'");
    assert_eq!(project.raw(&["--strict", "--help"]).code, 0);
    assert_eq!(project.raw(&["help", "all"]).code, 0);
    assert_eq!(project.raw(&[]).code, 2);
}

#[test]
fn a_folder_that_cannot_be_one_is_refused() {
    let project = Project::new();
    for args in [
        &["plan", "--cache-dir", "paper.toml"][..],
        &["plan", "--cache-dir", "paper.toml/below"],
        &["all", "--reports-dir", "paper.toml"],
    ] {
        let output = project.run(args);
        assert_eq!(output.code, 2, "{args:?}: {output:#?}");
        output.says("`paper.toml` is a file");
        output.says("help: ");
    }
    std::os::unix::fs::symlink("nowhere", project.root.join("link")).unwrap();
    let output = project.run(&["plan", "--cache-dir", "link"]);
    assert_eq!(output.code, 2, "{output:#?}");
    output.says("`link` is a link that leads nowhere");
    assert!(!project.cache().exists());
}

/// What cannot be written is refused before anything is computed for it, with the option, and nothing is made. `/proc` takes
/// nothing from an administrator either.
#[test]
fn what_cannot_be_written_is_refused_before_any_work() {
    let project = Project::finished();
    project.ok(&["bundle", "--output", "sound.tar.gz"]);
    let files = || fpl_repro::fs::files_below(&project.root).unwrap();
    let before = files();
    let more = "seeds=[0, 1]";
    for (args, option) in [
        (&["plan", "--cache-dir", "/proc/x"][..], "--cache-dir /proc/x"),
        (&["all", "--cache-dir", "/proc/x"], "--cache-dir /proc/x"),
        (&["status", "--cache-dir", "/proc/x/y"], "--cache-dir /proc/x/y"),
        (&["work", "--cache-dir", "/proc/x"], "--cache-dir /proc/x"),
        (&["import", "sound.tar.gz", "--cache-dir", "/proc/x"], "--cache-dir /proc/x"),
        (&["submit", "slurm", "--cache-dir", "/proc/x"], "--cache-dir /proc/x"),
        (&["all", "--reports-dir", "/proc/x"], "--reports-dir /proc/x"),
        (&["report", "--reports-dir", "/proc/x"], "--reports-dir /proc/x"),
        (&["all", "--reports-dir", "/proc", "--set", more], "--reports-dir /proc/test"),
        (&["all", "--until-decided", "--reports-dir", "/proc", "--set", more], "--reports-dir /proc/test"),
        (&["bundle", "--output", "/proc/x.tar.gz"], "--output /proc/x.tar.gz"),
        (&["bundle", "--output", "/proc/x/y.tar.gz"], "--output /proc/x/y.tar.gz"),
        (&["bundle", "--output", "profiles"], "--output profiles"),
        (&["bundle", "--weights", "/proc/x.tar.gz"], "--weights /proc/x.tar.gz"),
        (&["export", "forrt", "sound.tar.gz", "-o", "/proc/x.csv"], "--output /proc/x.csv"),
        (&["export", "checklist", "sound.tar.gz", "-o", "profiles"], "--output profiles"),
        (&["export", "article", "sound.tar.gz", "-o", "/proc/x"], "--output /proc/x"),
        (&["register", "-o", "/proc/x.toml", "--seeds", "0..8"], "--output /proc/x.toml"),
    ] {
        let output = if matches!(args[0], "export") { project.raw(args) } else { project.run(args) };
        assert_eq!(output.code, 2, "{args:?}: {output:#?}");
        output.says(&format!("`{option}`"));
        output.says("help: ");
        assert!(output.ran().is_empty(), "{args:?}: {output:#?}");
        assert_eq!(files(), before, "{args:?}");
    }
    // Whoever only looks needs no place that can be written.
    let looked_at = Project::new();
    let readable =
        std::process::Command::new("chmod").args(["-R", "a+rX", ".", ".."]).current_dir(&looked_at.root).status();
    assert!(readable.unwrap().success());
    for (command, code) in [("audit", 0), ("claims", 0), ("status", 0), ("plan", 2), ("all", 2)] {
        let output = looked_at.unprivileged(&[command]);
        assert_eq!(output.code, code, "{command}: {output:#?}");
    }
}

#[test]
fn why_of_a_report_fits_on_a_screen() {
    let project = Project::finished();
    let report = project.root.join("reports/test/report.html").display().to_string();
    let lines = |args: &[&str]| project.ok(args).stdout.lines().count();
    assert!((5..50).contains(&lines(&["why", &report])), "{}", lines(&["why", &report]));
    assert!(lines(&["why", &report, "--all"]) > 200);
    let output = project.ok(&["why", FPL]);
    output.says("fields.loss.kind: \"fpl\"");
    let output = project.run(&["why", "nosuch"]);
    assert_eq!(output.code, 2);
    assert!(!output.stderr.contains("did you mean"), "{}", output.stderr);
    project.run(&["why", &FPL.replace("fpl", "fpi")]).says(&format!("did you mean `{FPL}`"));
}

/// What a command prints, held against the published schema of that name.
#[track_caller]
fn document(project: &Project, schema: &str, args: &[&str]) -> Value {
    let output = project.run(args);
    let document: Value = serde_json::from_str(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:#?}"));
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("schemas/{schema}.schema.json"));
    let schema: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    assert_eq!(schema_errors(&schema, &document), "", "{args:?}");
    // A schema that accepts everything would say nothing.
    assert_ne!(schema_errors(&schema, &Value::String("other".into())), "", "{args:?}");
    document
}

#[test]
fn json_of_commands_follows_the_schemas() {
    let project = Project::finished();
    let plan = document(&project, "plan", &["plan", "--json"]);
    let cell = plan["cells"].as_array().unwrap().iter().find(|cell| cell["id"] == FPL).unwrap();
    assert_eq!((&cell["state"], &cell["stage"]), (&"hit".into(), &"evaluate".into()));
    // What the plan says makes a cell does make it.
    let command = cell["command"].as_str().unwrap();
    let words: Vec<&str> = command.split(' ').skip(1).collect();
    assert_eq!(project.raw(&words).code, 0, "{command}");
    let changed = document(&project, "plan", &["plan", "--json", "--set", "recipes.table2.epochs=3", "--cells", CE]);
    assert_eq!(changed["cells"][0]["state"], "run");
    assert_eq!(changed["cells"].as_array().unwrap().len(), 1);
    assert!(changed["training_seconds"].as_f64().unwrap() > 0.0 && changed["trainings_of_unknown_time"] == 0);
    document(&project, "status", &["status", "--json"]);

    assert_eq!(document(&project, "verify", &["verify", "--json"])["faults"], Value::Array(Vec::new()));
    crate::support::flip(&project.entry("train", FPL).join("weights.safetensors"));
    let damaged = document(&project, "verify", &["verify", "--json"]);
    assert!(damaged["faults"][0].as_str().unwrap().contains("weights.safetensors"), "{damaged}");

    let gc = document(&project, "gc", &["gc", "--dry-run", "--trainings", "--json"]);
    assert_eq!(gc["dry_run"], true);
    assert_eq!(gc["removed"], Value::Array(Vec::new()), "everything is in use");

    let bundle = project.root.join("bundle.tar.gz").display().to_string();
    project.ok(&["bundle", "-o", &bundle]);
    let verified = document(&project, "verify-bundle", &["verify", &bundle, "--json"]);
    assert_eq!(verified["cells"], serde_json::json!([2, 2]));
    assert!(verified["rendered"].as_u64().unwrap() > 20);
}

#[test]
fn json_of_a_comparison_follows_its_schema() {
    let project = Project::finished();
    std::fs::rename(project.root.join("reports/test"), project.root.join("before")).unwrap();
    project.ok(&["all", "--set", "losses.fpl.false_classes=2"]);
    // `diff` has no profile: it needs no configuration.
    let output = project.raw(&["diff", "before", "reports/test", "--json"]);
    let diff: Value = serde_json::from_str(&output.stdout).unwrap();
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas/diff.schema.json");
    let schema: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    assert_eq!(schema_errors(&schema, &diff), "", "{diff:#}");
    assert!(diff["fields"][0]["text"].as_str().unwrap().contains("false_classes: 1 → 2"), "{diff:#}");
}

/// `FPL_UPDATE_SCHEMAS=1 cargo test schemas` writes them.
#[test]
fn published_schemas_of_commands_are_those_of_the_types() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas");
    for (name, bytes) in fpl_repro::cli::schemas().unwrap() {
        if std::env::var_os("FPL_UPDATE_SCHEMAS").is_some() {
            fpl_repro::fs::write_atomic(&folder.join(&name), &bytes).unwrap();
        }
        let published = std::fs::read(folder.join(&name)).unwrap();
        assert!(published == bytes, "schemas/{name} is old: run FPL_UPDATE_SCHEMAS=1 cargo test schemas");
    }
}
