//! What the processes share: the folders of one stage, its claim files, and kernel locks.

use std::collections::BTreeMap;

/// What tells a lease, and the process that took it, from every other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Token {
    /// The process's place in the model.
    pub process: usize,
    /// Which of its tries this is.
    pub attempt: u8,
}

impl Token {
    /// Whoever made the entry that is there from the beginning.
    pub const BEFORE: Self = Self { process: usize::MAX, attempt: 0 };
}

/// The name of a folder for results: of the lease, or of its generation where that fault is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Staging {
    /// `staging/<fingerprint>.<lease>`
    Lease(Token),
    /// `staging/<fingerprint>.<generation>`
    Generation(u8),
}

/// A folder with results.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Folder {
    /// Two files, each by who wrote it.
    pub files: [Option<Token>; 2],
    /// What the manifest lists, once it is written.
    pub manifest: Option<[Option<Token>; 2]>,
}

impl Folder {
    /// A complete result.
    pub fn whole(token: Token) -> Self {
        Self { files: [Some(token); 2], manifest: Some([Some(token); 2]) }
    }

    /// Whether the manifest lists both files, as they are, and one process made them.
    pub fn is_whole(&self) -> bool {
        self.manifest == Some(self.files) && self.files[0].is_some() && self.files[0] == self.files[1]
    }
}

/// One stage of the cache.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Cache {
    /// `locks/<stage>.lock`: the process that has it.
    pub stage_lock: Option<usize>,
    /// `locks/cache.lock`, as workers share it.
    pub shared: Vec<usize>,
    /// `locks/cache.lock`, as a cleaner has it alone.
    pub alone: Option<usize>,
    /// `leases/<stage>.<generation>`
    pub claims: BTreeMap<u8, Token>,
    /// `leases/cache.1`, of whoever clears the cache.
    pub cleaner: bool,
    /// `staging/…`
    pub staging: BTreeMap<Staging, Folder>,
    /// `<stage>/<fingerprint>`
    pub entry: Option<Folder>,
    /// Whether the entry has ever been there.
    pub was_there: bool,
    /// How many results were put in place.
    pub made: u8,
}

impl Cache {
    /// The kernel lets go of what a process held.
    pub fn unlock(&mut self, process: usize) {
        if self.stage_lock == Some(process) {
            self.stage_lock = None;
        }
        if self.alone == Some(process) {
            self.alone = None;
        }
        self.shared.retain(|&holder| holder != process);
    }

    /// Puts an entry in place.
    pub fn put(&mut self, folder: Folder) {
        self.entry = Some(folder);
        self.was_there = true;
        self.made += 1;
    }
}
