//! Integration tests, a module per subject.

mod batches;
mod loss;
mod net;
mod optim;
mod version;
mod weights;
