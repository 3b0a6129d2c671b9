//! Folders and files that options name, looked at before any work is done for them.

use std::path::Path;

use crate::error::{Error, Result};
use crate::fs;

/// Refuses a path that cannot be a folder: it, or what it is in, is a file.
///
/// # Errors
/// [`Error::Usage`] with the option.
pub(super) fn check(path: &Path, option: &str) -> Result<()> {
    let above = nearest(path);
    if above.is_dir() {
        return Ok(());
    }
    let what = if above.exists() { "a file" } else { "a link that leads nowhere" };
    Err(Error::Usage {
        message: format!("`{option} {}`: `{}` is {what}", path.display(), above.display()),
        help: format!("name a folder with `{option}`; one that does not exist is made"),
    })
}

/// Refuses a folder that is not there and cannot be made.
///
/// # Errors
/// [`Error::Usage`] with the option.
pub(super) fn can_be_made(path: &Path, option: &str) -> Result<()> {
    check(path, option)?;
    if path.is_dir() { Ok(()) } else { takes(path, path, option) }
}

/// Refuses a folder in which nothing can be made, or that is not there and cannot be made.
///
/// # Errors
/// [`Error::Usage`] with the option.
pub(super) fn can_be_written(path: &Path, option: &str) -> Result<()> {
    check(path, option)?;
    takes(path, path, option)
}

/// Refuses a file that cannot be written: it is a folder, or nothing can be made in the folder that it is to be in.
///
/// # Errors
/// [`Error::Usage`] with the option.
pub(super) fn file_can_be_written(path: &Path, option: &str) -> Result<()> {
    if path.is_dir() {
        return Err(Error::Usage {
            message: format!("`{option} {}` is a folder", path.display()),
            help: format!("name a file with `{option}`"),
        });
    }
    let folder = path.parent().unwrap_or(path);
    check(folder, option)?;
    takes(folder, path, option)
}

/// Refuses a path if nothing can be made in `folder`, or in what is there above it.
fn takes(folder: &Path, path: &Path, option: &str) -> Result<()> {
    fs::takes_names(nearest(folder)).map_err(|error| Error::Usage {
        message: format!("`{option} {}` cannot be written: {error}", path.display()),
        help: format!("name another place with `{option}`, or get the permission to write there"),
    })
}

/// The path, or the nearest above it that is there.
fn nearest(path: &Path) -> &Path {
    // A relative path ends above in an empty one.
    path.ancestors().find(|above| above.symlink_metadata().is_ok()).unwrap_or(Path::new("."))
}
