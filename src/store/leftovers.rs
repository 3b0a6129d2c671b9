//! What a killed process left behind, cleared by the next run once nobody can be using it.

use super::Store;
use crate::error::Result;
use crate::fingerprint::is_fingerprint;
use crate::fs;
use crate::plan::StageKind;

/// Removes unfinished results and files, and checkpoints and failures of results that are complete by now.
///
/// The caller is alone in the cache. A checkpoint without a complete result is what its cell goes on from, and stays.
pub(super) fn clear(store: &Store) -> Result<()> {
    store.leases.clear()?;
    for path in fs::entries(&store.root.join("staging")) {
        let name = fs::name(&path);
        // After the point stands what tells it from others of the same stage.
        let fingerprint = name.trim_start_matches("foreign-").split('.').next().unwrap_or_default();
        if is_fingerprint(fingerprint) {
            fs::remove(&path)?;
        }
    }
    for work in fs::entries(&store.root.join("work")) {
        if is_complete(store, StageKind::Train, &fs::name(&work)) {
            fs::remove(&work)?;
        }
    }
    for failure in fs::entries(&store.root.join("failures")) {
        let name = fs::name(&failure);
        let stages = [StageKind::Train, StageKind::Evaluate];
        if stages.into_iter().any(|stage| is_complete(store, stage, name.trim_end_matches(".json"))) {
            fs::remove(&failure)?;
        }
    }
    let mut folders = fs::entries(&store.root.join("work"));
    folders.extend([store.root.clone(), store.root.join("failures")]);
    for path in folders.iter().flat_map(|folder| fs::entries(folder)) {
        if fs::name(&path).starts_with(fs::UNFINISHED) && path.is_file() {
            fs::remove(&path)?;
        }
    }
    Ok(())
}

fn is_complete(store: &Store, stage: StageKind, fingerprint: &str) -> bool {
    let entry = store.root.join(stage.name()).join(fingerprint);
    is_fingerprint(fingerprint) && entry.is_dir() && store.check(&entry, fingerprint, |_| true).is_ok()
}
