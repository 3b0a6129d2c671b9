//! The one module that writes files: atomic writes, digests, kernel locks.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::error::{Error, Result};
use crate::interrupt;

/// How often a file is written at most. Where the locks of two machines do not hold each other, one that begins takes the
/// other's unfinished file for one that was left.
const ATTEMPTS: u32 = 10;

/// What is under construction has a name that begins so.
pub const UNFINISHED: &str = ".new-";

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from(if value < 10 { b'0' + value } else { b'a' + value - 10 });
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// The sha256 of a byte string, in hexadecimal.
pub fn sha256_bytes(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// The sha256 of a file, in hexadecimal, read in pieces.
pub fn sha256_file(path: &Path) -> Result<String> {
    metadata(path)?;
    let mut file = File::open(path).map_err(Error::io("open", path))?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(hex(&hasher.finalize())),
            Ok(n) => hasher.update(&buffer[..n]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(Error::io("read", path)(error)),
        }
    }
}

/// What is known of a regular file. Others are refused before they are opened: a pipe would be waited for for ever.
pub fn metadata(path: &Path) -> Result<fs::Metadata> {
    let metadata = fs::metadata(path).map_err(Error::io("read", path))?;
    if metadata.is_file() {
        return Ok(metadata);
    }
    Err(Error::data(
        path,
        "is no regular file",
        "name a file; one of the cache is made again where this stands if you remove it",
    ))
}

/// Reads a text file.
pub fn read_to_string(path: &Path) -> Result<String> {
    metadata(path)?;
    fs::read_to_string(path).map_err(Error::io("read", path))
}

/// Reads a file.
pub fn read(path: &Path) -> Result<Vec<u8>> {
    metadata(path)?;
    fs::read(path).map_err(Error::io("read", path))
}

/// Makes a directory and those above it, so that they are still there after a power cut.
pub fn create_dir_all(path: &Path) -> Result<()> {
    let missing = path.ancestors().take_while(|folder| !folder.as_os_str().is_empty() && !folder.is_dir()).count();
    fs::create_dir_all(path).map_err(Error::io("create the directory", path))?;
    path.ancestors().take(missing).try_for_each(sync_parent)
}

/// Whether files and folders can be made in a folder, which is left as it is.
///
/// # Errors
/// Why they cannot.
pub fn takes_names(folder: &Path) -> Result<()> {
    use rustix::fs::{Access, AtFlags, CWD, Mode, OFlags, accessat, openat};
    let refused = Error::io("make anything in", folder);
    if let Err(error) = accessat(CWD, folder, Access::WRITE_OK | Access::EXEC_OK, AtFlags::EACCESS) {
        return Err(refused(error.into()));
    }
    // The kernel's own file systems let an administrator write, and take nothing all the same: a file without a name shows
    // that. Not every file system has such files; there a folder that goes again is made.
    let nameless = openat(CWD, folder, OFlags::TMPFILE | OFlags::WRONLY | OFlags::CLOEXEC, Mode::RUSR | Mode::WUSR);
    if nameless.is_ok() {
        return Ok(());
    }
    let probe = folder.join(format!("{UNFINISHED}{}", std::process::id()));
    fs::create_dir(&probe).and_then(|()| fs::remove_dir(&probe)).map_err(refused)
}

/// Writes a file so that a reader, or whoever comes after a crash or a power cut, sees either the old content or the new.
///
/// After a power cut it may be the old one, until the folder is flushed too.
pub fn write_atomic(path: &Path, bytes: &[u8]) -> Result<()> {
    for _ in 1..ATTEMPTS {
        match write_and_rename(path, bytes) {
            Err(Error::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {}
            result => return result,
        }
    }
    write_and_rename(path, bytes)
}

fn write_and_rename(path: &Path, bytes: &[u8]) -> Result<()> {
    let parent = path.parent().unwrap_or(Path::new("."));
    create_dir_all(parent)?;
    let mut file = tempfile::Builder::new()
        .prefix(UNFINISHED)
        .permissions(default_permissions())
        .tempfile_in(parent)
        .map_err(Error::io("create a file in", parent))?;
    file.write_all(bytes).and_then(|()| file.as_file().sync_all()).map_err(Error::io("write", path))?;
    file.persist(path).map_err(|error| Error::io("write", path)(error.error))?;
    Ok(())
}

/// Appends to a file, which is made if it is not there; `false`, and nothing is written, if it would be larger than
/// `most` bytes.
pub fn append(path: &Path, bytes: &[u8], most: u64) -> Result<bool> {
    let mut file = File::options().append(true).create(true).open(path).map_err(Error::io("open", path))?;
    let size = file.metadata().map_err(Error::io("read the size of", path))?.len();
    if size + bytes.len() as u64 > most {
        return Ok(false);
    }
    file.write_all(bytes).map_err(Error::io("append to", path))?;
    Ok(true)
}

/// tempfile's default is readable by the owner only; artifacts are shared.
fn default_permissions() -> fs::Permissions {
    use std::os::unix::fs::PermissionsExt;
    fs::Permissions::from_mode(0o666) // Less the umask.
}

/// Flushes a file's content to the disk.
pub fn sync(path: &Path) -> Result<()> {
    File::open(path).and_then(|file| file.sync_all()).map_err(Error::io("flush", path))
}

/// Flushes the names in a directory to the disk, so that what was created or renamed there is still so after a power cut.
fn sync_folder(folder: &Path) -> Result<()> {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    match File::open(folder).and_then(|file| file.sync_all()) {
        // Some file systems of networks know no such call.
        Err(error) if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) => Ok(()),
        flushed => flushed.map_err(Error::io("flush", folder)),
    }
}

fn sync_parent(path: &Path) -> Result<()> {
    path.parent().map_or(Ok(()), sync_folder)
}

/// Flushes a directory to the disk with all that is below it, before a rename makes it visible.
pub fn sync_tree(folder: &Path) -> Result<()> {
    for entry in fs::read_dir(folder).map_err(Error::io("list", folder))? {
        let path = entry.map_err(Error::io("list", folder))?.path();
        if path.is_dir() { sync_tree(&path)? } else { sync(&path)? }
    }
    sync_folder(folder)
}

/// Exchanges two files or directories; in one step, so that neither name is without one at any time, where the file system
/// can do that. NFS cannot: there the second name is without one for a moment.
pub fn exchange(a: &Path, b: &Path) -> Result<()> {
    use rustix::io::Errno;
    let steps = [Errno::INVAL, Errno::NOSYS, Errno::OPNOTSUPP].map(Errno::raw_os_error);
    match exchange_at_once(a, b) {
        Err(Error::Io { source, .. }) if source.raw_os_error().is_some_and(|code| steps.contains(&code)) => {
            exchange_in_steps(a, b)
        }
        exchanged => exchanged,
    }
}

fn exchange_in_steps(a: &Path, b: &Path) -> Result<()> {
    let aside = a.with_added_extension("old");
    rename(b, &aside)?;
    rename(a, b)?;
    rename(&aside, a)
}

/// Exchanges two files or directories in one step.
pub fn exchange_at_once(a: &Path, b: &Path) -> Result<()> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    renameat_with(CWD, a, CWD, b, RenameFlags::EXCHANGE)
        .map_err(|error| Error::io("exchange with its successor", b)(error.into()))?;
    sync_parents(b, a)
}

/// Renames a finished file or directory into place, where it still is after a power cut.
pub fn rename(from: &Path, to: &Path) -> Result<()> {
    if let Some(parent) = to.parent() {
        create_dir_all(parent)?;
    }
    fs::rename(from, to).map_err(Error::io("move into place", to))?;
    sync_parents(to, from)
}

/// Flushes the folder of a new name, and only then that of the old one: never are both without it.
fn sync_parents(new: &Path, old: &Path) -> Result<()> {
    sync_parent(new)?;
    if new.parent() == old.parent() { Ok(()) } else { sync_parent(old) }
}

/// Gives a file a second name, whose old file goes; neither name is without a file at any time.
pub fn replace_by_link(from: &Path, to: &Path) -> Result<()> {
    let link = to.with_extension("link");
    remove(&link)?;
    fs::hard_link(from, &link).map_err(Error::io("link", &link))?;
    rename(&link, to)
}

/// Removes a file or a directory tree, if it is there.
pub fn remove(path: &Path) -> Result<()> {
    let removed = if path.is_dir() && !path.is_symlink() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Error::io("remove", path)(error)),
        _ => Ok(()),
    }
}

/// An exclusive kernel lock on a file; it dies with the process.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock; if another process holds it, calls `waiting` once and waits.
    ///
    /// # Errors
    /// The lock cannot be opened, or the user asks the program to end while it waits.
    pub fn acquire(path: &Path, waiting: impl FnOnce()) -> Result<Self> {
        let mut waiting = Some(waiting);
        loop {
            if let Some(lock) = Self::try_acquire(path)? {
                return Ok(lock);
            }
            if let Some(waiting) = waiting.take() {
                waiting();
            }
            interrupt::check()?;
            // Not `File::lock`, which no signal ends.
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    }

    /// Takes the lock together with others that take it so.
    pub fn shared(path: &Path) -> Result<Self> {
        let file = Self::open(path)?;
        file.lock_shared().map_err(Error::io("lock", path))?;
        Ok(Self { _file: file })
    }

    /// Takes the lock if it is free.
    pub fn try_acquire(path: &Path) -> Result<Option<Self>> {
        let file = Self::open(path)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self { _file: file })),
            Err(fs::TryLockError::WouldBlock) => Ok(None),
            Err(fs::TryLockError::Error(error)) => Err(Error::io("lock", path)(error)),
        }
    }

    fn open(path: &Path) -> Result<File> {
        if let Some(parent) = path.parent() {
            create_dir_all(parent)?;
        }
        File::options().create(true).truncate(false).write(true).open(path).map_err(Error::io("open the lock", path))
    }
}

/// What stands in a folder, sorted; nothing if it cannot be listed.
pub fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> =
        fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    found.sort();
    found
}

/// The last part of a path, for readers.
pub fn name(path: &Path) -> String {
    path.file_name().map(|name| name.display().to_string()).unwrap_or_default()
}

/// All regular files below a directory, as sorted paths relative to it.
pub fn files_below(dir: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut open = vec![dir.to_path_buf()];
    while let Some(current) = open.pop() {
        for entry in fs::read_dir(&current).map_err(Error::io("list", &current))? {
            let path = entry.map_err(Error::io("list", &current))?.path();
            if path.is_dir() {
                open.push(path);
            } else if let Ok(relative) = path.strip_prefix(dir) {
                found.push(relative.to_path_buf());
            }
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failure here is a failed test")]

    use super::*;

    #[test]
    fn folders_change_places_in_one_step_or_in_three() {
        for exchange in [exchange_at_once, exchange_in_steps] {
            let folder = tempfile::tempdir().unwrap();
            let [a, b] = ["a", "b"].map(|name| folder.path().join(name));
            write_atomic(&a.join("file"), b"a").unwrap();
            write_atomic(&b.join("file"), b"b").unwrap();
            exchange(&a, &b).unwrap();
            assert_eq!(
                (read(&a.join("file")).unwrap(), read(&b.join("file")).unwrap()),
                (b"b".to_vec(), b"a".to_vec())
            );
            assert_eq!(entries(folder.path()), [a, b]);
        }
    }
}
