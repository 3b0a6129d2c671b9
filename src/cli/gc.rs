//! `gc`: removes what no plan uses.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::{Session, print, verify};
use crate::config::{self, Config, Loaded};
use crate::error::Result;
use crate::event::size;
use crate::fs::{self, Lock};
use crate::plan::{self, StageKind};
use crate::run::Runner;

/// Removes, or with `dry_run` lists, what neither this plan nor that of any profile uses.
///
/// Cells are kept for every archive that was fetched, since a local archive has a fingerprint of its own.
pub(super) fn gc(session: &Session, dry_run: bool) -> Result<u8> {
    let used = used(session)?;
    let root = session.store.root();
    let mut unused: Vec<(PathBuf, String)> = Vec::new();
    for stage in StageKind::ALL {
        for entry in verify::entries(&root.join(stage.name())) {
            if !used.contains(&name(&entry)) {
                let subject = crate::store::read_manifest(&entry)
                    .map_or_else(|_| "unreadable".into(), |manifest| manifest.subject);
                unused.push((entry, format!("{} of {subject}", stage.name())));
            }
        }
    }
    for (folder, what) in [("work", "checkpoint"), ("staging", "unfinished result"), ("failures", "failure")] {
        for entry in verify::entries(&root.join(folder)) {
            if !used.contains(name(&entry).trim_end_matches(".json")) {
                unused.push((entry, what.to_owned()));
            }
        }
    }
    let mut total = 0;
    for (path, what) in &unused {
        let bytes = size_of(path);
        if !dry_run && in_use(root, path)? {
            print(&format!("kept     {:>9}  {what}  `{}`: another process works on it", size(bytes), path.display()));
            continue;
        }
        total += bytes;
        print(&format!(
            "{} {:>9}  {what}  `{}`",
            if dry_run { "unused  " } else { "removed " },
            size(bytes),
            path.display()
        ));
        if !dry_run {
            fs::remove(path)?;
        }
    }
    keep_foreign(session, &used);
    let verb = if dry_run { "would be removed" } else { "removed" };
    print(&format!("{} {verb}, {} entries", size(total), unused.len()));
    Ok(0)
}

/// What other machines made is never removed: this machine may be unable to make it again.
fn keep_foreign(session: &Session, used: &BTreeSet<String>) {
    for (entry, manifest) in session.store.foreign_entries() {
        if !used.contains(&manifest.fingerprint) {
            let (bytes, subject) = (size(size_of(&entry)), &manifest.subject);
            let why = "imported, and no profile uses it; remove the folder if you do not want it";
            print(&format!("kept     {bytes:>9}  evaluate of {subject}  `{}`: {why}", entry.display()));
        }
    }
}

fn name(path: &Path) -> String {
    path.file_name().map(|name| name.display().to_string()).unwrap_or_default()
}

fn size_of(path: &Path) -> u64 {
    let files = if path.is_dir() { fs::files_below(path).unwrap_or_default() } else { vec![PathBuf::new()] };
    files.iter().filter_map(|file| std::fs::metadata(path.join(file)).ok()).map(|file| file.len()).sum()
}

/// Whether a running process holds the lock of an entry.
fn in_use(root: &Path, path: &Path) -> Result<bool> {
    if name(path).starts_with("foreign-") && Lock::try_acquire(&root.join("locks/foreign.lock"))?.is_none() {
        return Ok(true);
    }
    for stage in StageKind::ALL {
        let lock = root.join("locks").join(format!("{}-{}.lock", stage.name(), name(path).trim_end_matches(".json")));
        if lock.exists() && Lock::try_acquire(&lock)?.is_none() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The fingerprints of this plan, and of every profile's for every archive in the cache.
fn used(session: &Session) -> Result<BTreeSet<String>> {
    let mut used = BTreeSet::new();
    let mut archives: Vec<Option<String>> = vec![None];
    for (_, manifest) in session.store.manifests(StageKind::Fetch) {
        let recipe = &manifest.identity["fields"];
        if recipe["train_records"].is_u64() {
            archives.extend(recipe["sha256"].as_str().map(|sha256| Some(sha256.to_owned())));
        }
    }
    let mut configurations = vec![session.loaded.clone()];
    let file = session.loaded.root.join("pipeline.toml");
    if file.is_file() {
        configurations.push(config::load(&file, None, &[])?);
        for profile in config::profiles(&session.loaded.root) {
            configurations.push(config::load(&file, Some(&profile), &[])?);
        }
    }
    for loaded in &configurations {
        let Config { dataset, datasets, .. } = &loaded.config;
        let local = datasets.get(dataset).is_some_and(|dataset| dataset.source.archive().is_some());
        for archive in archives.iter().filter(|archive| archive.is_none() || local) {
            use_plan(session, loaded, archive.as_deref(), &mut used)?;
        }
    }
    used.extend(session.plan.nodes.iter().map(|node| node.fingerprint.to_string()));
    Ok(used)
}

fn use_plan(session: &Session, loaded: &Loaded, archive: Option<&str>, used: &mut BTreeSet<String>) -> Result<()> {
    let plan = plan::plan(&loaded.config, &session.shipped, archive, &[])?;
    used.extend(plan.nodes.iter().map(|node| node.fingerprint.to_string()));
    let runner = Runner::new(loaded, &plan, &session.store, &session.reporter, &session.options);
    used.extend(runner.summaries().into_iter().map(|(_, fingerprint, _)| fingerprint));
    Ok(())
}
