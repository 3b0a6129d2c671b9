//! A bundle's files in and out of a `.tar.gz`, or of a folder: the same bytes for the same files, and nothing taken on
//! trust.

use std::collections::BTreeMap;
use std::io::{self, Cursor, Read};
use std::path::{Component, Path};

use flate2::{Compression, bufread::GzDecoder, write::GzEncoder};

use crate::error::{Error, Result};
use crate::fs;

/// Files by their path in the bundle.
pub type Files = BTreeMap<String, Vec<u8>>;

/// Largest archive that is read, in bytes.
const MAX_ARCHIVE: u64 = 256 << 20;
/// Largest content, in bytes: forty cells of 10,000 images have about 15 MB.
const MAX_CONTENT: u64 = 512 << 20;
/// Most files.
const MAX_FILES: usize = 50_000;
const HELP: &str = "copy it again, or get it again from whoever made it with `fpl-repro bundle`";

/// How a bundle came. Its files decide whether it holds; the packing is only remarked on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packing {
    /// As this program packs, down to owners and times.
    Own,
    /// By another program.
    Other,
    /// A folder.
    Unpacked,
}

/// A bundle in memory. Nothing in it is verified yet.
#[derive(Debug, Clone)]
pub struct Archive {
    /// sha256 of the archive; of a folder that of the archive that this program packs of it.
    pub sha256: String,
    /// Its file's name.
    pub name: String,
    /// Its files.
    pub files: Files,
    /// How it came.
    pub packing: Packing,
}

impl Archive {
    /// Reads an archive, or the folder that one was unpacked to.
    ///
    /// # Errors
    /// If it is no complete `.tar.gz`, is too large, or holds anything but plain files with plain, distinct names.
    pub fn read(path: &Path) -> Result<Self> {
        if path.is_dir() {
            return Self::of_folder(path);
        }
        let wrong = |message: String| Error::data(path, message, HELP);
        let size = std::fs::metadata(path).map_err(Error::io("read", path))?.len();
        if size > MAX_ARCHIVE {
            return Err(wrong(format!("has {size} bytes, more than any bundle has ({MAX_ARCHIVE})")));
        }
        Self::from_bytes(&fs::read(path)?, &fs::name(path)).map_err(wrong)
    }

    fn of_folder(folder: &Path) -> Result<Self> {
        let wrong = |message: String| Error::data(folder, message, HELP);
        let (mut files, mut bytes) = (Files::new(), 0);
        for name in fs::files_below(folder)? {
            let path = folder.join(&name);
            bytes += fs::metadata(&path)?.len();
            if bytes > MAX_CONTENT || files.len() == MAX_FILES {
                return Err(wrong("holds more than any bundle has".into()));
            }
            files.insert(plain_name(&name).map_err(wrong)?, fs::read(&path)?);
        }
        let packed = pack(&files).map_err(|error| wrong(error.to_string()))?;
        let (sha256, name) = (fs::sha256_bytes(&packed), fs::name(folder));
        Ok(Self { sha256, name, files, packing: Packing::Unpacked })
    }

    /// Reads an archive from memory.
    ///
    /// # Errors
    /// As [`Archive::read`], in a sentence.
    pub fn from_bytes(bytes: &[u8], name: &str) -> Result<Self, String> {
        let (tar, plain) = unzip(bytes)?;
        let files = unpack(&tar)?;
        let own = plain && tar_of(&files).is_ok_and(|again| again == tar);
        let packing = if own { Packing::Own } else { Packing::Other };
        Ok(Self { sha256: fs::sha256_bytes(bytes), name: name.to_owned(), files, packing })
    }
}

/// Packs files: sorted by path, with fixed owner, mode and time.
///
/// # Errors
/// If a path is too long for the format.
pub fn pack(files: &Files) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    io::Write::write_all(&mut encoder, &tar_of(files)?)?;
    encoder.finish()
}

fn tar_of(files: &Files) -> io::Result<Vec<u8>> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, bytes) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        header.set_mtime(0);
        header.set_uid(0);
        header.set_gid(0);
        builder.append_data(&mut header, name, bytes.as_slice())?;
    }
    builder.into_inner()
}

/// The unpacked bytes, and whether the header is as plain as this program writes it.
fn unzip(bytes: &[u8]) -> Result<(Vec<u8>, bool), String> {
    let mut decoder = GzDecoder::new(bytes);
    let mut tar = Vec::new();
    let read = decoder.by_ref().take(MAX_CONTENT + 1).read_to_end(&mut tar);
    read.map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof => "ends too early: it was cut off".to_owned(),
        _ => format!("is no .tar.gz that can be read: {error}"),
    })?;
    if tar.len() as u64 > MAX_CONTENT {
        return Err(format!("unpacks to more than any bundle has ({MAX_CONTENT} bytes)"));
    }
    let plain = decoder.header().is_some_and(|header| {
        header.mtime() == 0 && header.extra().is_none() && header.filename().is_none() && header.comment().is_none()
    });
    match decoder.into_inner() {
        [] => Ok((tar, plain)),
        rest => Err(format!("{} bytes follow its end", rest.len())),
    }
}

fn unpack(tar: &[u8]) -> Result<Files, String> {
    let damaged = |error: io::Error| format!("is no complete tar archive: {error}");
    let mut files = Files::new();
    for entry in tar::Archive::new(Cursor::new(tar)).entries().map_err(damaged)? {
        let mut entry = entry.map_err(damaged)?;
        let name = plain_name(&entry.path().map_err(damaged)?)?;
        match entry.header().entry_type() {
            tar::EntryType::Directory => continue,
            tar::EntryType::Regular => {}
            other => return Err(format!("`{name}` is no plain file but {other:?}")),
        }
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).map_err(damaged)?;
        if bytes.len() as u64 != entry.size() {
            return Err(format!("`{name}` is cut off"));
        }
        if files.insert(name.clone(), bytes).is_some() {
            return Err(format!("holds `{name}` twice"));
        }
        if files.len() > MAX_FILES {
            return Err(format!("holds more than {MAX_FILES} files"));
        }
    }
    Ok(files)
}

/// A path of plain names, so that it cannot lead anywhere else.
fn plain_name(path: &Path) -> Result<String, String> {
    let text = path.to_str().ok_or_else(|| format!("has a file name that is not UTF-8: {}", path.display()))?;
    let plain = path.components().all(|part| matches!(part, Component::Normal(_)));
    if plain && !text.is_empty() && !text.contains(['\\', '\0']) {
        Ok(text.trim_end_matches('/').to_owned())
    } else {
        Err(format!("`{text}` leads out of the archive"))
    }
}
