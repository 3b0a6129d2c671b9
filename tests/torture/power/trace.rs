//! What a program changes on the disk, as `strace` tells it.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::disk::Change;

/// The calls of the system that change a disk and that the programs make.
pub(super) const CALLS: &str = "open,openat,creat,write,pwrite64,writev,copy_file_range,ftruncate,fsync,fdatasync,\
    rename,renameat,renameat2,link,linkat,unlink,unlinkat,rmdir,mkdir,mkdirat";

/// The changes below a folder, in the order in which they were done. `text` is what `strace -f -y -s 0` writes.
pub(super) fn changes(text: &str, folder: &Path) -> Vec<Change> {
    let mut begun: HashMap<&str, String> = HashMap::new();
    let mut changes = Vec::new();
    for line in text.lines() {
        let Some((process, call)) = line.split_once(' ') else { continue };
        let call = call.trim();
        if let Some(beginning) = call.strip_suffix("<unfinished ...>") {
            begun.insert(process, beginning.to_owned());
        } else if let Some((_, rest)) = call.strip_prefix("<... ").and_then(|call| call.split_once(" resumed>")) {
            let whole = begun.remove(process).unwrap_or_default() + rest;
            changes.extend(change(&whole, folder));
        } else {
            changes.extend(change(call, folder));
        }
    }
    changes
}

/// What a call changed below a folder; nothing if it failed.
fn change(call: &str, folder: &Path) -> Option<Change> {
    let (call, result) = call.rsplit_once(" = ")?;
    if result.starts_with(['-', '?']) {
        return None;
    }
    let (name, arguments) = call.trim_end().strip_suffix(')')?.split_once('(')?;
    // A blank stands before `<unfinished ...>`.
    let arguments: Vec<&str> = arguments.split(", ").map(str::trim_end).collect();
    let argument = |index: usize| arguments.get(index).copied().unwrap_or_default();
    let below = |path: PathBuf| Some(path.strip_prefix(folder).ok()?.to_owned());
    // Relative paths are relative to the folder, which is the programs' own.
    let path = |index: usize| below(folder.join(quoted(argument(index))?));
    let path_at = |index: usize| below(open(argument(index))?.join(quoted(argument(index + 1))?));
    let descriptor = |index: usize| below(open(argument(index))?);
    let create = |path: PathBuf, flags: &str| {
        let emptied = flags.contains("O_TRUNC");
        (flags.contains("O_CREAT") || emptied).then_some(Change::Create { path, emptied })
    };
    let bytes = || result.split(' ').next()?.parse().ok();
    Some(match name {
        "open" => create(path(0)?, argument(1))?,
        "openat" => create(path_at(0)?, argument(2))?,
        "write" | "pwrite64" | "writev" => Change::Append { path: descriptor(0)?, bytes: bytes()? },
        "copy_file_range" => Change::Append { path: descriptor(2)?, bytes: bytes()? },
        "fsync" | "fdatasync" => Change::Flush { path: descriptor(0)? },
        "rename" => Change::Rename { from: path(0)?, to: path(1)? },
        "renameat" | "renameat2" if argument(4).contains("RENAME_EXCHANGE") => {
            Change::Exchange { a: path_at(0)?, b: path_at(2)? }
        }
        "renameat" | "renameat2" => Change::Rename { from: path_at(0)?, to: path_at(2)? },
        "link" => Change::Link { from: path(0)?, to: path(1)? },
        "linkat" => Change::Link { from: path_at(0)?, to: path_at(2)? },
        "unlink" | "rmdir" => Change::Remove { path: path(0)? },
        "unlinkat" => Change::Remove { path: path_at(0)? },
        "mkdir" => Change::Folder { path: path(0)? },
        "mkdirat" => Change::Folder { path: path_at(0)? },
        "ftruncate" => panic!("a call that this test does not know: {call}, {}", descriptor(0)?.display()),
        _ => return None,
    })
}

/// The path that `strace -y` writes behind a descriptor.
fn open(argument: &str) -> Option<PathBuf> {
    let (_, path) = argument.split_once('<')?;
    Some(PathBuf::from(path.strip_suffix('>')?))
}

fn quoted(argument: &str) -> Option<PathBuf> {
    Some(PathBuf::from(argument.strip_prefix('"')?.strip_suffix('"')?))
}

/// Lines as strace 6.1 writes them.
#[test]
fn lines_of_strace_are_read() {
    let text = r#"10 openat(AT_FDCWD</p>, "cache/.new-a", O_RDWR|O_CREAT|O_EXCL|O_CLOEXEC, 0666) = 3</p/cache/.new-a>
10 write(3</p/cache/.new-a>, ""..., 100 <unfinished ...>
11 openat(AT_FDCWD</p>, "/p/cache/x", O_RDONLY|O_CLOEXEC) = 4</p/cache/x>
10 <... write resumed>)                 = 100
11 openat(AT_FDCWD</p>, "/p/cache/y", O_WRONLY|O_CREAT|O_EXCL, 0666) = -1 EEXIST (File exists)
10 fsync(3</p/cache/.new-a>)              = 0
10 renameat2(AT_FDCWD</p>, "/p/a", AT_FDCWD</p>, "/p/b", RENAME_EXCHANGE) = 0
11 write(1<pipe:[123]>, ""..., 7)         = 7
10 unlinkat(5</p/cache/work>, "f", 0)     = 0
10 unlink("/p/cache/leases/a.1" <unfinished ...>
11 fsync(4</p/cache> <unfinished ...>
10 <... unlink resumed>)                   = 0
12 renameat(AT_FDCWD</p>, "/p/./cache/.new-b", AT_FDCWD</p>, "./cache/b" <unfinished ...>
11 <... fsync resumed>)                    = 0
12 <... renameat resumed>)                 = 0
10 +++ exited with 0 +++
"#;
    let path = PathBuf::from;
    assert_eq!(
        changes(text, Path::new("/p")),
        [
            Change::Create { path: path("cache/.new-a"), emptied: false },
            Change::Append { path: path("cache/.new-a"), bytes: 100 },
            Change::Flush { path: path("cache/.new-a") },
            Change::Exchange { a: path("a"), b: path("b") },
            Change::Remove { path: path("cache/work/f") },
            Change::Remove { path: path("cache/leases/a.1") },
            Change::Flush { path: path("cache") },
            Change::Rename { from: path("cache/.new-b"), to: path("cache/b") },
        ]
    );
}
