//! Whether a kernel lock of one machine holds on the other.

use std::path::Path;

use super::Finding;
use super::meeting::{Meeting, Role};
use crate::error::Result;
use crate::fs::Lock;

/// The first locks a file and lets it go; the second tries it each time.
pub(super) fn examine(meeting: &Meeting) -> Result<Finding> {
    let path = meeting.room.join("lock");
    let found = if meeting.role == Role::First {
        let held = Lock::try_acquire(&path)?;
        meeting.say("lock-taken", "")?;
        meeting.hear("lock-tried")?;
        drop(held);
        meeting.say("lock-free", "")?;
        None
    } else {
        meeting.hear("lock-taken")?;
        let granted = is_granted(&path)?;
        meeting.say("lock-tried", "")?;
        meeting.hear("lock-free")?;
        Some(match (granted, is_granted(&path)?) {
            (false, true) => "",
            (true, _) => "granted to both at once",
            (false, false) => "not granted although it was free",
        })
    };
    let fault = meeting.agree("lock-found", found.map(str::to_owned))?;
    Ok(Finding {
        property: "locks of one machine hold on the other",
        holds: fault.is_empty(),
        needed: false, // Leases do it, only slower where a machine dies.
        seen: if fault.is_empty() {
            "a lock was refused while it was held, and granted when it was free".into()
        } else {
            format!("a lock was {fault}: leases alone keep workers apart; do not run `gc` while others work")
        },
    })
}

fn is_granted(path: &Path) -> Result<bool> {
    Lock::try_acquire(path).map(|lock| lock.is_some())
}
