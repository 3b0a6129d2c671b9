//! Whether a folder that several machines share does what a cache there needs: two processes, best on two machines, try it.

mod meeting;
mod clocks;
mod creation;
mod locks;
mod renames;

use std::path::Path;
use std::time::Duration;

use crate::error::Result;
use meeting::Meeting;

/// What was found of one property.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The property, as a sentence.
    pub property: &'static str,
    /// Whether it holds.
    pub holds: bool,
    /// Whether results can be lost or mixed up without it.
    pub needed: bool,
    /// What was seen, and what follows from it.
    pub seen: String,
}

/// What two processes found.
#[derive(Debug, Clone)]
pub struct Examination {
    /// The other process, as `process 17 on node2`.
    pub other: String,
    /// Whether both run on one machine, which says little about two.
    pub one_machine: bool,
    /// Every property.
    pub findings: Vec<Finding>,
}

impl Examination {
    /// Whether a cache in the folder is safe.
    pub fn is_safe(&self) -> bool {
        self.findings.iter().all(|finding| finding.holds || !finding.needed)
    }
}

/// Meets another process that examines the same folder, and tries with it what a cache needs. `waiting` is called once
/// when nobody else is there yet.
///
/// # Errors
/// If nobody comes within `patience`, or the folder cannot be written to.
pub fn examine(folder: &Path, patience: Duration, waiting: impl FnOnce()) -> Result<Examination> {
    let meeting = Meeting::begin(folder, patience, waiting)?;
    let findings = vec![
        creation::examine(&meeting)?,
        renames::examine(&meeting)?,
        renames::exchange(&meeting)?,
        locks::examine(&meeting)?,
        clocks::examine(&meeting)?,
    ];
    meeting.end()?;
    Ok(Examination { other: meeting.other.to_string(), one_machine: meeting.one_machine(), findings })
}
