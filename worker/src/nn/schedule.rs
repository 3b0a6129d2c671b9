//! The learning rate of each epoch.

use std::f64::consts::PI;

use fpl_repro::recipe::Schedule;

/// The learning rate during `epoch`, counted from 0, of a run of `epochs`.
///
/// `CosineAnnealingLR` with `T_max` = `epochs` and `MultiStepLR` of PyTorch, stepped after every epoch.
pub fn learning_rate(schedule: &Schedule, base: f64, epoch: u32, epochs: u32) -> f64 {
    match schedule {
        Schedule::Cosine => {
            // ½·(1 + cos x) = cos²(x/2), without the cancellation near x = π.
            let half_angle = PI / 2.0 * f64::from(epoch) / f64::from(epochs.max(1));
            base * half_angle.cos().powi(2)
        }
        Schedule::MultiStep { milestones, gamma } => {
            let passed = milestones.iter().filter(|&&milestone| milestone <= epoch).count();
            base * gamma.powi(passed as i32)
        }
    }
}
