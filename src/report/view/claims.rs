//! The claims ledger as the report shows it: every number written out, and links to the cells behind it.

use serde::Serialize;

use super::forest::{self, Forest};
use crate::number::{fixed, listed, p_is, p_value, plural, slug};
use crate::paper::{Claim, Sign};
use crate::report::{
    cells::{self, CellLink, Index, Source, is_other_data},
    input::ReportInput,
    ledger::{Entry, Evidence, Ledger, Reading, Verdict},
};

/// What held up.
#[derive(Debug, Serialize)]
pub struct Claims {
    /// In a sentence or two.
    pub summary: String,
    /// How many claims have each verdict, all verdicts in their order.
    pub counts: Vec<Count>,
    /// Claims that p values are adjusted over.
    pub family: usize,
    /// In the paper's order.
    pub entries: Vec<ClaimView>,
}

/// A verdict and how many claims have it.
#[derive(Debug, Serialize)]
pub struct Count {
    /// The verdict.
    pub verdict: VerdictView,
    /// Claims.
    pub claims: usize,
}

/// A verdict as it is shown: never by its colour alone.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct VerdictView {
    /// For style sheets: `direction-only`.
    pub key: &'static str,
    /// `direction only`
    pub title: &'static str,
    /// One character.
    pub sign: &'static str,
}

/// A claim.
#[derive(Debug, Serialize)]
pub struct ClaimView {
    /// `claim-t2-a`
    pub anchor: String,
    /// `T2-a`
    pub id: String,
    /// Where the difference came from: the claim's own details.
    pub href: String,
    /// In words.
    pub text: String,
    /// Where in the paper.
    pub place: String,
    /// Name and unit.
    pub measure: String,
    /// `below 0` or `above 0`
    pub claimed: &'static str,
    /// The paper's effect.
    pub paper: Option<String>,
    /// Ours; `None` without runs.
    pub ours: Option<EvidenceView>,
    /// Adjusted p.
    pub p_holm: Option<String>,
    /// The verdict.
    pub verdict: VerdictView,
    /// Why.
    pub why: String,
    /// Both sides of the difference.
    pub sides: Vec<Side>,
    /// The claim as a drawing; `None` if there is nothing to draw.
    pub forest: Option<Forest>,
    /// Under other readings.
    pub readings: Vec<ReadingView>,
}

/// One side of a difference.
#[derive(Debug, Serialize)]
pub struct Side {
    /// Ids of its cells without seeds.
    pub prefix: String,
    /// Whether they are in a table that the paper has.
    pub of_paper: bool,
    /// Where its cells stand together; empty if they are in no table.
    pub href: String,
    /// One per seed.
    pub cells: Vec<CellLink>,
}

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
    /// Share of the pairs on the claimed side, in percent.
    pub share_claimed: String,
    /// Standard deviation over seeds of the side that is subtracted.
    pub seed_sd: Option<String>,
    /// Binomial standard error of one run.
    pub binomial_se: Option<String>,
    /// Difference that so many pairs detect with 80 % power.
    pub detectable: Option<String>,
    /// Whether the runs do not follow the paper's protocol.
    pub reduced: bool,
    /// How.
    pub deviations: Vec<String>,
    /// Pairs that were run elsewhere, in whole or in part.
    pub imported: usize,
}

/// A claim under another reading of what the paper leaves open.
#[derive(Debug, Serialize)]
pub struct ReadingView {
    /// What is open.
    pub about: String,
    /// How it is read.
    pub reading: String,
    /// Where its cells stand; empty if there are none.
    pub href: String,
    /// Runs; `None` if there are none.
    pub ours: Option<EvidenceView>,
    /// Verdict.
    pub verdict: VerdictView,
}

/// The ledger.
pub(super) fn claims(input: &ReportInput, index: &Index, ledger: &Ledger) -> Claims {
    Claims {
        summary: summary(input, ledger),
        counts: Verdict::ALL
            .map(|verdict| Count { verdict: verdict_view(verdict), claims: ledger.count(verdict) })
            .into_iter()
            .collect(),
        family: ledger.family,
        entries: ledger.entries.iter().map(|entry| claim_view(input, index, entry)).collect(),
    }
}

/// The anchor of a claim.
pub(super) fn anchor(id: &str) -> String {
    format!("claim-{}", slug(id))
}

pub(super) fn verdict_view(verdict: Verdict) -> VerdictView {
    let (key, sign) = match verdict {
        Verdict::Reproduced => ("reproduced", "✓"),
        Verdict::DirectionOnly => ("direction-only", "≈"),
        Verdict::Inconclusive => ("inconclusive", "?"),
        Verdict::Contradicted => ("contradicted", "✗"),
        Verdict::NotRun => ("not-run", "–"),
    };
    VerdictView { key, title: verdict.title(), sign }
}

/// What a reader takes away who reads nothing else.
fn summary(input: &ReportInput, ledger: &Ledger) -> String {
    let claims = plural(ledger.entries.len(), "claim");
    let tested: Vec<&Entry> = ledger.entries.iter().filter(|entry| entry.evidence.pairs() > 0).collect();
    if ledger.entries.is_empty() {
        return "The paper’s data list no claim.".to_owned();
    }
    if tested.is_empty() {
        return format!("Nothing has been tested: none of {claims} has a pair of runs with the same seed.");
    }
    if is_other_data(&input.dataset) {
        return format!(
            "Nothing held up and nothing was refuted: the {} of {claims} that have runs were run on data that are not \
             CIFAR-10, and the verdict on each is “inconclusive” whatever the numbers are.",
            tested.len()
        );
    }
    let of = |verdict| ledger.count(verdict);
    let proper = tested.iter().filter(|entry| entry.evidence.deviations.is_empty()).count();
    let text = format!(
        "Of {claims}, {} held up under the paper’s protocol and {} turned out the other way; {} show the claimed \
         direction without proof, {} cannot be decided by these runs, and {} were not run.",
        of(Verdict::Reproduced),
        of(Verdict::Contradicted),
        of(Verdict::DirectionOnly),
        of(Verdict::Inconclusive),
        of(Verdict::NotRun)
    );
    let reduced = match tested.len() - proper {
        0 => return text,
        _ if proper == 0 => "All runs are of a reduced protocol".to_owned(),
        some => format!(
            "The runs behind {some} of the {} with runs are of a reduced protocol",
            plural(tested.len(), "claim")
        ),
    };
    format!("{text} {reduced}, which can show a direction but neither reproduce nor contradict.")
}

fn claim_view(input: &ReportInput, index: &Index, entry: &Entry) -> ClaimView {
    let Entry { claim, paper_effect, evidence, verdict, .. } = entry;
    ClaimView {
        anchor: anchor(&claim.id),
        href: format!("#{}", anchor(&claim.id)),
        id: claim.id.clone(),
        text: claim.text.clone(),
        place: claim.place.clone(),
        measure: claim.measure.difference(),
        claimed: match claim.claimed {
            Sign::Greater => "above 0",
            Sign::Less => "below 0",
        },
        paper: paper_effect.map(|effect| claim.measure.effect(effect, 1)),
        ours: evidence_view(claim, evidence),
        p_holm: entry.p_holm.map(p_value),
        verdict: verdict_view(*verdict),
        why: entry.why.clone(),
        sides: [&claim.cells, &claim.against].map(|row| side(input, index, row.as_str())).into_iter().collect(),
        forest: forest::forest(claim.claimed, *paper_effect, evidence),
        readings: entry.readings.iter().map(|reading| reading_view(input, index, claim, reading)).collect(),
    }
}

fn reading_view(input: &ReportInput, index: &Index, claim: &Claim, reading: &Reading) -> ReadingView {
    ReadingView {
        about: reading.about.clone(),
        reading: reading.reading.clone(),
        href: side(input, index, &reading.evidence.cells).href,
        ours: evidence_view(claim, &reading.evidence),
        verdict: verdict_view(reading.verdict),
    }
}

fn side(input: &ReportInput, index: &Index, prefix: &str) -> Side {
    let mut rows = input.tables.iter().flat_map(|table| table.rows.iter().map(move |row| (table, row)));
    let found = rows.find(|(_, row)| row.cells.iter().any(|id| cells::prefix(id) == prefix));
    let source: Option<Source> = found.map(|(_, row)| index.source(row));
    Side {
        of_paper: found.is_some_and(|(table, _)| input.paper.has_table(&table.id)),
        prefix: prefix.to_owned(),
        href: source.as_ref().map(|source| source.href.clone()).unwrap_or_default(),
        cells: source.map(|source| source.cells).unwrap_or_default(),
    }
}

fn evidence_view(claim: &Claim, evidence: &Evidence) -> Option<EvidenceView> {
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
        share_claimed: format!("{} %", fixed(100.0 * evidence.share_claimed?, 0)),
        seed_sd: evidence.seed_sd.map(value),
        binomial_se: evidence.binomial_se.map(value),
        detectable: evidence.detectable.map(value),
        reduced: !evidence.deviations.is_empty(),
        deviations: evidence.deviations.clone(),
        imported: evidence.imported,
    })
}
