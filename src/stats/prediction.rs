//! Where one further run would fall: does the paper's number come from our distribution?
//!
//! If runs are normal, (y − ȳ)/(s·√(1 + 1/n)) of a further run y is Student's t. (Patil, Peng and Leek, Perspectives on
//! Psychological Science 2016; Spence and Stanley, PLoS ONE 2016, e0162874.) It covers the noise of runs, not a wrong reading
//! of the recipe, and few runs make it wide: show its width.

use statrs::distribution::{Continuous, StudentsT};

use super::student::{t_quantile, t_two_sided};
use super::undefined::{Undefined, check, mean_and_sd};
use super::{mean, sample_sd};

/// The distribution of one further run, or of one further paired difference.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Prediction {
    mean: f64,
    scale: f64,
    freedom: f64,
}

/// One standard deviation of several groups of runs, which is taken to be the same in all.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PooledSpread {
    sd: f64,
    freedom: f64,
}

impl PooledSpread {
    /// Of groups with two or more runs; the others are left out.
    ///
    /// # Errors
    /// [`Undefined`] if no group has two runs, or none has any spread.
    pub fn of(groups: &[&[f64]]) -> Result<Self, Undefined> {
        let (mut squares, mut freedom, mut most) = (0.0, 0.0, 0);
        for group in groups {
            check(group, 0)?;
            most = most.max(group.len());
            if let Some(sd) = sample_sd(group) {
                squares += (group.len() - 1) as f64 * sd * sd;
                freedom += (group.len() - 1) as f64;
            }
        }
        match (freedom > 0.0, squares > 0.0) {
            (false, _) => Err(Undefined::TooFew { needed: 2, found: most }),
            (true, false) => Err(Undefined::ZeroSpread),
            (true, true) => Ok(Self { sd: (squares / freedom).sqrt(), freedom }),
        }
    }

    /// The square root of the mean of the groups' variances, weighted by their degrees of freedom.
    pub fn sd(&self) -> f64 {
        self.sd
    }

    /// Σ (n − 1) over the groups: to name beside whatever uses the spread.
    pub fn freedom(&self) -> f64 {
        self.freedom
    }
}

impl Prediction {
    /// From our runs of one cell, or from paired differences, with their own spread.
    ///
    /// # Errors
    /// [`Undefined`] of fewer than two values, of equal ones, and of values that are not finite.
    pub fn of(runs: &[f64]) -> Result<Self, Undefined> {
        let (mean, sd) = mean_and_sd(runs)?;
        Ok(Self { mean, scale: sd * further_run(runs.len()), freedom: (runs.len() - 1) as f64 })
    }

    /// From as few as one run, with a spread known from other groups of runs.
    ///
    /// # Errors
    /// [`Undefined`] without runs, and of values that are not finite.
    pub fn with_pooled(runs: &[f64], spread: PooledSpread) -> Result<Self, Undefined> {
        check(runs, 1)?;
        let mean = mean(runs).ok_or(Undefined::TooFew { needed: 1, found: 0 })?;
        Ok(Self { mean, scale: spread.sd * further_run(runs.len()), freedom: spread.freedom })
    }

    /// The degrees of freedom of the spread, to name beside the interval.
    pub fn freedom(&self) -> f64 {
        self.freedom
    }

    /// The interval that holds a further run with probability `level` (0.95).
    ///
    /// # Errors
    /// [`Undefined::Parameter`] if `level` is not between 0 and 1.
    pub fn interval(&self, level: f64) -> Result<[f64; 2], Undefined> {
        let wrong = Undefined::Parameter("a level lies between 0 and 1");
        if !(level > 0.0 && level < 1.0) {
            return Err(wrong);
        }
        let half = t_quantile(0.5 + level / 2.0, self.freedom).ok_or(wrong)? * self.scale;
        Ok([self.mean - half, self.mean + half])
    }

    /// The width of that interval.
    ///
    /// # Errors
    /// As [`Prediction::interval`].
    pub fn width(&self, level: f64) -> Result<f64, Undefined> {
        self.interval(level).map(|[low, high]| high - low)
    }

    /// How far a value lies from our runs: (value − mean)/scale.
    pub fn t(&self, value: f64) -> f64 {
        (value - self.mean) / self.scale
    }

    /// The two-sided p of a value: the chance that a further run lies at least as far from the mean.
    pub fn p(&self, value: f64) -> f64 {
        t_two_sided(self.t(value), self.freedom).unwrap_or(f64::NAN)
    }

    /// log of the density of a further run at `value`. Summed over the numbers that a paper prints, it ranks readings of its
    /// recipe: the higher, the likelier.
    pub fn log_density(&self, value: f64) -> f64 {
        let student = StudentsT::new(0.0, 1.0, self.freedom);
        student.map_or(f64::NAN, |student| student.ln_pdf(self.t(value)) - self.scale.ln())
    }
}

/// √(1 + 1/n): a further run has its own noise besides that of the mean.
fn further_run(n: usize) -> f64 {
    (1.0 + 1.0 / n as f64).sqrt()
}
