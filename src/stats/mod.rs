//! Statistics of a few paired runs: means and intervals, exact tests, what could have been detected.
//!
//! Distribution functions are `statrs`'s; tests hold every number against SciPy's.

mod binomial;
mod curve;
mod holm;
mod paired;
mod power;
mod summary;

pub use binomial::{accuracy_standard_error, mcnemar_bounds};
pub use curve::curve_noise;
pub use holm::holm;
pub use paired::{EXACT_PAIRS, SignFlip, share_above_zero, sign_flip, t_interval};
pub use power::{detectable_difference, pairs_needed};
pub use summary::{mean, sample_sd};
