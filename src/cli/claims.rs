//! `audit` and `claims`: the paper against itself, and against our runs.

use std::fmt::Write as _; // Writing to a String cannot fail.

use super::prose::print_prose;
use super::{Session, print_json};
use crate::error::Result;
use crate::number::{fixed, p_is, p_value, plural, signed};
use crate::paper::audit::{Audit, audit as audit_of};
use crate::report::ledger::{Entry, Ledger, Level, RULES, RowReading, RowReadings, Rule, Verdict};

/// Exit code for a contradicted claim.
const CONTRADICTED: u8 = 4;

/// Prints the audit.
pub(super) fn audit(session: &Session, as_json: bool) -> Result<u8> {
    let audit = audit_of(&session.loaded.config.paper);
    if as_json {
        print_json(&audit)?;
    } else {
        print_prose(audit_text(&audit).trim_end());
    }
    Ok(0)
}

/// Prints a ledger; with `strict`, the exit code says whether a claim is contradicted.
pub(super) fn claims(ledger: &Ledger, as_json: bool, strict: bool) -> Result<u8> {
    if as_json {
        print_json(ledger)?;
    } else {
        print_prose(ledger_text(ledger).trim_end());
    }
    Ok(if strict { self::strict(ledger) } else { 0 })
}

/// The exit code of `--strict`.
pub(super) fn strict(ledger: &Ledger) -> u8 {
    if ledger.count(Verdict::Contradicted) > 0 { CONTRADICTED } else { 0 }
}

/// Prints, for every row of the paper, which reading foretells its numbers.
pub(super) fn readings(ledger: &Ledger, as_json: bool) -> Result<u8> {
    if as_json {
        print_json(&ledger.readings)?;
    } else {
        print_prose(ledger.readings.iter().map(readings_text).collect::<String>().trim_end());
    }
    Ok(0)
}

fn readings_text(row: &RowReadings) -> String {
    let mut text = format!("{}\n", row.row);
    for reading in &row.readings {
        let about = if reading.about.is_empty() { String::new() } else { format!("{}: ", reading.about) };
        let note = if reading.note.is_empty() { String::new() } else { format!(" ({})", reading.note) };
        let _ = writeln!(text, "  {}{about}{}{note}", mark(reading), reading.reading);
        for number in &reading.numbers {
            let Some(mean) = number.mean else { continue };
            let measure = number.measure;
            let write = |value| measure.value(value, number.runs);
            let predicted = number.prediction.map_or_else(String::new, |[low, high]| {
                let pooled = if number.pooled { ", spread of other rows" } else { "" };
                format!(", a further run {} to {}{pooled}", write(low), write(high))
            });
            let (paper, mean) = (measure.value(number.printed, 1), write(mean));
            let _ = writeln!(
                text,
                "      {}: paper {paper}, ours {mean} (n = {}{predicted})",
                measure.named(),
                number.runs
            );
        }
    }
    text.push('\n');
    text
}

/// The density and whether the reading is excluded, in a column.
fn mark(reading: &RowReading) -> String {
    let Some(density) = reading.log_density else { return format!("{:>9}            ", "—") };
    let excluded = if reading.excluded { "  excluded  " } else { "            " };
    format!("{:>9}{excluded}", fixed(density, 1))
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
            "  {}: {} reported; standard error of one accuracy {}; detectable {}; McNemar p between {} and {}",
            pair.pair,
            signed(pair.points, 2),
            fixed(pair.standard_error, 2),
            fixed(pair.detectable, 2),
            p_value(pair.mcnemar[0]),
            p_value(pair.mcnemar[1]),
        );
    }
    let _ = writeln!(text, "\nconsistent:");
    for line in &audit.consistent {
        let _ = writeln!(text, "  {line}");
    }
    let (findings, checks) = (plural(audit.findings.len(), "finding"), plural(audit.consistent.len(), "check"));
    let _ = write!(text, "\n{findings}, {checks} passed");
    text
}

fn ledger_text(ledger: &Ledger) -> String {
    let mut text = String::new();
    for entry in &ledger.entries {
        let _ = writeln!(text, "{:<8} {:<14} {}", entry.claim.id, entry.verdict.title(), entry.claim.text);
        let _ = writeln!(text, "         {}", effect(entry));
        let _ = writeln!(text, "         protocol {}; {}", entry.protocol.title(), entry.why);
        let _ = writeln!(text, "         {}", entry.planning.says);
        for reading in &entry.readings {
            let _ = writeln!(text, "         {}: {}: {}", reading.about, reading.reading, reading.verdict.title());
        }
    }
    let count = |rule: &Rule| format!("{} {}", ledger.count(rule.verdict), rule.title);
    let counts: Vec<String> = RULES.iter().map(count).collect();
    let _ = writeln!(text, "\n{}: {}", plural(ledger.entries.len(), "claim"), counts.join(", "));
    let count = |level: Level| format!("{} {}", ledger.count_numbers(level), level.title());
    let _ = write!(text, "{}: {}", plural(ledger.numbers.len(), "printed number"), Level::ALL.map(count).join(", "));
    text
}

/// The paper's effect and ours.
fn effect(entry: &Entry) -> String {
    let (measure, evidence) = (entry.claim.measure, &entry.evidence);
    let pairs = evidence.pairs();
    let paper = entry.paper_effect.map_or("none given".to_owned(), |effect| measure.effect(effect, 1));
    let mut text = format!("{}: paper {paper}", measure.difference());
    if let Some(mean) = evidence.mean {
        let interval = evidence.interval.map(|ends| format!("95 % {}", measure.interval(ends, pairs)));
        let interval = interval.unwrap_or_else(|| evidence.no_interval().to_owned());
        let _ = write!(text, ", ours {} (n = {pairs}, {interval}", measure.effect(mean, pairs));
        if let Some(p) = entry.test.p_adjusted {
            let _ = write!(text, ", adjusted {}", p_is(p));
        }
        text.push(')');
    }
    text
}
