//! Names for results that are to stay in a remote cache: `tags/<name>`.

use serde::{Deserialize, Serialize};

use super::Remote;
use crate::error::{Error, Result};

/// Where they stand.
pub(super) const FOLDER: &str = "tags";

/// Results that are to stay, whatever configurations there are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tag {
    /// Why, for readers: a bundle with its sha256, or the name alone.
    pub what: String,
    /// Fingerprints, sorted.
    pub results: Vec<String>,
}

/// Adds a tag; false if the same is there.
///
/// # Errors
/// If the name cannot be one, or is that of other results.
pub fn add_tag(remote: &Remote, name: &str, tag: &Tag) -> Result<bool> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    if name.is_empty() || name.starts_with('.') || !name.bytes().all(plain) {
        return Err(Error::Usage {
            message: format!("`{name}` is no name for a tag"),
            help: "use letters, digits, `-`, `_` and `.`".into(),
        });
    }
    let text = serde_json::to_vec_pretty(tag)
        .map_err(|error| Error::Render { what: "a tag".into(), message: error.to_string() })?;
    let path = format!("{FOLDER}/{name}");
    if remote.client.create(&path, text.clone())? {
        return Ok(true);
    }
    if remote.client.get(&path)?.as_ref() == Some(&text) {
        return Ok(false);
    }
    Err(Error::Usage {
        message: format!("`{}/{path}` is there, for other results", remote.url),
        help: "choose another name: what a tag keeps never changes".into(),
    })
}
