//! The power goes off at every moment of a run: each entry of the cache is the old one or the new, and what was finished
//! stays finished.
//!
//! `strace` records what the programs change on the disk; every beginning of the record is played to a disk that forgets what
//! was not flushed. Content is known by the file that it ended in: nothing is written to a file twice.

#![allow(clippy::unwrap_used, reason = "a failure here is a failed test")]

mod disk;
mod trace;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use fpl_repro::artifact::{CHECKPOINT, Manifest, PREVIOUS_CHECKPOINT};
use fpl_repro::store::{MANIFEST, parse_manifest};
use tempfile::TempDir;

use super::results::{Results, leftovers};
use super::tell;
use crate::support::{Project, skip};
use disk::{Disk, Kind, State};

/// Every way in which an entry comes, or is replaced.
const COMMANDS: [&[&str]; 3] = [&["all", "--jobs", "1"], &["evaluate", "--force"], &["import", "sound.tar.gz"]];
/// States after which the whole program is run, in the tests' short run.
const RUNS: usize = 4;

/// A project with the contents that its files had.
struct Recording {
    project: Project,
    kept: TempDir,
    digests: HashMap<usize, String>,
}

impl Recording {
    fn new() -> Self {
        let project = Project::new();
        let finished = Project::finished();
        finished.ok(&["bundle", "--output", "sound.tar.gz"]);
        fs::copy(finished.root.join("sound.tar.gz"), project.root.join("sound.tar.gz")).unwrap();
        Self { project, kept: tempfile::tempdir().unwrap(), digests: HashMap::new() }
    }

    /// Runs a command; what it changed.
    fn record(&self, args: &[&str]) -> Vec<disk::Change> {
        let record = self.kept.path().join("strace");
        let calls = format!("trace={}", trace::CALLS);
        let strace = ["strace", "-f", "-y", "-qq", "-s", "0", "--seccomp-bpf", "-e", &calls, "-e", "signal=none", "-o"];
        let (status, output) =
            self.project.start_under(&[&strace[..], &[record.to_str().unwrap()]].concat(), args).end();
        assert!(status.success(), "{output:#?}");
        trace::changes(&fs::read_to_string(&record).unwrap(), &self.project.root)
    }

    fn content(&self, file: usize) -> PathBuf {
        self.kept.path().join(file.to_string())
    }

    /// Keeps the content of every file that is there.
    fn keep(&self, disk: &Disk) {
        for (path, (file, length)) in disk.now() {
            let (path, kept) = (self.project.root.join(&path), self.content(file));
            let found = path.metadata().unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            assert_eq!(found.len(), length, "{}: the record is not what happened", path.display());
            if !kept.exists() {
                fs::hard_link(path, kept).unwrap();
            }
        }
    }

    /// The entries in a state, if each is whole: its manifest is there, and all that it lists, as it was written.
    fn entries(&mut self, state: &State) -> Result<BTreeSet<PathBuf>, String> {
        let entries: BTreeSet<PathBuf> =
            state.keys().filter(|path| is_entry(path)).map(|path| path.iter().take(3).collect()).collect();
        for entry in &entries {
            let manifest = state.get(&entry.join(MANIFEST)).and_then(|&(file, length)| self.manifest(file, length));
            let manifest = manifest.ok_or_else(|| format!("{} has no manifest", entry.display()))?;
            for (name, output) in manifest.outputs {
                let path = entry.join(name);
                let &(file, length) = state.get(&path).ok_or_else(|| format!("{} is missing", path.display()))?;
                if length != output.bytes || self.digest(file) != output.sha256 {
                    return Err(format!("{} is not what was written", path.display()));
                }
            }
        }
        Ok(entries)
    }

    fn manifest(&self, file: usize, length: u64) -> Option<Manifest> {
        let bytes = fs::read(self.content(file)).ok()?;
        if bytes.len() as u64 == length { parse_manifest(Path::new(MANIFEST), &bytes).ok() } else { None }
    }

    fn digest(&mut self, file: usize) -> String {
        let content = self.content(file);
        self.digests.entry(file).or_insert_with(|| fpl_repro::fs::sha256_file(&content).unwrap()).clone()
    }

    /// A project in a state, two days later. Of files that ended nowhere, as leases do, only the size is known.
    fn project_in(&self, state: &State) -> Project {
        let project = Project::new();
        let then = SystemTime::now() - Duration::from_hours(48);
        for (path, &(file, length)) in state {
            let path = project.root.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            let _ = fs::copy(self.content(file), &path);
            let file = fs::File::options().create(true).append(true).open(&path).unwrap();
            file.set_len(length).and_then(|()| file.set_modified(then)).unwrap();
        }
        project
    }
}

fn is_entry(path: &Path) -> bool {
    let stages = ["fetch", "train", "evaluate", "plot", "report"];
    let parts: Vec<&str> = path.iter().map(|part| part.to_str().unwrap()).collect();
    parts.len() > 3 && parts[0] == "cache" && (parts[1] == "foreign" || stages.contains(&parts[1]))
}

/// The trainings that a checkpoint or a result is there of: 1 and 2.
fn progress(state: &State) -> BTreeMap<String, u32> {
    let mut progress = BTreeMap::new();
    for (path, &(_, length)) in state {
        let parts: Vec<&str> = path.iter().map(|part| part.to_str().unwrap()).collect();
        let reached = match parts[..] {
            ["cache", "train", _, _] => 2,
            ["cache", "work", _, CHECKPOINT | PREVIOUS_CHECKPOINT] if length > 0 => 1,
            _ => continue,
        };
        let known: &mut u32 = progress.entry(parts[2].to_owned()).or_default();
        *known = reached.max(*known);
    }
    progress
}

#[test]
fn a_power_cut_leaves_the_old_or_the_new() {
    if Command::new("strace").arg("--version").output().is_err() {
        return skip("no strace");
    }
    let mut recording = Recording::new();
    let mut disk = Disk::of(&recording.project.root);
    let (mut changes, mut states) = (0, Vec::new());
    let mut seen = BTreeSet::new();
    let mut finished = BTreeMap::new();
    for command in COMMANDS {
        // What the contents are is known at the end of a command only.
        let mut after = Vec::new();
        for change in recording.record(command) {
            disk.apply(&change);
            changes += 1;
            for kind in [Kind::Strict, Kind::Journal] {
                let state = disk.after_power_cut(kind);
                for (cell, &reached) in &finished {
                    let now = progress(&state);
                    assert!(now.get(cell) >= Some(&reached), "{kind:?}: {cell} is lost by {change:?}");
                }
                if kind == Kind::Strict {
                    finished = progress(&state);
                }
                if seen.insert(state.clone()) {
                    after.push((kind, change.clone(), state));
                }
            }
        }
        recording.keep(&disk);
        for (kind, change, state) in &after {
            if let Err(what) = recording.entries(state) {
                panic!("{kind:?}, after {change:?}: {what}");
            }
        }
        states.extend(after.into_iter().map(|(_, _, state)| state));
    }
    let last = [disk.after_power_cut(Kind::Strict), disk.now()].map(|state| recording.entries(&state).unwrap());
    assert_eq!(last[0], last[1], "an entry would not survive");
    let sound = Results::of(&recording.project);
    let every = if std::env::var_os("FPL_TORTURE").is_some() { 1 } else { states.len().div_ceil(RUNS) };
    let run: Vec<&State> = states.iter().step_by(every).collect();
    for state in &run {
        let project = recording.project_in(state);
        let output = project.ok(&["all", "--set", "run.lease=1"]);
        assert!(Results::of(&project) == sound, "{output:#?}");
        assert_eq!(leftovers(&project), Vec::<PathBuf>::new(), "{output:#?}");
    }
    tell(&format!("power: {changes} changes, {} states of two kinds of disk, {} of them run", states.len(), run.len()));
}
