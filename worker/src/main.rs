//! Trains or evaluates one cell in a process of its own; started by `fpl-repro`.

use std::process::ExitCode;

fn main() -> ExitCode {
    fpl_worker::worker::main().into()
}
