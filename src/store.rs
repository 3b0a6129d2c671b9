//! The cache: `cache/<stage>/<fingerprint>/` with `manifest.json`. An entry appears by one rename and is complete, after a
//! power cut too: all that it holds is on the disk before the rename, and the rename is before anything else is given up.

mod foreign;
mod lease;
mod leftovers;
mod memo;

use std::collections::{BTreeMap, HashMap};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::artifact::{LOGITS, METRICS, Manifest, OutputFile, PREDICTIONS, PROBABILITIES, SCORES, WEIGHTS};
use crate::error::{Error, Result};
use crate::fingerprint::Fingerprint;
use crate::fs::{self, Lock};
use crate::interrupt;
use crate::plan::{Node, StageKind};
use lease::{Lease, Leases};
use memo::Memo;

pub use foreign::{DATA_MANIFEST, EVALUATE_MANIFEST, Foreign, LABELS, ORIGIN, TRAIN_MANIFEST};
pub use lease::Holder;

/// Name of the manifest in an entry.
pub const MANIFEST: &str = "manifest.json";
/// Format of the manifest that this program writes. 1: original. 2: with a digest of itself.
pub const SCHEMA: u32 = 2;

/// What marks the folder: <https://bford.info/cachedir/>.
const TAG: &str = "CACHEDIR.TAG";
/// Says in the entry of a training that its weights were left where the rest was brought from.
pub const ELSEWHERE: &str = "weights.elsewhere";
/// How often a stage that another holds is tried again.
const TRY_AGAIN: Duration = Duration::from_millis(100);
/// What whoever removes things holds a lease of: the whole cache. Stages have names with a hyphen.
const WHOLE: &str = "cache";
const MADE_AGAIN: &str = "it is made again when it is needed";

/// The cache folder.
#[derive(Debug)]
pub struct Store {
    root: PathBuf,
    leases: Leases,
    memo: Mutex<Memo>,
    /// Manifests that were read and found sound, by entry, with their files' stamps: a run looks an entry up several times.
    manifests: Mutex<HashMap<PathBuf, (memo::Stamp, Manifest)>>,
}

/// What the cache holds for a stage.
#[derive(Debug, Clone)]
pub enum Lookup {
    /// A complete entry.
    Hit(Box<Manifest>),
    /// Nothing.
    Absent,
    /// An entry that is not what was written.
    Damaged(String),
    /// An entry that cannot be read, for the moment or by this program: nothing is known of it.
    Unreadable(String),
}

impl Lookup {
    /// What an error says of an entry that is there.
    fn of_error(error: &Error) -> Self {
        let damaged = match error {
            Error::Io { source, .. } => {
                matches!(source.kind(), ErrorKind::NotFound | ErrorKind::IsADirectory | ErrorKind::NotADirectory)
                    || source.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error())
            }
            Error::Newer { .. } => false,
            _ => true,
        };
        let text = error.to_string();
        if damaged { Self::Damaged(text) } else { Self::Unreadable(text) }
    }
}

/// The files that a stage always leaves.
fn expected(node: &Node) -> &'static [&'static str] {
    match node.stage {
        StageKind::Train => &[WEIGHTS, METRICS],
        StageKind::Evaluate => &[LOGITS, PREDICTIONS, PROBABILITIES, SCORES],
        _ => &[],
    }
}

/// A failure of a cell, kept for the report until the cell succeeds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The cell's id.
    pub cell: String,
    /// The stage that failed.
    pub stage: String,
    /// Why, in a line.
    pub reason: String,
}

impl Store {
    /// A cache at a folder, which need not exist. Another machine that holds a stage and gives no sign of life for
    /// `patience` has lost it.
    pub fn open(root: &Path, patience: Duration) -> Self {
        let memo = Memo::load(&root.join("memo.json"));
        let leases = Leases::new(root.join("leases"), patience);
        Self { root: root.to_path_buf(), leases, memo: Mutex::new(memo), manifests: Mutex::default() }
    }

    /// The folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where the results of a stage are, or will be.
    pub fn entry(&self, node: &Node) -> PathBuf {
        self.root.join(node.stage.name()).join(node.fingerprint.as_str())
    }

    /// Where a cell's checkpoint lives while it trains.
    pub fn work(&self, node: &Node) -> PathBuf {
        self.root.join("work").join(node.fingerprint.as_str())
    }

    /// Where downloads are kept until they are verified and unpacked.
    pub fn downloads(&self) -> PathBuf {
        self.root.join("downloads")
    }

    /// The log of a stage's worker.
    pub fn log(&self, node: &Node) -> PathBuf {
        self.root.join("logs").join(format!("{}-{}.log", node.stage.name(), node.fingerprint.short()))
    }

    /// The lock of a stage.
    fn lock_path(&self, name: &str) -> PathBuf {
        self.root.join("locks").join(format!("{name}.lock"))
    }

    /// Looks for a complete entry; files whose size, times or inode changed are hashed again.
    pub fn lookup(&self, node: &Node) -> Lookup {
        self.look(node, |_| true)
    }

    /// Looks for an entry whose evidence is complete: everything that a report needs, which a training's weights are not.
    pub fn lookup_evidence(&self, node: &Node) -> Lookup {
        self.look(node, |name| node.stage != StageKind::Train || name != WEIGHTS)
    }

    fn look(&self, node: &Node, needed: impl Fn(&str) -> bool) -> Lookup {
        let entry = self.entry(node);
        match std::fs::symlink_metadata(&entry) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Lookup::Absent,
            Err(error) => return Lookup::of_error(&Error::io("read", &entry)(error)),
            Ok(_) => {}
        }
        let manifest = match self.check(&entry, node.fingerprint.as_str(), needed) {
            Ok(manifest) => manifest,
            Err(error) => return Lookup::of_error(&error),
        };
        match expected(node).iter().find(|name| !manifest.outputs.contains_key(**name)) {
            None => Lookup::Hit(Box::new(manifest)),
            Some(name) => Lookup::Damaged(format!("`{}` does not list `{name}`", entry.join(MANIFEST).display())),
        }
    }

    /// The manifest of an entry whose `needed` outputs are as they were written.
    fn check(&self, entry: &Path, fingerprint: &str, needed: impl Fn(&str) -> bool) -> Result<Manifest> {
        let manifest = self.sound_manifest(entry, fingerprint)?;
        for (name, output) in manifest.outputs.iter().filter(|(name, _)| needed(name)) {
            let path = entry.join(name);
            let wrong = |message: &str| Error::data(&path, message, MADE_AGAIN);
            match self.digest(&path) {
                Ok(found) if found == output.sha256 => {}
                Ok(_) => return Err(wrong("is not what was written: its sha256 differs")),
                Err(Error::Io { source, .. }) if source.kind() == ErrorKind::NotFound => {
                    return Err(wrong("is missing"));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(manifest)
    }

    /// The manifest of a stage's entry, whatever its files are now.
    ///
    /// # Errors
    /// There is none, or it is not what was written.
    pub fn manifest(&self, node: &Node) -> Result<Manifest> {
        self.sound_manifest(&self.entry(node), node.fingerprint.as_str())
    }

    /// The manifest of an entry, which is what was written and follows from its identity.
    fn sound_manifest(&self, entry: &Path, fingerprint: &str) -> Result<Manifest> {
        let manifests = || self.manifests.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let stamp = memo::Stamp::of(&entry.join(MANIFEST))?;
        if let Some((known, manifest)) = manifests().get(entry)
            && *known == stamp
        {
            return Ok(manifest.clone());
        }
        let manifest = read_manifest(entry)?;
        if manifest.fingerprint != fingerprint || Fingerprint::of(&manifest.identity).as_str() != fingerprint {
            return Err(Error::data(entry.join(MANIFEST), "belongs to another fingerprint", MADE_AGAIN));
        }
        manifests().insert(entry.to_path_buf(), (stamp, manifest.clone()));
        Ok(manifest)
    }

    /// Whether a file is still what its manifest says.
    pub fn matches(&self, path: &Path, output: &OutputFile) -> bool {
        self.digest(path).is_ok_and(|found| found == output.sha256)
    }

    /// A file's sha256, from the memo if size, times and inode are as they were.
    pub fn digest(&self, path: &Path) -> Result<String> {
        let stamp = memo::Stamp::of(path)?;
        let known = self.memo().get(&self.key(path), &stamp);
        known.map_or_else(|| self.digest_again(path), Ok)
    }

    /// A file's sha256, read again whatever the memo says, which is corrected.
    pub fn digest_again(&self, path: &Path) -> Result<String> {
        let stamp = memo::Stamp::of(path)?;
        let digest = fs::sha256_file(path)?;
        self.memo().put(self.key(path), stamp, &digest);
        Ok(digest)
    }

    /// What the memo knows a file by.
    fn key(&self, path: &Path) -> String {
        path.strip_prefix(&self.root).unwrap_or(path).display().to_string()
    }

    /// Keeps what was hashed for the next run. The memo only saves time, so a failure to write it is not one.
    pub fn save_memo(&self) {
        self.memo().save(&self.root.join("memo.json"));
    }

    fn memo(&self) -> std::sync::MutexGuard<'_, Memo> {
        self.memo.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Takes a stage, so that nobody else runs it; where another has it, calls `waiting` once and waits.
    ///
    /// # Errors
    /// The cache cannot be written to, or the user asks the program to end while it waits.
    pub fn claim(&self, node: &Node, waiting: impl FnOnce()) -> Result<Claim> {
        let mut waiting = Some(waiting);
        loop {
            if let Ok(claim) = self.try_claim(node)? {
                return Ok(claim);
            }
            if let Some(waiting) = waiting.take() {
                waiting();
            }
            interrupt::check()?;
            std::thread::sleep(TRY_AGAIN);
        }
    }

    /// Takes a stage, or says who has it.
    pub fn try_claim(&self, node: &Node) -> Result<Result<Claim, Holder>> {
        let name = lease_name(node);
        if let Some(holder) = self.leases.known_holder(&name) {
            return Ok(Err(holder));
        }
        let Some(lock) = Lock::try_acquire(&self.lock_path(&name))? else {
            return Ok(Err(self.leases.holder(&name)?));
        };
        let lease = match self.leases.take(&name)? {
            Ok(lease) => lease,
            Err(holder) => return Ok(Err(holder)),
        };
        if let Some(holder) = self.leases.live(WHOLE)? {
            return Ok(Err(holder)); // Who clears the cache would take what is begun now for what was left.
        }
        // A folder of its own: whoever lost the lease before may still write to the one that it had.
        let staging = self.root.join("staging").join(format!("{}.{}", node.fingerprint, lease.id()));
        fs::create_dir_all(&staging)?;
        let what = format!("`{}` of `{}`", node.stage.name(), node.subject);
        Ok(Ok(Claim { what, staging, entry: self.entry(node), lease, _lock: lock }))
    }

    /// Whether this process is known to have lost a stage that it still works on.
    pub fn has_lost(&self, node: &Node) -> bool {
        self.leases.has_lost(&lease_name(node))
    }

    /// Who has the stage of a node, as an error.
    pub fn held(&self, node: &Node) -> Error {
        let by = self.leases.holder(&lease_name(node)).unwrap_or_default().to_string();
        Error::Held { what: format!("`{}` of `{}`", node.stage.name(), node.subject), by }
    }

    /// Who works on which stage, by stage and fingerprint, with the time since the last sign of life.
    pub fn holders(&self) -> Result<BTreeMap<(String, String), (Holder, Duration)>> {
        let stage_of = |(name, holder, silent): (String, Holder, Duration)| {
            let (stage, fingerprint) = name.split_once('-')?;
            Some(((stage.to_owned(), fingerprint.to_owned()), (holder, silent)))
        };
        Ok(self.leases.held()?.into_iter().filter_map(stage_of).collect())
    }

    /// Whether a training's weights were left where the rest of it was brought from.
    pub fn is_without_weights(&self, node: &Node) -> bool {
        let entry = self.entry(node);
        entry.join(ELSEWHERE).exists() && !entry.join(WEIGHTS).exists()
    }

    /// A lock for something that is no stage: publishing a report. `None` where nothing can be written.
    pub fn lock(&self, name: &str) -> Result<Option<Lock>> {
        if_writable(Lock::acquire(&self.lock_path(name), || {}))
    }

    /// Says that a plan uses what is here, until the lock is dropped; `None` where nothing can be written, and so nothing
    /// can be removed. Whoever comes first clears what killed processes left.
    pub fn hold(&self) -> Result<Option<Lock>> {
        if_writable(self.hold_shared())
    }

    fn hold_shared(&self) -> Result<Lock> {
        fs::create_dir_all(&self.root)?;
        self.clear_leftovers()?;
        let held = Lock::shared(&self.lock_path("cache"))?;
        // Only now, or whoever clears would take the tag's unfinished file for one that was left.
        self.tag()?;
        Ok(held)
    }

    fn clear_leftovers(&self) -> Result<()> {
        let alone = self.hold_alone()?;
        if alone.is_some() { leftovers::clear(self) } else { Ok(()) }
    }

    /// The right to remove what is here; `None` while a plan uses it, on this machine or by its lease on another.
    pub fn hold_alone(&self) -> Result<Option<Alone>> {
        let Some(lock) = Lock::try_acquire(&self.lock_path("cache"))? else { return Ok(None) };
        let Ok(lease) = self.leases.take(WHOLE)? else { return Ok(None) };
        // Only now: whoever takes a stage looks for this lease once it has its own, so at least one of the two sees the other.
        let others = self.leases.holds_other_than(WHOLE)?;
        Ok((!others).then_some(Alone { _lease: lease, _lock: lock }))
    }

    /// Whether this program made the folder.
    pub fn is_cache(&self) -> bool {
        let tag = std::fs::read_to_string(self.root.join(TAG));
        tag.is_ok_and(|text| text.contains("Cache of fpl-repro"))
    }

    /// Marks the folder as a cache, for `gc` and for backup programs.
    fn tag(&self) -> Result<()> {
        const TEXT: &[u8] =
            b"Signature: 8a477f597d28d172789f06886806bc55\n# Cache of fpl-repro: see https://bford.info/cachedir/\n";
        let tag = self.root.join(TAG);
        if tag.exists() { Ok(()) } else { fs::write_atomic(&tag, TEXT) }
    }

    /// Every manifest of a stage that can be read.
    pub fn manifests(&self, stage: StageKind) -> Vec<(PathBuf, Manifest)> {
        manifests_below(&self.root.join(stage.name()))
    }

    fn failure_path(&self, node: &Node) -> PathBuf {
        self.root.join("failures").join(format!("{}.json", node.fingerprint))
    }

    /// Remembers that a cell failed.
    pub fn record_failure(&self, node: &Node, failure: &Failure) -> Result<()> {
        let text = serde_json::to_string_pretty(failure).map_err(|error| json_fault(&error))?;
        fs::write_atomic(&self.failure_path(node), text.as_bytes())
    }

    /// Why a stage failed when it last ran.
    pub fn failure(&self, node: &Node) -> Option<Failure> {
        read_failure(&self.failure_path(node))
    }

    /// Why stages failed when they last ran, by fingerprint.
    pub fn failures(&self) -> HashMap<String, Failure> {
        let read = |path: PathBuf| Some((path.file_stem()?.to_str()?.to_owned(), read_failure(&path)?));
        fs::entries(&self.root.join("failures")).into_iter().filter_map(read).collect()
    }

    /// Forgets a failure after a success.
    pub fn clear_failure(&self, node: &Node) -> Result<()> {
        fs::remove(&self.failure_path(node))
    }
}

fn read_failure(path: &Path) -> Option<Failure> {
    serde_json::from_slice(&std::fs::read(path).ok()?).ok()
}

/// A lock; `None` where nothing can be written.
fn if_writable(lock: Result<Lock>) -> Result<Option<Lock>> {
    match lock {
        Err(Error::Io { source, .. })
            if matches!(source.kind(), ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem) =>
        {
            Ok(None)
        }
        lock => lock.map(Some),
    }
}

/// A stage as leases and locks know it.
fn lease_name(node: &Node) -> String {
    format!("{}-{}", node.stage.name(), node.fingerprint)
}

/// The right to remove what is in the cache, until it is dropped.
#[derive(Debug)]
pub struct Alone {
    _lease: Lease,
    _lock: Lock,
}

/// The right to run a stage, and the folder to write to.
#[derive(Debug)]
pub struct Claim {
    what: String,
    staging: PathBuf,
    entry: PathBuf,
    lease: Lease,
    _lock: Lock, // The last to go: whoever gets it finds no lease.
}

impl Claim {
    /// The folder to write results to.
    pub fn staging(&self) -> &Path {
        &self.staging
    }

    /// Makes the results visible: hashes them, writes the manifest, and renames the folder into place.
    ///
    /// The right lasts until the claim is dropped, so that whoever waits for it finds all cleared up.
    pub fn commit(&self, store: &Store, mut manifest: Manifest) -> Result<Manifest> {
        for relative in fs::files_below(&self.staging)? {
            let path = self.staging.join(&relative);
            let sha256 = fs::sha256_file(&path)?;
            let bytes = std::fs::metadata(&path).map_err(Error::io("read", &path))?.len();
            let name = relative.display().to_string();
            if let Ok(stamp) = memo::Stamp::of(&path) {
                store.memo().put(store.key(&self.entry.join(&name)), stamp, &sha256); // A rename keeps the stamp.
            }
            manifest.outputs.insert(name, OutputFile { sha256, bytes });
        }
        let manifest = sealed(manifest);
        let text = serde_json::to_string_pretty(&manifest).map_err(|error| json_fault(&error))?;
        fs::write_atomic(&self.staging.join(MANIFEST), text.as_bytes())?;
        self.put_in_place()?;
        Ok(manifest)
    }

    /// Makes results that another machine made and described visible as they are. `elsewhere` is where their weights were
    /// left, if they were.
    pub fn adopt(&self, manifest: &[u8], elsewhere: Option<&str>) -> Result<()> {
        if let Some(url) = elsewhere {
            fs::write_atomic(&self.staging.join(ELSEWHERE), format!("{url}\n").as_bytes())?;
        }
        fs::write_atomic(&self.staging.join(MANIFEST), manifest)?;
        self.put_in_place()
    }

    /// The one step by which an entry appears, or is replaced, if the stage is still this process's.
    fn put_in_place(&self) -> Result<()> {
        fs::sync_tree(&self.staging)?;
        if !self.lease.is_held() {
            return Err(Error::Held { what: self.what.clone(), by: self.lease.holder().to_string() });
        }
        if self.entry.symlink_metadata().is_ok() {
            // A damaged or forced entry goes only now that its successor is complete, and in one step: it is removed under
            // the name of the staging folder.
            fs::exchange(&self.staging, &self.entry)
        } else {
            fs::rename(&self.staging, &self.entry)
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        // After a commit there is nothing left; after a failure the next claim would remove it anyway.
        let _ = std::fs::remove_dir_all(&self.staging);
    }
}

/// Every entry below a folder whose manifest can be read, sorted.
fn manifests_below(folder: &Path) -> Vec<(PathBuf, Manifest)> {
    let read = |entry: PathBuf| Some((entry.clone(), read_manifest(&entry).ok()?));
    fs::entries(folder).into_iter().filter_map(read).collect()
}

/// The manifest of an entry.
pub fn read_manifest(entry: &Path) -> Result<Manifest> {
    read_manifest_file(&entry.join(MANIFEST))
}

/// Fields of an entry's manifest, which is not verified: for what decides nothing, of very many entries.
pub fn glance<T: serde::de::DeserializeOwned>(entry: &Path) -> Option<T> {
    serde_json::from_slice(&fs::read(&entry.join(MANIFEST)).ok()?).ok()
}

fn read_manifest_file(path: &Path) -> Result<Manifest> {
    parse_manifest(path, &fs::read(path)?)
}

/// What every manifest says of itself, of whatever schema.
#[derive(Deserialize)]
struct Format {
    #[serde(default)]
    schema: serde_json::Value,
}

/// A manifest from the bytes of its file, which carries a digest of itself.
pub fn parse_manifest(path: &Path, bytes: &[u8]) -> Result<Manifest> {
    let wrong = |message: String| Error::data(path, message, MADE_AGAIN);
    let not_one = |error: serde_json::Error| wrong(format!("not a manifest: {error}"));
    let manifest = serde_json::from_slice::<Manifest>(bytes);
    let schema = match &manifest {
        Ok(manifest) => Some(u64::from(manifest.schema)),
        // Of a newer schema, other fields may be missing or of other kinds.
        Err(_) => serde_json::from_slice::<Format>(bytes).ok().and_then(|format| format.schema.as_u64()),
    };
    if let Some(schema) = schema.filter(|&schema| schema > SCHEMA.into()) {
        return Err(Error::Newer { path: path.to_path_buf(), schema: u32::try_from(schema).unwrap_or(u32::MAX) });
    }
    let manifest = manifest.map_err(not_one)?;
    if !is_sealed(&manifest) {
        return Err(wrong("is not what was written: its own digest differs".into()));
    }
    Ok(manifest)
}

/// A manifest with the digest of itself.
pub fn sealed(mut manifest: Manifest) -> Manifest {
    manifest.schema = SCHEMA;
    manifest.sha256 = Some(seal(&manifest));
    manifest
}

/// Whether a manifest is what was written; of schema 1, which had no digest, nobody knows.
pub fn is_sealed(manifest: &Manifest) -> bool {
    match &manifest.sha256 {
        Some(says) => *says == seal(manifest),
        None => manifest.schema < 2,
    }
}

/// The digest of a manifest but for the digest that it carries.
fn seal(manifest: &Manifest) -> String {
    let mut value = serde_json::to_value(manifest).unwrap_or_default(); // Plain data: cannot fail.
    if let Some(fields) = value.as_object_mut() {
        fields.remove("sha256");
    }
    Fingerprint::of(&value).to_string()
}

/// One digest over the files of an entry that a reader depends on.
pub fn content(manifest: &Manifest, reader: StageKind) -> String {
    // Weights do not depend on how long the epochs took.
    let weights_only = matches!(reader, StageKind::Train | StageKind::Evaluate) && manifest.stage == "train";
    let read: BTreeMap<&String, &String> = manifest
        .outputs
        .iter()
        .filter(|(name, _)| !weights_only || name.ends_with(".safetensors"))
        .map(|(name, output)| (name, &output.sha256))
        .collect();
    let text = serde_json::to_string(&read).unwrap_or_default(); // Strings to strings: cannot fail.
    fs::sha256_bytes(text.as_bytes())
}

fn json_fault(error: &serde_json::Error) -> Error {
    Error::Render { what: "a JSON file".into(), message: error.to_string() }
}
