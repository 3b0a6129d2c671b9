//! Whether of two processes that create a file, exactly one does: leases stand on it.

use super::Finding;
use super::meeting::{Meeting, create};
use crate::error::Result;

const FILES: usize = 300;

pub(super) fn examine(meeting: &Meeting) -> Result<Finding> {
    meeting.exchange("creation-begins", "")?;
    let mut won = String::with_capacity(FILES);
    for file in 0..FILES {
        won.push(if create(&meeting.room.join(format!("race-{file}")))? { '1' } else { '0' });
    }
    let theirs = meeting.exchange("creation-won", &won)?;
    let of = |text: &str, wanted: char| text.chars().filter(|&letter| letter == wanted).count();
    let both = won.chars().zip(theirs.chars()).filter(|pair| *pair == ('1', '1')).count();
    let none = won.chars().zip(theirs.chars()).filter(|pair| *pair == ('0', '0')).count();
    Ok(Finding {
        property: "a file can be created by one process only",
        holds: both + none == 0 && theirs.len() == FILES,
        needed: true,
        seen: if both + none == 0 {
            format!("{FILES} files, {} created here, {} there", of(&won, '1'), of(&theirs, '1'))
        } else {
            format!("of {FILES} files, {both} were created by both and {none} by none: two may train one cell at once")
        },
    })
}
