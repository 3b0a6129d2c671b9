//! `gc`: removes what no plan uses.

mod remote;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::Serialize;

use super::{Session, print, print_json};
use crate::artifact::METRICS;
use crate::config::{self, Config, Loaded};
use crate::error::{Error, Result};
use crate::event::size;
use crate::fingerprint::is_fingerprint;
use crate::fs;
use crate::number::{duration, plural};
use crate::plan::{self, StageKind};
use crate::results::read_metrics;
use crate::store;

pub(super) use remote::gc as gc_remote;

/// How far `gc` goes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scope {
    /// Nothing is removed, only listed.
    pub(super) dry_run: bool,
    /// Trainings, evaluations and checkpoints go too: hours and days of computing.
    pub(super) trainings: bool,
}

/// `gc --json`.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Collected {
    /// Whether nothing was removed, only listed.
    dry_run: bool,
    /// What was removed, or would be.
    removed: Vec<Entry>,
    /// What no profile uses and was kept: imported results.
    kept: Vec<Entry>,
    /// Trainings, evaluations and checkpoints that nothing uses and that only `--trainings` removes.
    costly: usize,
    /// Seconds of computing in them.
    costly_seconds: f64,
}

/// An entry of the cache.
#[derive(Debug, Serialize, JsonSchema)]
struct Entry {
    /// `train of table2/resnet18/random/fpl/seed0`
    what: String,
    /// Where it is.
    path: String,
    /// Its size.
    bytes: u64,
}

/// Something in the cache that can go.
struct Unused {
    path: PathBuf,
    what: String,
}

/// Removes, or lists, what neither this plan nor that of any profile nor a published report uses.
///
/// Cells are kept for every archive that was fetched, since a local archive has a fingerprint of its own.
///
/// # Errors
/// If the folder is no cache of this program, or a run uses it.
pub(super) fn gc(session: &Session, scope: Scope, json: bool) -> Result<u8> {
    let root = session.store.root();
    if !root.exists() {
        print(if json { "null" } else { "nothing is there" });
        return Ok(0);
    }
    if !session.store.is_cache() {
        return Err(Error::Usage {
            message: format!("`{}` is no cache of this program", root.display()),
            help: "only what this program made is removed: name its cache with `--cache-dir`".into(),
        });
    }
    // A run with other options uses what no profile's plan has. None begins while this is held.
    let alone = if scope.dry_run { None } else { session.store.hold_alone()? };
    if !scope.dry_run && alone.is_none() {
        let who = session.store.holders()?.into_values().next().map(|(holder, _)| format!(": {holder}"));
        return Err(Error::Usage {
            message: format!("a run uses `{}`{}", root.display(), who.unwrap_or_default()),
            help: "wait until it has ended; `gc --dry-run` can be asked at any time. Of a machine that is gone, remove the \
                   files in `leases/`"
                .into(),
        });
    }
    let collected = collect(session, scope)?;
    if json {
        print_json(&collected)?;
    } else {
        tell(&collected);
    }
    Ok(0)
}

fn collect(session: &Session, scope: Scope) -> Result<Collected> {
    let mut keep = used(session)?;
    keep.extend(published(&session.reports));
    let mut costly = costly(session, &keep);
    if scope.trainings {
        costly.clear();
    }
    keep.extend(costly.keys().cloned());
    let keep = with_inputs(session, keep);
    let mut removed = Vec::new();
    for Unused { path, what } in unused(session.store.root(), &keep) {
        removed.push(Entry::of(what, &path));
        if !scope.dry_run {
            fs::remove(&path)?;
        }
    }
    Ok(Collected {
        dry_run: scope.dry_run,
        removed,
        kept: foreign(session, &keep),
        costly: costly.len(),
        costly_seconds: costly.values().sum(),
    })
}

impl Entry {
    fn of(what: String, path: &Path) -> Self {
        Self { what, path: path.display().to_string(), bytes: size_of(path) }
    }
}

fn tell(collected: &Collected) {
    let (verb, all) = if collected.dry_run { ("unused  ", "would be removed") } else { ("removed ", "removed") };
    let line =
        |verb: &str, Entry { what, path, bytes }: &Entry| format!("{verb} {:>9}  {what}  `{path}`", size(*bytes));
    for entry in &collected.removed {
        print(&line(verb, entry));
    }
    for entry in &collected.kept {
        let why = "imported, and no profile uses it; remove the folder if you do not want it";
        print(&format!("{}: {why}", line("kept    ", entry)));
    }
    let total: u64 = collected.removed.iter().map(|entry| entry.bytes).sum();
    print(&format!("{} {all}, {}", size(total), plural(collected.removed.len(), "entry")));
    if collected.costly > 0 {
        let time = duration(collected.costly_seconds);
        let (entries, them) = match collected.costly {
            1 => ("1 result".to_owned(), "it"),
            several => (plural(several, "result"), "them"),
        };
        print(&format!(
            "{entries} of {time} of computing kept, though no profile's plan has {them}: `gc --trainings` removes {them}"
        ));
    }
}

/// What trainings, evaluations and checkpoints that nothing uses took, in seconds, by their fingerprints.
fn costly(session: &Session, keep: &BTreeSet<String>) -> BTreeMap<String, f64> {
    let stages = [StageKind::Train, StageKind::Evaluate];
    let manifests = stages.into_iter().flat_map(|stage| session.store.manifests(stage));
    let results = manifests.map(|(_, manifest)| (manifest.fingerprint, manifest.seconds));
    let checkpoints = fs::entries(&session.store.root().join("work")).into_iter().map(|work| {
        let metrics = read_metrics(&work.join(METRICS)).unwrap_or_default();
        (fs::name(&work), metrics.iter().map(|epoch| epoch.seconds).sum())
    });
    results.chain(checkpoints).filter(|(fingerprint, _)| !keep.contains(fingerprint)).collect()
}

/// The report of every published folder, its figures, and the results that it shows.
fn published(reports: &Path) -> BTreeSet<String> {
    let manifests = fs::entries(reports).into_iter().filter_map(|folder| store::read_manifest(&folder).ok());
    manifests.flat_map(|manifest| manifest.inputs.into_keys().chain([manifest.fingerprint])).collect()
}

/// Results that stay are of no use without what they were made from.
fn with_inputs(session: &Session, mut keep: BTreeSet<String>) -> BTreeSet<String> {
    // An input stands before what reads it, so the last stage comes first.
    for stage in StageKind::ALL.into_iter().rev() {
        for (_, manifest) in session.store.manifests(stage) {
            if keep.contains(&manifest.fingerprint) {
                keep.extend(manifest.inputs.into_keys());
            }
        }
    }
    keep
}

/// What has the form of this program's and is not kept.
fn unused(root: &Path, keep: &BTreeSet<String>) -> Vec<Unused> {
    let mut found = Vec::new();
    for stage in StageKind::ALL {
        for path in fs::entries(&root.join(stage.name())) {
            // An entry that cannot be read may be sound: `verify` names it.
            let Ok(manifest) = store::read_manifest(&path) else { continue };
            if manifest.fingerprint == fs::name(&path) && !keep.contains(&manifest.fingerprint) {
                found.push(Unused { path, what: format!("{} of {}", stage.name(), manifest.subject) });
            }
        }
    }
    for (folder, what) in [("work", "checkpoint"), ("staging", "unfinished result"), ("failures", "failure")] {
        for path in fs::entries(&root.join(folder)) {
            let name = fs::name(&path);
            // After the point stands what tells it from others of the same stage.
            let fingerprint = name.trim_start_matches("foreign-").split('.').next().unwrap_or_default();
            // Nobody works on what is staged, or a run would hold the cache.
            if is_fingerprint(fingerprint) && (folder == "staging" || !keep.contains(fingerprint)) {
                found.push(Unused { path, what: what.to_owned() });
            }
        }
    }
    found
}

/// What other machines made is never removed: this machine may be unable to make it again.
fn foreign(session: &Session, used: &BTreeSet<String>) -> Vec<Entry> {
    let entries = session.store.foreign_entries().into_iter();
    let unused = entries.filter(|(_, manifest)| !used.contains(&manifest.fingerprint));
    unused.map(|(entry, manifest)| Entry::of(format!("evaluate of {}", manifest.subject), &entry)).collect()
}

fn size_of(path: &Path) -> u64 {
    let files = if path.is_dir() { fs::files_below(path).unwrap_or_default() } else { vec![PathBuf::new()] };
    files.iter().filter_map(|file| std::fs::metadata(path.join(file)).ok()).map(|file| file.len()).sum()
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
    Ok(())
}
