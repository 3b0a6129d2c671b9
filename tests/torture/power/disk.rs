//! A disk that forgets: what is on it after a power cut follows from what was flushed before.
//!
//! Names and contents are flushed apart, by `fsync` of the folder and of the file. Two kinds of disk are asked. A strict one
//! has nothing that was not flushed, as POSIX allows. A journal has all names in their order, but files without the content
//! that was not flushed: XFS, or ext4 with `data=writeback`.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

/// A change of a disk. Paths are relative to the folder that is recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Change {
    /// A file is there from now on, empty if it is to be `emptied`.
    Create {
        path: PathBuf,
        emptied: bool,
    },
    Append {
        path: PathBuf,
        bytes: u64,
    },
    Flush {
        path: PathBuf,
    },
    Folder {
        path: PathBuf,
    },
    Rename {
        from: PathBuf,
        to: PathBuf,
    },
    Exchange {
        a: PathBuf,
        b: PathBuf,
    },
    Link {
        from: PathBuf,
        to: PathBuf,
    },
    Remove {
        path: PathBuf,
    },
}

/// What a power cut leaves of names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Those that were flushed.
    Strict,
    /// All.
    Journal,
}

type Names = BTreeMap<String, usize>;

#[derive(Debug)]
enum Node {
    Folder { now: Names, flushed: Names },
    File { length: u64, flushed: u64 },
}

/// The recorded folder, with what is flushed of it.
#[derive(Debug)]
pub(super) struct Disk {
    /// The first is the recorded folder itself.
    nodes: Vec<Node>,
}

/// Every file by its path: which one it is, and how much of it is there.
pub(super) type State = BTreeMap<PathBuf, (usize, u64)>;

impl Disk {
    /// A disk on which everything below a folder is flushed.
    pub(super) fn of(folder: &Path) -> Self {
        let mut disk = Self { nodes: vec![empty()] };
        for file in fpl_repro::fs::files_below(folder).unwrap() {
            let bytes = folder.join(&file).metadata().unwrap().len();
            for above in file.ancestors().skip(1).collect::<Vec<_>>().into_iter().rev() {
                disk.apply(&Change::Folder { path: above.to_owned() });
            }
            disk.apply(&Change::Create { path: file.clone(), emptied: false });
            disk.apply(&Change::Append { path: file, bytes });
        }
        (0..disk.nodes.len()).for_each(|node| disk.flush(node));
        disk
    }

    /// Carries out a change; one below a folder that is not recorded is none.
    pub(super) fn apply(&mut self, change: &Change) {
        match change {
            Change::Create { path, emptied } => match self.find(path) {
                None => self.add(path, Node::File { length: 0, flushed: 0 }),
                Some(node) if *emptied => self.nodes[node] = Node::File { length: 0, flushed: 0 },
                Some(_) => {}
            },
            Change::Append { path, bytes } => {
                if let Some(Node::File { length, .. }) = self.find(path).map(|node| &mut self.nodes[node]) {
                    *length += bytes;
                }
            }
            Change::Flush { path } => {
                if let Some(node) = self.find(path) {
                    self.flush(node);
                }
            }
            Change::Folder { path } => {
                if self.find(path).is_none() {
                    self.add(path, empty());
                }
            }
            Change::Rename { from, to } => {
                let node = self.take(from);
                self.name(to, node);
            }
            Change::Exchange { a, b } => {
                let (first, second) = (self.take(a), self.take(b));
                self.name(a, second);
                self.name(b, first);
            }
            Change::Link { from, to } => {
                let node = self.find(from);
                self.name(to, node);
            }
            Change::Remove { path } => {
                self.take(path);
            }
        }
    }

    /// What is there now, complete, as after the process alone was killed.
    pub(super) fn now(&self) -> State {
        let mut state = State::new();
        self.collect(0, Path::new(""), Kind::Journal, false, &mut state);
        state
    }

    /// What a power cut leaves.
    pub(super) fn after_power_cut(&self, kind: Kind) -> State {
        let mut state = State::new();
        self.collect(0, Path::new(""), kind, true, &mut state);
        state
    }

    fn collect(&self, folder: usize, path: &Path, kind: Kind, cut: bool, state: &mut State) {
        let Node::Folder { now, flushed } = &self.nodes[folder] else { return };
        for (name, &node) in if kind == Kind::Strict { flushed } else { now } {
            let path = path.join(name);
            match &self.nodes[node] {
                Node::File { length, flushed } => {
                    state.insert(path, (node, if cut { *flushed } else { *length }));
                }
                Node::Folder { .. } => self.collect(node, &path, kind, cut, state),
            }
        }
    }

    fn flush(&mut self, node: usize) {
        match &mut self.nodes[node] {
            Node::Folder { now, flushed } => flushed.clone_from(now),
            Node::File { length, flushed } => *flushed = *length,
        }
    }

    fn find(&self, path: &Path) -> Option<usize> {
        path.components().try_fold(0, |folder, part| match (&self.nodes[folder], part) {
            (Node::Folder { now, .. }, Component::Normal(name)) => now.get(name.to_str()?).copied(),
            _ => None,
        })
    }

    /// The names in the folder that a path is in, and its own.
    fn place(&mut self, path: &Path) -> Option<(&mut Names, String)> {
        let name = path.file_name()?.to_str()?.to_owned();
        let folder = self.find(path.parent()?)?;
        match &mut self.nodes[folder] {
            Node::Folder { now, .. } => Some((now, name)),
            Node::File { .. } => None,
        }
    }

    fn add(&mut self, path: &Path, node: Node) {
        self.nodes.push(node);
        let node = self.nodes.len() - 1;
        self.name(path, Some(node));
    }

    fn name(&mut self, path: &Path, node: Option<usize>) {
        if let (Some(node), Some((names, name))) = (node, self.place(path)) {
            names.insert(name, node);
        }
    }

    fn take(&mut self, path: &Path) -> Option<usize> {
        let (names, name) = self.place(path)?;
        names.remove(&name)
    }
}

fn empty() -> Node {
    Node::Folder { now: Names::new(), flushed: Names::new() }
}

/// By hand: what POSIX promises of a file that is written, flushed, renamed, and its folder flushed.
#[test]
fn only_what_is_flushed_is_there_after_a_power_cut() {
    let path = PathBuf::from;
    let mut disk = Disk { nodes: vec![empty()] };
    let mut step = |change: Change, expected: [&[(&str, u64)]; 2]| {
        disk.apply(&change);
        let found = [Kind::Strict, Kind::Journal].map(|kind| {
            let state = disk.after_power_cut(kind).into_iter();
            state.map(|(path, (_, length))| (path.display().to_string(), length)).collect::<Vec<_>>()
        });
        let named = |&(name, length): &(&str, u64)| (name.to_owned(), length);
        let expected = expected.map(|files| files.iter().map(named).collect::<Vec<_>>());
        assert_eq!(found, expected, "{change:?}");
    };
    step(Change::Create { path: path("new"), emptied: true }, [&[], &[("new", 0)]]);
    step(Change::Append { path: path("new"), bytes: 5 }, [&[], &[("new", 0)]]);
    step(Change::Flush { path: path("new") }, [&[], &[("new", 5)]]);
    step(Change::Flush { path: path("") }, [&[("new", 5)], &[("new", 5)]]);
    step(Change::Rename { from: path("new"), to: path("file") }, [&[("new", 5)], &[("file", 5)]]);
    step(Change::Append { path: path("file"), bytes: 1 }, [&[("new", 5)], &[("file", 5)]]);
    step(Change::Flush { path: path("") }, [&[("file", 5)], &[("file", 5)]]);
    step(Change::Link { from: path("file"), to: path("other") }, [&[("file", 5)], &[("file", 5), ("other", 5)]]);
    step(Change::Remove { path: path("file") }, [&[("file", 5)], &[("other", 5)]]);
}
