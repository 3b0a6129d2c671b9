//! Patterns of signs: what sign-flip tests enumerate.
//!
//! A pattern has one bit per seed; a set bit turns the signs of that seed's differences in all claims. A pattern and its
//! complement have sums of opposite signs, so that only those are listed in which the first seed's bit is 0.

use std::collections::{BTreeMap, BTreeSet};

use rand_chacha::rand_core::Rng;

use super::student::{t_quantile, t_two_sided};
use super::undefined::{Undefined, check};
use crate::seed::{self, Purpose};

/// Paired differences by seed: one claim's, under one reading. Empty: the claim has no runs.
pub type Differences = BTreeMap<u64, f64>;

/// Up to so many seeds every pattern of signs is tried.
pub const EXACT_PAIRS: usize = 20;
/// Patterns drawn where there are more.
const DRAWN: usize = 200_000;
/// Seeds are bits of a `u64`.
const MOST_SEEDS: usize = 64;
/// Sums are looked up for so many seeds at a time.
const CHUNK: usize = 10;

/// Which patterns of signs a p value rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Patterns {
    /// Every one, so many: p is exact.
    Every(u64),
    /// So many, drawn from a fixed seed, with the observed one: p has a Monte Carlo error.
    Drawn(u64),
}

impl Patterns {
    /// How many.
    pub fn count(self) -> u64 {
        match self {
            Self::Every(count) | Self::Drawn(count) => count,
        }
    }

    /// The standard error that drawing patterns leaves in a p value; 0 of every pattern.
    pub fn standard_error(self, p: f64) -> f64 {
        match self {
            Self::Every(_) => 0.0,
            Self::Drawn(count) => (p * (1.0 - p) / count as f64).sqrt(),
        }
    }
}

/// The patterns for so many seeds: one of each pair of complements, the observed one first.
pub(super) fn patterns(seeds: usize) -> Result<(Patterns, Vec<u64>), Undefined> {
    match seeds {
        0 => Err(Undefined::TooFew { needed: 1, found: 0 }),
        1..=EXACT_PAIRS => Ok((Patterns::Every(1 << seeds), (0..1 << (seeds - 1)).map(|half| half << 1).collect())),
        _ if seeds <= MOST_SEEDS => {
            let mut random = seed::generator(0, Purpose::Signs, 0);
            let used = u64::MAX >> (MOST_SEEDS - seeds);
            let drawn = std::iter::once(0).chain(std::iter::repeat_with(|| random.next_u64() & used)).take(DRAWN);
            Ok((Patterns::Drawn(DRAWN as u64), drawn.collect()))
        }
        _ => Err(Undefined::TooMany { most: MOST_SEEDS, found: seeds }),
    }
}

/// The seeds of any claim, ascending: the order of the bits.
pub(super) fn all_seeds<'a>(claims: impl IntoIterator<Item = &'a Differences>) -> Vec<u64> {
    claims.into_iter().flat_map(BTreeMap::keys).copied().collect::<BTreeSet<u64>>().into_iter().collect()
}

/// One claim's differences, ready for the sums of any pattern.
pub(super) struct Flips {
    /// How many differences.
    n: usize,
    /// Σ d².
    squares: f64,
    /// Σ |d|, which bounds the rounding of sums.
    size: f64,
    /// Per chunk of seeds the sum for every pattern of their bits.
    tables: Vec<Vec<f64>>,
}

impl Flips {
    /// `seeds` gives the bits; the claim's differences are those of its seeds among them.
    pub(super) fn new(differences: &Differences, seeds: &[u64]) -> Result<Self, Undefined> {
        let values: Vec<f64> = seeds.iter().map(|seed| differences.get(seed).copied().unwrap_or(0.0)).collect();
        let n = seeds.iter().filter(|seed| differences.contains_key(seed)).count();
        Ok(Self { n, ..Self::of(&values)? })
    }

    /// Of differences in the order of the bits.
    pub(super) fn of(values: &[f64]) -> Result<Self, Undefined> {
        check(values, 0)?;
        Ok(Self {
            n: values.len(),
            squares: values.iter().map(|value| value * value).sum(),
            size: values.iter().map(|value| value.abs()).sum(),
            tables: values.chunks(CHUNK).map(table).collect(),
        })
    }

    /// How many differences there are.
    pub(super) fn n(&self) -> usize {
        self.n
    }

    /// Σ ±d under a pattern; under its complement, the negative of it.
    pub(super) fn signed_sum(&self, pattern: u64) -> f64 {
        let mask = (1 << CHUNK) - 1;
        let parts = self.tables.iter().enumerate();
        parts.map(|(chunk, table)| table[(pattern >> (CHUNK * chunk) & mask) as usize]).sum()
    }

    /// |Σ ±d|.
    pub(super) fn sum(&self, pattern: u64) -> f64 {
        self.signed_sum(pattern).abs()
    }

    /// Sums that differ by no more differ by rounding only: they are ties.
    pub(super) fn slack(&self) -> f64 {
        1e-12 * self.size
    }

    /// Whether patterns can differ at all: one difference always has the same |t|, and zeros have none.
    pub(super) fn is_informative(&self) -> bool {
        self.n > 1 && self.squares > 0.0
    }

    /// √(n·Σ d²): the largest |sum|, that of equal differences with one sign. sum/this is a monotone function of t, since
    /// Σ d² is the same under every pattern.
    pub(super) fn largest_sum(&self) -> f64 {
        (self.n as f64 * self.squares).sqrt()
    }

    /// The smallest two-sided p of a sign-flip test with so many differences.
    pub(super) fn smallest_p(&self) -> f64 {
        2.0 / 2.0_f64.powi(self.n as i32)
    }

    /// The scale on which claims with different numbers of differences are compared: Student's two-sided p of a sum, but no
    /// smaller than [`Flips::smallest_p`]; and where that bound makes ties, Student's p.
    pub(super) fn bounded_p(&self, sum: f64) -> [f64; 2] {
        let p = self.t_p(sum);
        [p.max(self.smallest_p()), p]
    }

    /// The two-sided p of Student's t for a sum. 1 where the differences say nothing.
    fn t_p(&self, sum: f64) -> f64 {
        if !self.is_informative() {
            return 1.0;
        }
        let (freedom, ratio) = (self.n as f64 - 1.0, sum / self.largest_sum());
        let rest = 1.0 - ratio * ratio;
        // The t of equal differences is infinite.
        let t = if rest <= 1e-12 { f64::INFINITY } else { ratio * (freedom / rest).sqrt() };
        t_two_sided(t, freedom).unwrap_or(1.0)
    }

    /// The |sum| whose Student's p is `p`; infinite where no sum reaches it.
    pub(super) fn sum_for(&self, p: f64) -> f64 {
        if p >= 1.0 {
            return 0.0;
        }
        if !self.is_informative() {
            return f64::INFINITY;
        }
        let freedom = self.n as f64 - 1.0;
        let t = if p > 0.0 { t_quantile(p / 2.0, freedom).map_or(f64::INFINITY, f64::abs) } else { f64::INFINITY };
        let ratio = if t.is_finite() { t / (t * t + freedom).sqrt() } else { 1.0 };
        ratio * self.largest_sum()
    }
}

/// The sums of some values under every pattern of their signs.
fn table(values: &[f64]) -> Vec<f64> {
    let mut sums = vec![0.0];
    for value in values {
        let negative: Vec<f64> = sums.iter().map(|sum| sum - value).collect();
        for sum in &mut sums {
            *sum += value;
        }
        sums.extend(negative);
    }
    sums
}
