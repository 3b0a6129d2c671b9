//! `check --rerun`: makes a cached cell again and compares every bit.

use super::{Session, print};
use crate::error::{Error, Result};
use crate::interrupt;
use crate::number::plural;

/// The exit code where a cell comes out otherwise than it is in the cache.
const DIFFERS: u8 = 5;

/// Trains and evaluates a cell again, beside the cache; exit code 5 if a bit differs.
pub(super) fn rerun(session: &Session, id: &str) -> Result<u8> {
    interrupt::catch();
    let Some(cell) = session.plan.cells.iter().find(|cell| cell.id.as_str() == id) else {
        return Err(Error::Usage {
            message: format!("`{id}` is no cell of this plan"),
            help: "`fpl-repro status` lists all".into(),
        });
    };
    let _held = session.store.hold()?;
    let again = session.runner().rerun(cell)?;
    session.store.save_memo();
    for line in &again.circumstances {
        print(&format!("note: {line}"));
    }
    if again.differences.is_empty() {
        let epochs = plural(again.epochs, "epoch");
        print(&format!("{id}: bitwise the same: metrics of {epochs} but their times, weights, logits"));
        return Ok(0);
    }
    for line in &again.differences {
        print(&format!("{id}: {line}"));
    }
    Ok(DIFFERS)
}
