//! Where the noise of a claim comes from, by the predictions of single test images: the spread over seeds split from that of
//! the test images ([`crate::stats::variance_split`]), and an interval for images that nobody has seen
//! ([`crate::stats::crossed_bootstrap`]).
//!
//! The report's content holds what follows from the predictions, not the predictions; a bundle has those, and computes it
//! again.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id::{CellId, RowId};
use crate::paper::measure::{FALSE_POSITIVES, TOP1, TOP5};
use crate::paper::{Claim, Measure};
use crate::stats::{crossed_bootstrap, variance_split};

/// Fewer pairs give no interval: a bootstrap of two seeds is too short by a third.
const FEWEST_PAIRS: usize = 3;
const LEVEL: f64 = 0.95;
const BOOTSTRAP_SAMPLES: u32 = 1_000;

/// What a run said of the test images: for each, how many classes come before the true one.
#[derive(Debug, Clone)]
pub struct ImageRanks {
    /// The cell.
    pub cell: CellId,
    /// Its seed.
    pub seed: u64,
    /// 0 for an image that is right.
    pub ranks: Vec<u8>,
}

/// Where the noise of a claim about shares of images comes from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Noise {
    /// The claim's id.
    pub claim: String,
    /// Both sides' spreads, those with two runs or more.
    pub spreads: Vec<Spread>,
    /// The mean difference on other images and with other seeds; `None` with fewer than three pairs, and where no image is
    /// told apart.
    pub unseen: Option<Unseen>,
}

/// The spread over the seeds of a row, in the measure's unit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Spread {
    /// The row.
    pub row: RowId,
    /// Its runs.
    pub runs: usize,
    /// Standard deviation over seeds on these test images.
    pub observed: f64,
    /// What the draw of the test images alone would give.
    pub test_images: f64,
    /// On unlimited test images; `None` where no more than the noise of the test images is seen.
    pub unlimited: Option<f64>,
}

/// The mean difference of a claim over seeds and images drawn anew, in the measure's unit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Unseen {
    /// Pairs of runs.
    pub pairs: usize,
    /// Standard deviation of the bootstrap means.
    pub standard_error: f64,
    /// 95 % percentile interval of them.
    pub interval: [f64; 2],
}

/// How a measure follows from single images.
struct Outcome {
    /// Whether an image with that rank counts.
    counts: fn(u8) -> bool,
    /// The value of a share of 1.
    scale: fn(images: usize) -> f64,
}

impl Outcome {
    /// `None` of measures that are no share of images.
    fn of(measure: &Measure) -> Option<Self> {
        let percent = |_| 100.0;
        match measure {
            measure if *measure == TOP1 => Some(Self { counts: |rank| rank == 0, scale: percent }),
            measure if *measure == TOP5 => Some(Self { counts: |rank| rank < 5, scale: percent }),
            measure if *measure == FALSE_POSITIVES => {
                Some(Self { counts: |rank| rank > 0, scale: |images| images as f64 })
            }
            _ => None,
        }
    }
}

/// The noise of every claim that is about a share of images and has two runs of a row or more.
pub fn noise(claims: &[Claim], runs: &[ImageRanks]) -> Vec<Noise> {
    claims.iter().filter_map(|claim| of_claim(claim, runs)).collect()
}

/// Whether the noise of a claim rests on a cell.
pub fn concerns(claims: &[Claim], cell: &CellId) -> bool {
    let mut of_images = claims.iter().filter(|claim| Outcome::of(claim.measure).is_some());
    let row = cell.row();
    of_images.any(|claim| claim.cells == row || claim.against == row)
}

fn of_claim(claim: &Claim, runs: &[ImageRanks]) -> Option<Noise> {
    let outcome = Outcome::of(claim.measure)?;
    let [cells, against] = [&claim.cells, &claim.against].map(|row| {
        let of_row = runs.iter().filter(|run| run.cell.row() == *row);
        of_row.map(|run| (run.seed, run.ranks.iter().map(|rank| (outcome.counts)(*rank)).collect())).collect::<Vec<_>>()
    });
    let spreads = [(&claim.cells, &cells), (&claim.against, &against)];
    let spreads: Vec<Spread> = spreads.into_iter().filter_map(|(row, runs)| spread(&outcome, row, runs)).collect();
    let unseen = unseen(&outcome, &cells, &against);
    (!spreads.is_empty()).then(|| Noise { claim: claim.id.clone(), spreads, unseen })
}

/// A seed, and which test images count.
type SeedOutcomes = (u64, Vec<bool>);

fn spread(outcome: &Outcome, row: &RowId, runs: &[SeedOutcomes]) -> Option<Spread> {
    let counted: Vec<Vec<bool>> = runs.iter().map(|(_, counted)| counted.clone()).collect();
    let split = variance_split(&counted).ok()?;
    let scale = (outcome.scale)(counted.first()?.len());
    Some(Spread {
        row: row.clone(),
        runs: runs.len(),
        observed: scale * split.observed.sqrt(),
        test_images: scale * split.test_images.sqrt(),
        unlimited: (split.true_accuracy > 0.0).then(|| scale * split.true_accuracy.sqrt()),
    })
}

fn unseen(outcome: &Outcome, cells: &[SeedOutcomes], against: &[SeedOutcomes]) -> Option<Unseen> {
    let pair = |(seed, counted): &SeedOutcomes| {
        let (_, other) = against.iter().find(|(other, images)| other == seed && images.len() == counted.len())?;
        Some(counted.iter().zip(other).map(|(a, b)| i8::from(*a) - i8::from(*b)).collect())
    };
    let outcomes: Vec<Vec<i8>> = cells.iter().filter_map(pair).collect();
    if outcomes.len() < FEWEST_PAIRS {
        return None;
    }
    let scale = (outcome.scale)(outcomes.first()?.len());
    let found = crossed_bootstrap(&outcomes, LEVEL, BOOTSTRAP_SAMPLES).ok()?;
    Some(Unseen {
        pairs: outcomes.len(),
        standard_error: scale * found.standard_error,
        interval: found.interval.map(|end| scale * end),
    })
}
