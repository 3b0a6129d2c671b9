//! `completions`, `man`: both follow from the command line's own description.

use clap_complete::Shell;

use super::print;
use crate::error::{Error, Result};

/// Prints the completions of a shell.
pub(super) fn completions(shell: Shell, mut cli: clap::Command) -> u8 {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut cli, "fpl-repro", &mut text);
    print(String::from_utf8_lossy(&text).trim_end());
    0
}

/// Prints the manual page.
pub(super) fn man(cli: clap::Command) -> Result<u8> {
    let mut text = Vec::new();
    let fault = |error: std::io::Error| Error::Render { what: "manual".into(), message: error.to_string() };
    clap_mangen::Man::new(cli).render(&mut text).map_err(fault)?;
    print(String::from_utf8_lossy(&text).trim_end());
    Ok(0)
}
