//! `why`: the fields of a fingerprint, or the difference of two.

use std::path::Path;

use serde_json::Value;

use super::{Session, print};
use crate::artifact::Manifest;
use crate::config::nearest;
use crate::error::{Error, Result};
use crate::fingerprint::differences;
use crate::number::plural;
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

/// Lines of an identity that fit on a screen with what stands above them.
const SCREEN: usize = 40;

/// Prints one identity, or the difference of two; exit code 0. `all` shows every field, however many there are.
pub(super) fn why(session: &Session, targets: &[String], all: bool) -> Result<u8> {
    let found: Vec<Vec<Found>> = targets.iter().map(|target| find(session, target)).collect::<Result<_>>()?;
    match &found[..] {
        [one] => one.iter().for_each(|found| show(found, all)),
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
    let help = match nearest(target, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`? `fpl-repro status` lists all"),
        None => "`fpl-repro status` lists all cells".to_owned(),
    };
    Err(Error::Usage {
        message: format!(
            "`{target}` is no cell of this plan, no file that this program made, and no fingerprint in the cache"
        ),
        help,
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

fn show(found: &Found, all: bool) {
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
    print(&fields(&found.identity, if all { usize::MAX } else { SCREEN }));
}

/// The fields of an identity, a line each; where there are more than `most`, tables are folded, the deepest first.
fn fields(identity: &Value, most: usize) -> String {
    let mut depth = 1;
    let mut lines = folded("", identity, depth);
    loop {
        depth += 1;
        let deeper = folded("", identity, depth);
        if deeper == lines || deeper.len() > most {
            break;
        }
        lines = deeper;
    }
    let is_folded = lines != folded("", identity, usize::MAX);
    if is_folded {
        lines.push("`--all` shows every field".to_owned());
    }
    lines.join("\n")
}

/// A line per field, down to a depth; what is below is counted.
fn folded(path: &str, value: &Value, depth: usize) -> Vec<String> {
    let below = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
    match value {
        Value::Object(fields) if depth > 0 && !fields.is_empty() => {
            fields.iter().flat_map(|(key, value)| folded(&below(key), value, depth - 1)).collect()
        }
        Value::Array(values) if depth > 0 && values.iter().any(|value| value.is_object() || value.is_array()) => {
            let entries = values.iter().enumerate();
            entries.flat_map(|(at, value)| folded(&below(&at.to_string()), value, depth - 1)).collect()
        }
        Value::Object(fields) if !fields.is_empty() => vec![format!("  {path}: {}", plural(fields.len(), "field"))],
        Value::Array(values) if values.len() > 12 => vec![format!("  {path}: {}", plural(values.len(), "value"))],
        value => vec![format!("  {path}: {value}")],
    }
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
