//! Everything of fpl-repro that needs libtorch: networks, losses, optimizers, minibatches, and the worker process.
//!
//! The modules stand in the order in which data flows; a module uses only modules above it.

mod error;
pub mod device;
pub mod data;
pub mod nn;
pub mod checkpoint;
pub mod measure;
mod say;
pub mod worker;
