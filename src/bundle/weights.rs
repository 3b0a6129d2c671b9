//! The weights of a report's cells as an archive of their own: too large for a bundle, which has their digests.

use std::fmt::Write as _; // Writing to a String cannot fail.
use std::io::BufWriter;
use std::path::Path;

use super::layout::cell_folder;
use crate::artifact::WEIGHTS;
use crate::error::{Error, Result};
use crate::fs;
use crate::run::Runner;
use crate::store::Lookup;

/// The digests of all weights in the form that `sha256sum --check` reads.
const SUMS: &str = "SHA256SUMS";

/// What was written.
#[derive(Debug)]
pub struct Weights {
    /// Cells whose weights are in it.
    pub cells: usize,
    /// Cells with results and without weights here: imported, or removed.
    pub without: usize,
    /// Its size.
    pub bytes: u64,
    /// Its sha256.
    pub sha256: String,
}

/// Writes a `.tar` with the weights of every cell that was trained in this cache, and their digests: those of the manifests
/// of trainings, which a bundle has as `evidence/cells/…/train-manifest.json`. Weights do not compress.
///
/// # Errors
/// If a file cannot be read or written, or weights are not those that the training recorded.
pub fn write_weights(runner: &Runner, path: &Path) -> Result<Weights> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let failed = |source: std::io::Error| Error::io("write", path)(source);
    let file = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
    let mut archive = tar::Builder::new(BufWriter::new(file));
    let (mut sums, mut cells, mut without) = (String::new(), 0, 0);
    for cell in &runner.plan.cells {
        let node = &runner.plan.nodes[cell.train];
        let Lookup::Hit(manifest) = runner.store.lookup(node) else {
            without += usize::from(runner.foreign(cell).is_some());
            continue;
        };
        let Some(output) = manifest.outputs.get(WEIGHTS) else { continue };
        let source = runner.store.entry(node).join(WEIGHTS);
        if fs::sha256_file(&source)? != output.sha256 {
            let help = format!("`fpl-repro train --cells {}` makes them again", cell.id);
            return Err(Error::data(&source, "not the weights that the training recorded", help));
        }
        let name = format!("{}{WEIGHTS}", cell_folder(cell.id.as_str()).replacen("evidence/cells/", "weights/", 1));
        let bytes = std::fs::File::open(&source).map_err(Error::io("read", &source))?;
        append(&mut archive, &name, output.bytes, bytes).map_err(failed)?;
        let _ = writeln!(sums, "{}  {name}", output.sha256);
        cells += 1;
    }
    append(&mut archive, SUMS, sums.len() as u64, sums.as_bytes()).map_err(failed)?;
    let written =
        archive.into_inner().and_then(|buffer| buffer.into_inner().map_err(std::io::IntoInnerError::into_error));
    let written = written.map_err(failed)?;
    written.as_file().sync_all().map_err(failed)?;
    written.persist(path).map_err(|error| failed(error.error))?;
    Ok(Weights { cells, without, bytes: fs::metadata(path)?.len(), sha256: fs::sha256_file(path)? })
}

/// With fixed owner, mode and time, so that equal weights give an equal archive.
fn append(
    archive: &mut tar::Builder<impl std::io::Write>,
    name: &str,
    size: u64,
    content: impl std::io::Read,
) -> std::io::Result<()> {
    let mut header = tar::Header::new_gnu();
    header.set_size(size);
    header.set_mode(0o644);
    header.set_mtime(0);
    header.set_uid(0);
    header.set_gid(0);
    archive.append_data(&mut header, name, content)
}
