//! The user's wish to stop, by Ctrl-C, `kill` or a closed terminal, and the signals that must not end a program silently.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGXFSZ};
use signal_hook::iterator::Signals;

use crate::error::{Error, Result};
use crate::stream;

/// The exit code of an interrupted program, as of one that a shell saw end by Ctrl-C.
const EXIT_CODE: i32 = 130;
/// How long the program may take to end by itself. Killed at any moment, it loses nothing that is finished.
const GRACE: Duration = Duration::from_secs(5);

/// Set when the user interrupts; workers are stopped and nothing new starts.
static INTERRUPTED: AtomicBool = AtomicBool::new(false);
/// When everything stops as if the user had asked for it.
static DEADLINE: Mutex<Option<Instant>> = Mutex::new(None);

/// Catches the signals that ask a program to end. It then ends in [`GRACE`] whatever it is at, and by a second signal at
/// once. A signal that is ignored stays so: that is how `nohup` and a shell's `&` protect a run.
pub fn catch() {
    let caught = [SIGINT, SIGTERM, SIGHUP].into_iter().filter(|&signal| !is_ignored(signal));
    // Failing to install the handler leaves the default: Ctrl-C kills, and the next run goes on all the same.
    let Ok(mut signals) = Signals::new(caught) else { return };
    thread::spawn(move || {
        for _ in signals.forever() {
            if INTERRUPTED.swap(true, Ordering::Relaxed) {
                std::process::exit(EXIT_CODE);
            }
            thread::spawn(end_after_grace);
        }
    });
}

fn end_after_grace() {
    thread::sleep(GRACE);
    // In a thread of its own: whoever reads standard error may have stopped.
    thread::spawn(|| stream::err(&format!("error: {}\nhelp: {}", error(), error().help())));
    thread::sleep(Duration::from_millis(200));
    std::process::exit(EXIT_CODE);
}

/// Whether this process was started with the signal ignored: bit `signal - 1` of `SigIgn` in `/proc/self/status`
/// (proc_pid_status(5)). Where there is no such file, none is.
fn is_ignored(signal: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask & (1 << (signal - 1)) != 0)
}

/// Whether the user asked the program to end, or the time is over.
pub fn requested() -> bool {
    INTERRUPTED.load(Ordering::Relaxed) || out_of_time()
}

/// Stops everything at this time, to go on another time; `None`: nothing is stopped.
pub fn stop_at(deadline: Option<Instant>) {
    *DEADLINE.lock().unwrap_or_else(PoisonError::into_inner) = deadline;
}

/// Whether the time of [`stop_at`] is over.
pub fn out_of_time() -> bool {
    let deadline = *DEADLINE.lock().unwrap_or_else(PoisonError::into_inner);
    deadline.is_some_and(|deadline| Instant::now() >= deadline)
}

/// The place to stop at, in what takes long.
///
/// # Errors
/// [`Error::Interrupted`], if the user asked for it or the time is over.
pub fn check() -> Result<()> {
    if requested() { Err(error()) } else { Ok(()) }
}

fn error() -> Error {
    Error::Interrupted {
        message: "finished epochs and cells are kept".into(),
        help: "run the same command again to go on".into(),
    }
}

/// Lets a write beyond the limit on the size of files (`ulimit -f`) fail with an error that can be told, instead of
/// ending the process by SIGXFSZ.
pub fn survive_file_size_limit() {
    // A signal that has a handler ends nothing; the flag itself is of no use. Failing leaves the default.
    let _ = signal_hook::flag::register(SIGXFSZ, Arc::new(AtomicBool::new(false)));
}
