//! The one place where a stage is looked up, locked, run and committed.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

use super::{Reason, Runner, Status, environment, lock};
use crate::artifact::{Environment, Manifest};
use crate::error::{Error, Result};
use crate::event::Event;
use crate::fs;
use crate::interrupt;
use crate::plan::{Node, StageKind};
use crate::shell::word;
use crate::store::{self, Claim};

/// Where a stage ran, and its time in seconds if that is not the time that its work took now.
pub(super) type Ran = (Environment, Option<f64>);

/// A stage that can be brought about.
pub(super) trait Stage {
    /// What it is.
    fn node(&self) -> &Node;
    /// Whether it would run now.
    fn status(&self) -> Status;
    /// A reason with its cause looked up.
    fn explain(&self, reason: Reason) -> Reason;
    /// One digest of what it reads of each input, by the input's fingerprint.
    fn reads(&self) -> BTreeMap<String, String>;
    /// Writes its results into a folder.
    fn work(&self, reason: &Reason, out: &Path) -> Result<Ran>;
}

impl Runner<'_> {
    /// The result of a stage whose inputs are there: from the cache, or by running it.
    pub(super) fn bring(&self, stage: &impl Stage) -> Result<Manifest> {
        let node = stage.node();
        let forbidden = self.options.only && node.stage != self.options.upto;
        let forced = self.options.force && node.stage == self.options.upto;
        match stage.status() {
            Status::Hit(manifest) if !forced => {
                self.reporter.emit(&Event::Hit(node.stage, &node.subject));
                return Ok(self.finish(node, *manifest, false));
            }
            Status::Run(reason) | Status::Maybe(reason) if forbidden => {
                return Err(forbids(node, &stage.explain(reason)));
            }
            Status::Unreadable(message) if forbidden => return Err(self.unreadable(node, message)),
            _ => {}
        }
        let claim = self.claim(node)?;
        // Another process, or another cell of this one, may have finished it while we waited.
        if let Some(manifest) = self.made(node) {
            return Ok(manifest);
        }
        match stage.status() {
            Status::Hit(manifest) if !forced => Ok(self.finish(node, *manifest, false)),
            Status::Hit(_) => self.execute(stage, claim, &Reason::Forced),
            Status::Run(reason) | Status::Maybe(reason) => {
                if !forced && let Some(manifest) = self.pull(stage, &claim)? {
                    return Ok(self.finish(node, manifest, false));
                }
                self.execute(stage, claim, &reason)
            }
            Status::Unreadable(message) => Err(self.unreadable(node, message)),
        }
    }

    /// The right to run a stage. A cell that another has is passed by; what every cell needs is waited for.
    fn claim(&self, node: &Node) -> Result<Claim> {
        if matches!(node.stage, StageKind::Train | StageKind::Evaluate) {
            return self.store.try_claim(node)?.map_err(|by| {
                let what = format!("`{}` of `{}`", node.stage.name(), node.subject);
                Error::Held { what, by: by.to_string() }
            });
        }
        self.store.claim(node, || self.reporter.emit(&Event::Waiting(node.stage, &node.subject)))
    }

    fn execute(&self, stage: &impl Stage, claim: Claim, reason: &Reason) -> Result<Manifest> {
        interrupt::check()?;
        let node = stage.node();
        let why = stage.explain(reason.clone()).to_string();
        self.reporter.emit(&Event::Started { stage: node.stage, subject: &node.subject, reason: &why });
        let (started, clock) = (environment::now(), Instant::now());
        let (environment, seconds) = stage.work(reason, claim.staging())?;
        let manifest = Manifest {
            schema: store::SCHEMA,
            stage: node.stage.name().into(),
            subject: node.subject.clone(),
            profile: self.loaded.profile.clone(),
            fingerprint: node.fingerprint.to_string(),
            identity: node.identity(),
            inputs: stage.reads(),
            outputs: BTreeMap::new(), // The commit lists and hashes them.
            environment,
            started,
            finished: environment::now(),
            seconds: seconds.unwrap_or_else(|| clock.elapsed().as_secs_f64()),
            sha256: None,
        };
        let manifest = claim.commit(self.store, manifest)?;
        if node.stage == StageKind::Train {
            fs::remove(&self.store.work(node))?;
        }
        self.store.clear_failure(node)?;
        drop(claim); // Only now: another process must find nothing that is still to go.
        self.push(node, &manifest)?;
        self.reporter.emit(&Event::Finished(node.stage, &node.subject, clock.elapsed().as_secs_f64()));
        Ok(self.finish(node, manifest, true))
    }

    /// What cannot be read may be sound: nothing is written over it.
    fn unreadable(&self, node: &Node, message: String) -> Error {
        Error::data(self.store.entry(node), message, "try again; `fpl-repro verify` reads everything")
    }

    fn finish(&self, node: &Node, manifest: Manifest, ran: bool) -> Manifest {
        if lock(&self.done).insert(node.fingerprint.clone(), manifest.clone()).is_none() {
            let mut counts = self.counts();
            let (hits, runs) = counts.entry(node.stage).or_default();
            *(if ran { runs } else { hits }) += 1;
        }
        manifest
    }

    /// The result of a stage, if this run has it already.
    pub(super) fn made(&self, node: &Node) -> Option<Manifest> {
        lock(&self.done).get(&node.fingerprint).cloned()
    }
}

/// With `--only`, other stages must be there.
fn forbids(node: &Node, reason: &Reason) -> Error {
    let help = match node.stage {
        StageKind::Plot => {
            "first run `fpl-repro plot --only` with the same options, which draws what is there".to_owned()
        }
        StageKind::Fetch => "first run `fpl-repro fetch`".to_owned(),
        // It may take days: that is to be known first.
        StageKind::Train | StageKind::Evaluate => {
            format!(
                "`fpl-repro plan --cells {}` with the same options says how long it takes to make it",
                word(&node.subject)
            )
        }
        StageKind::Report => "run the command without `--only`".to_owned(),
    };
    Error::Forbidden {
        message: format!(
            "needs `{}` of `{}`, which is not there ({reason}) and which --only forbids",
            node.stage.name(),
            node.subject
        ),
        help,
    }
}
