//! Remembers digests of files by size, times and inode, so that an unchanged file is not read again.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::fs;

/// What changes when a file is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Stamp {
    bytes: u64,
    modified: i64,
    nanoseconds: i64,
    inode: u64,
    /// When the file's metadata or content last changed, which no program can set back.
    changed: i64,
    changed_nanoseconds: i64,
}

impl Stamp {
    /// The stamp of a regular file.
    pub(super) fn of(path: &Path) -> Result<Self> {
        let metadata = fs::metadata(path)?;
        Ok(Self {
            bytes: metadata.len(),
            modified: metadata.mtime(),
            nanoseconds: metadata.mtime_nsec(),
            inode: metadata.ino(),
            changed: metadata.ctime(),
            changed_nanoseconds: metadata.ctime_nsec(),
        })
    }
}

#[derive(Debug, Default)]
pub(super) struct Memo {
    entries: BTreeMap<String, (Stamp, String)>,
    changed: bool,
}

impl Memo {
    /// Reads the memo; an unreadable one is an empty one.
    pub(super) fn load(path: &Path) -> Self {
        let entries =
            std::fs::read(path).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
        Self { entries, changed: false }
    }

    pub(super) fn get(&self, key: &str, stamp: &Stamp) -> Option<String> {
        self.entries.get(key).filter(|(known, _)| known == stamp).map(|(_, digest)| digest.clone())
    }

    pub(super) fn put(&mut self, key: String, stamp: Stamp, digest: &str) {
        self.entries.insert(key, (stamp, digest.to_owned()));
        self.changed = true;
    }

    /// Writes the memo if it changed, together with what another process put there meanwhile.
    pub(super) fn save(&mut self, path: &Path) {
        if !self.changed || !path.parent().is_some_and(Path::is_dir) {
            return;
        }
        let mut entries = Self::load(path).entries;
        entries.append(&mut self.entries.clone());
        if let Ok(text) = serde_json::to_string(&entries) {
            self.changed = fs::write_atomic(path, text.as_bytes()).is_err();
        }
    }
}
