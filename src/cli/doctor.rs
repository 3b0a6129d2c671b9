//! `doctor`: whether a shared folder can hold a cache.

use std::path::Path;
use std::time::Duration;

use super::print;
use crate::doctor::examine;
use crate::error::{Error, Result};
use crate::stream;

/// Examines a folder together with another process; exit code 1 if a cache there is not safe.
pub(super) fn doctor(shared: &Path, wait: u64) -> Result<u8> {
    if !shared.is_dir() {
        return Err(Error::Usage {
            message: format!("`{}` is no folder", shared.display()),
            help: "name a folder that both machines see, like that of the cache".into(),
        });
    }
    let found = examine(shared, Duration::from_secs(wait), || {
        stream::err(&format!(
            "waiting {wait} s for another machine: run `fpl-repro doctor --shared {}` there",
            crate::shell::word(&shared.display().to_string())
        ));
    })?;
    print(&format!("with {}", found.other));
    for finding in &found.findings {
        let verdict = match (finding.holds, finding.needed) {
            (true, _) => "yes",
            (false, true) => "NO",
            (false, false) => "no",
        };
        print(&format!("{verdict:<4} {}: {}", finding.property, finding.seen));
    }
    if found.one_machine {
        print("note: both processes run on one machine, which says little about two");
    }
    print(if found.is_safe() { "a cache here is safe" } else { "a cache here is NOT safe: use another file system" });
    Ok(u8::from(!found.is_safe()))
}
