//! The claims ledger.

use super::{Records, ends, full, header};
use crate::report::ledger::{Entry, Evidence, Ledger};

/// What the reading that a configuration's own tables stand for is called where readings have names.
const AS_CONFIGURED: &str = "as configured";

/// The columns of what our runs say; [`evidence`] fills them.
const EVIDENCE: &str = "cells against pairs mean_cells mean_against mean sd interval95_low interval95_high p_two_sided \
    p_claimed e_value share_claimed share95_low share95_high seed_sd binomial_se detectable imported_pairs deviations";

/// One record per claim.
pub(super) fn claims(ledger: &Ledger) -> Records {
    let mut records = vec![header(&format!(
        "claim place text measure claimed paper_effect verdict why {EVIDENCE} in_family protocol p_adjusted \
         rejected_after_pairs e_adjusted margin p_equivalent_sign_flip p_equivalent_t p_equivalent_planned_holm d33 \
         p_below_d33 paper_power unseen95_low unseen95_high p_over_readings planned"
    ))];
    records.extend(ledger.entries.iter().map(|entry| {
        let claim = &entry.claim;
        let claimed = if claim.claimed.factor() > 0.0 { "greater" } else { "less" };
        let mut record =
            [&*claim.id, &claim.place, &claim.text, claim.measure.column, claimed].map(str::to_owned).to_vec();
        record.push(full(entry.paper_effect));
        record.extend([entry.verdict.title(), &entry.why].map(str::to_owned));
        record.extend(evidence(&entry.evidence));
        record.extend(judged(entry));
        record
    }));
    records
}

/// One record per claim and other reading of what the paper leaves open.
pub(super) fn claim_readings(ledger: &Ledger) -> Records {
    let mut records = vec![header(&format!("claim about reading verdict {EVIDENCE} p_adjusted"))];
    for entry in &ledger.entries {
        records.extend(entry.readings.iter().map(|reading| {
            let mut record = [&*entry.claim.id, &reading.about, &reading.reading, reading.verdict.title()]
                .map(str::to_owned)
                .to_vec();
            record.extend(evidence(&reading.evidence));
            record.push(full(reading.p_adjusted));
            record
        }));
    }
    records
}

/// One record per pair of runs of one seed: the difference that a claim is about.
pub(super) fn pairs(ledger: &Ledger) -> Records {
    let mut records = vec![header("claim reading cells against seed measure difference")];
    for entry in &ledger.entries {
        let readings =
            entry.readings.iter().map(|reading| (format!("{}: {}", reading.about, reading.reading), &reading.evidence));
        for (reading, evidence) in std::iter::once((AS_CONFIGURED.to_owned(), &entry.evidence)).chain(readings) {
            records.extend(evidence.seeds.iter().zip(&evidence.differences).map(|(seed, difference)| {
                vec![
                    entry.claim.id.clone(),
                    reading.clone(),
                    evidence.cells.clone(),
                    evidence.against.clone(),
                    seed.to_string(),
                    entry.claim.measure.column.to_owned(),
                    difference.to_string(),
                ]
            }));
        }
    }
    records
}

/// One record per number that the paper prints.
pub(super) fn printed(ledger: &Ledger) -> Records {
    let mut records = vec![header(
        "row measure printed level runs mean prediction95_low prediction95_high degrees_of_freedom pooled p p_holm why",
    )];
    records.extend(ledger.numbers.iter().map(|number| {
        let mut record = vec![
            number.row.to_string(),
            number.measure.column.to_owned(),
            number.printed.to_string(),
            number.level.title().to_owned(),
            number.runs.to_string(),
            full(number.mean),
        ];
        record.extend(ends(number.prediction));
        record.extend([full(number.freedom), number.pooled.to_string(), full(number.p), full(number.p_holm)]);
        // A column of words is never empty.
        record.push(if number.why.is_empty() { "as the level says".to_owned() } else { number.why.clone() });
        record
    }));
    records
}

/// One record per row of the paper, reading and printed number.
pub(super) fn readings(ledger: &Ledger) -> Records {
    let mut records = vec![header(
        "row rank about reading cells measure printed runs mean prediction95_low prediction95_high pooled log_density \
         p_holm excluded",
    )];
    for row in &ledger.readings {
        for (rank, reading) in (1..).zip(&row.readings) {
            let about = if reading.about.is_empty() { AS_CONFIGURED } else { &reading.about };
            for number in &reading.numbers {
                let mut record = vec![row.row.to_string(), rank.to_string()];
                record.extend([about, &*reading.reading, reading.cells.as_str()].map(str::to_owned));
                record.extend([number.measure.column.to_owned(), number.printed.to_string(), number.runs.to_string()]);
                record.push(full(number.mean));
                record.extend(ends(number.prediction));
                record.extend([number.pooled.to_string(), full(reading.log_density), full(reading.p)]);
                record.push(reading.excluded.to_string());
                records.push(record);
            }
        }
    }
    records
}

fn evidence(evidence: &Evidence) -> Vec<String> {
    let mut record = vec![evidence.cells.clone(), evidence.against.clone(), evidence.pairs().to_string()];
    record.extend(ends(evidence.means));
    record.extend([evidence.mean, evidence.sd].map(full));
    record.extend(ends(evidence.interval));
    record.extend([evidence.p_two_sided, evidence.p_claimed, evidence.e_value, evidence.share_claimed].map(full));
    record.extend(ends(evidence.share_interval));
    record.extend([evidence.seed_sd, evidence.binomial_se, evidence.detectable].map(full));
    record.extend([evidence.imported, evidence.deviations.len()].map(|count| count.to_string()));
    record
}

/// The family's tests of a claim, and what the paper's design could have seen.
fn judged(entry: &Entry) -> Vec<String> {
    let (test, equivalence, design) = (&entry.test, entry.equivalence.as_ref(), entry.papers_design.as_ref());
    let mut record = vec![entry.member.to_string(), entry.protocol.title().to_owned(), full(test.p_adjusted)];
    record.push(test.rejected_after.map(|pairs| pairs.to_string()).unwrap_or_default());
    let numbers = [
        test.e_adjusted,
        equivalence.map(|equivalence| equivalence.margin),
        equivalence.map(|equivalence| equivalence.p),
        equivalence.and_then(|equivalence| equivalence.p_t),
        test.p_equivalent,
        design.map(|design| design.d33),
        design.map(|design| design.p_smaller),
        design.and_then(|design| design.power).map(|[power, ..]| power),
    ];
    record.extend(numbers.map(full));
    record.extend(ends(entry.noise.as_ref().and_then(|noise| Some(noise.unseen.as_ref()?.interval))));
    record.extend([full(entry.p_over_readings), entry.planning.says.clone()]);
    record
}
