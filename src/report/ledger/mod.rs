//! The claims ledger: every claim of the paper against our runs, paired by seed, with a verdict.
//!
//! A pure function of the report's input: whoever has the input, or the predictions it follows from, gets the same ledger.

mod verdict;
mod gather;
mod evidence;
mod level;
mod specification;
mod family;
mod why;
mod readings;
mod planning;
mod progress;
mod laboratories;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::cells::is_other_data;
use super::input::ReportInput;
use super::noise::Noise;
use crate::number::{fixed, plural};
use crate::paper::{Claim, Finding, Seriousness};
use family::Detectable;
use gather::Gather;

pub use evidence::Evidence;
pub use family::{Equivalence, JointTest, PapersDesign};
pub use laboratories::{Laboratories, LaboratoryPairs, Source, of_bundles as laboratories_of_bundles};
pub use level::{Level, PrintedNumber};
pub use planning::{Planned, Planning};
pub use progress::{Progress, Standing, progress};
pub use readings::{ReadNumber, RowReading, RowReadings};
pub use specification::{Specification, SpecificationCurve, specification_curves};
pub use verdict::{Facts, LEVEL, Protocol, RULES, Rule, Side, Verdict};

/// All claims.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Ledger {
    /// Claims of the declared family, those not run counted: p values are adjusted over them.
    pub family: usize,
    /// In the paper's order.
    pub entries: Vec<Entry>,
    /// Every number that the paper prints, against our runs.
    pub numbers: Vec<PrintedNumber>,
    /// For every row that the paper prints, how well each reading of what is open foretells its numbers.
    pub readings: Vec<RowReadings>,
}

/// A claim and what our runs say about it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Entry {
    /// The claim.
    pub claim: Claim,
    /// Whether it is in the declared family; else it can show a direction and no more.
    pub member: bool,
    /// When its test was planned.
    pub planning: Planning,
    /// The paper's effect, cells − against, in the measure's unit; `None` if the paper gives none.
    pub paper_effect: Option<f64>,
    /// Our runs.
    pub evidence: Evidence,
    /// Whether the experiment that was run is the paper's.
    pub protocol: Protocol,
    /// Why that is so.
    pub protocol_why: String,
    /// The family's test of it; nothing outside the family and of reduced runs.
    pub test: JointTest,
    /// Whether the difference is smaller than what matters; `None` where no margin is declared.
    pub equivalence: Option<Equivalence>,
    /// What the paper's one pair of runs could have seen; `None` with fewer than three pairs.
    pub papers_design: Option<PapersDesign>,
    /// Where the noise comes from, by single test images; `None` where the measure is no share of images, or too few runs are
    /// there.
    #[serde(default)]
    pub noise: Option<Noise>,
    /// What laboratories say together; `None` where all runs are of one.
    pub laboratories: Option<Laboratories>,
    /// The verdict.
    pub verdict: Verdict,
    /// Why, in a sentence or two.
    pub why: String,
    /// Our own reading's sign-flip p, adjusted over all readings of the claim: a check of robustness, and no part of the verdict.
    pub p_over_readings: Option<f64>,
    /// Under other readings of what the paper leaves open.
    pub readings: Vec<Reading>,
}

/// A claim under another reading.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Reading {
    /// What is open.
    pub about: String,
    /// How it is read.
    pub reading: String,
    /// Runs under that reading.
    pub evidence: Evidence,
    /// Sign-flip p, two-sided, adjusted over all readings of the claim; `None` without runs.
    pub p_adjusted: Option<f64>,
    /// Verdict: a direction at most, since it is a check of robustness and no further claim.
    pub verdict: Verdict,
}

/// The ledger of a report.
pub fn ledger(input: &ReportInput) -> Ledger {
    let gather = Gather::new(input);
    let (numbers, paper) = (level::numbers(&gather), &input.paper);
    let mut entries: Vec<Entry> = paper.claims.iter().map(|claim| entry(&gather, claim, &numbers)).collect();
    family::judge(paper, &mut entries);
    let in_family = Detectable::new(paper.family.claims.len(), paper.family.level);
    let alone = Detectable::new(1, LEVEL);
    for entry in &mut entries {
        let detectable = if entry.member { &in_family } else { &alone };
        for evidence in std::iter::once(&mut entry.evidence).chain(entry.readings.iter_mut().map(|it| &mut it.evidence))
        {
            evidence.detectable = evidence.sd.and_then(|sd| detectable.difference(sd, evidence.pairs()));
        }
        entry.verdict = Verdict::of(facts(entry, &gather));
    }
    let members = entries.iter().filter(|entry| entry.test.p_adjusted.is_some()).count();
    for entry in &mut entries {
        let detectable = if entry.member { &in_family } else { &alone };
        entry.why = why::why(entry, &why::Context { gather: &gather, detectable, members });
    }
    Ledger { family: paper.family.claims.len(), readings: readings::readings(&gather), entries, numbers }
}

/// An entry before the family is judged.
fn entry(gather: &Gather, claim: &Claim, numbers: &[PrintedNumber]) -> Entry {
    let paper = &gather.input.paper;
    let mut specifications = specification::specifications(gather, claim).into_iter();
    let ours = specifications.next();
    let p_over_readings = ours.as_ref().and_then(|ours| ours.p_adjusted);
    let evidence = ours.map(|ours| ours.evidence).unwrap_or_default();
    let paper_effect = paper.effect(claim);
    let (protocol, protocol_why) = level::protocol(claim, numbers);
    Entry {
        member: paper.family.position(&claim.id).is_some(),
        equivalence: family::equivalence(&evidence, paper.margin(claim.measure)),
        papers_design: family::papers_design(&evidence, claim.claimed.factor(), paper_effect),
        test: JointTest::default(),
        planning: planning::planning(gather, claim, &evidence.seeds),
        noise: gather.input.noise.iter().find(|noise| noise.claim == claim.id).cloned(),
        laboratories: laboratories::of_report(gather, claim),
        verdict: Verdict::NotRun,
        why: String::new(),
        readings: specifications.map(|other| reading(gather, claim, other)).collect(),
        p_over_readings,
        claim: claim.clone(),
        paper_effect,
        evidence,
        protocol,
        protocol_why,
    }
}

/// What the verdict on a claim rests on.
fn facts(entry: &Entry, gather: &Gather) -> Facts {
    let Entry { claim, evidence, test, .. } = entry;
    Facts {
        protocol: entry.protocol,
        member: entry.member,
        rejected: family::rejected_side(evidence, test, claim.claimed.factor()),
        equivalent: test.p_equivalent.is_some_and(|p| p <= gather.input.paper.family.level),
        ..facts_of_runs(gather, claim, evidence)
    }
}

/// What runs alone say, with no family's test and no protocol identified.
fn facts_of_runs(gather: &Gather, claim: &Claim, evidence: &Evidence) -> Facts {
    Facts {
        has_pairs: evidence.pairs() > 0,
        genuine: !is_other_data(&gather.input.dataset),
        full: evidence.deviations.is_empty(),
        protocol: Protocol::Unknown,
        member: false,
        rejected: None,
        equivalent: false,
        interval: evidence.interval_side(claim.claimed),
    }
}

/// The claim under another reading.
fn reading(gather: &Gather, claim: &Claim, specification: Specification) -> Reading {
    let Specification { about, reading, evidence, p_adjusted, .. } = specification;
    let verdict = Verdict::of(facts_of_runs(gather, claim, &evidence));
    Reading { about, reading, evidence, p_adjusted, verdict }
}

impl Entry {
    /// What our runs say of the paper's design: its power to see what it reports; `None` with fewer than three pairs.
    pub fn finding(&self) -> Option<Finding> {
        let [power, low, high] = self.papers_design.as_ref()?.power?;
        let effect = self.claim.measure.effect(self.paper_effect?, 1);
        let pairs = plural(self.evidence.pairs(), "pair");
        Some(Finding {
            place: format!("{}, {}", self.claim.place, self.claim.id),
            says: format!("{}: {effect}, from one pair of runs as it seems", self.claim.measure.difference()),
            follows: format!(
                "At the spread of our {pairs} one pair of runs shows a true effect of that size with a power of {} (95 %: {} to \
                 {}).",
                fixed(power, 2),
                fixed(low.min(high), 2),
                fixed(low.max(high), 2)
            ),
            ask: "How many pairs of runs are behind these numbers, and what did each give?".into(),
            seriousness: Seriousness::Substantial,
        })
    }
}

impl Ledger {
    /// How many claims have a verdict.
    pub fn count(&self, verdict: Verdict) -> usize {
        self.entries.iter().filter(|entry| entry.verdict == verdict).count()
    }

    /// `1 reproduced, 9 not run`: every verdict that a claim has.
    pub fn in_brief(&self) -> String {
        let counts = RULES.iter().map(|rule| (self.count(rule.verdict), rule.title)).filter(|(count, _)| *count > 0);
        counts.map(|(count, title)| format!("{count} {title}")).collect::<Vec<_>>().join(", ")
    }

    /// How many printed numbers lie so.
    pub fn count_numbers(&self, level: Level) -> usize {
        self.numbers.iter().filter(|number| number.level == level).count()
    }
}
