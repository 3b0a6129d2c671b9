//! Records as minibatches on a device.

pub mod augment;
pub mod batches;
pub mod sample;
