//! `push` and `pull`: the selected cells' results, to and from the remote cache; tags for what is to stay there.

use std::collections::BTreeSet;

use super::{Session, print, stream};
use crate::error::{Error, Result};
use crate::number::plural;
use crate::plan::{Cell, Node};
use crate::remote::{self, Pull, Pulled, Remote, Tag};
use crate::store::{Claim, Lookup};

/// How many stages went which way.
#[derive(Default)]
struct Counts {
    moved: usize,
    there: usize,
    missing: usize,
    failed: usize,
}

/// Refuses a remote cache that nothing is to be written to.
pub(super) fn writable(remote: &Remote) -> Result<()> {
    if remote.is_read_only() {
        return Err(Error::Usage {
            message: format!("`{}` is configured as read-only", remote.url()),
            help: "set `remote.read_only=false` if you may write to it".into(),
        });
    }
    Ok(())
}

/// Adds to the remote cache what is here and not there, and the tag for it; exit code 1 if something could not be added.
pub(super) fn push(session: &Session, tag: Option<&str>) -> Result<u8> {
    let remote = Remote::open(&session.loaded.config.remote)?;
    writable(&remote)?;
    let (mut counts, mut results) = (Counts::default(), BTreeSet::new());
    for node in stages(session) {
        match session.store.lookup(node) {
            Lookup::Hit(manifest) => {
                let added = remote::push(&remote, &session.store, node, &manifest)?;
                *(if added { &mut counts.moved } else { &mut counts.there }) += 1;
                results.insert(node.fingerprint.to_string());
            }
            Lookup::Damaged(_) if session.store.is_without_weights(node) => counts.missing += 1,
            Lookup::Absent => counts.missing += 1,
            Lookup::Damaged(message) | Lookup::Unreadable(message) => {
                stream::err(&format!("error: {message}"));
                counts.failed += 1;
            }
        }
    }
    session.store.save_memo();
    let Counts { moved, there, missing, failed } = counts;
    print(&format!("{} pushed to {}, {there} there, {missing} not here", plural(moved, "result"), remote.url()));
    if let Some(name) = tag {
        keep(&remote, name, &format!("profile {}", session.loaded.profile), results)?;
    }
    Ok(u8::from(failed > 0))
}

/// Gives results a tag, by which `gc --remote` keeps them.
pub(super) fn keep(remote: &Remote, name: &str, what: &str, results: BTreeSet<String>) -> Result<()> {
    let count = plural(results.len(), "result");
    let tag = Tag { what: what.to_owned(), results: results.into_iter().collect() };
    remote::add_tag(remote, name, &tag)?;
    print(&format!("tag {name} keeps {count} in {}", remote.url()));
    Ok(())
}

/// Brings from the remote cache what is there and not here; exit code 1 if something did not arrive as it should.
pub(super) fn pull(session: &Session, what: Pull) -> Result<u8> {
    let remote = Remote::open(&session.loaded.config.remote)?;
    let _held = session.store.hold()?;
    let mut counts = Counts::default();
    for node in stages(session) {
        let found = match what {
            Pull::Whole => session.store.lookup(node),
            Pull::Evidence => session.store.lookup_evidence(node),
        };
        if matches!(found, Lookup::Hit(_)) {
            counts.there += 1;
            continue;
        }
        // Who holds a stage makes it here.
        let Ok(claim) = session.store.try_claim(node)? else {
            counts.there += 1;
            continue;
        };
        match bring(session, &remote, node, &claim, what)? {
            Some(true) => counts.moved += 1,
            Some(false) => counts.missing += 1,
            None => counts.failed += 1,
        }
    }
    session.store.save_memo();
    let Counts { moved, there, missing, failed } = counts;
    print(&format!("{} pulled from {}, {there} here, {missing} not there", plural(moved, "result"), remote.url()));
    Ok(u8::from(failed > 0))
}

/// Whether a stage's result came; `None` if what came is not what it should be, which the user is told.
fn bring(session: &Session, remote: &Remote, node: &Node, claim: &Claim, what: Pull) -> Result<Option<bool>> {
    match remote::pull(remote, &session.store, node, claim, what, None) {
        Ok(Pulled::Brought(_)) => session.store.clear_failure(node).map(|()| Some(true)),
        Ok(Pulled::Absent) => Ok(Some(false)),
        Err(error @ (Error::Data { .. } | Error::Newer { .. })) => {
            super::complain(&error);
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Training and evaluation of every selected cell.
fn stages(session: &Session) -> impl Iterator<Item = &Node> {
    let cells = session.plan.cells.iter().filter(|cell| cell.selected);
    cells.flat_map(|cell: &Cell| [cell.train, cell.evaluate]).map(|id| &session.plan.nodes[id])
}
