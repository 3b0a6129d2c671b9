//! The claims ledger: every claim of the paper against our runs, paired by seed, with a verdict.
//!
//! A pure function of the report's input: whoever has the input, or the predictions it follows from, gets the same ledger.

mod verdict;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::cells::{Index, is_other_data, prefix};
use super::input::{Cell, ReportInput};
use crate::paper::{Alternative, Claim, Measure, Sign};
use crate::stats::{self, SignFlip, mean, sample_sd};

pub use verdict::{LEVEL, Verdict};

/// All claims.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Ledger {
    /// Claims with at least one pair of runs: the family that p values are adjusted over.
    pub family: usize,
    /// In the paper's order.
    pub entries: Vec<Entry>,
}

/// A claim and what our runs say about it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Entry {
    /// The claim.
    pub claim: Claim,
    /// The paper's effect, cells − against, in the measure's unit; `None` if the paper gives none.
    pub paper_effect: Option<f64>,
    /// Our runs.
    pub evidence: Evidence,
    /// Holm's adjustment of the two-sided sign-flip p over the family; `None` without runs.
    pub p_holm: Option<f64>,
    /// The verdict.
    pub verdict: Verdict,
    /// Why, in a sentence or two.
    pub why: String,
    /// Under other readings of what the paper leaves open.
    pub readings: Vec<Reading>,
}

/// Pairs of runs with the same seed: cells − against.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Evidence {
    /// Ids of cells without seeds.
    pub cells: String,
    /// Those that are subtracted.
    pub against: String,
    /// Seeds that both have, in the order of the differences.
    pub seeds: Vec<u64>,
    /// One per seed.
    pub differences: Vec<f64>,
    /// Mean of the runs behind each side.
    pub means: Option<[f64; 2]>,
    /// Mean difference.
    pub mean: Option<f64>,
    /// Sample standard deviation of the differences.
    pub sd: Option<f64>,
    /// 95 % interval of the mean difference (paired t); `None` for one pair, and where all differences are equal.
    pub interval: Option<[f64; 2]>,
    /// Exact sign-flip permutation p, two-sided.
    pub p_two_sided: Option<f64>,
    /// Likewise, one-sided for the sign that is claimed.
    pub p_claimed: Option<f64>,
    /// Share of the pairs whose difference is on the claimed side, ties counting half.
    pub share_claimed: Option<f64>,
    /// Noise floor: the standard deviation of `against` over seeds, which another seed alone changes.
    pub seed_sd: Option<f64>,
    /// Noise floor: the binomial standard error of one run's value by the test images alone; `None` where there is none.
    pub binomial_se: Option<f64>,
    /// The mean difference that so many pairs detect with 80 % power at 5 %.
    pub detectable: Option<f64>,
    /// Pairs that were run elsewhere, in whole or in part.
    pub imported: usize,
    /// How the runs differ from the protocol; empty: they follow it.
    pub deviations: Vec<String>,
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
    /// Verdict, from the unadjusted p: a check of robustness, not a further claim.
    pub verdict: Verdict,
}

/// The ledger of a report.
pub fn ledger(input: &ReportInput) -> Ledger {
    let gather = Gather::new(input);
    let mut entries: Vec<Entry> = input.paper.claims.iter().map(|claim| gather.entry(claim)).collect();
    let tested: Vec<usize> = (0..entries.len()).filter(|&at| entries[at].evidence.p_two_sided.is_some()).collect();
    let raw: Vec<f64> = tested.iter().filter_map(|&at| entries[at].evidence.p_two_sided).collect();
    for (&at, adjusted) in tested.iter().zip(stats::holm(&raw)) {
        entries[at].p_holm = Some(adjusted);
    }
    let other_data = is_other_data(&input.dataset);
    for entry in &mut entries {
        let judged =
            verdict::of(&entry.claim, entry.paper_effect, &entry.evidence, entry.p_holm, tested.len(), other_data);
        (entry.verdict, entry.why) = judged;
        let sides = [&entry.claim.cells, &entry.claim.against];
        if let Some(side) = sides.into_iter().find(|side| !gather.rows.contains_key(side.as_str())) {
            entry.why = format!("This configuration has no cells {side}.");
        }
    }
    Ledger { family: tested.len(), entries }
}

impl Ledger {
    /// How many claims have a verdict.
    pub fn count(&self, verdict: Verdict) -> usize {
        self.entries.iter().filter(|entry| entry.verdict == verdict).count()
    }
}

struct Gather<'a> {
    input: &'a ReportInput,
    index: Index<'a>,
    rows: BTreeMap<&'a str, Vec<&'a Cell>>,
}

impl<'a> Gather<'a> {
    fn new(input: &'a ReportInput) -> Self {
        let mut rows: BTreeMap<&str, Vec<&Cell>> = BTreeMap::new();
        for cell in &input.cells {
            rows.entry(prefix(&cell.id)).or_default().push(cell);
        }
        Self { input, index: Index::new(input), rows }
    }

    fn entry(&self, claim: &Claim) -> Entry {
        Entry {
            paper_effect: self.input.paper.effect(claim),
            evidence: self.evidence(claim, claim.cells.as_str(), claim.against.as_str()),
            claim: claim.clone(),
            p_holm: None,
            verdict: Verdict::NotRun,
            why: String::new(),
            readings: self.readings(claim),
        }
    }

    fn readings(&self, claim: &Claim) -> Vec<Reading> {
        let rest_on = self.input.paper.assumptions.iter().filter(|assumption| assumption.claims.contains(&claim.id));
        let alternatives =
            rest_on.flat_map(|assumption| assumption.alternatives.iter().map(move |other| (&assumption.about, other)));
        alternatives.filter_map(|(about, other)| self.reading(claim, about, other)).collect()
    }

    /// `None` for readings that no cell of the configuration stands for.
    fn reading(&self, claim: &Claim, about: &str, other: &Alternative) -> Option<Reading> {
        let (cells, against) = (other.cells(&claim.cells)?, other.cells(&claim.against)?);
        if !self.rows.contains_key(cells.as_str()) || !self.rows.contains_key(against.as_str()) {
            return None;
        }
        let evidence = self.evidence(claim, cells.as_str(), against.as_str());
        let (other_data, p) = (is_other_data(&self.input.dataset), evidence.p_two_sided);
        let (verdict, _) = verdict::of(claim, None, &evidence, p, 1, other_data);
        Some(Reading { about: about.to_owned(), reading: other.reading.clone(), evidence, verdict })
    }

    fn evidence(&self, claim: &Claim, cells: &str, against: &str) -> Evidence {
        let mut evidence = Evidence { cells: cells.to_owned(), against: against.to_owned(), ..Evidence::default() };
        let pairs = self.pairs(claim.measure, cells, against);
        evidence.seeds = pairs.iter().map(|pair| pair.cells[0].seed).collect();
        evidence.differences = pairs.iter().map(|pair| pair.values[0] - pair.values[1]).collect();
        evidence.imported = pairs.iter().filter(|pair| pair.cells.iter().any(|cell| cell.origin.is_some())).count();
        let both: Vec<&Cell> = pairs.iter().flat_map(|pair| pair.cells).collect();
        evidence.deviations = self.index.reasons(&both);
        let side = |side: usize| pairs.iter().map(|pair| pair.values[side]).collect::<Vec<f64>>();
        evidence.means = mean(&side(0)).zip(mean(&side(1))).map(|(cells, against)| [cells, against]);
        evidence.seed_sd = sample_sd(&side(1));
        let errors = pairs.iter().filter_map(|pair| pair.cells[1].standard_error(claim.measure)).collect::<Vec<_>>();
        evidence.binomial_se = mean(&errors);
        evidence.summarize(claim.claimed);
        evidence
    }

    /// Runs of both sides with one seed, in the order of seeds.
    fn pairs(&self, measure: &Measure, cells: &str, against: &str) -> Vec<Pair<'a>> {
        let of = |prefix: &str| self.rows.get(prefix).into_iter().flatten().copied();
        let pair = |cell: &'a Cell| {
            let other = of(against).find(|other| other.seed == cell.seed)?;
            Some(Pair { cells: [cell, other], values: [cell.measured(measure)?, other.measured(measure)?] })
        };
        let mut pairs: Vec<Pair> = of(cells).filter_map(pair).collect();
        pairs.sort_by_key(|pair| pair.cells[0].seed);
        pairs
    }
}

struct Pair<'a> {
    cells: [&'a Cell; 2],
    values: [f64; 2],
}

impl Evidence {
    fn summarize(&mut self, claimed: Sign) {
        let differences = &self.differences;
        self.mean = mean(differences);
        self.sd = sample_sd(differences);
        // Equal differences say nothing of the spread over other seeds: an interval without width would be none.
        let interval = stats::t_interval(differences, 1.0 - LEVEL).map(|(low, high)| [low, high]);
        self.interval = interval.filter(|[low, high]| low < high);
        let claimed: Vec<f64> = differences.iter().map(|difference| claimed.factor() * difference).collect();
        let test: Option<SignFlip> = stats::sign_flip(&claimed);
        self.p_two_sided = test.map(|test| test.two_sided);
        self.p_claimed = test.map(|test| test.greater);
        self.share_claimed = stats::probability_of_superiority(&claimed);
        self.detectable = self.sd.and_then(|sd| stats::detectable_difference(sd, differences.len()));
    }

    /// Pairs of runs.
    pub fn pairs(&self) -> usize {
        self.differences.len()
    }

    /// Why there is no interval; empty where there is one.
    pub fn no_interval(&self) -> &'static str {
        match (self.interval, self.pairs()) {
            (Some(_), _) => "",
            (None, 0) => "no pair of runs",
            (None, 1) => "no interval from one pair",
            (None, _) => "no interval: all pairs have the same difference",
        }
    }
}
