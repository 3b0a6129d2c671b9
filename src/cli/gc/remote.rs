//! `gc --remote`: what nobody needs of the remote cache. Others may use it by configurations that are not here, so nothing goes
//! without `--trainings`.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::{Collected, Entry, Scope, published, tell, used};
use crate::bundle;
use crate::cli::remote::writable;
use crate::cli::{Session, print, print_json};
use crate::error::Result;
use crate::fs;
use crate::remote::{self, Listed, Remote};

/// Lists, or removes, what neither a plan, a published report, a bundle nor a tag names. `keep` are further bundles.
///
/// # Errors
/// If a bundle or something in the remote cache cannot be read, since what it names is unknown then.
pub(in crate::cli) fn gc(session: &Session, remote: &Remote, scope: Scope, keep: &[PathBuf], json: bool) -> Result<u8> {
    let removes = scope.trainings && !scope.dry_run;
    if removes {
        writable(remote)?;
    }
    let unused = remote::unused(remote, &named(session, keep)?)?;
    if removes {
        remote::remove(remote, &unused)?;
    }
    let entry = |what: &str, Listed { name, bytes, .. }: &Listed| Entry {
        what: what.to_owned(),
        path: format!("{}/{name}", remote.url().trim_end_matches('/')),
        bytes: *bytes,
    };
    let results = unused.results.iter().map(|(what, listed)| entry(what, listed));
    let collected = Collected {
        dry_run: !removes,
        removed: results.chain(unused.files.iter().map(|listed| entry("file of no result", listed))).collect(),
        kept: Vec::new(),
        costly: 0,
        costly_seconds: 0.0,
    };
    if json {
        print_json(&collected)?;
        return Ok(0);
    }
    tell(&collected);
    if !removes && !collected.removed.is_empty() {
        print(
            "others may need them: `fpl-repro push --tag NAME` keeps results, `gc --remote --trainings` removes these",
        );
    }
    Ok(0)
}

/// The fingerprints of everything that is named on this machine.
fn named(session: &Session, keep: &[PathBuf]) -> Result<BTreeSet<String>> {
    let mut named = used(session)?;
    named.extend(published(&session.reports));
    let imported = session.store.foreign_entries().into_iter();
    named.extend(imported.map(|(_, manifest)| manifest.fingerprint));
    let below = fs::files_below(&session.reports).unwrap_or_default(); // There need be no reports.
    let bundles = below.into_iter().filter(|file| file.to_string_lossy().ends_with(".tar.gz"));
    for bundle in bundles.map(|file| session.reports.join(file)).chain(keep.iter().cloned()) {
        named.extend(bundle::results(&bundle)?);
    }
    Ok(named)
}
