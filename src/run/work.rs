//! The folder that a training goes on from.

use std::path::Path;

use crate::error::Result;
use crate::fs;

/// Makes the folder, and removes from it what is no file: nothing there is worth keeping that a training cannot read, and
/// it would stand in the way of what the training writes. `say` is told.
///
/// # Errors
/// It cannot be made or read, or something in it cannot be removed.
pub(super) fn prepare(folder: &Path, say: impl Fn(&str)) -> Result<()> {
    if folder.symlink_metadata().is_ok() && !folder.is_dir() {
        say(&format!("`{}` is no folder: removed", folder.display()));
        fs::remove(folder)?;
    }
    fs::create_dir_all(folder)?;
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(crate::error::Error::io("list", folder))? {
        paths.push(entry.map_err(crate::error::Error::io("list", folder))?.path());
    }
    for path in paths {
        if path.symlink_metadata().is_ok_and(|metadata| !metadata.is_file()) {
            say(&format!("`{}` is no file: removed, and not gone on from", path.display()));
            fs::remove(&path)?;
        }
    }
    Ok(())
}
