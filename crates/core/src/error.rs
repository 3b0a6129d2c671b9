//! What can go wrong, said so that the reader knows where and what to do, and the exit code it leads to.

use std::fmt;
use std::path::{Path, PathBuf};

/// Every failure of the program. `Display` says what and where; [`Error::help`] says what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs)] // The fields are the parts of the messages.
pub enum Error {
    /// The command line asks for something impossible.
    #[error("{message}")]
    Usage { message: String, help: String },
    /// A configuration file or an option of the command line is wrong.
    #[error("{place}: `{key}`: {message}")]
    Config { place: ConfigPlace, key: String, message: String, help: String },
    /// Something is needed that `--only` or `--offline` forbids.
    #[error("{message}")]
    Forbidden { message: String, help: String },
    /// The user interrupted the run.
    #[error("interrupted: {message}")]
    Interrupted { message: String, help: String },
    /// The operating system refused something on `path`.
    #[error("failed to {action} `{path}`: {source}")]
    Io { action: &'static str, path: PathBuf, source: std::io::Error },
    /// A file does not hold what it should.
    #[error("`{path}`: {message}")]
    Data { path: PathBuf, message: String, help: String },
    /// A file of a newer version of this program.
    #[error("`{path}`: written by a newer program (schema {schema})")]
    Newer { path: PathBuf, schema: u32 },
    /// A download failed.
    #[error("failed to download `{url}`: {message}")]
    Network { url: String, message: String, help: String },
    /// A remote cache cannot be read or written.
    #[error("failed to {action} `{url}`: {message}")]
    Remote { action: &'static str, url: String, message: String, help: String },
    /// Another process works on something; `by` says which, and since when.
    #[error("{what} is held by {by}")]
    Held { what: String, by: String },
    /// A cell failed to train or evaluate.
    #[error("cell `{cell}`: {message}")]
    Cell { cell: String, message: String, help: String },
    /// The requested device cannot be used.
    #[error("device `{device}`: {message}")]
    Device { device: String, message: String, help: String },
    /// The worker beside this program is not the one that belongs to it.
    #[error("{message}")]
    Worker { message: String, help: String },
    /// A worker cannot write: the disk is full or fails, which the next cell would find too.
    #[error("{message}")]
    Storage { message: String, help: String },
    /// Initial weights do not hold what they should.
    #[error("initial weights: {message}")]
    Weights { message: String, help: String },
    /// libtorch reported an error.
    #[error("libtorch: {0}")]
    Torch(String),
    /// A template or a figure could not be rendered: a fault of the program.
    #[error("failed to render `{what}`: {message}")]
    Render { what: String, message: String },
}

/// Where a configuration is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConfigPlace {
    /// In a line of a file, counted from 1.
    Line(String, usize),
    /// In a file.
    File(String),
    /// In a `--set`, here without that word.
    Set(String),
    /// In another option, as it was typed.
    Option(String),
    /// In what all of them together say.
    Configuration,
}

impl fmt::Display for ConfigPlace {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(file, line) => write!(formatter, "{file}:{line}"),
            Self::File(file) => formatter.write_str(file),
            Self::Set(option) => write!(formatter, "--set {option}"),
            Self::Option(option) => formatter.write_str(option),
            Self::Configuration => formatter.write_str("configuration"),
        }
    }
}

/// The crate's result.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An I/O error with the action and path it belongs to, for `map_err`.
    pub fn io(action: &'static str, path: impl AsRef<Path>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.as_ref().to_path_buf();
        move |source| Self::Io { action, path, source }
    }

    /// A file whose content is wrong.
    pub fn data(path: impl AsRef<Path>, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self::Data { path: path.as_ref().to_path_buf(), message: message.into(), help: help.into() }
    }

    /// What the user can do about it; empty if the message says it all.
    pub fn help(&self) -> &str {
        match self {
            Self::Usage { help, .. }
            | Self::Config { help, .. }
            | Self::Forbidden { help, .. }
            | Self::Interrupted { help, .. }
            | Self::Data { help, .. }
            | Self::Network { help, .. }
            | Self::Remote { help, .. }
            | Self::Cell { help, .. }
            | Self::Worker { help, .. }
            | Self::Storage { help, .. }
            | Self::Weights { help, .. }
            | Self::Device { help, .. } => help,
            Self::Io { source, .. } => io_help(source),
            Self::Held { .. } => "run the command again when that has ended; `fpl-repro status` shows who holds what",
            Self::Newer { .. } => "use that program, or another `--cache-dir`",
            Self::Torch(message) if message.contains("memory") => {
                "run fewer cells at once (`--jobs 1`), or where there is more memory"
            }
            Self::Torch(_) | Self::Render { .. } => "",
        }
    }

    /// Whether the disk is full or fails, so that whoever writes next fails likewise.
    pub fn is_of_storage(&self) -> bool {
        matches!(self, Self::Io { source, .. } if !storage_help(source).is_empty())
    }

    /// Whether it concerns every cell, and so ends the run.
    pub fn ends_run(&self) -> bool {
        matches!(
            self,
            Self::Interrupted { .. }
                | Self::Device { .. }
                | Self::Worker { .. }
                | Self::Storage { .. }
                | Self::Io { .. }
        )
    }

    /// The process exit code: 1 failed, 2 usage or configuration, 3 forbidden by an option, 130 interrupted.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Usage { .. } | Self::Config { .. } | Self::Device { .. } => 2,
            Self::Forbidden { .. } => 3,
            Self::Interrupted { .. } => 130,
            _ => 1,
        }
    }
}

/// What to do about what the system refused; empty if nobody knows.
fn io_help(error: &std::io::Error) -> &'static str {
    match error.kind() {
        std::io::ErrorKind::PermissionDenied => {
            "get the permission (`ls -ld` shows who has it), or name another file or folder, and run the command again"
        }
        _ => storage_help(error),
    }
}

/// What to do about a disk that takes nothing more; empty if it is something else.
fn storage_help(error: &std::io::Error) -> &'static str {
    use std::io::ErrorKind::{FileTooLarge, QuotaExceeded, ReadOnlyFilesystem, StorageFull};
    match error.kind() {
        StorageFull | QuotaExceeded => {
            "free some space (`fpl-repro gc --dry-run` shows what can go) and run the command again"
        }
        FileTooLarge => "raise the limit on the size of files (`ulimit -f unlimited`) and run the command again",
        ReadOnlyFilesystem => "make the file system writable, or use another `--cache-dir`, and run the command again",
        _ if error.raw_os_error() == Some(rustix::io::Errno::IO.raw_os_error()) => {
            "the disk or the way to it fails: see the system's log (`dmesg`), and run the command again"
        }
        _ => "",
    }
}
