//! Hit or miss, and why: the one function that both the dry run and the run ask.

use std::fmt;

use crate::artifact::{CHECKPOINT, Manifest};
use crate::fingerprint::{Difference, differences};
use crate::plan::{Node, NodeId, StageKind};
use crate::store::{self, Lookup};

use super::{Runner, lock};

/// Whether a stage would run.
#[derive(Debug, Clone)]
pub enum Status {
    /// Its result is there.
    Hit(Box<Manifest>),
    /// It runs.
    Run(Reason),
    /// Its result is there, but an input is made again: it runs if that comes out different.
    Maybe(Reason),
    /// Something is there that cannot be read: it must not run over it.
    Unreadable(String),
}

/// Why a stage is not a hit.
#[derive(Debug, Clone)]
pub enum Reason {
    /// It never ran.
    New,
    /// A training was interrupted.
    Checkpoint,
    /// It ran with other values of these fields.
    Changed(Vec<Difference>),
    /// Its result is damaged.
    Damaged(String),
    /// An input came out different from what was read.
    Input(String),
    /// Results that a summary reads are not what it was made from.
    Results,
    /// An input is made again.
    Upstream(String),
    /// The user asked for it.
    Forced,
}

impl fmt::Display for Reason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::New => formatter.write_str("not made yet"),
            Self::Checkpoint => formatter.write_str("interrupted, goes on from its checkpoint"),
            Self::Changed(differences) => {
                let shown: Vec<String> = differences.iter().take(3).map(ToString::to_string).collect();
                write!(formatter, "changed: {}", shown.join(", "))?;
                match differences.len() {
                    0..=3 => Ok(()),
                    more => write!(formatter, " and {} more", more - 3),
                }
            }
            Self::Damaged(message) => write!(formatter, "made again: {message}"),
            Self::Input(input) => write!(formatter, "made again: {input} is not what it was made from"),
            Self::Results => formatter.write_str("the results changed"),
            Self::Upstream(input) => write!(formatter, "runs if {input} comes out different"),
            Self::Forced => formatter.write_str("forced"),
        }
    }
}

/// What has to be there of a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Need {
    /// All of it.
    Everything,
    /// All but a training's weights.
    Evidence,
}

impl Runner<'_> {
    /// Whether a stage would run now.
    pub fn status(&self, id: NodeId) -> Status {
        self.status_of(id, Need::Everything)
    }

    /// The same for what a report needs: a training without its weights still is evidence.
    pub fn evidence(&self, id: NodeId) -> Status {
        self.status_of(id, Need::Evidence)
    }

    fn status_of(&self, id: NodeId, need: Need) -> Status {
        let status = self.look(id, need);
        match &status {
            Status::Hit(manifest) if self.plan.nodes[id].stage != StageKind::Evaluate => {
                let read = store::content(manifest, StageKind::Evaluate);
                lock(&self.seen).insert((id, need), read);
            }
            _ => drop(lock(&self.seen).remove(&(id, need))),
        }
        status
    }

    fn look(&self, id: NodeId, need: Need) -> Status {
        let node = &self.plan.nodes[id];
        // What could not be read once stays so for this run, or of two looks at a moment's error one would find a sound result
        // and the other nothing.
        if let Some(message) = lock(&self.unreadable).get(&id) {
            return Status::Unreadable(message.clone());
        }
        let found = match need {
            Need::Everything => self.store.lookup(node),
            Need::Evidence => self.store.lookup_evidence(node),
        };
        let manifest = match found {
            Lookup::Hit(manifest) => manifest,
            Lookup::Damaged(message) => return Status::Run(Reason::Damaged(message)),
            Lookup::Unreadable(message) => {
                lock(&self.unreadable).insert(id, message.clone());
                return Status::Unreadable(message);
            }
            Lookup::Absent => return Status::Run(Reason::New),
        };
        for &input in &node.inputs {
            let upstream = &self.plan.nodes[input];
            let named = format!("`{}` of `{}`", upstream.stage.name(), upstream.subject);
            let current = match self.as_read(input, need) {
                Ok(current) => current,
                Err(Status::Unreadable(message)) => return Status::Unreadable(message),
                Err(_) => return Status::Maybe(Reason::Upstream(named)),
            };
            let read = manifest.inputs.get(upstream.fingerprint.as_str());
            if read.is_some_and(|read| *read != current) {
                return Status::Run(Reason::Input(named));
            }
        }
        Status::Hit(manifest)
    }

    /// A digest of what trainings and evaluations read of a stage; its status if it is no hit.
    ///
    /// It is looked up once, since every cell reads the same data, but for what this run made.
    fn as_read(&self, id: NodeId, need: Need) -> Result<String, Status> {
        if let Some(known) = self.known(id) {
            return Ok(store::content(&known, StageKind::Evaluate));
        }
        if let Some(seen) = lock(&self.seen).get(&(id, need)) {
            return Ok(seen.clone());
        }
        match self.status_of(id, need) {
            Status::Hit(manifest) => Ok(store::content(&manifest, StageKind::Evaluate)),
            status => Err(status),
        }
    }

    /// A reason with its cause looked up, which reads the manifests of earlier runs.
    pub fn explain(&self, id: NodeId, reason: Reason) -> Reason {
        if !matches!(reason, Reason::New) {
            return reason;
        }
        let node = &self.plan.nodes[id];
        if node.stage == StageKind::Train && self.store.work(node).join(CHECKPOINT).exists() {
            return Reason::Checkpoint;
        }
        match self.changes(node) {
            differences if differences.is_empty() => Reason::New,
            differences => Reason::Changed(differences),
        }
    }

    /// How a stage differs from the last one that was made for the same subject and profile; empty if there is none.
    ///
    /// A changed input is replaced by what changed in it, so that the root of a cascade is named.
    fn changes(&self, node: &Node) -> Vec<Difference> {
        let Some(last) = self.history.last(self.store, node, &self.loaded.profile) else { return Vec::new() };
        let mut found = Vec::new();
        for difference in differences(&last.identity, &node.identity()) {
            let upstream = difference.field.strip_prefix("inputs.").and_then(|role| {
                let nodes = &self.plan.nodes;
                let new = |input: &NodeId| difference.new == Some(nodes[*input].fingerprint.as_str().into());
                Some((role.to_owned(), &nodes[node.inputs.iter().copied().find(new)?]))
            });
            match upstream.map(|(role, input)| (role, self.changes_through(input, difference.old.as_ref()))) {
                Some((role, causes)) if !causes.is_empty() => {
                    found.extend(
                        causes
                            .into_iter()
                            .map(|cause| Difference { field: format!("{role}: {}", cause.field), ..cause }),
                    );
                }
                _ => found.push(difference),
            }
        }
        found
    }

    /// What changed in an input since the one with this fingerprint.
    fn changes_through(&self, input: &Node, old: Option<&serde_json::Value>) -> Vec<Difference> {
        let Some(fingerprint) = old.and_then(serde_json::Value::as_str) else { return Vec::new() };
        let entry = self.store.root().join(input.stage.name()).join(fingerprint);
        match store::read_manifest(&entry) {
            Ok(manifest) => differences(&manifest.identity, &input.identity()),
            Err(_) => self.changes(input),
        }
    }
}
