//! What a worker says to the program that started it: JSON lines, which nobody else may write between.

use std::fs::File;
use std::io::{self, Write};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use fpl_core::protocol::Message;

/// What was standard output when the process began.
static LINES: OnceLock<File> = OnceLock::new();

/// Keeps standard output for messages. Whatever a library prints goes to standard error, and so to the log.
pub(crate) fn begin() {
    use rustix::stdio::{dup2_stdout, stderr, stdout};
    let kept = rustix::io::fcntl_dupfd_cloexec(stdout(), 3).and_then(|kept| dup2_stdout(stderr()).map(|()| kept));
    // Failing leaves standard output as it is, where messages go all the same.
    if let Ok(kept) = kept {
        let _ = LINES.set(kept.into());
    }
}

/// Says something.
pub(crate) fn send(message: &Message) {
    if let Ok(mut line) = serde_json::to_vec(message) {
        line.push(b'\n');
        // A failure to write means that nobody listens any more: the watcher of standard input ends the process.
        let _ = match LINES.get() {
            Some(mut lines) => lines.write_all(&line),
            None => io::stdout().lock().write_all(&line),
        };
    }
}

/// Says something about once a second, however often it is asked to.
pub(crate) struct Pace {
    last: Instant,
}

impl Pace {
    /// The first message comes after a second.
    pub(crate) fn new() -> Self {
        Self { last: Instant::now() }
    }

    /// Says it if the last message was a second ago.
    pub(crate) fn send(&mut self, message: &Message) {
        if self.last.elapsed() >= Duration::from_secs(1) {
            self.last = Instant::now();
            send(message);
        }
    }
}
