//! Results between this cache and a remote one: verified on arrival, and added where they are not.

use std::collections::BTreeMap;
use std::path::Path;

use super::{Object, Remote};
use crate::artifact::{Manifest, WEIGHTS};
use crate::error::{Error, Result};
use crate::fingerprint::is_fingerprint;
use crate::plan::Node;
use crate::store::{Claim, MANIFEST, Store, parse_manifest};

/// What is to be brought of a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pull {
    /// Everything.
    Whole,
    /// What a report needs: everything but the weights.
    Evidence,
}

/// What became of it.
#[derive(Debug, Clone)]
pub enum Pulled {
    /// It is here now.
    Brought(Box<Manifest>),
    /// The remote cache does not have it.
    Absent,
}

/// Brings a stage's result from a remote cache, if it was made from what `reads` says, where that is known. The caller holds
/// the claim and knows that the result is not here.
///
/// # Errors
/// If it does not arrive, or is not what it should be; nothing of it counts then.
pub fn pull(
    remote: &Remote,
    store: &Store,
    node: &Node,
    claim: &Claim,
    what: Pull,
    reads: Option<&BTreeMap<String, String>>,
) -> Result<Pulled> {
    let Some(bytes) = remote.manifest(node.fingerprint.as_str())? else { return Ok(Pulled::Absent) };
    let place = format!("{}/ac/{}", remote.url(), node.fingerprint);
    let manifest = parse_manifest(Path::new(&place), &bytes)?;
    check(&place, node, &manifest)?;
    if reads.is_some_and(|reads| *reads != manifest.inputs) {
        return Ok(Pulled::Absent); // Of other bits, as another processor may compute them.
    }
    let wanted = |object: &Object| what == Pull::Whole || !object.path.ends_with(WEIGHTS);
    let objects: Vec<Object> = objects(store, node, &manifest, claim.staging()).filter(wanted).collect();
    remote.bring(&objects)?;
    let elsewhere = (what == Pull::Evidence && manifest.outputs.contains_key(WEIGHTS)).then(|| remote.url());
    claim.adopt(&bytes, elsewhere)?;
    Ok(Pulled::Brought(Box::new(manifest)))
}

/// The files of a result in a folder.
fn objects(store: &Store, node: &Node, manifest: &Manifest, folder: &Path) -> impl Iterator<Item = Object> {
    manifest.outputs.iter().map(move |(name, output)| Object {
        sha256: output.sha256.clone(),
        bytes: output.bytes,
        path: folder.join(name),
        // Whoever holds the claim is the only one that writes it.
        part: store.downloads().join(format!("{}-{name}.part", node.fingerprint)),
    })
}

/// The manifest is that of the stage, and names files that can be brought.
fn check(place: &str, node: &Node, manifest: &Manifest) -> Result<()> {
    let wrong = |message: String| Error::data(place, message, "remove it there, or use another remote cache");
    if manifest.fingerprint != node.fingerprint.as_str() || manifest.identity != node.identity() {
        return Err(wrong("belongs to another fingerprint".into()));
    }
    for (name, output) in &manifest.outputs {
        let plain = !name.is_empty() && !name.contains(['/', '\\']) && !name.starts_with('.') && name != MANIFEST;
        if !plain || !is_fingerprint(&output.sha256) {
            return Err(wrong(format!("names a file that no stage leaves, `{name}`")));
        }
    }
    Ok(())
}

/// Adds a stage's result to a remote cache: its files first, then the manifest that names them; false if all was there.
///
/// The caller knows that the result is here and whole. A manifest that is there stays as it is; of the files that it names those
/// are added that are missing and are here.
pub fn push(remote: &Remote, store: &Store, node: &Node, manifest: &Manifest) -> Result<bool> {
    let entry = store.entry(node);
    let objects = objects(store, node, manifest, &entry);
    let Some(theirs) = remote.manifest(node.fingerprint.as_str())? else {
        remote.add(&objects.collect::<Vec<_>>())?;
        return remote.add_manifest(node.fingerprint.as_str(), crate::fs::read(&entry.join(MANIFEST))?);
    };
    // Whoever brings one that cannot be read is told.
    let Ok(theirs) = parse_manifest(Path::new(remote.url()), &theirs) else { return Ok(false) };
    let named = |object: &Object| theirs.outputs.values().any(|output| output.sha256 == object.sha256);
    Ok(remote.add(&objects.filter(named).collect::<Vec<_>>())? > 0)
}
