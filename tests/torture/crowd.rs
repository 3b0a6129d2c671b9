//! A crowd on one cache: runs of two profiles, forced evaluations, and whatever else one does beside them. Each cell is trained
//! once, all runs end well, and their reports are equal to the last byte.
//!
//! A short run is part of the tests; `FPL_TORTURE=full` makes more of everything.

#![allow(clippy::unwrap_used, reason = "a failure here is a failed test")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::results::{Results, leftovers};
use super::tell;
use crate::support::{Output, Project};

/// What is done again and again beside the runs. `gc` is refused while a run uses the cache.
const BESIDE: [&[&str]; 5] = [
    &["gc", "--trainings"],
    &["verify"],
    &["import", "foreign.tar.gz"],
    &["bundle", "--output", "bundle.tar.gz"],
    &["status"],
];
/// Profiles that share two of the second one's cells.
const PROFILES: [&str; 2] = ["test", "more"];

/// The cells that a run trained or evaluated, counted over all runs.
fn count<'a>(outputs: impl Iterator<Item = &'a Output>, stage: &str) -> BTreeMap<String, usize> {
    let mut made = BTreeMap::new();
    for ran in outputs.flat_map(Output::ran) {
        if let Some(cell) = ran.strip_prefix(stage) {
            *made.entry(cell.trim().to_owned()).or_default() += 1;
        }
    }
    made
}

/// The files of a report, but the manifest, which says when it was made and where.
fn report(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let files =
        fpl_repro::fs::files_below(folder).unwrap().into_iter().filter(|file| file != Path::new("manifest.json"));
    files.map(|file| (file.clone(), fs::read(folder.join(file)).unwrap())).collect()
}

/// A bundle of a cell that neither profile has.
fn foreign() -> PathBuf {
    let project = Project::new();
    let only = ["--seeds", "7", "--set", "recipes.table2.epochs=1"];
    project.ok(&[&["all"][..], &only].concat());
    let bundle = Path::new(env!("CARGO_TARGET_TMPDIR")).join("foreign.tar.gz");
    project.ok(&[&["bundle", "--output", bundle.to_str().unwrap()][..], &only].concat());
    bundle
}

#[test]
fn a_crowd_on_one_cache_makes_each_cell_once() {
    let full = std::env::var_os("FPL_TORTURE").is_some();
    let (runs, forced, seeds) = if full { (24, 6, 4) } else { (8, 2, 2) };
    let project = Project::new();
    let seeds = format!("seeds = {:?}", (0..seeds).collect::<Vec<u32>>());
    project.profile("more", &include_str!("../it/small.toml").replace("seeds = [0]", &seeds));
    fs::copy(foreign(), project.root.join("foreign.tar.gz")).unwrap();
    // Reports of their own, or one run would compare what another published.
    let commands: Vec<Vec<String>> = (0..runs)
        .map(|run| format!("--profile {} all --jobs 2 --reports-dir out/{run}", PROFILES[run % 2]))
        .chain((0..forced).map(|_| "--profile more evaluate --force --jobs 1".to_owned()))
        .map(|line| line.split(' ').map(str::to_owned).collect())
        .collect();
    let over = AtomicBool::new(false);
    let mut beside = 0;
    let outputs: Vec<Output> = std::thread::scope(|scope| {
        let (project, over) = (&project, &over);
        let others: Vec<_> = BESIDE
            .iter()
            .map(|command| {
                scope.spawn(move || {
                    let mut times = 0;
                    // Before, it is a folder that anybody may have made, and `gc` says so.
                    while !project.cache().join("CACHEDIR.TAG").exists() {
                        std::thread::sleep(Duration::from_millis(20));
                    }
                    while !over.load(Ordering::Relaxed) {
                        let output = project.run(command);
                        let refused = command[0] == "gc" && output.code == 2 && output.stderr.contains("a run uses");
                        assert!(output.code == 0 || refused, "{command:?}: {output:#?}");
                        times += 1;
                    }
                    times
                })
            })
            .collect();
        let run = |words: &Vec<String>| project.raw(&words.iter().map(String::as_str).collect::<Vec<_>>());
        let running: Vec<_> = commands.iter().map(|words| scope.spawn(move || run(words))).collect();
        let outputs = running.into_iter().map(|running| running.join().unwrap()).collect();
        over.store(true, Ordering::Relaxed);
        beside = others.into_iter().map(|other| other.join().unwrap()).sum();
        outputs
    });
    for (command, output) in commands.iter().zip(&outputs) {
        assert_eq!(output.code, 0, "{command:?}: {output:#?}");
    }
    let trained = count(outputs.iter(), "train");
    assert_eq!(trained.len(), if full { 8 } else { 4 }, "{trained:?}");
    assert!(trained.values().all(|&times| times == 1), "{trained:?}");
    let evaluated = count(outputs.iter(), "evaluate");
    assert!(evaluated.values().all(|&times| times <= 1 + forced), "{evaluated:?}");
    for (at, profile) in PROFILES.iter().enumerate() {
        let reports: Vec<_> =
            (at..runs).step_by(2).map(|run| report(&project.root.join(format!("out/{run}/{profile}")))).collect();
        let differing: BTreeSet<&PathBuf> = reports[0]
            .keys()
            .filter(|file| reports.iter().any(|other| other.get(*file) != reports[0].get(*file)))
            .collect();
        assert_eq!(differing, BTreeSet::new(), "{profile}: reports differ");
        assert!(reports.iter().all(|report| report.len() == reports[0].len()), "{profile}");
    }
    project.ok(&["all"]);
    assert!(project.ok(&["all"]).ran().is_empty());
    assert!(Results::of(&project) == Results::of(&Project::finished()), "another result");
    project.ok(&["verify"]);
    assert_eq!(leftovers(&project), Vec::<PathBuf>::new());
    tell(&format!("crowd: {} runs at once, {beside} commands beside them", outputs.len()));
}
