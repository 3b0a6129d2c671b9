//! The learning rate of each step.

use std::f64::consts::PI;

use fpl_core::recipe::Schedule;

/// The learning rate in step `step` of `steps` of `epoch`, both counted from 0, of a run of `epochs`.
///
/// `CosineAnnealingLR` with `T_max` = `epochs` and `MultiStepLR` of PyTorch, stepped after every epoch, and
/// `CosineAnnealingLR` with `T_max` = `epochs`·`steps`, stepped after every step.
pub fn learning_rate(schedule: &Schedule, base: f64, (epoch, epochs): (u32, u32), (step, steps): (u32, u32)) -> f64 {
    let epoch_and_step = || f64::from(epoch) + f64::from(step) / f64::from(steps.max(1));
    // ½·(1 + cos x) = cos²(x/2), without the cancellation near x = π.
    let cosine = |done: f64| base * (PI / 2.0 * done / f64::from(epochs.max(1))).cos().powi(2);
    match schedule {
        Schedule::Cosine => cosine(f64::from(epoch)),
        Schedule::CosinePerStep => cosine(epoch_and_step()),
        Schedule::MultiStep { milestones, gamma } => {
            let passed = milestones.iter().filter(|&&milestone| milestone <= epoch).count();
            base * gamma.powi(passed as i32)
        }
    }
}
