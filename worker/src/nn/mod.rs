//! Networks, losses and optimizers: pure tensors.

pub mod init;
pub mod net;
pub mod weights;
pub mod loss;
pub mod optim;
pub mod schedule;
pub mod fit;
