//! `bundle`, `verify BUNDLE`, `import`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::Args;
use schemars::JsonSchema;
use serde::Serialize;

use super::{Session, folder, print, print_json};
use crate::bundle::{self, Archive, Attribution, Author, Verified};
use crate::error::{Error, Result};
use crate::event::size;
use crate::number::plural;
use crate::plan::Cell;

/// Options of `bundle`.
#[derive(Debug, Clone, Args)]
pub(super) struct BundleArgs {
    /// The archive [default: fpl-repro-PROFILE.tar.gz beside the report]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Who ran it and answers for it: 'Ada Lovelace <https://orcid.org/…>' (repeatable)
    #[arg(long, value_name = "NAME <ADDRESS>")]
    author: Vec<Author>,
    /// Where it will be published
    #[arg(long, value_name = "ADDRESS", value_parser = address)]
    url: Option<String>,
    /// Write the weights of all cells too, to an archive of their own, with their digests
    #[arg(long, value_name = "FILE")]
    weights: Option<PathBuf>,
}

fn address(text: &str) -> Result<String, String> {
    if bundle::is_web(text) { Ok(text.to_owned()) } else { Err("an address begins with https://".to_owned()) }
}

/// Writes the bundle; exit code 0, also if cells have no result, and 1 if the results of one are damaged.
pub(super) fn write(session: &Session, args: &BundleArgs) -> Result<u8> {
    for (option, path) in [("--output", &args.output), ("--weights", &args.weights)] {
        path.as_deref().map_or(Ok(()), |path| folder::file_can_be_written(path, option))?;
    }
    if args.output.is_none() {
        folder::can_be_written(&session.reports.join(&session.loaded.profile), "--reports-dir")?;
    }
    let remote = session.options.remote.as_deref();
    remote.map_or(Ok(()), super::remote::writable)?;
    let attribution = Attribution { authors: args.author.clone(), url: args.url.clone().unwrap_or_default() };
    let runner = session.runner();
    let written = bundle::write(&runner, &session.reports, args.output.clone(), attribution)?;
    let damaged = runner.damaged(); // Only now: what could not be read meanwhile is among it.
    print(&summary(&written.verified));
    print(&format!("{}\n{}, sha256 {}", written.path.display(), size(written.bytes), written.sha256));
    if let Some(remote) = remote {
        let what = format!("bundle sha256 {}", written.sha256);
        super::remote::keep(
            remote,
            &format!("bundle-{}", &written.sha256[..16]),
            &what,
            bundle::results(&written.path)?,
        )?;
    }
    if let Some(path) = &args.weights {
        let weights = bundle::write_weights(&runner, path)?;
        let without = if weights.without > 0 {
            format!(" ({} more have results and no weights here)", weights.without)
        } else {
            String::new()
        };
        let of = plural(weights.cells, "cell");
        print(&format!(
            "{}\nweights of {of}{without}, {}, sha256 {}",
            path.display(),
            size(weights.bytes),
            weights.sha256
        ));
    }
    Ok(super::tell_damage(&damaged))
}

/// `verify --json`, of a bundle that holds.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Verification {
    /// sha256 of the archive; of a folder that of the archive that this program packs of it.
    sha256: String,
    /// Profile of the report.
    profile: String,
    /// Cells with results, and cells in all.
    cells: [usize; 2],
    /// Cells whose results came in another bundle.
    imported: usize,
    /// Test images.
    images: usize,
    /// Numbers that were computed again.
    numbers: usize,
    /// Files of the report that were rendered again and are equal; null where another version made them.
    rendered: Option<usize>,
    /// Claims by their verdicts, as computed again.
    verdicts: BTreeMap<String, usize>,
    /// What does not concern a number.
    notes: Vec<String>,
}

impl Verification {
    fn of(archive: &Archive, verified: Verified) -> Self {
        Self {
            sha256: archive.sha256.clone(),
            profile: verified.profile,
            cells: verified.cells.into(),
            imported: verified.imported,
            images: verified.images,
            numbers: verified.numbers,
            rendered: verified.rendered,
            verdicts: verified.verdicts.into_iter().collect(),
            notes: verified.notes,
        }
    }
}

/// Verifies a bundle; exit code 1 with the first thing that does not follow.
pub(super) fn verify(path: &Path, json: bool) -> Result<u8> {
    let archive = read(path)?;
    let verified = bundle::verify(&archive).map_err(|fault| {
        Error::data(path, fault.to_string(), "it was changed after it was made, or damaged: get it again")
    })?;
    if json {
        print_json(&Verification::of(&archive, verified))?;
        return Ok(0);
    }
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
    if !path.exists() {
        return Err(Error::Usage {
            message: format!("`{}` does not exist", path.display()),
            help: "name a bundle that `fpl-repro bundle` wrote, or the folder that it was unpacked to".into(),
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
