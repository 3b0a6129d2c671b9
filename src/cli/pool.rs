//! `pool`: what the bundles of several laboratories say together.

use std::collections::BTreeMap;
use std::fmt::Write as _; // Writing to a String cannot fail.
use std::path::{Path, PathBuf};

use super::{print, print_json};
use crate::artifact::{PREDICTIONS, PROBABILITIES, digest_of_predictions};
use crate::bundle::{self, Archive, cell_folder};
use crate::error::{Error, Result};
use crate::fs::sha256_bytes;
use crate::number::{fixed, listed, p_is, plural, short};
use crate::paper::Claim;
use crate::report::input::ReportInput;
use crate::report::ledger::{Laboratories, LaboratoryPairs, Source, laboratories_of_bundles};

/// A verified bundle.
struct Bundle {
    name: String,
    input: ReportInput,
}

impl Bundle {
    fn source(&self) -> Source<'_> {
        Source { name: self.name.clone(), input: &self.input }
    }
}

/// Verifies every bundle and prints, for every claim that has runs, each laboratory and all together; exit code 0.
pub(super) fn pool(bundles: &[PathBuf], as_json: bool) -> Result<u8> {
    let read: Vec<Bundle> = bundles.iter().map(|path| verified(path)).collect::<Result<_>>()?;
    let sources: Vec<Source> = read.iter().map(Bundle::source).collect();
    let all = laboratories_of_bundles(&sources);
    if as_json {
        let value: BTreeMap<&str, &Laboratories> =
            all.iter().map(|(claim, found)| (claim.id.as_str(), found)).collect();
        print_json(&value)?;
        return Ok(0);
    }
    let text: String = all.iter().map(|(claim, found)| told(claim, found)).collect();
    print(if text.is_empty() { "no claim has a pair of runs in any of them" } else { text.trim_end() });
    Ok(0)
}

fn verified(path: &Path) -> Result<Bundle> {
    let archive = Archive::read(path)?;
    bundle::verify(&archive).map_err(|fault| {
        Error::data(path, fault.to_string(), "it was changed after it was made, or damaged: get it again")
    })?;
    let mut input = bundle::report(path)?;
    let digest = |id: &str| {
        let sha256 =
            |name: &str| archive.files.get(&format!("{}{name}", cell_folder(id))).map(|file| sha256_bytes(file));
        Some(digest_of_predictions(&sha256(PREDICTIONS)?, &sha256(PROBABILITIES)?))
    };
    // Reports of older programs do not have it.
    for cell in &mut input.cells {
        cell.predictions = digest(&cell.id).unwrap_or_default();
    }
    let file = path.file_name().map_or_else(|| path.display().to_string(), |name| name.display().to_string());
    Ok(Bundle { name: format!("{file} ({})", short(&archive.sha256)), input })
}

/// A claim, each laboratory on a line, and all together.
fn told(claim: &Claim, found: &Laboratories) -> String {
    let measure = claim.measure;
    let mut text = format!("{}: {} ({})\n", claim.id, claim.text, measure.difference());
    for one in &found.laboratories {
        let _ = writeln!(text, "  {}", of_laboratory(claim, one));
    }
    if found.duplicates > 0 {
        let pairs = plural(found.duplicates, "pair");
        let _ =
            writeln!(text, "  left out: {pairs} with a run that was counted before, by the sha256 of its predictions");
    }
    let _ = match (found.estimate, found.interval, found.p, found.tau) {
        (Some(estimate), Some(interval), Some(p), Some(tau)) => writeln!(
            text,
            "  together, {} by random effects: {}, 95 % {} (modified Knapp–Hartung), {}, τ {}",
            plural(found.pooled, "laboratory"),
            measure.effect(estimate, 2),
            measure.interval(interval, 2),
            p_is(p),
            measure.value(tau, 2)
        ),
        _ => writeln!(text, "  together: nothing is pooled: {}", found.why),
    };
    if let Some(e_value) = found.e_value {
        let _ = writeln!(text, "  product of e-values: {} (20 rejects at 5 %, whenever one looks)", fixed(e_value, 2));
    }
    text
}

fn of_laboratory(claim: &Claim, one: &LaboratoryPairs) -> String {
    let (measure, pairs) = (claim.measure, one.seeds.len());
    let error = one.standard_error.map_or_else(
        || format!("no standard error of {}", if pairs > 1 { "equal differences" } else { "one pair" }),
        |error| format!("standard error {}", measure.value(error, pairs)),
    );
    let reduced = if one.deviations.is_empty() { "" } else { ", reduced" };
    format!(
        "{}: {}, {error} (n = {pairs}, {}), e-value {}{reduced}",
        one.name,
        measure.effect(one.mean, pairs),
        listed("seed", &one.seeds),
        fixed(one.e_value, 2)
    )
}
