//! The one table of verdicts: from facts to a word. Its conditions exclude each other, and one of them always holds.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Level of the tests of printed numbers, and what intervals leave out. The family has its own, in `paper.toml`.
pub const LEVEL: f64 = 0.05;

/// What our runs say about a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// It held up in the paper's experiment.
    Reproduced,
    /// The opposite held up in the paper's experiment.
    Contradicted,
    /// In the paper's experiment there is no difference that matters.
    NoDifference,
    /// What was run is another experiment than the paper's.
    NotRebuilt,
    /// The difference has the claimed sign, without proof.
    DirectionOnly,
    /// The difference has the other sign, without proof.
    OtherDirection,
    /// Too few runs, or none of the right kind.
    Inconclusive,
    /// No runs.
    NotRun,
}

/// A side of 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The one that is claimed.
    Claimed,
    /// The other.
    Other,
}

/// Whether the experiment that was run is the paper's, by the numbers that the paper prints of a claim's rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Protocol {
    /// All of them are inside our prediction intervals.
    Identified,
    /// One of them is outside.
    NotIdentified,
    /// Neither can be said.
    #[default]
    Unknown,
}

impl Protocol {
    /// As the report writes it.
    pub fn title(self) -> &'static str {
        match self {
            Self::Identified => "identified",
            Self::NotIdentified => "not identified",
            Self::Unknown => "unknown",
        }
    }
}

/// What a verdict rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools)] // Each is a fact of its own.
pub struct Facts {
    /// Whether any seed has both runs.
    pub has_pairs: bool,
    /// Whether the data are CIFAR-10.
    pub genuine: bool,
    /// Whether the runs follow the paper's protocol as far as it is known.
    pub full: bool,
    /// Whether the paper's numbers are those of the experiment that was run.
    pub protocol: Protocol,
    /// Whether the claim is in the declared family.
    pub member: bool,
    /// On which side a planned look rejected "no difference"; `None` if none has.
    pub rejected: Option<Side>,
    /// Whether the planned pairs show that the difference is smaller than what matters.
    pub equivalent: bool,
    /// On which side of 0 the 95 % interval lies; `None` if 0 is inside or there is no interval.
    pub interval: Option<Side>,
}

/// A row of the table.
pub struct Rule {
    /// The verdict.
    pub verdict: Verdict,
    /// As it is written everywhere.
    pub title: &'static str,
    /// One character, so that it is never told by its colour alone.
    pub sign: &'static str,
    /// When it is given, in words.
    pub when: &'static str,
    /// What to do about it, in words.
    pub then: &'static str,
    /// When it is given.
    pub holds: fn(Facts) -> bool,
}

/// All verdicts in the order of the report.
pub static RULES: [Rule; 8] = [
    Rule {
        verdict: Verdict::Reproduced,
        title: "reproduced",
        sign: "✓",
        when: "the claim is in the declared family, the runs follow the protocol, the protocol is identified, and a planned \
               look rejects “no difference” on the claimed side",
        then: "believe the sign, and compare the size with what matters",
        holds: |facts| judged(facts) && facts.rejected == Some(Side::Claimed),
    },
    Rule {
        verdict: Verdict::Contradicted,
        title: "contradicted",
        sign: "✗",
        when: "likewise, on the other side",
        then: "believe the opposite sign",
        holds: |facts| judged(facts) && facts.rejected == Some(Side::Other),
    },
    Rule {
        verdict: Verdict::NoDifference,
        title: "no difference",
        sign: "=",
        when: "likewise, but no look rejects, and all planned pairs show that the difference is smaller than the smallest that \
               matters",
        then: "choose between the losses by something else",
        holds: |facts| judged(facts) && facts.rejected.is_none() && facts.equivalent,
    },
    Rule {
        verdict: Verdict::NotRebuilt,
        title: "not rebuilt",
        sign: "≠",
        when: "the runs follow the protocol as far as it is known, but a number that the paper prints of these rows is \
               outside what they predict",
        then: "do not hold the result for or against the paper; look for its reading with `fpl-repro readings`",
        holds: elsewhere,
    },
    Rule {
        verdict: Verdict::DirectionOnly,
        title: "direction only",
        sign: "≈",
        when: "none of the above, and the 95 % interval lies on the claimed side",
        then: "run what the reason asks for before you rely on it",
        holds: |facts| undecided(facts) && facts.genuine && facts.interval == Some(Side::Claimed),
    },
    Rule {
        verdict: Verdict::OtherDirection,
        title: "other direction",
        sign: "≉",
        when: "none of the above, and the 95 % interval lies on the other side",
        then: "likewise",
        holds: |facts| undecided(facts) && facts.genuine && facts.interval == Some(Side::Other),
    },
    Rule {
        verdict: Verdict::Inconclusive,
        title: "inconclusive",
        sign: "?",
        when: "none of the above, with at least one pair of runs; always so on data that are not CIFAR-10",
        then: "run what the reason asks for",
        holds: |facts| undecided(facts) && (!facts.genuine || facts.interval.is_none()),
    },
    Rule {
        verdict: Verdict::NotRun,
        title: "not run",
        sign: "–",
        when: "no seed has results of both rows",
        then: "run them",
        holds: |facts| !facts.has_pairs,
    },
];

/// The runs can decide about the paper's claim.
fn judged(facts: Facts) -> bool {
    facts.has_pairs && facts.genuine && facts.full && facts.member && facts.protocol == Protocol::Identified
}

/// The runs are of another experiment than the paper's, although they follow what is known of its protocol.
fn elsewhere(facts: Facts) -> bool {
    facts.has_pairs && facts.genuine && facts.full && facts.protocol == Protocol::NotIdentified
}

fn undecided(facts: Facts) -> bool {
    let decided = judged(facts) && (facts.rejected.is_some() || facts.equivalent);
    facts.has_pairs && !decided && !elsewhere(facts)
}

impl Verdict {
    /// The one whose condition holds.
    pub fn of(facts: Facts) -> Self {
        RULES.iter().find(|rule| (rule.holds)(facts)).map_or(Self::Inconclusive, |rule| rule.verdict)
    }

    /// Its row of the table.
    pub fn rule(self) -> &'static Rule {
        RULES.iter().find(|rule| rule.verdict == self).unwrap_or(&RULES[0])
    }

    /// As it is written everywhere.
    pub fn title(self) -> &'static str {
        self.rule().title
    }
}
