//! SIGKILL at random moments of a whole run, and of what is done with a finished one: nothing is lost, nothing is left.
//!
//! A few kills are part of the tests; `make torture` makes 300. Delays are drawn from a fixed seed, but where in the program
//! a kill hits depends on the machine.

#![allow(clippy::unwrap_used, reason = "a failure here is a failed test")]

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use super::results::{Results, leftovers};
use super::{LATE, tell};
use crate::support::{Output, Project, kill, wait_for_end};

const SEED: u64 = 20_231_125;
/// Kills in the tests' short run, unless `FPL_TORTURE_KILLS` says how many.
const KILLS: usize = 6;
/// Kills of what is done with a finished run, after which a new one begins.
const LATE_KILLS: usize = 3;
const LATE_LENGTH: Duration = Duration::from_millis(700);

/// Who is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Victim {
    Program,
    Worker,
    Both,
}

/// A project that is run and killed until it is finished.
struct Trial<'a> {
    project: Project,
    random: &'a mut ChaCha8Rng,
    tally: &'a mut BTreeMap<Victim, usize>,
    /// Lines that tell a finished epoch, over all runs.
    epochs: Vec<String>,
}

impl Trial<'_> {
    /// Runs a command and kills it within `length`; whether it was over before.
    fn kill(&mut self, args: &[&str], length: Duration) -> bool {
        let mut share = || f64::from(self.random.next_u32()) / f64::from(u32::MAX);
        let (delay, victim) = (length.mul_f64(share()), (share() * 3.0) as u32);
        let running = self.project.start(args);
        std::thread::sleep(delay);
        let workers = running.workers();
        let victim = match victim {
            0 => Victim::Program,
            1 if !workers.is_empty() => Victim::Worker,
            _ => Victim::Both,
        };
        if victim == Victim::Worker {
            // It may have ended since.
            let _ = std::process::Command::new("kill").args(["-KILL", &workers[0].to_string()]).output();
        } else {
            kill(running.id(), "KILL");
        }
        if victim == Victim::Both {
            for worker in &workers {
                let _ = std::process::Command::new("kill").args(["-KILL", &worker.to_string()]).output();
            }
        }
        let (status, output) = running.end();
        self.epochs.extend(epochs(&output));
        let over = status.code() == Some(0);
        if !over {
            *self.tally.entry(victim).or_default() += 1;
        }
        if victim == Victim::Worker {
            assert!(matches!(output.code, 0 | 1), "{args:?}: {output:#?}");
        }
        assert!(!output.stderr.contains("panicked"), "{output:#?}");
        workers.into_iter().for_each(wait_for_end);
        self.no_orphans();
        over
    }

    /// No worker of this project lives, whoever started it.
    fn no_orphans(&self) {
        let started = Instant::now();
        let here = |process: &PathBuf| {
            fs::read_link(process.join("cwd")).is_ok_and(|folder| folder == self.project.root)
                && fs::read_to_string(process.join("comm")).is_ok_and(|name| name.starts_with("fpl-repro-worke"))
        };
        let orphan = || fs::read_dir("/proc").unwrap().flatten().map(|entry| entry.path()).find(here);
        while let Some(orphan) = orphan() {
            assert!(started.elapsed() < Duration::from_secs(20), "{} still lives", orphan.display());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// The next run needs no help, and ends as if nothing had been.
    fn ends_as(&self, sound: &Results) {
        let output = self.project.ok(&["all"]);
        assert!(Results::of(&self.project) == *sound, "another result: {output:#?}");
        assert!(self.project.ok(&["all"]).ran().is_empty());
        let status = self.project.status(&[]);
        assert!(status.iter().all(|entry| entry["state"] == "hit" && entry["failure"] == ""), "{status:#?}");
        assert_eq!(leftovers(&self.project), Vec::<PathBuf>::new());
        let mut epochs: Vec<String> = self.epochs.iter().cloned().chain(epochs(&output)).collect();
        epochs.sort();
        assert!(epochs.windows(2).all(|pair| pair[0] != pair[1]), "an epoch was trained twice: {epochs:#?}");
    }
}

/// The cells and numbers of the epochs that a run finished.
fn epochs(output: &Output) -> Vec<String> {
    let epoch = |line: &str| Some(line.split_once("  loss ")?.0.to_owned());
    output.stderr.lines().filter_map(epoch).collect()
}

fn count() -> usize {
    std::env::var("FPL_TORTURE_KILLS").map_or(KILLS, |kills| kills.parse().expect("FPL_TORTURE_KILLS is a number"))
}

#[test]
fn nothing_is_lost_and_nothing_left_however_often_it_is_killed() {
    let finished = Project::finished();
    finished.ok(&["bundle", "--output", "sound.tar.gz"]);
    let sound = Results::of(&finished);
    let (mut random, mut tally) = (ChaCha8Rng::seed_from_u64(SEED), BTreeMap::new());
    let mut length = None;
    let mut trials = 0;
    let killed = |tally: &BTreeMap<Victim, usize>| tally.values().sum::<usize>();
    while killed(&tally) < count() {
        let project = Project::new();
        fs::copy(finished.root.join("sound.tar.gz"), project.root.join("sound.tar.gz")).unwrap();
        let length = *length.get_or_insert_with(|| {
            let started = Instant::now();
            Project::new().ok(&["all"]);
            started.elapsed()
        });
        let mut trial = Trial { project, random: &mut random, tally: &mut tally, epochs: Vec::new() };
        while !trial.kill(&["all"], length) && killed(trial.tally) < count() {}
        trial.ends_as(&sound);
        for _ in 0..LATE_KILLS {
            let late = LATE[trial.random.next_u32() as usize % LATE.len()];
            trial.kill(late, LATE_LENGTH);
        }
        trial.epochs.clear();
        trial.ends_as(&sound);
        trials += 1;
    }
    tell(&format!("{} kills in {trials} trials: {tally:?}", killed(&tally)));
}
