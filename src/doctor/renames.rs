//! Whether a rename is one step: entries of the cache appear by it.

use std::path::Path;

use super::Finding;
use super::meeting::{Meeting, Role};
use crate::error::{Error, Result};
use crate::fs;

/// How often a file is replaced under the other's eyes.
const REPLACED: usize = 400;
/// Its size, larger than what a server takes in one piece of data.
const BYTES: usize = 1 << 17;
/// Folders that both want to put in the same place.
const FOLDERS: usize = 100;

/// One replaces a file again and again while the other reads it; then both rename a folder to one name.
pub(super) fn examine(meeting: &Meeting) -> Result<Finding> {
    let torn = replaced(meeting)?;
    let (both, none) = contested(meeting)?;
    let mut faults = Vec::new();
    if torn > 0 {
        faults.push(format!("{torn} reads of a file that was being replaced saw neither the old nor the new one"));
    }
    if both + none > 0 {
        faults.push(format!("of {FOLDERS} folders, {both} were put in place by both and {none} by none"));
    }
    Ok(Finding {
        property: "a rename is one step",
        holds: faults.is_empty(),
        needed: true,
        seen: if faults.is_empty() {
            format!("{REPLACED} files replaced under a reader's eyes, {FOLDERS} folders wanted by both")
        } else {
            faults.join("; ")
        },
    })
}

/// Reads that saw no whole file.
fn replaced(meeting: &Meeting) -> Result<usize> {
    let path = meeting.room.join("replaced");
    let found = if meeting.role == Role::First {
        fs::write_atomic(&path, &vec![b'a'; BYTES])?;
        meeting.exchange("renames-begin", "")?;
        for turn in 0..REPLACED {
            fs::write_atomic(&path, &vec![if turn % 2 == 0 { b'b' } else { b'a' }; BYTES])?;
        }
        meeting.say("renames-done", "")?;
        None
    } else {
        meeting.exchange("renames-begin", "")?;
        let mut torn = 0;
        while !meeting.has_heard("renames-done") {
            torn += usize::from(!is_whole(&path));
        }
        Some(torn.to_string())
    };
    meeting.agree("renames-torn", found).map(|text| text.parse().unwrap_or(usize::MAX))
}

fn is_whole(path: &Path) -> bool {
    match std::fs::read(path) {
        Ok(bytes) => bytes.len() == BYTES && bytes.iter().all(|byte| *byte == bytes[0]),
        // Of a file that was replaced after it was opened NFS says that it is stale: an error, not another content.
        Err(error) => error.raw_os_error() == Some(rustix::io::Errno::STALE.raw_os_error()),
    }
}

/// Folders that both, and that none, put in place.
fn contested(meeting: &Meeting) -> Result<(usize, usize)> {
    let own = |index: usize| meeting.room.join(format!("{:?}-{index}", meeting.role));
    for index in 0..FOLDERS {
        fs::write_atomic(&own(index).join("file"), b"")?;
    }
    meeting.exchange("folders-begin", "")?;
    let won: String =
        (0..FOLDERS)
            .map(|index| {
                if std::fs::rename(own(index), meeting.room.join(format!("folder-{index}"))).is_ok() {
                    '1'
                } else {
                    '0'
                }
            })
            .collect();
    let theirs = meeting.exchange("folders-won", &won)?;
    let count = |both: char| won.chars().zip(theirs.chars()).filter(|pair| *pair == (both, both)).count();
    Ok((count('1'), count('0')))
}

/// Whether two folders can change places in one step, by which a result that was damaged or forced is replaced.
pub(super) fn exchange(meeting: &Meeting) -> Result<Finding> {
    let [a, b] = ["a", "b"].map(|name| meeting.room.join(format!("exchange-{:?}-{name}", meeting.role)));
    fs::create_dir_all(&a)?;
    fs::create_dir_all(&b)?;
    let exchanged = match fs::exchange_at_once(&a, &b) {
        Ok(()) => None,
        Err(Error::Io { source, .. }) => Some(source.to_string()),
        Err(error) => return Err(error),
    };
    Ok(Finding {
        property: "two folders can change places in one step",
        holds: exchanged.is_none(),
        needed: false,
        seen: exchanged.map_or_else(
            || "so a result that is made again is never missing".into(),
            |error| format!("{error}: a result that is made again is missing for a moment"),
        ),
    })
}
