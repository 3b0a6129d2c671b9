//! What was made before for the same subjects: why a stage is not a hit follows from it.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::OnceLock;

use serde::Deserialize;

use crate::artifact::Manifest;
use crate::fs;
use crate::plan::{Node, StageKind};
use crate::store::{self, Store};

/// The results of a profile in the cache. They are looked through once, when they are first asked for: a plan asks for each
/// of its stages that is not there.
#[derive(Debug, Default)]
pub(super) struct History {
    made: OnceLock<HashMap<String, Vec<Made>>>,
}

/// A result that is there.
#[derive(Debug)]
struct Made {
    finished: String,
    entry: PathBuf,
}

/// The part of a manifest by which it is found; what is shown of it then is verified.
#[derive(Deserialize)]
struct Title {
    subject: String,
    #[serde(default)]
    profile: String,
    finished: String,
}

impl History {
    /// The latest result for the same stage, subject and profile under another fingerprint.
    pub(super) fn last(&self, store: &Store, node: &Node, profile: &str) -> Option<Manifest> {
        let made = self.made.get_or_init(|| all(store, profile)).get(&key(node.stage, &node.subject))?;
        let other = |made: &&Made| fs::name(&made.entry) != node.fingerprint.as_str();
        made.iter().rev().filter(other).find_map(|made| store::read_manifest(&made.entry).ok())
    }
}

fn key(stage: StageKind, subject: &str) -> String {
    format!("{} {subject}", stage.name())
}

/// Every result of a profile, by stage and subject, the latest last.
fn all(store: &Store, profile: &str) -> HashMap<String, Vec<Made>> {
    let mut found: HashMap<String, Vec<Made>> = HashMap::new();
    for stage in [StageKind::Fetch, StageKind::Train, StageKind::Evaluate] {
        for entry in fs::entries(&store.root().join(stage.name())) {
            let title: Option<Title> = store::glance(&entry);
            let Some(title) = title.filter(|title| title.profile == profile) else { continue };
            let made = Made { finished: title.finished, entry };
            found.entry(key(stage, &title.subject)).or_default().push(made);
        }
    }
    for made in found.values_mut() {
        made.sort_by(|a, b| a.finished.cmp(&b.finished));
    }
    found
}
