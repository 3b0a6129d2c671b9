//! `bundle`, `verify BUNDLE`, `import`.

use std::path::{Path, PathBuf};

use super::{Session, print};
use crate::bundle::{self, Archive, Verified};
use crate::error::{Error, Result};
use crate::event::size;
use crate::plan::Cell;

/// Writes the bundle; exit code 0, also if cells have no result, and 1 if the results of one are damaged.
pub(super) fn write(session: &Session, out: Option<PathBuf>) -> Result<u8> {
    let runner = session.runner();
    let damaged = runner.damaged();
    let written = bundle::write(&runner, &session.reports, out)?;
    print(&summary(&written.verified));
    print(&format!("{}\n{}, sha256 {}", written.path.display(), size(written.bytes), written.sha256));
    Ok(super::tell_damage(&damaged))
}

/// Verifies a bundle; exit code 1 with the first thing that does not follow.
pub(super) fn verify(path: &Path) -> Result<u8> {
    let archive = read(path)?;
    let verified = bundle::verify(&archive).map_err(|fault| {
        Error::data(path, fault.to_string(), "it was changed after it was made, or damaged: get it again")
    })?;
    print(&summary(&verified));
    print(&format!("sha256 {}", archive.sha256));
    Ok(0)
}

/// Brings a bundle's cells in; exit code 0.
pub(super) fn import(session: &Session, path: &Path) -> Result<u8> {
    let imported = bundle::import(&read(path)?, &session.store)?;
    for (cell, why) in &imported.left_out {
        print(&format!("{cell}: {why}"));
    }
    let (runner, profile) = (session.runner(), &session.loaded.profile);
    let fingerprint = |cell: &Cell| session.plan.nodes[cell.evaluate].fingerprint.as_str();
    let added = |cell: &&Cell| imported.added.iter().any(|(_, added)| added == fingerprint(cell));
    let planned: Vec<&Cell> = session.plan.cells.iter().filter(added).collect();
    let local = planned.iter().filter(|cell| runner.foreign(cell).is_none()).count();
    let (brought, left) = (imported.added.len(), imported.left_out.len());
    print(&format!("{brought} cells brought in, {left} left out; {} are cells of profile {profile}", planned.len()));
    if local > 0 {
        print(&format!("{local} of them have results of this cache, which count"));
    }
    session.store.save_memo();
    Ok(0)
}

fn read(path: &Path) -> Result<Archive> {
    if !path.is_file() {
        return Err(Error::Usage {
            message: format!("`{}` is no file", path.display()),
            help: "name a bundle that `fpl-repro bundle` wrote".into(),
        });
    }
    Archive::read(path)
}

fn summary(verified: &Verified) -> String {
    let (done, cells) = verified.cells;
    let mut lines: Vec<String> = verified.notes.iter().map(|note| format!("note: {note}")).collect();
    lines.push(format!("profile {}: {done} of {cells} cells have results", verified.profile));
    if verified.imported > 0 {
        lines.push(format!("{} of them came from another bundle before", verified.imported));
    }
    lines.push(format!(
        "{} numbers follow from the predictions of {} images per cell and the trainings' records",
        verified.numbers, verified.images
    ));
    if let Some(rendered) = verified.rendered {
        let verdicts: Vec<String> = verified.verdicts.iter().map(|(verdict, n)| format!("{n} {verdict}")).collect();
        lines.push(format!("claims: {}", verdicts.join(", ")));
        lines.push(format!("{rendered} files of the report were rendered again and are equal byte for byte"));
    }
    lines.join("\n")
}
