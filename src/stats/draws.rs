//! Random draws for simulations and bootstraps, from the generators of [`crate::seed`], and what simulations give.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::Rng;

/// Draws from one generator.
pub(super) struct Draws(pub(super) ChaCha8Rng);

impl Draws {
    /// A standard normal value (Box and Muller, 1958; one of the pair).
    pub(super) fn normal(&mut self) -> f64 {
        // In (0, 1]: its logarithm is finite.
        let (u, v) = (1.0 - self.uniform(), self.uniform());
        (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()
    }

    /// Uniform in [0, 1), on a grid of 2⁻⁵³.
    fn uniform(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Uniform below `count`, but for the rounding of 2³² values onto them.
    pub(super) fn below(&mut self, count: usize) -> usize {
        ((u64::from(self.0.next_u32()) * count as u64) >> 32) as usize
    }
}

/// A simulated probability.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Simulated {
    /// The share of simulations.
    pub share: f64,
    /// Its Monte Carlo standard error.
    pub standard_error: f64,
}

impl Simulated {
    pub(super) fn of(hits: u32, simulations: u32) -> Self {
        let share = f64::from(hits) / f64::from(simulations.max(1));
        Self { share, standard_error: (share * (1.0 - share) / f64::from(simulations.max(1))).sqrt() }
    }
}
