//! A worker process: started, listened to, and brought to its end, whatever it does.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender};
use std::time::{Duration, Instant};

use super::device;
use crate::error::{Error, Result};
use crate::fs;
use crate::interrupt;
use crate::protocol::{Job, Message};

/// How often an interruption is looked for.
const TICK: Duration = Duration::from_millis(100);
/// How long a worker may take to end that has nothing more to say; libraries of CUDA clear up for seconds.
const GRACE: Duration = Duration::from_secs(30);
/// Bytes of a line. The longest that is written names the thousand tensors of a network.
const LONGEST_LINE: u64 = 1 << 20;
/// Messages that wait to be read, beyond which the worker waits.
const WAITING: usize = 64;
/// What is shown of a log: its last lines, from its last bytes.
const LOG_LINES: usize = 8;
const LOG_BYTES: u64 = 4096;
const LINE_CHARACTERS: usize = 160;
const RETRY: &str = "run the same command again: it goes on after the last finished epoch";

/// A worker that runs. Dropped, it is killed.
pub(super) struct Worker {
    child: Child,
    /// Its end tells the worker to stop.
    _input: Option<ChildStdin>,
    heard: Receiver<Heard>,
    log: Log,
    cell: String,
    /// The longest time without a word.
    patience: Duration,
    silent: Duration,
}

/// What comes from a worker's standard output.
enum Heard {
    Message(Box<Message>),
    /// What is no message, or its beginning.
    Garbage(String),
}

impl Worker {
    /// Starts a worker with a job for `cell`; what it writes to standard error goes to `log`.
    ///
    /// # Errors
    /// The program is not there, or cannot be started.
    pub(super) fn start(job: &Job, cell: &str, log: &Path, patience: Duration) -> Result<Self> {
        let line = serde_json::to_string(job)
            .map_err(|error| Error::Render { what: "a job".into(), message: error.to_string() })?;
        let log = Log::open(log)?;
        let mut child = spawn(&log, cell)?;
        let mut input = child.stdin.take();
        if let Some(input) = &mut input {
            // A worker that died already is told by its exit status.
            let _ = writeln!(input, "{line}");
        }
        let (sender, heard) = mpsc::sync_channel(WAITING);
        if let Some(output) = child.stdout.take() {
            std::thread::spawn(move || listen(output, &sender));
        }
        Ok(Self { child, _input: input, heard, log, cell: cell.to_owned(), patience, silent: Duration::ZERO })
    }

    /// The next message; `None` once the worker has closed its output. `go_on` is asked again and again.
    ///
    /// # Errors
    /// An interruption, what `go_on` says, silence for too long, or what is no message.
    pub(super) fn hear(&mut self, go_on: impl Fn() -> Result<()>) -> Result<Option<Message>> {
        loop {
            interrupt::check()?;
            go_on()?;
            match self.heard.recv_timeout(TICK) {
                Ok(Heard::Message(message)) => {
                    self.silent = Duration::ZERO;
                    return Ok(Some(*message));
                }
                Ok(Heard::Garbage(text)) => return Err(self.failed(&format!("its process wrote no message: {text}"))),
                Err(RecvTimeoutError::Disconnected) => return Ok(None),
                // Counted, not read from a clock: while this program is stopped, so may be the worker.
                Err(RecvTimeoutError::Timeout) => self.silent += TICK,
            }
            if self.silent >= self.patience {
                let seconds = self.patience.as_secs();
                return Err(self.failed(&format!(
                    "its process said nothing for {seconds} s (`run.silence`) and was killed: it hangs or is stopped"
                )));
            }
        }
    }

    /// Waits for its end; one that does not come is brought about, and `None` then.
    pub(super) fn end(&mut self) -> Result<Option<ExitStatus>> {
        let (started, grace) = (Instant::now(), GRACE.min(self.patience));
        while started.elapsed() < grace {
            interrupt::check()?;
            if let Some(status) = self.child.try_wait().map_err(Error::io("wait for", "fpl-repro-worker"))? {
                return Ok(Some(status));
            }
            std::thread::sleep(TICK / 10);
        }
        Ok(None)
    }

    /// A failure of the cell, with what the log says and how to try again.
    pub(super) fn failed(&self, message: &str) -> Error {
        self.failed_with_help(message, RETRY)
    }

    /// The same with the help that the worker gave, if it gave some.
    pub(super) fn failed_with_help(&self, message: &str, help: &str) -> Error {
        let help = if help.is_empty() { RETRY } else { help };
        Error::Cell {
            cell: self.cell.clone(),
            message: message.to_owned(),
            help: format!("{help}; log: {}", self.log.tail()),
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // Both fail only for a process that has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// How a worker ended that did not say that it was done.
pub(super) fn ending(status: Option<ExitStatus>) -> String {
    use std::os::unix::process::ExitStatusExt;
    let Some(status) = status else { return "its process said no more and did not end: it was killed".into() };
    match (status.signal(), status.code()) {
        (Some(9), _) => "its process was killed (signal 9): out of memory?".into(),
        (Some(6), _) => "its process gave up (signal 6): out of memory?".into(),
        (Some(signal), _) => format!("its process ended by signal {signal}"),
        (None, Some(0)) => "its process ended without a result".into(),
        (None, Some(127)) => "its process cannot load libtorch".into(),
        (None, code) => format!("its process ended with exit code {}", code.unwrap_or_default()),
    }
}

fn spawn(log: &Log, cell: &str) -> Result<Child> {
    use std::os::unix::process::CommandExt;
    let program = std::env::current_exe().map_err(Error::io("find", "fpl-repro"))?.with_file_name("fpl-repro-worker");
    // A job that has one of several GPUs sees that one alone.
    let gpu = device::visible().map(|gpu| ("CUDA_VISIBLE_DEVICES", gpu));
    Command::new(&program)
        .envs(gpu)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(log.file.try_clone().map_err(Error::io("open the log", &log.path))?)
        // cuBLAS is deterministic only with a fixed workspace, which it reads when it starts.
        .env("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        // Otherwise glibc gives every large tensor back to the system, and each step faults its pages in anew.
        .env("MALLOC_MMAP_THRESHOLD_", "4294967296")
        .env("MALLOC_TRIM_THRESHOLD_", "4294967296")
        // OpenMP's threads wait for each other by spinning; for long, that costs several times the work where other
        // programs want the processor too.
        .env("GOMP_SPINCOUNT", std::env::var("GOMP_SPINCOUNT").unwrap_or_else(|_| "1000".into()))
        // Out of memory, a backtrace would ask for memory while it holds the lock that the next backtrace waits for.
        .env("RUST_BACKTRACE", "0")
        // Ctrl-C reaches this program only, which then stops its workers.
        .process_group(0)
        .spawn()
        .map_err(|error| not_started(&program, cell, &error))
}

/// A program that is not there is missed by every cell; one for which there is no room just now, by this one.
fn not_started(program: &Path, cell: &str, error: &std::io::Error) -> Error {
    let message = format!("failed to start `{}`: {error}", program.display());
    if matches!(error.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::PermissionDenied) {
        return Error::Worker { message, help: "build both programs: `cargo build --release`".into() };
    }
    Error::Cell { cell: cell.to_owned(), message, help: RETRY.into() }
}

/// Reads a worker's lines, in a thread of its own so that an interruption is noticed at once. What is no message ends it.
fn listen(output: ChildStdout, sender: &SyncSender<Heard>) {
    let mut output = BufReader::new(output);
    loop {
        let mut line = Vec::new();
        if !matches!(output.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line), Ok(1..)) {
            return;
        }
        let heard = serde_json::from_slice(&line).map_or_else(|_| Heard::Garbage(beginning(&line)), Heard::Message);
        let garbage = matches!(heard, Heard::Garbage(_));
        if sender.send(heard).is_err() || garbage {
            return;
        }
    }
}

/// The beginning of a line, as it can be shown, and its length.
fn beginning(line: &[u8]) -> String {
    let shown = &line[..line.len().min(60)];
    format!("{} bytes that begin with `{}`", line.len(), shown.escape_ascii())
}

/// Where a worker's standard error goes, after that of sessions before.
struct Log {
    path: PathBuf,
    file: File,
    /// Where this session begins.
    start: u64,
}

impl Log {
    fn open(path: &Path) -> Result<Self> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let file = File::options().create(true).append(true).open(path).map_err(Error::io("open the log", path))?;
        let start = file.metadata().map_err(Error::io("open the log", path))?.len();
        Ok(Self { path: path.to_path_buf(), file, start })
    }

    /// Its name and the last lines of this session.
    fn tail(&self) -> String {
        let mut text = format!("`{}`", self.path.display());
        let lines = self.last_lines();
        if !lines.is_empty() {
            text.push_str(", which ends:");
        }
        for line in lines {
            text.push_str("\n    ");
            text.push_str(&line);
        }
        text
    }

    /// Without control characters, which a terminal would obey; none if the log cannot be read.
    fn last_lines(&self) -> Vec<String> {
        let read = || -> std::io::Result<Vec<u8>> {
            let mut file = File::open(&self.path)?;
            let end = file.metadata()?.len();
            file.seek(SeekFrom::Start(self.start.max(end.saturating_sub(LOG_BYTES))))?;
            let mut bytes = Vec::new();
            file.take(LOG_BYTES).read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        let text = String::from_utf8_lossy(&read().unwrap_or_default()).into_owned();
        let printable = |line: &str| -> String {
            line.chars().filter(|character| !character.is_control()).take(LINE_CHARACTERS).collect()
        };
        let lines: Vec<String> = text.lines().map(printable).filter(|line| !line.trim().is_empty()).collect();
        lines[lines.len().saturating_sub(LOG_LINES)..].to_vec()
    }
}
