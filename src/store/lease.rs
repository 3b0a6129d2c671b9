//! Who works on what, as every machine that sees the cache can know it: claim files `leases/<shard>/<name>.<generation>`.
//!
//! A kernel lock holds within one machine. Between machines it may hold nothing, and nobody is told (Lustre with `localflock`,
//! BeeGFS and GPFS by their settings). So whoever takes something also creates a file that only one can create, and changes
//! its time of change again and again while it works. Others compare what they see at two moments of their own clock, so no
//! two clocks need to agree. Who gives no sign of life for long enough has lost its lease: the next one creates the file of
//! the following generation, which again only one can. The highest generation holds; a holder looks before every sign of
//! life and before it commits.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime};

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::fs;
use crate::machine;

/// A silence of so many times that, a day as a rule, is one however far apart two machines' clocks are: nobody comes back to
/// what a power cut ended.
const GONE: u32 = 1440;
/// Signs of life within the time after which a lease is lost.
const BEATS: u32 = 6;

/// Who holds a lease, as its claim file says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Holder {
    /// Tells this lease from every other.
    pub token: String,
    /// Name of the machine.
    pub host: String,
    /// Identity of that machine's running system.
    pub boot: String,
    /// The namespace of process ids, since containers of one machine have their own.
    pub namespace: String,
    /// Process id there.
    pub process: u32,
    /// When that process started, in clock ticks after the boot: process ids are used again.
    pub process_start: u64,
    /// The batch system's job, like `4711_3`; empty outside one.
    pub job: String,
    /// When it was taken, by the holder's clock: RFC 3339, UTC.
    pub since: String,
}

impl Holder {
    /// This process.
    fn here() -> Self {
        let process = std::process::id();
        Self {
            token: format!("{}-{process}-{}", machine::host(), uuid()),
            host: machine::host(),
            boot: machine::boot().to_owned(),
            namespace: machine::process_namespace().to_owned(),
            process,
            process_start: machine::process_start(process).unwrap_or_default(),
            job: machine::batch_job(),
            since: jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        }
    }

    /// Whether its process has ended, where this machine can know that.
    fn ended(&self) -> bool {
        let visible = !self.boot.is_empty()
            && self.boot == machine::boot()
            && !self.namespace.is_empty()
            && self.namespace == machine::process_namespace();
        visible && machine::process_start(self.process) != Some(self.process_start)
    }
}

impl std::fmt::Display for Holder {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.host.is_empty() {
            return formatter.write_str("a process that does not say which");
        }
        match self.job.as_str() {
            "" => write!(formatter, "process {} on {}", self.process, self.host)?,
            job => write!(formatter, "job {job} on {}", self.host)?,
        }
        write!(formatter, " since {}", self.since)
    }
}

/// A random text.
fn uuid() -> String {
    std::fs::read_to_string("/proc/sys/kernel/random/uuid").unwrap_or_default().trim().to_owned()
}

/// A claim file by its name.
#[derive(Debug, Clone, PartialEq, Eq)]
struct ClaimFile {
    path: PathBuf,
    /// What it is for.
    name: String,
    generation: u64,
}

impl ClaimFile {
    /// `None` if the name is not that of a claim file.
    fn at(path: &Path) -> Option<Self> {
        let (name, generation) = path.file_name()?.to_str()?.rsplit_once('.')?;
        Some(Self { path: path.to_path_buf(), name: name.to_owned(), generation: generation.parse().ok()? })
    }
}

/// A claim file as it was found.
#[derive(Debug, Clone)]
struct Found {
    file: ClaimFile,
    holder: Holder,
    changed: Option<SystemTime>,
}

/// The claim files of a cache.
#[derive(Debug)]
pub(super) struct Leases {
    folder: PathBuf,
    patience: Duration,
    /// What was seen of others, and when it was first seen so.
    seen: Mutex<HashMap<PathBuf, Seen>>,
    /// The newest claim file of each name when its folder was last listed, so that whoever passes by ten thousand cells does
    /// not list their folders as often.
    listed: Mutex<HashMap<String, ClaimFile>>,
    lost: Lost,
}

/// A sign of life, and when this process first saw it.
#[derive(Debug)]
struct Seen {
    token: String,
    changed: Option<SystemTime>,
    first: Instant,
}

/// The claim files of this process that are another's by now, shared with what gives the signs of life.
type Lost = Arc<Mutex<HashSet<PathBuf>>>;

impl Leases {
    /// The claim files in a folder, which need not exist. Who gives no sign of life for `patience` has lost its lease.
    pub(super) fn new(folder: PathBuf, patience: Duration) -> Self {
        Self { folder, patience, seen: Mutex::default(), listed: Mutex::default(), lost: Arc::default() }
    }

    /// Takes a lease, or says who has it.
    ///
    /// # Errors
    /// If the folder cannot be read or written.
    pub(super) fn take(&self, name: &str) -> Result<Result<Lease, Holder>> {
        let shard = self.shard(name);
        fs::create_dir_all(&shard)?;
        let before = self.newest(name)?;
        if let Some(before) = &before
            && !self.is_over(before)
        {
            return Ok(Err(before.holder.clone()));
        }
        let generation = before.as_ref().map_or(0, |before| before.file.generation) + 1;
        let path = shard.join(format!("{name}.{generation}"));
        let holder = Holder::here();
        if !create(&path, &holder)? {
            return Ok(Err(read(&path)));
        }
        let lease = Lease::hold(path, holder, self.patience, &self.lost);
        // Between the look and the creation another may have taken it, or the one before may have given a sign of life.
        let still_over = before.is_none_or(|before| {
            let now = look(&before.file);
            now.is_none_or(|now| now.holder.token == before.holder.token && now.changed == before.changed)
        });
        if !still_over || !lease.is_held() {
            let other = self.newest(name)?.filter(|found| found.file.path != lease.path);
            return Ok(Err(other.map(|found| found.holder).unwrap_or_default()));
        }
        for old in self.of(name)?.into_iter().filter(|file| file.generation < generation) {
            fs::remove(&old.path)?;
        }
        Ok(Ok(lease))
    }

    /// Who is seen to hold a lease by a claim file that is known from before: it is there and gives signs of life. `None` says
    /// nothing: only [`Leases::take`] looks for others.
    pub(super) fn known_holder(&self, name: &str) -> Option<Holder> {
        let file = lock(&self.listed).get(name).cloned()?;
        look(&file).filter(|found| !self.is_over(found)).map(|found| found.holder)
    }

    /// Whether anything but this is claimed by a process that may still live.
    pub(super) fn holds_other_than(&self, name: &str) -> Result<bool> {
        let others = self.all()?.into_iter().filter(|file| file.name != name);
        Ok(others.filter_map(|file| look(&file)).any(|found| !self.is_gone(&found)))
    }

    /// Who holds a lease and has not lost it.
    pub(super) fn live(&self, name: &str) -> Result<Option<Holder>> {
        Ok(self.newest(name)?.filter(|found| !self.is_over(found)).map(|found| found.holder))
    }

    /// Who has a lease, whatever is known of the holder.
    pub(super) fn holder(&self, name: &str) -> Result<Holder> {
        Ok(self.newest(name)?.map(|found| found.holder).unwrap_or_default())
    }

    /// Whether this process is known to have lost a lease that it still works under; asks no file.
    pub(super) fn has_lost(&self, name: &str) -> bool {
        lock(&self.lost).iter().any(|path| ClaimFile::at(path).is_some_and(|file| file.name == name))
    }

    /// Removes the claim files of processes that have ended.
    pub(super) fn clear(&self) -> Result<()> {
        let gone = |found: &Found| self.is_gone(found);
        self.all()?.iter().filter_map(look).filter(gone).try_for_each(|found| fs::remove(&found.file.path))
    }

    /// Whether a holder is known to have ended, or gave no sign of life for so long that it must have.
    fn is_gone(&self, found: &Found) -> bool {
        found.holder.ended() || silence(found) >= self.patience * GONE
    }

    /// Everything that is held, by name, with the time since the last sign of life by the file system's time and this
    /// machine's clock; what has ended is left out.
    pub(super) fn held(&self) -> Result<Vec<(String, Holder, Duration)>> {
        let mut newest: HashMap<String, Found> = HashMap::new();
        for found in self.all()?.iter().filter_map(look) {
            let later = newest.get(&found.file.name).is_none_or(|known| known.file.generation < found.file.generation);
            if later {
                newest.insert(found.file.name.clone(), found);
            }
        }
        let live = newest.into_iter().filter(|(_, found)| !self.is_gone(found));
        let mut held: Vec<_> = live.map(|(name, found)| (name, found.holder.clone(), silence(&found))).collect();
        held.sort_by(|a, b| a.0.cmp(&b.0));
        Ok(held)
    }

    /// Whether a holder has lost its lease: it ended, or was seen without a sign of life for long enough.
    fn is_over(&self, found: &Found) -> bool {
        if found.holder.ended() {
            return true;
        }
        let mut seen = lock(&self.seen);
        let now = || Seen { token: found.holder.token.clone(), changed: found.changed, first: Instant::now() };
        let known = seen.entry(found.file.path.clone()).or_insert_with(now);
        if known.token != found.holder.token || known.changed != found.changed {
            *known = now();
        }
        known.first.elapsed() >= self.patience
    }

    fn newest(&self, name: &str) -> Result<Option<Found>> {
        Ok(self.of(name)?.iter().max_by_key(|file| file.generation).and_then(look))
    }

    /// The claim files for something. The others of their folder are remembered.
    fn of(&self, name: &str) -> Result<Vec<ClaimFile>> {
        let files = below(&self.shard(name))?.into_iter().filter_map(|path| ClaimFile::at(&path));
        let (own, others): (Vec<_>, Vec<_>) = files.partition(|file| file.name == name);
        let mut listed = lock(&self.listed);
        listed.remove(name);
        for file in own.iter().cloned().chain(others) {
            match listed.get(&file.name) {
                Some(known) if known.generation >= file.generation => {}
                _ => drop(listed.insert(file.name.clone(), file)),
            }
        }
        Ok(own)
    }

    /// Every claim file.
    fn all(&self) -> Result<Vec<ClaimFile>> {
        let mut found = Vec::new();
        for shard in below(&self.folder)? {
            found.extend(below(&shard)?.iter().filter_map(|path| ClaimFile::at(path)));
        }
        Ok(found)
    }

    /// Where the claim files for something stand: by the first digit of the fingerprint that ends its name, so that
    /// nobody has to list ten thousand of them to find one.
    fn shard(&self, name: &str) -> PathBuf {
        let fingerprint = name.rsplit('-').next().unwrap_or_default();
        self.folder.join(fingerprint.get(..1).unwrap_or(fingerprint))
    }
}

/// What stands in a folder, which need not exist; unlike [`fs::entries`] it fails where a folder cannot be listed.
fn below(folder: &Path) -> Result<Vec<PathBuf>> {
    match std::fs::read_dir(folder) {
        Ok(entries) => Ok(entries.flatten().map(|entry| entry.path()).collect()),
        // What is no folder holds no claim files.
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(Vec::new()),
        Err(error) => Err(Error::io("list", folder)(error)),
    }
}

/// A claim file as it is now; `None` if it is gone. It is opened, since NFS asks the server only then.
fn look(file: &ClaimFile) -> Option<Found> {
    let mut open = File::open(&file.path).ok()?;
    let changed = open.metadata().and_then(|metadata| metadata.modified()).ok();
    let mut text = Vec::new();
    let _ = open.read_to_end(&mut text); // Of what cannot be read, nobody in particular is the holder.
    Some(Found { file: file.clone(), holder: parse(&text), changed })
}

/// The time since the last sign of life, by the file system's time and this machine's clock.
fn silence(found: &Found) -> Duration {
    found.changed.and_then(|changed| changed.elapsed().ok()).unwrap_or_default()
}

/// Who holds a claim file; nobody in particular while it is being written.
fn read(path: &Path) -> Holder {
    std::fs::read(path).map_or_else(|_| Holder::default(), |text| parse(&text))
}

fn parse(text: &[u8]) -> Holder {
    serde_json::from_slice(text).unwrap_or_default()
}

/// Creates a claim file; false if it is there.
fn create(path: &Path, holder: &Holder) -> Result<bool> {
    let mut file = match File::options().write(true).create_new(true).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::AlreadyExists => return Ok(false),
        Err(error) => return Err(Error::io("create", path)(error)),
    };
    let text = serde_json::to_vec_pretty(holder)
        .map_err(|error| Error::Render { what: "a lease".into(), message: error.to_string() })?;
    if let Err(error) = file.write_all(&text).and_then(|()| file.sync_all()) {
        let _ = std::fs::remove_file(path); // The first error is the one to tell.
        return Err(Error::io("write", path)(error));
    }
    Ok(true)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A lease that this process took. It gives signs of life until it is dropped, and ends then.
#[derive(Debug)]
pub(super) struct Lease {
    path: PathBuf,
    token: String,
    lost: Lost,
    heart: Option<(Sender<()>, JoinHandle<()>)>,
}

impl Lease {
    fn hold(path: PathBuf, holder: Holder, patience: Duration, lost: &Lost) -> Self {
        let (stop, stopped) = mpsc::channel();
        let (file, token, ends) = (path.clone(), holder.token.clone(), Arc::clone(lost));
        let heart = std::thread::spawn(move || {
            let mut heard = Instant::now();
            while let Err(RecvTimeoutError::Timeout) = stopped.recv_timeout(patience / BEATS) {
                match beat(&file, &token) {
                    Ok(true) => heard = Instant::now(),
                    // Others may have given it up when half of the time is over without a word.
                    Err(_) if heard.elapsed() < patience / 2 => {}
                    Ok(false) | Err(_) => {
                        lock(&ends).insert(file);
                        return;
                    }
                }
            }
        });
        Self { path, token: holder.token, lost: Arc::clone(lost), heart: Some((stop, heart)) }
    }

    /// What tells it from every other, short enough for a file's name.
    pub(super) fn id(&self) -> String {
        fs::sha256_bytes(self.token.as_bytes())[..16].to_owned()
    }

    /// Whether this process still holds it, as the files say now.
    pub(super) fn is_held(&self) -> bool {
        !lock(&self.lost).contains(&self.path) && is_newest(&self.path, &self.token)
    }

    /// Who holds it now.
    pub(super) fn holder(&self) -> Holder {
        next(&self.path).map_or_else(|| read(&self.path), |path| read(&path))
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some((stop, heart)) = self.heart.take() {
            drop(stop);
            let _ = heart.join(); // It cannot panic, and nothing follows from how it ended.
        }
        lock(&self.lost).remove(&self.path);
        // One that was lost is another's to remove.
        if read(&self.path).token == self.token {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// Gives a sign of life; false if the lease is another's by now.
fn beat(path: &Path, token: &str) -> std::io::Result<bool> {
    if !is_newest(path, token) {
        return Ok(false);
    }
    match File::options().write(true).open(path) {
        Ok(file) => file.set_modified(SystemTime::now()).map(|()| true),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Whether a claim file is still the one with this token, and none of a later generation is there.
fn is_newest(path: &Path, token: &str) -> bool {
    read(path).token == token && next(path).is_none()
}

/// The claim file of a later generation, if there is one.
fn next(path: &Path) -> Option<PathBuf> {
    let own = ClaimFile::at(path)?;
    let others = fs::entries(path.parent()?).into_iter().filter_map(|other| ClaimFile::at(&other));
    let later = others.filter(|other| other.name == own.name && other.generation > own.generation);
    later.max_by_key(|other| other.generation).map(|other| other.path)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failure here is a failed test")]

    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    /// Time enough for what a test does meanwhile.
    const LONG: Duration = Duration::from_hours(1);
    /// Six signs of life of 50 ms.
    const SHORT: Duration = Duration::from_millis(300);

    /// What is called `a` is the only one of its shard.
    fn elsewhere(folder: &Path, name: &str) {
        fs::create_dir_all(&folder.join("a")).unwrap();
        let holder = Holder { host: "node2".into(), boot: "another".into(), token: "theirs".into(), ..Holder::here() };
        assert!(create(&folder.join("a").join(name), &holder).unwrap());
    }

    fn files(folder: &Path) -> Vec<String> {
        fs::entries(&folder.join("a")).iter().map(|path| fs::name(path)).collect()
    }

    #[test]
    fn one_takes_it_and_the_next_can_when_it_ends() {
        let folder = tempfile::tempdir().unwrap();
        let leases = Leases::new(folder.path().to_path_buf(), LONG);
        let lease = leases.take("a").unwrap().unwrap();
        assert!(lease.is_held());
        assert_eq!(leases.take("a").unwrap().unwrap_err().process, std::process::id());
        assert!(leases.take("b").unwrap().is_ok(), "another name is another lease");
        drop(lease);
        assert!(leases.take("a").unwrap().is_ok());
        assert_eq!(files(folder.path()), Vec::<String>::new(), "nothing is left");
    }

    #[test]
    fn of_many_that_try_at_once_one_gets_it() {
        let folder = tempfile::tempdir().unwrap();
        let together = std::sync::Barrier::new(16);
        let holding = AtomicU32::new(0);
        std::thread::scope(|scope| {
            for _ in 0..16 {
                scope.spawn(|| {
                    let leases = Leases::new(folder.path().to_path_buf(), LONG);
                    for _ in 0..50 {
                        together.wait();
                        let lease = leases.take("a").unwrap();
                        if lease.as_ref().is_ok_and(Lease::is_held) {
                            holding.fetch_add(1, Ordering::SeqCst);
                        }
                        together.wait();
                        assert_eq!(holding.load(Ordering::SeqCst), 1);
                        together.wait();
                        drop(lease);
                        holding.store(0, Ordering::SeqCst);
                    }
                });
            }
        });
    }

    /// What is remembered of a folder is asked whether it is still so, and nothing follows from what is not.
    #[test]
    fn a_claim_that_is_known_from_before_is_looked_at_and_not_looked_for() {
        let folder = tempfile::tempdir().unwrap();
        let leases = Leases::new(folder.path().to_path_buf(), SHORT);
        elsewhere(folder.path(), "a.1");
        assert_eq!(leases.known_holder("a"), None, "not seen yet");
        assert!(leases.take("a").unwrap().is_err());
        assert_eq!(leases.known_holder("a").unwrap().host, "node2");
        assert!(leases.holds_other_than("b").unwrap() && !leases.holds_other_than("a").unwrap());
        std::thread::sleep(SHORT);
        assert_eq!(leases.known_holder("a"), None, "silent for too long");
        let lease = leases.take("a").unwrap().unwrap();
        drop(lease);
        assert_eq!(leases.known_holder("a"), None, "gone");
        assert!(leases.take("a").unwrap().is_ok());
    }

    /// Nobody can know whether a process of another machine lives: only its signs of life count.
    #[test]
    fn what_another_machine_holds_is_taken_over_only_after_its_silence() {
        let folder = tempfile::tempdir().unwrap();
        elsewhere(folder.path(), "a.1");
        let leases = Leases::new(folder.path().to_path_buf(), SHORT);
        assert_eq!(leases.take("a").unwrap().unwrap_err().host, "node2");
        std::thread::sleep(SHORT / 2);
        // A sign of life, by a clock that is an hour late.
        let file = File::options().write(true).open(folder.path().join("a/a.1")).unwrap();
        file.set_modified(SystemTime::now() - LONG).unwrap();
        assert!(leases.take("a").unwrap().is_err());
        std::thread::sleep(SHORT * 2 / 3);
        assert!(leases.take("a").unwrap().is_err(), "the silence is counted from the last sign of life");
        std::thread::sleep(SHORT / 2);
        let lease = leases.take("a").unwrap().unwrap();
        assert!(lease.is_held());
        assert_eq!(files(folder.path()), ["a.2"]);
    }

    #[test]
    fn signs_of_life_keep_it_and_whoever_lost_it_knows() {
        let folder = tempfile::tempdir().unwrap();
        let (ours, theirs) =
            (Leases::new(folder.path().to_path_buf(), SHORT), Leases::new(folder.path().to_path_buf(), SHORT));
        let lease = ours.take("a").unwrap().unwrap();
        let changed = || std::fs::metadata(folder.path().join("a/a.1")).unwrap().modified().unwrap();
        let first = changed();
        for _ in 0..4 {
            assert!(theirs.take("a").unwrap().is_err());
            std::thread::sleep(SHORT / 2);
        }
        assert!(changed() > first);
        elsewhere(folder.path(), "a.2");
        assert!(!lease.is_held(), "before the next sign of life");
        std::thread::sleep(SHORT / 2);
        assert!(ours.has_lost("a") && !ours.has_lost("b"));
        assert_eq!(lease.holder().host, "node2");
        drop(lease);
        assert_eq!(files(folder.path()), ["a.2"], "its own goes, the other's stays");
    }

    /// After a power cut nobody knows of a process of before whether it has ended, and its claim may be empty.
    #[test]
    fn a_silence_of_hours_holds_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let leases = Leases::new(folder.path().to_path_buf(), SHORT);
        elsewhere(folder.path(), "a.1");
        std::fs::write(folder.path().join("a/b.1"), b"").unwrap();
        assert_eq!(leases.held().unwrap().len(), 2);
        for name in ["a/a.1", "a/b.1"] {
            let file = File::options().write(true).open(folder.path().join(name)).unwrap();
            file.set_modified(SystemTime::now() - SHORT * GONE).unwrap();
        }
        assert_eq!(leases.held().unwrap(), []);
        leases.clear().unwrap();
        assert_eq!(files(folder.path()), Vec::<String>::new());
    }

    /// A process of this machine that has ended is known to have, and one whose id is used again is another.
    #[test]
    fn what_a_dead_process_of_this_machine_held_is_free_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let dead = Holder { process_start: 1, token: "dead".into(), ..Holder::here() };
        fs::create_dir_all(&folder.path().join("a")).unwrap();
        assert!(create(&folder.path().join("a/a.3"), &dead).unwrap());
        let leases = Leases::new(folder.path().to_path_buf(), LONG);
        assert_eq!(leases.held().unwrap(), []);
        let lease = leases.take("a").unwrap().unwrap();
        assert_eq!(files(folder.path()), ["a.4"]);
        assert_eq!(leases.held().unwrap()[0].1.process, std::process::id());
        drop(lease);
        // Of another namespace of processes, as in a container, nothing is known.
        let hidden = Holder { namespace: "pid:[1]".into(), ..dead };
        assert!(create(&folder.path().join("a/a.1"), &hidden).unwrap());
        assert!(leases.take("a").unwrap().is_err());
    }
}
