//! Pairs of runs and the tests of a claim, in words and digits.

use serde::Serialize;

use crate::number::{fixed, listed, p_is, plural};
use crate::paper::Claim;
use crate::report::ledger::{Entry, Evidence, Laboratories};
use crate::report::noise::{Noise, Spread};

/// Pairs of runs, in words and digits.
#[derive(Debug, Serialize)]
pub struct EvidenceView {
    /// Pairs of runs with the same seed.
    pub pairs: usize,
    /// `seeds 0, 1, 2`
    pub seeds: String,
    /// Means of both sides.
    pub means: Option<[String; 2]>,
    /// Mean difference.
    pub mean: String,
    /// Standard deviation of the differences.
    pub sd: Option<String>,
    /// 95 % interval of the mean difference.
    pub interval: Option<String>,
    /// Why there is none; empty where there is one.
    pub no_interval: &'static str,
    /// Two-sided sign-flip p, with its sign: `p = 0.0625`.
    pub p: String,
    /// One-sided.
    pub p_claimed: String,
    /// Share of the pairs on the claimed side, in percent, with its exact 95 % interval.
    pub share_claimed: String,
    /// Standard deviation over seeds of the side that is subtracted.
    pub seed_sd: Option<String>,
    /// Binomial standard error of one run.
    pub binomial_se: Option<String>,
    /// Difference that so many pairs detect with 80 % power.
    pub detectable: Option<String>,
    /// Whether the runs do not follow the paper's protocol.
    pub reduced: bool,
    /// Pairs that were run elsewhere, in whole or in part.
    pub imported: usize,
}

/// `None` without runs.
pub(super) fn evidence_view(claim: &Claim, evidence: &Evidence) -> Option<EvidenceView> {
    let (measure, pairs) = (claim.measure, evidence.pairs());
    let value = |value: f64| measure.value(value, pairs);
    Some(EvidenceView {
        pairs,
        seeds: listed("seed", &evidence.seeds),
        means: evidence.means.map(|means| means.map(value)),
        mean: measure.effect(evidence.mean?, pairs),
        sd: evidence.sd.map(value),
        interval: evidence.interval.map(|ends| measure.interval(ends, pairs)),
        no_interval: evidence.no_interval(),
        p: evidence.p_two_sided.map(p_is)?,
        p_claimed: evidence.p_claimed.map(p_is)?,
        share_claimed: share(evidence.share_claimed?, evidence.share_interval),
        seed_sd: evidence.seed_sd.map(value),
        binomial_se: evidence.binomial_se.map(value),
        detectable: evidence.detectable.map(value),
        reduced: !evidence.deviations.is_empty(),
        imported: evidence.imported,
    })
}

/// `83 % (95 %: 36 to 100)`
fn share(share: f64, interval: Option<[f64; 2]>) -> String {
    let percent = |share: f64| fixed(100.0 * share, 0);
    let interval =
        interval.map_or_else(String::new, |[low, high]| format!(" (95 %: {} to {})", percent(low), percent(high)));
    format!("{} %{interval}", percent(share))
}

/// What the family's tests, equivalence, the paper's design, single images and laboratories say, each in a sentence.
pub(super) fn tests(entry: &Entry) -> Vec<String> {
    let (test, measure, pairs) = (&entry.test, entry.claim.measure, entry.evidence.pairs());
    let value = |value: f64| measure.value(value, 2);
    let mut lines = Vec::new();
    if entry.evidence.duplicates > 0 {
        let left_out = plural(entry.evidence.duplicates, "pair");
        lines.push(format!("left out: {left_out} with a run that is there twice, by its predictions"));
    }
    if let Some(p) = test.p_adjusted {
        let looks = test.rejected_after.map_or("no planned look has rejected “no difference”".to_owned(), |after| {
            format!("the planned look after {} rejected “no difference”", plural(after, "pair"))
        });
        lines.push(format!("joint sign flips, adjusted over the declared family: {}; {looks}", p_is(p)));
    }
    if let Some(e) = test.e_adjusted {
        lines
            .push(format!("e-value, adjusted over the family, valid at any look: {} (20 rejects at 5 %)", fixed(e, 2)));
    }
    if let Some(equivalence) = &entry.equivalence {
        let t = equivalence.p_t.map_or_else(String::new, |p| format!(", by t tests {}", p_is(p)));
        let interval = equivalence
            .interval
            .map_or_else(String::new, |ends| format!("; 90 % interval {}", measure.interval(ends, pairs)));
        let margin = measure.value(equivalence.margin, 1);
        lines.push(format!(
            "smaller than ±{margin}, the smallest that matters: sign flips {}{t}{interval}",
            p_is(equivalence.p)
        ));
    }
    if let Some(design) = &entry.papers_design {
        let power = design.power.map_or_else(String::new, |[power, ..]| {
            format!("; its power to show what it reports: {}", fixed(power, 2))
        });
        lines.push(format!(
            "small telescopes: one pair of runs shows an effect of {} with 33 % power; ours is smaller with {}{power}",
            value(design.d33),
            p_is(design.p_smaller)
        ));
    }
    lines.extend(entry.noise.iter().flat_map(|noise| of_noise(entry, noise)));
    lines.extend(entry.laboratories.as_ref().map(|found| laboratories(entry, found)));
    lines
}

/// The spread of seeds and of test images, and the interval for unseen ones.
fn of_noise(entry: &Entry, noise: &Noise) -> Vec<String> {
    let (measure, value) = (entry.claim.measure, |value: f64| entry.claim.measure.value(value, 2));
    let spread = |spread: &Spread| {
        let unlimited = spread.unlimited.map_or_else(
            || "no more than that is seen".to_owned(),
            |sd| format!("on unlimited test images it would be {}", value(sd)),
        );
        format!(
            "standard deviation over {} of {}: {}, by the draw of the test images alone {}; {unlimited}",
            plural(spread.runs, "run"),
            spread.row,
            value(spread.observed),
            value(spread.test_images)
        )
    };
    let unseen = noise.unseen.iter().map(|unseen| {
        format!(
            "on unseen images and with other seeds: 95 % interval {}, standard error {} (bootstrap of images and seeds, \
             crossed; with {} it is somewhat short)",
            measure.interval(unseen.interval, unseen.pairs),
            value(unseen.standard_error),
            plural(unseen.pairs, "pair")
        )
    });
    noise.spreads.iter().map(spread).chain(unseen).collect()
}

/// What laboratories say each, and together.
fn laboratories(entry: &Entry, found: &Laboratories) -> String {
    let measure = entry.claim.measure;
    let each = found.laboratories.iter().map(|one| {
        let pairs = one.seeds.len();
        format!("{} {} (n = {pairs})", one.name, measure.effect(one.mean, pairs))
    });
    let each = each.collect::<Vec<_>>().join(", ");
    let together = match found.estimate.zip(found.interval).zip(found.p.zip(found.tau)) {
        Some(((estimate, interval), (p, tau))) => format!(
            "together {}, 95 % interval {} (random effects, modified Knapp–Hartung), {}, τ {}",
            measure.effect(estimate, 2),
            measure.interval(interval, 2),
            p_is(p),
            measure.value(tau, 2)
        ),
        None => format!("not pooled: {}", found.why),
    };
    let e_value = found.e_value.map_or_else(String::new, |e| format!("; product of e-values {}", fixed(e, 2)));
    let mixed = match found.mixed {
        0 => String::new(),
        some => format!("; left out: {} of runs of two laboratories", plural(some, "pair")),
    };
    format!("laboratories: {each}; {together}{e_value}{mixed}")
}
