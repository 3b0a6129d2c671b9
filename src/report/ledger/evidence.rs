//! Pairs of runs, and what one claim's pairs say on their own.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::gather::{Epoch, Gather, Pair};
use super::verdict::{LEVEL, Side};
use crate::id::RowId;
use crate::paper::{Claim, Sign};
use crate::stats::{self, Differences, SignFlip, mean, sample_sd};

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
    /// Sample standard deviation of the differences; `None` for one pair, and where all differences are equal.
    pub sd: Option<f64>,
    /// 95 % interval of the mean difference (paired t); `None` for one pair, and where all differences are equal.
    pub interval: Option<[f64; 2]>,
    /// Exact sign-flip permutation p, two-sided.
    pub p_two_sided: Option<f64>,
    /// Likewise, one-sided for the sign that is claimed.
    pub p_claimed: Option<f64>,
    /// The e-value of the pairs in the order of their seeds, two-sided: valid whenever one looks.
    pub e_value: Option<f64>,
    /// P(A > B): share of the pairs whose difference is on the claimed side, ties counting half.
    pub share_claimed: Option<f64>,
    /// Its exact 95 % interval.
    pub share_interval: Option<[f64; 2]>,
    /// Noise floor: the standard deviation of `against` over seeds, which another seed alone changes; `None` where all are
    /// equal, which says nothing of further seeds.
    pub seed_sd: Option<f64>,
    /// Noise floor: the binomial standard error of one run's value by the test images alone; `None` where there is none.
    pub binomial_se: Option<f64>,
    /// The mean difference that so many pairs detect with 80 % power in the joint test of the claim's family; `None` where
    /// they can detect nothing.
    pub detectable: Option<f64>,
    /// Pairs that were run elsewhere, in whole or in part.
    pub imported: usize,
    /// Pairs that were left out because a run of theirs is there twice, by its predictions.
    #[serde(default)]
    pub duplicates: usize,
    /// How the runs differ from the protocol; empty: they follow it.
    pub deviations: Vec<String>,
}

impl Evidence {
    /// The runs of two rows, paired by seed.
    pub(super) fn new(gather: &Gather, claim: &Claim, rows: [&RowId; 2], epoch: Epoch) -> Self {
        let rows = rows.map(RowId::as_str);
        let pairs = gather.pairs(claim.measure, rows, epoch);
        let both: Vec<_> = pairs.iter().flat_map(|pair| pair.cells).collect();
        let mut evidence = Self::of(claim, rows, &pairs);
        (evidence.duplicates, evidence.deviations) = (gather.duplicates(rows), gather.index.reasons(&both));
        evidence
    }

    fn of(claim: &Claim, [cells, against]: [&str; 2], pairs: &[Pair]) -> Self {
        let side = |side: usize| pairs.iter().map(|pair| pair.values[side]).collect::<Vec<f64>>();
        let errors = pairs.iter().filter_map(|pair| pair.cells[1].standard_error(claim.measure)).collect::<Vec<_>>();
        let mut evidence = Self {
            cells: cells.to_owned(),
            against: against.to_owned(),
            seeds: pairs.iter().map(|pair| pair.cells[0].seed).collect(),
            differences: pairs.iter().map(|pair| pair.values[0] - pair.values[1]).collect(),
            imported: pairs.iter().filter(|pair| pair.cells.iter().any(|cell| cell.origin.is_some())).count(),
            means: mean(&side(0)).zip(mean(&side(1))).map(|(cells, against)| [cells, against]),
            seed_sd: sample_sd(&side(1)).filter(|sd| *sd > 0.0),
            binomial_se: mean(&errors),
            ..Self::default()
        };
        evidence.summarize(claim.claimed);
        evidence
    }

    fn summarize(&mut self, claimed: Sign) {
        let differences = &self.differences;
        self.mean = mean(differences);
        self.sd = stats::spread(differences).ok();
        // Equal differences say nothing of the spread over other seeds: an interval without width would be none.
        let interval = stats::t_interval(differences, 1.0 - LEVEL).map(|(low, high)| [low, high]);
        self.interval = interval.filter(|[low, high]| low < high);
        let claimed: Vec<f64> = differences.iter().map(|difference| claimed.factor() * difference).collect();
        let test: Option<SignFlip> = stats::sign_flip(&claimed);
        self.p_two_sided = test.map(|test| test.two_sided);
        self.p_claimed = test.map(|test| test.greater);
        self.e_value = stats::e_value(differences).ok();
        self.share_claimed = stats::probability_of_superiority(&claimed);
        self.share_interval = stats::superiority_interval(&claimed, 1.0 - LEVEL);
    }

    /// Pairs of runs.
    pub fn pairs(&self) -> usize {
        self.differences.len()
    }

    /// The differences by seed.
    pub(super) fn by_seed(&self) -> Differences {
        self.seeds.iter().copied().zip(self.differences.iter().copied()).collect()
    }

    /// On which side the interval lies; `None` if 0 is inside or there is none.
    pub(super) fn interval_side(&self, claimed: Sign) -> Option<Side> {
        let [low, high] = self.interval?;
        if low > 0.0 || high < 0.0 { side_of(claimed.factor() * low) } else { None }
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

fn side_of(value: f64) -> Option<Side> {
    match value {
        _ if value > 0.0 => Some(Side::Claimed),
        _ if value < 0.0 => Some(Side::Other),
        _ => None,
    }
}
