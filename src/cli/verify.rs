//! `verify`: hashes every artifact in the cache again.

use std::path::Path;

use schemars::JsonSchema;
use serde::Serialize;

use super::{Session, print, print_json};
use crate::artifact::{Manifest, WEIGHTS};
use crate::error::Result;
use crate::event::size;
use crate::fingerprint::Fingerprint;
use crate::fs;
use crate::number::plural;
use crate::plan::StageKind;
use crate::store::{self, Store};

/// `verify --json`, of a cache.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub(super) struct Checked {
    /// Files that were read.
    files: u64,
    /// Their bytes.
    bytes: u64,
    /// What does not match, a sentence each.
    faults: Vec<String>,
    /// What harms nothing.
    notes: Vec<String>,
}

/// Prints what does not match; exit code 1 if anything does not.
pub(super) fn verify(session: &Session, json: bool) -> Result<u8> {
    // What `gc` removes meanwhile would be missed. A folder that is no cache is left as it is.
    let _held = if session.store.is_cache() { session.store.hold()? } else { None };
    let checked = hash_again(session);
    let code = u8::from(!checked.faults.is_empty());
    if json {
        print_json(&checked)?;
        return Ok(code);
    }
    let Checked { files, bytes, faults, notes } = checked;
    for line in notes.iter().chain(&faults) {
        print(line);
    }
    let all = format!("{}, {}", plural(files as usize, "file"), size(bytes));
    print(&match faults.len() {
        0 => format!("{all}: all as they were written"),
        1 => format!("{all}: 1 does not match; the next run makes it again"),
        wrong => format!("{all}: {wrong} do not match; the next run makes them again"),
    });
    Ok(code)
}

fn hash_again(session: &Session) -> Checked {
    let Checked { mut files, mut bytes, mut faults, mut notes } = Checked::default();
    let stages = StageKind::ALL.map(|stage| session.store.root().join(stage.name()));
    for folder in stages.into_iter().chain([session.store.foreign_root()]) {
        for entry in fs::entries(&folder) {
            match store::read_manifest(&entry) {
                Ok(manifest) => {
                    let (found, extra) = check(&session.store, &entry, &manifest);
                    faults.extend(found);
                    notes.extend(extra);
                    files += manifest.outputs.len() as u64;
                    bytes += manifest.outputs.values().map(|output| output.bytes).sum::<u64>();
                }
                Err(error) => faults.push(error.to_string()),
            }
        }
    }
    // What was found counts from now on: the next run takes it from there.
    session.store.save_memo();
    Checked { files, bytes, faults, notes }
}

/// What does not match, and files that are not ours, which harm nothing.
fn check(store: &Store, entry: &Path, manifest: &Manifest) -> (Vec<String>, Vec<String>) {
    let mut faults = Vec::new();
    let folder = fs::name(entry);
    if Fingerprint::of(&manifest.identity).as_str() != manifest.fingerprint || folder != manifest.fingerprint {
        faults.push(format!(
            "`{}`: the fingerprint does not follow from the fields",
            entry.join(store::MANIFEST).display()
        ));
    }
    let elsewhere = entry.join(store::ELSEWHERE).exists();
    for (name, output) in &manifest.outputs {
        let path = entry.join(name);
        if name == WEIGHTS && elsewhere && !path.exists() {
            continue;
        }
        match store.digest_again(&path) {
            Ok(found) if found == output.sha256 => {}
            Ok(found) => faults.push(format!(
                "`{}`: sha256 {found}, written {} ({} of {})",
                path.display(),
                output.sha256,
                manifest.stage,
                manifest.subject
            )),
            Err(error) => faults.push(format!("{error} ({} of {})", manifest.stage, manifest.subject)),
        }
    }
    let known = |file: &Path| {
        file == Path::new(store::MANIFEST)
            || file == Path::new(store::ELSEWHERE)
            || manifest.outputs.contains_key(&file.display().to_string())
    };
    let extra = fs::files_below(entry).unwrap_or_default();
    let note = |file: &std::path::PathBuf| {
        format!("note: `{}` is not of this program, and is ignored", entry.join(file).display())
    };
    (faults, extra.iter().filter(|file| !known(file)).map(note).collect())
}
