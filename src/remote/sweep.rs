//! What nobody needs of a remote cache.
//!
//! Results go first and then the files that no result names any more. What is younger than a day stays: another machine may be
//! about to add the manifest that names it. Whoever adds a manifest at the very moment at which files go that it names, of which
//! the remote cache had some before, adds one that names files that are not there: that is told when it is brought, and the
//! next `push` mends it.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use super::Remote;
use super::client::Listed;
use super::tag::{self, Tag};
use crate::artifact::Manifest;
use crate::error::{Error, Result};
use crate::store::parse_manifest;

/// What is younger may be a part of something that is being added.
const YOUNG: Duration = Duration::from_hours(24);

/// What can go.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Unused {
    /// Results with what they are, as `train of table2/resnet18/random/fpl/seed0`.
    pub results: Vec<(String, Listed)>,
    /// Files that no other result names.
    pub files: Vec<Listed>,
}

/// What neither `keep`, which are fingerprints, nor a tag names, with what results that stay were made from.
///
/// # Errors
/// If a manifest or a tag there cannot be read, since what it names is unknown then; or if the remote cache cannot be listed.
pub fn unused(remote: &Remote, keep: &BTreeSet<String>) -> Result<Unused> {
    let mut keep = keep.clone();
    keep.extend(tagged(remote)?);
    let results = results(remote)?;
    with_inputs(&results, &mut keep);
    let stays = |(manifest, listed): &&(Manifest, Listed)| keep.contains(&manifest.fingerprint) || listed.age < YOUNG;
    let named: BTreeSet<&str> = results
        .iter()
        .filter(stays)
        .flat_map(|(manifest, _)| manifest.outputs.values().map(|output| output.sha256.as_str()))
        .collect();
    let file = |listed: &Listed| listed.name.strip_prefix("cas/").is_some_and(|sha256| !named.contains(sha256));
    let files = remote.client.list("cas")?;
    Ok(Unused {
        files: files.into_iter().filter(|listed| listed.age >= YOUNG && file(listed)).collect(),
        results: results
            .iter()
            .filter(|result| !stays(result))
            .map(|(manifest, listed)| (format!("{} of {}", manifest.stage, manifest.subject), listed.clone()))
            .collect(),
    })
}

/// Removes what was found: results before the files that they name.
pub fn remove(remote: &Remote, unused: &Unused) -> Result<()> {
    let names = |listed: &Listed| listed.name.clone();
    remote.client.remove(&unused.results.iter().map(|(_, listed)| names(listed)).collect::<Vec<_>>())?;
    remote.client.remove(&unused.files.iter().map(names).collect::<Vec<_>>())
}

/// Every result with its manifest.
fn results(remote: &Remote) -> Result<Vec<(Manifest, Listed)>> {
    let listed = remote.client.list("ac")?;
    let names: Vec<String> = listed.iter().map(|listed| listed.name.clone()).collect();
    let contents = remote.client.get_all(&names)?;
    let there = listed.into_iter().zip(contents).filter_map(|(listed, content)| Some((listed, content?)));
    there
        .map(|(listed, content)| {
            let place = format!("{}/{}", remote.url, listed.name);
            let manifest = parse_manifest(Path::new(&place), &content).map_err(|error| unknown(&place, &error))?;
            Ok((manifest, listed))
        })
        .collect()
}

/// The results that tags name.
fn tagged(remote: &Remote) -> Result<BTreeSet<String>> {
    let names: Vec<String> = remote.client.list(tag::FOLDER)?.into_iter().map(|listed| listed.name).collect();
    let contents = remote.client.get_all(&names)?;
    let mut results = BTreeSet::new();
    for (name, content) in names.iter().zip(contents) {
        let place = format!("{}/{name}", remote.url);
        let tag: Tag = serde_json::from_slice(&content.unwrap_or_default()).map_err(|error| unknown(&place, &error))?;
        results.extend(tag.results);
    }
    Ok(results)
}

/// Results that stay are of no use without what they were made from.
fn with_inputs(results: &[(Manifest, Listed)], keep: &mut BTreeSet<String>) {
    loop {
        let kept = results.iter().filter(|(manifest, _)| keep.contains(&manifest.fingerprint));
        let inputs: BTreeSet<String> = kept.flat_map(|(manifest, _)| manifest.inputs.keys().cloned()).collect();
        let before = keep.len();
        keep.extend(inputs);
        if keep.len() == before {
            return;
        }
    }
}

fn unknown(place: &str, error: &impl std::fmt::Display) -> Error {
    Error::data(
        place,
        format!("cannot be read, and so what it names is unknown: {error}"),
        "nothing was removed; use the program that wrote it, or remove it there",
    )
}
