//! The claims ledger as the report shows it: every number written out, and links to the cells behind it.

use serde::Serialize;

use super::evidence::{EvidenceView, evidence_view, tests};
use super::forest::{self, Forest};
use crate::number::{p_value, slug};
use crate::paper::{Claim, Sign};
use crate::report::{
    cells::{self, CellLink, Index, Source},
    input::ReportInput,
    ledger::{Entry, Ledger, RULES, Reading, Verdict},
};

/// What held up.
#[derive(Debug, Serialize)]
pub struct Claims {
    /// How many claims have each verdict, all verdicts in their order.
    pub counts: Vec<Count>,
    /// The verdicts that any claim has.
    pub given: Vec<&'static str>,
    /// Claims of the declared family, which p values are adjusted over.
    pub family: usize,
    /// Claims without runs, under any reading.
    pub untold: usize,
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
#[derive(Debug, Clone, Serialize)]
pub struct VerdictView {
    /// For style sheets: `direction-only`.
    pub key: String,
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
    /// Adjusted p; `None` outside the family and of reduced runs.
    pub p_adjusted: Option<String>,
    /// Whether it is in the declared family.
    pub member: bool,
    /// `identified`, `not identified` or `unknown`
    pub protocol: &'static str,
    /// Why.
    pub protocol_why: String,
    /// When its test was planned, in a sentence.
    pub planning: String,
    /// The family's tests and those of equivalence, each in a sentence.
    pub tests: Vec<String>,
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
    /// Whether any of them has runs.
    pub read: bool,
    /// Whether there are runs, under this reading or another.
    pub told: bool,
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
    /// The names of the protocols that its runs follow instead of the paper's.
    pub protocols: Vec<String>,
    /// One per seed.
    pub cells: Vec<CellLink>,
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
    /// Sign-flip p, adjusted over the claim's readings.
    pub p_adjusted: Option<String>,
    /// Verdict.
    pub verdict: VerdictView,
}

/// The ledger.
pub(super) fn claims(input: &ReportInput, index: &Index, ledger: &Ledger) -> Claims {
    let entries: Vec<ClaimView> = ledger.entries.iter().map(|entry| claim_view(input, index, entry)).collect();
    Claims {
        untold: entries.iter().filter(|claim| !claim.told).count(),
        counts: RULES
            .iter()
            .map(|rule| Count { verdict: verdict_view(rule.verdict), claims: ledger.count(rule.verdict) })
            .collect(),
        given: RULES.iter().filter(|rule| ledger.count(rule.verdict) > 0).map(|rule| rule.title).collect(),
        family: ledger.family,
        entries,
    }
}

/// The anchor of a claim.
pub(super) fn anchor(id: &str) -> String {
    format!("claim-{}", slug(id))
}

pub(super) fn verdict_view(verdict: Verdict) -> VerdictView {
    let rule = verdict.rule();
    VerdictView { key: slug(rule.title), title: rule.title, sign: rule.sign }
}

fn claim_view(input: &ReportInput, index: &Index, entry: &Entry) -> ClaimView {
    let Entry { claim, paper_effect, evidence, verdict, .. } = entry;
    let read = entry.readings.iter().any(|reading| reading.evidence.pairs() > 0);
    ClaimView {
        read,
        told: read || evidence.pairs() > 0,
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
        p_adjusted: entry.test.p_adjusted.map(p_value),
        member: entry.member,
        protocol: entry.protocol.title(),
        protocol_why: entry.protocol_why.clone(),
        planning: entry.planning.says.clone(),
        tests: tests(entry),
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
        p_adjusted: reading.p_adjusted.map(p_value),
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
        protocols: source.as_ref().map(|source| source.protocols.clone()).unwrap_or_default(),
        cells: source.map(|source| source.cells).unwrap_or_default(),
    }
}
