//! `gc --remote`: what is named stays, whoever names it.

#![allow(clippy::unwrap_used, reason = "a failure here is a failed test")]

use std::fs::{self, File};
use std::time::{Duration, SystemTime};

use crate::remote::Remote;
use crate::support::{CE, FPL, Output, Project};

/// Other results than the test profile's.
const OTHERS: [&str; 4] = ["--set", "recipes.table2.epochs=1", "--cells", FPL];

/// Makes everything two days old.
fn age(remote: &Remote) {
    for folder in ["ac", "cas", "tags"] {
        for object in remote.objects(folder) {
            let file = File::options().write(true).open(object).unwrap();
            file.set_modified(SystemTime::now() - Duration::from_hours(48)).unwrap();
        }
    }
}

/// A remote cache with the test profile's four results, and with two that it does not have.
fn with_others() -> (Remote, Project) {
    let (remote, others) = (Remote::full(), Project::new());
    remote.ok(&others, &[&["work", "--remote"], &OTHERS[..]].concat());
    assert_eq!(remote.objects("ac").len(), 6);
    (remote, others)
}

/// `gc --remote` on a machine that has nothing but the configuration.
fn gc(remote: &Remote, args: &[&str]) -> Output {
    remote.ok(&Project::new(), &[&["gc", "--remote"], args].concat())
}

fn count(remote: &Remote) -> (usize, usize) {
    (remote.objects("ac").len(), remote.objects("cas").len())
}

#[test]
fn what_nobody_names_is_listed_and_goes_only_if_asked_for() {
    let (remote, _) = with_others();
    let before = count(&remote);
    gc(&remote, &["--trainings"]).says("0 entries");
    assert_eq!(count(&remote), before, "what is younger than a day may be about to be named");
    age(&remote);
    let listed = gc(&remote, &[]);
    listed.says(&format!("train of {FPL}"));
    listed.says("would be removed");
    listed.says("--trainings");
    gc(&remote, &["--trainings", "--dry-run"]).says("would be removed");
    assert_eq!(count(&remote), before);
    let read_only = ["gc", "--remote", "--trainings", "--set", "remote.read_only=true"];
    assert_eq!(remote.run(&Project::new(), &read_only).code, 2);
    gc(&remote, &["--trainings"]);
    assert_eq!(remote.objects("ac").len(), 4);
    assert!(count(&remote).1 < before.1);
    // What stays is whole.
    remote.ok(&Project::new(), &["pull"]).says("4 results pulled");
}

#[test]
fn a_tag_keeps_results_of_any_configuration() {
    let (remote, others) = with_others();
    remote.ok(&others, &[&["push", "--tag", "v1.0"], &OTHERS[..]].concat()).says("tag v1.0 keeps 2 results");
    age(&remote);
    let before = count(&remote);
    gc(&remote, &["--trainings"]).says("0 entries");
    assert_eq!(count(&remote), before);
    // A tag never changes, and its name is plain.
    remote.ok(&others, &[&["push", "--tag", "v1.0"], &OTHERS[..]].concat());
    let other = remote.run(&Project::finished(), &["push", "--tag", "v1.0"]);
    assert_eq!(other.code, 2);
    other.says("is there, for other results");
    assert_eq!(remote.run(&others, &["push", "--tag", "../ac"]).code, 2);
    // Where a tag cannot be read, nothing is known to be unused.
    fs::write(remote.folder.path().join("tags/v1.0"), "{").unwrap();
    let output = remote.run(&Project::new(), &["gc", "--remote", "--trainings"]);
    assert_eq!(output.code, 1);
    output.says("tags/v1.0");
    assert_eq!(count(&remote), before);
}

#[test]
fn a_bundle_keeps_what_it_shows() {
    let (remote, others) = with_others();
    others.ok(&[&["bundle"], &OTHERS[..2]].concat());
    age(&remote);
    let before = count(&remote);
    // Among the reports of the machine that clears, or named to it.
    let name = "fpl-repro-test.tar.gz";
    let bundle = others.root.join("reports/test").join(name);
    let keep = gc(&remote, &["--trainings", "--keep", bundle.to_str().unwrap()]);
    keep.says("0 entries");
    let clearing = Project::new();
    fs::create_dir_all(clearing.root.join("reports")).unwrap();
    fs::copy(&bundle, clearing.root.join("reports").join(name)).unwrap();
    remote.ok(&clearing, &["gc", "--remote", "--trainings"]).says("0 entries");
    assert_eq!(count(&remote), before);
    // What cannot be read may name anything.
    fs::write(clearing.root.join("reports").join(name), "no bundle").unwrap();
    let output = remote.run(&clearing, &["gc", "--remote", "--trainings"]);
    assert_eq!(output.code, 1);
    output.says(name);
    assert_eq!(count(&remote), before);
    // By its tag it keeps them on every machine.
    remote.ok(&others, &[&["bundle", "--remote"], &OTHERS[..2]].concat()).says("keeps 2 results");
    age(&remote);
    gc(&remote, &["--trainings"]).says("0 entries");
    assert_eq!(count(&remote), before);
}

#[test]
fn an_evaluation_keeps_its_training_and_a_manifest_that_cannot_be_read_everything() {
    let (remote, others) = with_others();
    let evaluation = others.ok(&[&["status", "--json"], &OTHERS[..]].concat());
    let stages: Vec<serde_json::Value> = serde_json::from_str(&evaluation.stdout).unwrap();
    let of = |stage: &str| stages.iter().find(|entry| entry["stage"] == stage).unwrap()["fingerprint"].clone();
    let tag = serde_json::json!({ "what": "one evaluation", "results": [of("evaluate")] });
    fs::create_dir_all(remote.folder.path().join("tags")).unwrap();
    fs::write(remote.folder.path().join("tags/one"), tag.to_string()).unwrap();
    age(&remote);
    gc(&remote, &["--trainings"]).says("0 entries");
    let training = remote.folder.path().join("ac").join(of("train").as_str().unwrap());
    let text = fs::read_to_string(&training).unwrap();
    fs::write(&training, text.replace("\"schema\": 2", "\"schema\": 9")).unwrap();
    let before = count(&remote);
    let output = remote.run(&Project::new(), &["gc", "--remote", "--trainings", "--cells", CE]);
    assert_eq!(output.code, 2, "`gc` is about every cell");
    let output = remote.run(&Project::new(), &["gc", "--remote", "--trainings"]);
    assert_eq!(output.code, 1);
    output.says("what it names is unknown");
    assert_eq!(count(&remote), before);
}
