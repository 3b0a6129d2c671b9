//! `audit` and `claims`: the paper against itself, and against our runs.

use std::fmt::Write as _; // Writing to a String cannot fail.

use serde::Serialize;

use super::{Session, print};
use crate::error::Result;
use crate::paper::audit::{Audit, audit as audit_of};
use crate::report::json;
use crate::report::ledger::{Entry, Ledger, Verdict};
use crate::report::number::{fixed, signed};

/// Exit code for a contradicted claim.
const CONTRADICTED: u8 = 4;

/// Prints the audit.
pub(super) fn audit(session: &Session, as_json: bool) -> Result<u8> {
    let audit = audit_of(&session.loaded.config.paper);
    print(if as_json { to_json(&audit)? } else { audit_text(&audit) }.trim_end());
    Ok(0)
}

/// Prints a ledger; with `strict`, the exit code says whether a claim is contradicted.
pub(super) fn claims(ledger: &Ledger, as_json: bool, strict: bool) -> Result<u8> {
    print(if as_json { to_json(ledger)? } else { ledger_text(ledger) }.trim_end());
    Ok(if strict { self::strict(ledger) } else { 0 })
}

/// The exit code of `--strict`.
pub(super) fn strict(ledger: &Ledger) -> u8 {
    if ledger.count(Verdict::Contradicted) > 0 { CONTRADICTED } else { 0 }
}

fn to_json(value: &impl Serialize) -> Result<String> {
    Ok(String::from_utf8_lossy(&json(value)?).into_owned())
}

fn audit_text(audit: &Audit) -> String {
    let mut text = String::new();
    for finding in &audit.findings {
        let _ = writeln!(text, "{}: {}", finding.seriousness.title(), finding.place);
        let _ = writeln!(text, "  says:    {}\n  follows: {}", finding.says, finding.follows);
    }
    let _ = writeln!(text, "\nwhat one run of each can resolve (points of top-1):");
    for pair in &audit.resolution {
        let _ = writeln!(
            text,
            "  {}: {} reported; standard error of one accuracy {}; detectable {}; McNemar p between {:.2e} and {}",
            pair.pair,
            signed(pair.points, 2),
            fixed(pair.standard_error, 2),
            fixed(pair.detectable, 2),
            pair.mcnemar[0],
            fixed(pair.mcnemar[1], 2),
        );
    }
    let _ = writeln!(text, "\nconsistent:");
    for line in &audit.consistent {
        let _ = writeln!(text, "  {line}");
    }
    let _ = write!(text, "\n{} findings, {} checks that agree", audit.findings.len(), audit.consistent.len());
    text
}

fn ledger_text(ledger: &Ledger) -> String {
    let mut text = String::new();
    for entry in &ledger.entries {
        let _ = writeln!(text, "{:<8} {:<14} {}", entry.claim.id, entry.verdict.title(), entry.claim.text);
        let _ = writeln!(text, "         {}", effect(entry));
        let _ = writeln!(text, "         {}", entry.why);
        for reading in &entry.readings {
            let _ = writeln!(text, "         {}: {}: {}", reading.about, reading.reading, reading.verdict.title());
        }
    }
    let count = |verdict: Verdict| format!("{} {}", ledger.count(verdict), verdict.title());
    let _ = write!(text, "\n{} claims: {}", ledger.entries.len(), Verdict::ALL.map(count).join(", "));
    text
}

/// The paper's effect and ours.
fn effect(entry: &Entry) -> String {
    let (measure, evidence) = (entry.claim.measure, &entry.evidence);
    let decimals = measure.decimals();
    let paper = entry.paper_effect.map_or("none given".to_owned(), |effect| signed(effect, decimals));
    let mut text = format!("{}: paper {paper}", measure.title());
    if let Some(mean) = evidence.mean {
        let _ = write!(text, ", ours {} (n = {}", signed(mean, decimals + 1), evidence.pairs());
        if let Some([low, high]) = evidence.interval {
            let _ = write!(text, ", 95 % {} to {}", signed(low, decimals + 1), signed(high, decimals + 1));
        }
        if let Some(p) = entry.p_holm {
            let _ = write!(text, ", adjusted p {}", fixed(p, 3));
        }
        text.push(')');
    }
    text
}
