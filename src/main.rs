//! Parses the command line, runs it, prints the error once.

use std::process::ExitCode;

fn main() -> ExitCode {
    fpl_repro::cli::main().into()
}
