//! Where a stage runs: recorded in its manifest, never part of a fingerprint.

use std::process::Command;
use std::sync::OnceLock;

use crate::artifact::Environment;
use crate::machine;

/// Now, RFC 3339, UTC.
pub fn now() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

/// This machine and this program.
pub(super) fn here() -> Environment {
    static HERE: OnceLock<Environment> = OnceLock::new();
    HERE.get_or_init(|| Environment {
        program: format!("fpl-repro {}", env!("CARGO_PKG_VERSION")),
        git_commit: git_commit().unwrap_or_default(),
        host: machine::host(),
        cpu: machine::cpu(),
        ..Environment::default()
    })
    .clone()
}

fn git_commit() -> Option<String> {
    let git = |arguments: &[&str]| {
        let output = Command::new("git").args(arguments).output().ok().filter(|output| output.status.success())?;
        String::from_utf8(output.stdout).ok()
    };
    let commit = git(&["rev-parse", "HEAD"])?;
    let dirty = git(&["status", "--porcelain", "--untracked-files=no"]).is_some_and(|changes| !changes.is_empty());
    Some(format!("{}{}", commit.trim(), if dirty { "-dirty" } else { "" }))
}
