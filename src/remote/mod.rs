//! A cache that others share: results by their fingerprint, files by their sha256, in a bucket, a folder or behind HTTP.
//!
//! `ac/<fingerprint>` is the manifest of a result, and `cas/<sha256>` a file that manifests name: the layout of Bazel's
//! remote caches. Nothing is believed for its place: a manifest has to carry its own digest and the fingerprint of its
//! fields, and a file its sha256. `tags/<name>` lists results that are to stay.

mod client;
mod transfer;
mod tag;
mod sweep;

use std::path::PathBuf;

use crate::config;
use crate::error::{Error, Result};
use client::Client;

pub use client::Listed;
pub use sweep::{Unused, remove, unused};
pub use tag::{Tag, add_tag};
pub use transfer::{Pull, Pulled, pull, push};

/// A remote cache. Every call waits for the network.
#[derive(Debug)]
pub struct Remote {
    client: Client,
    url: String,
    read_only: bool,
}

/// A file that is wanted, or that is here.
#[derive(Debug, Clone)]
pub struct Object {
    /// What it is known by.
    pub sha256: String,
    /// Its size.
    pub bytes: u64,
    /// Where it is on this machine, or shall be.
    pub path: PathBuf,
    /// Where what has arrived of it is kept until it is whole.
    pub part: PathBuf,
}

impl Remote {
    /// The remote cache of a configuration. Asks the network nothing yet.
    ///
    /// Credentials come from where the providers' own programs take them: `AWS_*`, `GOOGLE_*` and `AZURE_*` of the
    /// environment, or the machine's role.
    ///
    /// # Errors
    /// If none is configured, or its URL cannot be one.
    pub fn open(remote: &config::Remote) -> Result<Self> {
        let config::Remote { url, read_only } = remote;
        if url.is_empty() {
            return Err(Error::Usage {
                message: "no remote cache is configured".into(),
                help: "set `url` in `[remote]`, for example `--set remote.url=s3://bucket/fpl`".into(),
            });
        }
        Ok(Self { client: Client::new(url)?, url: url.clone(), read_only: *read_only })
    }

    /// Its address.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Whether nothing is to be written to it.
    pub fn is_read_only(&self) -> bool {
        self.read_only
    }

    /// The manifest of a result; `None` if there is none.
    pub fn manifest(&self, fingerprint: &str) -> Result<Option<Vec<u8>>> {
        self.client.get(&format!("ac/{fingerprint}"))
    }

    /// Adds the manifest of a result whose files are there; false if there is one already, which stays.
    pub fn add_manifest(&self, fingerprint: &str, manifest: Vec<u8>) -> Result<bool> {
        self.client.create(&format!("ac/{fingerprint}"), manifest)
    }

    /// Brings files, several at a time; what an earlier attempt left of one is gone on with.
    ///
    /// # Errors
    /// If one is not there, does not arrive, or is not what its sha256 says; none of those is left at its path.
    pub fn bring(&self, objects: &[Object]) -> Result<()> {
        self.client.bring(objects)
    }

    /// Adds files that are not there, several at a time; how many were added.
    pub fn add(&self, objects: &[Object]) -> Result<usize> {
        self.client.add(objects)
    }
}
