//! Unpacks and verifies archives in the layout of CIFAR's binary versions.
//!
//! An archive is not trusted: only the members that its format names are taken, with exactly the sizes
//! they must have, and no name from the archive becomes a path on the disk. How it was packed does not matter: folders in
//! front of the names, owners, kinds of headers, the order of members, and small files beside them are as they may be.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufRead, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use flate2::bufread::GzDecoder;
use sha2::{Digest, Sha256};
use tar::{Archive, Entry, EntryType, PaxExtensions};

use super::{CLASSES_FILE, Format, TEST_FILE, TRAIN_FILE};
use crate::error::{Error, Result};
use crate::fs;
use crate::interrupt;

/// Records read, hashed and written at a time: about 200 kB, which stays in the processor's cache.
const CHUNK_RECORDS: usize = 64;
/// Bytes of the archive read at a time, and how many such blocks may wait to be unpacked.
const BLOCK_BYTES: usize = 1 << 18;
const BLOCKS_WAITING: usize = 16;
/// Bounds on what is not records, so that no archive can fill the memory or run for ever.
const MAX_TEXT_BYTES: u64 = 4096;
const MAX_IGNORED_BYTES: u64 = 1 << 20;
const MAX_PAX_BYTES: u64 = 1 << 16;
const MAX_PADDING_BYTES: u64 = 1 << 20;
/// The first byte of a gzip member.
const GZIP_MAGIC: u8 = 0x1f;
const MAX_ENTRIES: usize = 256;

const HELP: &str = "download the archive again, or name another with `--set datasets.NAME.source.archive=PATH`; it must be the \
                    binary version";

/// What an archive must hold.
#[derive(Debug, Clone, Copy)]
pub struct Layout {
    /// Names and sizes of its members.
    pub format: &'static Format,
    /// Records of the training members together; each holds an equal part, and if that leaves a remainder the last ones
    /// hold one more.
    pub train_records: usize,
    /// Records of the test member.
    pub test_records: usize,
}

impl Layout {
    /// Records of training member `index`, counted from 0. The sum over the members is `train_records`.
    fn member_records(&self, index: usize) -> usize {
        (self.train_records + index) / self.format.train.len()
    }

    fn member(&self, name: &str) -> Option<Member> {
        if name == self.format.names {
            return Some(Member::Classes);
        }
        if self.format.ignored.contains(&name) {
            return Some(Member::Ignored);
        }
        if name == self.format.test {
            return Some(Member::Records { test: true, offset: 0, count: self.test_records });
        }
        let index = self.format.train.iter().position(|member| name == *member)?;
        let offset = (0..index).map(|before| self.member_records(before)).sum();
        Some(Member::Records { test: false, offset, count: self.member_records(index) })
    }
}

/// What an expected member holds.
#[derive(Debug, Clone, Copy)]
enum Member {
    /// `count` records, to be written from record `offset` of the split's file.
    Records {
        test: bool,
        offset: usize,
        count: usize,
    },
    Classes,
    Ignored,
}

/// What was found in an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unpacked {
    /// sha256 of the archive's bytes, in hexadecimal.
    pub archive_sha256: String,
    /// Size of the archive in bytes.
    pub archive_bytes: u64,
    /// [`content_digest`] of the training records.
    pub train_content: String,
    /// [`content_digest`] of the test records.
    pub test_content: String,
    /// The class names, in the order of the labels.
    pub classes: Vec<String>,
}

/// A digest of a set of records that does not depend on their order: the sha256, in hexadecimal, of the
/// concatenated sorted sha256 digests (32 bytes each) of the records.
///
/// Copies of CIFAR-10 exist whose records are ordered differently; this says whether they hold the same images. Records
/// are meant as the archive has them, with all their labels.
pub fn content_digest(mut digests: Vec<[u8; 32]>) -> String {
    digests.sort_unstable();
    fs::sha256_bytes(digests.as_flattened())
}

/// Unpacks a gzipped tar archive into the directory `out`.
///
/// Writes `train.bin` (the records of the training members in their order), `test.bin` and `classes.txt` (a name a line).
/// Records are written with one label, the class. The files are not flushed to the disk. After an error `out` may hold unfinished files.
///
/// # Errors
/// [`Error::Data`], naming the archive and the member, if the archive is damaged, lacks a member, or holds anything
/// that is not expected; [`Error::Io`] if it cannot be read or the files cannot be written.
pub fn unpack(archive: &Path, layout: &Layout, out: &Path) -> Result<Unpacked> {
    fs::create_dir_all(out)?;
    let file = File::open(archive).map_err(Error::io("open", archive))?;
    let (sender, receiver) = sync_channel(BLOCKS_WAITING);
    let (read, unpacked) = thread::scope(|scope| {
        let reader = scope.spawn(move || read_and_hash(file, &sender));
        let unpacked = unpack_stream(archive, layout, out, Blocks::new(receiver));
        (reader.join(), unpacked)
    });
    let read = read.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    // A file that cannot be read looks like a truncated one to the unpacker: the reader knows better.
    let (archive_sha256, archive_bytes) = read.map_err(Error::io("read", archive))?;
    let (splits, classes) = unpacked?;
    let [train_content, test_content] = splits.map(|split| content_digest(split.digests));
    Ok(Unpacked { archive_sha256, archive_bytes, train_content, test_content, classes })
}

/// Sends a file on in blocks and returns the sha256 and the length of what was sent. Stops early, without an error,
/// if nobody listens any more.
fn read_and_hash(mut file: File, sender: &SyncSender<Vec<u8>>) -> io::Result<(String, u64)> {
    let mut hasher = Sha256::new();
    let mut total = 0;
    loop {
        let mut block = Vec::with_capacity(BLOCK_BYTES);
        let length = (&mut file).take(BLOCK_BYTES as u64).read_to_end(&mut block)?;
        hasher.update(&block);
        total += length as u64;
        if length == 0 || sender.send(block).is_err() {
            return Ok((fs::hex(&hasher.finalize()), total));
        }
    }
}

/// The receiving end of [`read_and_hash`], as a reader.
struct Blocks {
    receiver: Receiver<Vec<u8>>,
    block: Vec<u8>,
    position: usize,
}

impl Blocks {
    fn new(receiver: Receiver<Vec<u8>>) -> Self {
        Self { receiver, block: Vec::new(), position: 0 }
    }
}

impl BufRead for Blocks {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.position == self.block.len() {
            // The sender hangs up at the end of the file.
            self.block = self.receiver.recv().unwrap_or_default();
            self.position = 0;
        }
        Ok(&self.block[self.position..])
    }

    fn consume(&mut self, amount: usize) {
        self.position += amount;
    }
}

impl Read for Blocks {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let available = self.fill_buf()?;
        let length = available.len().min(buffer.len());
        buffer[..length].copy_from_slice(&available[..length]);
        self.consume(length);
        Ok(length)
    }
}

/// Decompresses one gzip member after the other, as gzip does, up to what is none.
struct Gzip(GzDecoder<Blocks>);

impl Read for Gzip {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let length = self.0.read(buffer)?;
            let blocks = self.0.get_mut();
            if length > 0 || buffer.is_empty() || blocks.fill_buf()?.first() != Some(&GZIP_MAGIC) {
                return Ok(length);
            }
            // What is put in its place is never read.
            let blocks = std::mem::replace(blocks, Blocks::new(sync_channel(0).1));
            self.0 = GzDecoder::new(blocks);
        }
    }
}

/// Unpacks all members and returns the two splits, training first, and the class names.
fn unpack_stream(archive: &Path, layout: &Layout, out: &Path, blocks: Blocks) -> Result<([Split; 2], Vec<String>)> {
    let mut tar = Archive::new(Gzip(GzDecoder::new(blocks)));
    let mut members = Members::new(archive, layout, out)?;
    // Raw entries: otherwise the library would read long names and the like into memory, whatever their size.
    let entries = tar.entries().map_err(|error| members.damaged(None, &error))?.raw(true);
    for (index, entry) in entries.enumerate() {
        let entry = entry.map_err(|error| members.damaged(None, &error))?;
        if index == MAX_ENTRIES {
            return Err(members.wrong(format!("holds more than {MAX_ENTRIES} members")));
        }
        members.take(entry)?;
    }
    members.check_end(tar.into_inner())?;
    members.finish(out)
}

/// A split's file under construction.
struct Split {
    path: PathBuf,
    file: File,
    format: &'static Format,
    digests: Vec<[u8; 32]>,
}

impl Split {
    fn create(path: PathBuf, format: &'static Format, records: usize) -> Result<Self> {
        let file = File::create(&path).map_err(Error::io("create", &path))?;
        Ok(Self { path, file, format, digests: Vec::with_capacity(records) })
    }

    fn seek_to_record(&mut self, record: usize) -> Result<()> {
        let position = SeekFrom::Start((record * self.format.shape().record_bytes()) as u64);
        self.file.seek(position).map(drop).map_err(Error::io("write", &self.path))
    }

    fn write(&mut self, records: &[u8]) -> Result<()> {
        let records = records.chunks_exact(self.format.record_bytes());
        self.digests.extend(records.clone().map(|record| -> [u8; 32] { Sha256::digest(record).into() }));
        let with_class_only: Vec<u8> =
            records.flat_map(|record| &record[self.format.label_bytes - 1..]).copied().collect();
        self.file.write_all(&with_class_only).map_err(Error::io("write", &self.path))
    }
}

/// The members taken so far.
struct Members<'a> {
    archive: &'a Path,
    layout: &'a Layout,
    splits: [Split; 2],
    classes: Vec<String>,
    /// Names of members, without the folders in front of them.
    seen: BTreeSet<String>,
    /// The name that a header of its own gave to the next member.
    name_of_next: Option<Vec<u8>>,
}

impl<'a> Members<'a> {
    fn new(archive: &'a Path, layout: &'a Layout, out: &Path) -> Result<Self> {
        let train = Split::create(out.join(TRAIN_FILE), layout.format, layout.train_records)?;
        let test = Split::create(out.join(TEST_FILE), layout.format, layout.test_records)?;
        Ok(Self {
            archive,
            layout,
            splits: [train, test],
            classes: Vec::new(),
            seen: BTreeSet::new(),
            name_of_next: None,
        })
    }

    fn wrong(&self, message: impl Into<String>) -> Error {
        Error::data(self.archive, message, HELP)
    }

    /// The archive itself cannot be decoded, in `member` if that is known.
    fn damaged(&self, member: Option<&str>, error: &io::Error) -> Error {
        let place = member.map_or(String::new(), |member| format!(" in `{member}`"));
        if error.kind() == io::ErrorKind::UnexpectedEof {
            return self.wrong(format!("is truncated: it ends early{place}"));
        }
        let cause = std::error::Error::source(error).map_or(String::new(), |cause| format!(": {cause}"));
        self.wrong(format!("is no gzipped tar archive, or damaged{place}: {error}{cause}"))
    }

    /// Takes one member, or refuses it.
    fn take(&mut self, mut entry: Entry<'_, Gzip>) -> Result<()> {
        let kind = entry.header().entry_type();
        let own_path = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        match kind {
            EntryType::XHeader | EntryType::XGlobalHeader => return self.take_pax(&own_path, &mut entry),
            EntryType::GNULongName => {
                let name = self.read_small(&own_path, &mut entry, MAX_PAX_BYTES)?;
                self.name_of_next = Some(name.into_iter().take_while(|&byte| byte != 0).collect());
                return Ok(());
            }
            _ => {}
        }
        let given = self.name_of_next.take();
        let path = given.map_or(own_path, |name| String::from_utf8_lossy(&name).into_owned());
        if path.split('/').any(|part| part == "..") {
            return Err(self.wrong(format!("holds `{path}`, whose `..` is not expected")));
        }
        match kind {
            EntryType::Directory => return Ok(()),
            EntryType::Regular if path.ends_with('/') && entry.size() == 0 => return Ok(()), // A folder before POSIX.
            EntryType::Regular => {}
            kind => return Err(self.wrong(format!("holds {} `{path}`, which is not expected", kind_name(kind)))),
        }
        let name = path.rsplit('/').next().unwrap_or(&path);
        let Some(member) = self.layout.member(name) else { return self.pass_over(&path, &entry) };
        if !self.seen.insert(name.to_owned()) {
            return Err(self.wrong(format!("holds `{path}` twice, or `{name}` in two folders")));
        }
        self.take_member(&path, &mut entry, member)
    }

    fn take_member(&mut self, path: &str, entry: &mut Entry<'_, Gzip>, member: Member) -> Result<()> {
        match member {
            Member::Records { test, offset, count } => {
                self.check_size(path, entry, count)?;
                self.splits[usize::from(test)].seek_to_record(offset)?;
                self.take_records(path, entry, usize::from(test), count)
            }
            Member::Classes => {
                let text = self.read_small(path, entry, MAX_TEXT_BYTES)?;
                self.classes = self.parse_classes(path, &text)?;
                Ok(())
            }
            Member::Ignored => self.read_small(path, entry, MAX_IGNORED_BYTES).map(drop),
        }
    }

    /// Small files beside the members, as desktops and packers leave them, harm nothing. A large one shows that this is
    /// another archive.
    fn pass_over(&self, path: &str, entry: &Entry<'_, Gzip>) -> Result<()> {
        let size = entry.size();
        if size > MAX_IGNORED_BYTES {
            return Err(self.wrong(format!("holds the file `{path}` of {size} bytes, which is not expected")));
        }
        Ok(())
    }

    /// Pax headers carry times and the like, and the name of the next member; those that would change its size are refused.
    fn take_pax(&mut self, path: &str, entry: &mut Entry<'_, Gzip>) -> Result<()> {
        let for_all = entry.header().entry_type() == EntryType::XGlobalHeader;
        let content = self.read_small(path, entry, MAX_PAX_BYTES)?;
        for extension in PaxExtensions::new(&content) {
            let extension = extension.map_err(|error| self.damaged(Some(path), &error))?;
            let key = String::from_utf8_lossy(extension.key_bytes());
            if key == "path" && !for_all {
                self.name_of_next = Some(extension.value_bytes().to_vec());
            } else if matches!(&*key, "path" | "size") || key.starts_with("GNU.sparse") {
                return Err(self.wrong(format!("the pax header `{path}` sets `{key}`, which is not expected")));
            }
        }
        Ok(())
    }

    fn check_size(&self, path: &str, entry: &Entry<'_, Gzip>, records: usize) -> Result<()> {
        let record = self.layout.format.record_bytes();
        let (size, expected) = (entry.size(), (records * record) as u64);
        if size == expected {
            return Ok(());
        }
        Err(self.wrong(format!("`{path}` has {size} bytes, but {records} records of {record} bytes make {expected}")))
    }

    fn take_records(&mut self, path: &str, entry: &mut Entry<'_, Gzip>, split: usize, count: usize) -> Result<()> {
        let format = self.layout.format;
        let (record_bytes, classes) = (format.record_bytes(), format.classes.len());
        let mut buffer = vec![0; CHUNK_RECORDS * record_bytes];
        let mut done = 0;
        while done < count {
            interrupt::check()?;
            let chunk = &mut buffer[..CHUNK_RECORDS.min(count - done) * record_bytes];
            entry.read_exact(chunk).map_err(|error| self.damaged(Some(path), &error))?;
            let labels = chunk.iter().skip(format.label_bytes - 1).step_by(record_bytes);
            if let Some((index, label)) = labels.enumerate().find(|(_, label)| usize::from(**label) >= classes) {
                return Err(self.wrong(format!(
                    "`{path}`: record {} has the label {label}, but labels are 0 to {}",
                    done + index,
                    classes - 1
                )));
            }
            self.splits[split].write(chunk)?;
            done += chunk.len() / record_bytes;
        }
        Ok(())
    }

    fn read_small(&self, path: &str, entry: &mut Entry<'_, Gzip>, limit: u64) -> Result<Vec<u8>> {
        let size = entry.size();
        if size > limit {
            return Err(self.wrong(format!("`{path}` has {size} bytes, but at most {limit} are expected")));
        }
        let mut content = vec![0; size as usize];
        entry.read_exact(&mut content).map_err(|error| self.damaged(Some(path), &error))?;
        Ok(content)
    }

    fn parse_classes(&self, path: &str, content: &[u8]) -> Result<Vec<String>> {
        let text = str::from_utf8(content).map_err(|_| self.wrong(format!("`{path}` is not text")))?;
        let names: Vec<_> = text.lines().map(str::trim).filter(|line| !line.is_empty()).map(String::from).collect();
        let distinct: BTreeSet<_> = names.iter().collect();
        let classes = self.layout.format.classes.len();
        if names.len() != classes || distinct.len() != classes {
            return Err(self.wrong(format!(
                "`{path}` holds {} class names, {} of them distinct, but there are {classes} classes",
                names.len(),
                distinct.len()
            )));
        }
        Ok(names)
    }

    /// After the last member: zero padding, the gzip checksum, zero padding again, and nothing else.
    fn check_end(&self, mut gzip: Gzip) -> Result<()> {
        self.check_padding(&mut gzip, "holds data after the end of the tar archive")?;
        let mut rest = gzip.0.into_inner();
        self.check_padding(&mut rest, "holds trailing bytes after the end of the gzip stream")
    }

    fn check_padding(&self, reader: &mut impl Read, otherwise: &str) -> Result<()> {
        let mut buffer = vec![0; 1 << 16];
        let mut padding = 0;
        loop {
            let length = reader.read(&mut buffer).map_err(|error| self.damaged(None, &error))?;
            padding += length as u64;
            if length == 0 {
                return Ok(());
            }
            if padding > MAX_PADDING_BYTES || buffer[..length].iter().any(|byte| *byte != 0) {
                return Err(self.wrong(otherwise));
            }
        }
    }

    /// Checks that nothing is missing and writes the class names.
    fn finish(self, out: &Path) -> Result<([Split; 2], Vec<String>)> {
        let Format { folder, train, test, names, .. } = self.layout.format;
        let missing: Vec<_> = train
            .iter()
            .chain([test, names])
            .filter(|name| !self.seen.contains(**name))
            .map(|name| format!("`{folder}{name}`"))
            .collect();
        if !missing.is_empty() {
            return Err(self.wrong(format!("lacks {}", missing.join(", "))));
        }
        write_classes(&self.classes, out)?;
        Ok((self.splits, self.classes))
    }
}

/// Writes `classes.txt`, a name a line.
pub(super) fn write_classes<S: AsRef<str>>(classes: &[S], out: &Path) -> Result<()> {
    let text: String = classes.iter().flat_map(|name| [name.as_ref(), "\n"]).collect();
    fs::write_atomic(&out.join(CLASSES_FILE), text.as_bytes())
}

fn kind_name(kind: EntryType) -> &'static str {
    match kind {
        EntryType::Symlink => "the symbolic link",
        EntryType::Link => "the hard link",
        EntryType::Directory => "the directory",
        EntryType::Char | EntryType::Block => "the device",
        EntryType::Fifo => "the pipe",
        EntryType::GNULongLink => "the link with a long name",
        EntryType::GNUSparse => "the sparse file",
        _ => "the special member",
    }
}
