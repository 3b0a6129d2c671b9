//! Folders that options name.

use std::path::Path;

use crate::error::{Error, Result};

/// Refuses a path that cannot be a folder: it, or what it is in, is a file.
///
/// # Errors
/// [`Error::Usage`] with the option.
pub(super) fn check(path: &Path, option: &str) -> Result<()> {
    // An empty path is the current folder.
    let above = path.ancestors().filter(|above| !above.as_os_str().is_empty()).find(|above| above.exists());
    match above {
        Some(above) if !above.is_dir() => Err(Error::Usage {
            message: format!("`{option} {}`: `{}` is a file", path.display(), above.display()),
            help: format!("name a folder with `{option}`; one that does not exist is made"),
        }),
        _ => Ok(()),
    }
}
