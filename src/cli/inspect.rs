//! `why`: the fields of a fingerprint, or the difference of two.

use std::path::Path;

use serde_json::Value;

use super::{Session, print};
use crate::artifact::Manifest;
use crate::error::{Error, Result};
use crate::fingerprint::differences;
use crate::plan::StageKind;
use crate::report::input::Origin;
use crate::store::{self, Foreign};

/// What was asked about.
struct Found {
    title: String,
    identity: Value,
    /// The manifest, if the result is there.
    manifest: Option<Manifest>,
    /// The bundle it came in.
    imported: Option<Origin>,
}

/// Prints one identity, or the difference of two; exit code 0.
pub(super) fn why(session: &Session, targets: &[String]) -> Result<u8> {
    let found: Vec<Vec<Found>> = targets.iter().map(|target| find(session, target)).collect::<Result<_>>()?;
    match &found[..] {
        [one] => one.iter().for_each(show),
        [a, b] => compare(&a[0], &b[0]),
        _ => {}
    }
    Ok(0)
}

fn find(session: &Session, target: &str) -> Result<Vec<Found>> {
    if let Some(cell) = session.plan.cells.iter().find(|cell| cell.id.as_str() == target) {
        let nodes = [&session.plan.nodes[cell.train], &session.plan.nodes[cell.evaluate]];
        return Ok(nodes
            .iter()
            .map(|node| Found {
                title: format!("{} of {}", node.stage.name(), node.subject),
                identity: node.identity(),
                manifest: store::read_manifest(&session.store.entry(node)).ok(),
                imported: None,
            })
            .chain(session.runner().foreign(cell).map(of_foreign))
            .collect());
    }
    if let Some(found) = of_file(Path::new(target)).or_else(|| of_fingerprint(session, target)) {
        return Ok(vec![found]);
    }
    let known: Vec<&str> = session.plan.cells.iter().map(|cell| cell.id.as_str()).collect();
    let near = known.iter().min_by_key(|id| strsim::damerau_levenshtein(target, id)).copied().unwrap_or_default();
    Err(Error::Usage {
        message: format!(
            "`{target}` is no cell of this plan, no file that this program made, and no fingerprint in the cache"
        ),
        help: format!("did you mean `{near}`? `fpl-repro status` lists all"),
    })
}

/// The manifest beside a file or above it.
fn of_file(path: &Path) -> Option<Found> {
    let path = path.canonicalize().ok()?;
    path.ancestors().take(4).find_map(|folder| store::read_manifest(folder).ok()).map(of_manifest)
}

fn of_fingerprint(session: &Session, beginning: &str) -> Option<Found> {
    if beginning.len() < 6 {
        return None;
    }
    let all = StageKind::ALL.into_iter().flat_map(|stage| session.store.manifests(stage));
    let mut matching = all.filter(|(_, manifest)| manifest.fingerprint.starts_with(beginning));
    matching.next().map(|(_, manifest)| of_manifest(manifest))
}

fn of_manifest(manifest: Manifest) -> Found {
    Found {
        title: format!("{} of {}", manifest.stage, manifest.subject),
        identity: manifest.identity.clone(),
        manifest: Some(manifest),
        imported: None,
    }
}

fn of_foreign(foreign: Foreign) -> Found {
    Found { imported: Some(foreign.origin), ..of_manifest(foreign.manifest) }
}

fn show(found: &Found) {
    let fingerprint = crate::fingerprint::Fingerprint::of(&found.identity);
    print(&format!("{}\nfingerprint {fingerprint}", found.title));
    if let Some(origin) = &found.imported {
        print(&format!("imported from `{}`, sha256 {}", origin.file, origin.bundle));
    }
    match &found.manifest {
        Some(manifest) => print(&format!(
            "made {} on {} in {:.1} s, {}",
            manifest.finished, manifest.environment.host, manifest.seconds, manifest.environment.program
        )),
        None => print("not in the cache"),
    }
    print(&serde_json::to_string_pretty(&found.identity).unwrap_or_default());
}

fn compare(a: &Found, b: &Found) {
    print(&format!("{} → {}", a.title, b.title));
    let found = differences(&a.identity, &b.identity);
    if found.is_empty() {
        print("no difference: one fingerprint");
    }
    for difference in found {
        print(&format!("  {difference}"));
    }
}
