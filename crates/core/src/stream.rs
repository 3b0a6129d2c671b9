//! The one writer of standard output and of standard error. Neither panics, as `println!` and `eprintln!` do where nobody
//! reads any more.
//!
//! A pipe whose reader has gone (`| head`), or a terminal that was closed, is no failure, and stops no run. Any other failure to write standard output,
//! a full disk for one, is kept for the exit code. What standard error cannot take is lost: there is nobody left to tell.

use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};

/// The first failure to write standard output.
static FAILURE: Mutex<Option<io::Error>> = Mutex::new(None);

/// Writes a line to standard output.
pub fn out(text: &str) {
    let mut stream = io::stdout().lock();
    note(writeln!(stream, "{text}").and_then(|()| stream.flush()));
}

/// Writes a line to standard error.
pub fn err(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Keeps the first failure to write standard output, but that of a closed pipe or terminal.
pub fn note(written: io::Result<()>) {
    if let Err(error) = written
        && error.kind() != io::ErrorKind::BrokenPipe
        && !is_of_a_gone_terminal(&error)
    {
        FAILURE.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
    }
}

/// A terminal that was closed answers with EIO for ever.
fn is_of_a_gone_terminal(error: &io::Error) -> bool {
    use rustix::fs::{FileType, fstat};
    let device = |stat: rustix::fs::Stat| FileType::from_raw_mode(stat.st_mode).is_char_device();
    error.raw_os_error() == Some(rustix::io::Errno::IO.raw_os_error()) && fstat(io::stdout()).is_ok_and(device)
}

/// The first failure to write standard output, once.
pub fn failure() -> Option<io::Error> {
    FAILURE.lock().unwrap_or_else(PoisonError::into_inner).take()
}
