//! `verify`: hashes every artifact in the cache again.

use std::path::Path;

use super::{Session, print};
use crate::artifact::Manifest;
use crate::event::size;
use crate::fingerprint::Fingerprint;
use crate::fs;
use crate::plan::StageKind;
use crate::store::{self, Store};

/// Prints what does not match; exit code 1 if anything does not.
pub(super) fn verify(session: &Session) -> u8 {
    let (mut files, mut bytes, mut faults, mut notes) = (0_u64, 0_u64, Vec::new(), Vec::new());
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
    for line in notes.iter().chain(&faults) {
        print(line);
    }
    if faults.is_empty() {
        print(&format!("{files} files, {}: all as they were written", size(bytes)));
        return 0;
    }
    print(&format!("{files} files, {}: {} do not match; the next run makes them again", size(bytes), faults.len()));
    1
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
    for (name, output) in &manifest.outputs {
        let path = entry.join(name);
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
    let known =
        |file: &Path| file == Path::new(store::MANIFEST) || manifest.outputs.contains_key(&file.display().to_string());
    let extra = fs::files_below(entry).unwrap_or_default();
    let note = |file: &std::path::PathBuf| {
        format!("note: `{}` is not of this program, and is ignored", entry.join(file).display())
    };
    (faults, extra.iter().filter(|file| !known(file)).map(note).collect())
}
