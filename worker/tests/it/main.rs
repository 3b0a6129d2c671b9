//! Integration tests, a module per subject.

mod batches;
mod loss;
mod net;
mod optim;
mod sample;
mod version;
mod weights;
