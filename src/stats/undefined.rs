//! Why a statistic does not exist.

/// Why a statistic does not exist. `Display` is a clause that a reader can act on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Undefined {
    /// Fewer values than the statistic needs.
    #[error("too few runs: at least {needed} are needed, {found} are there")]
    TooFew {
        /// The fewest that it exists for.
        needed: usize,
        /// Those given.
        found: usize,
    },
    /// More than can be computed exactly, and the statistic has no approximation here.
    #[error("too many to compute exactly: {found}, at most {most}")]
    TooMany {
        /// The most that it is computed for.
        most: usize,
        /// Those given.
        found: usize,
    },
    /// All values are equal: few runs that agree do not show that further runs would. There is no interval, not one of
    /// width zero.
    #[error("zero spread: all values are equal, which says nothing about the spread of further runs")]
    ZeroSpread,
    /// A value is infinite or not a number.
    #[error("a value is not a finite number")]
    NotFinite,
    /// A parameter is outside its range.
    #[error("a parameter is outside its range: {0}")]
    Parameter(&'static str),
}

/// Whether there are at least `needed` values, all finite.
pub(super) fn check(values: &[f64], needed: usize) -> Result<(), Undefined> {
    if values.len() < needed {
        return Err(Undefined::TooFew { needed, found: values.len() });
    }
    if values.iter().all(|value| value.is_finite()) { Ok(()) } else { Err(Undefined::NotFinite) }
}

/// Mean and sample standard deviation of at least two finite values, which must not all be equal.
pub(super) fn mean_and_sd(values: &[f64]) -> Result<(f64, f64), Undefined> {
    const NEEDED: usize = 2;
    check(values, NEEDED)?;
    let too_few = Undefined::TooFew { needed: NEEDED, found: values.len() };
    let (mean, sd) = super::mean(values).zip(super::sample_sd(values)).ok_or(too_few)?;
    // Of equal values, rounding may leave a spread of the last digit.
    let largest = values.iter().fold(0.0_f64, |largest, value| largest.max(value.abs()));
    if sd <= 1e-13 * largest { Err(Undefined::ZeroSpread) } else { Ok((mean, sd)) }
}
