//! Reproduces "FPL: False Positive Loss" (Kiaei et al., 2023) and reports what held up.
//!
//! The modules stand in the order in which data flows; a module uses only modules above it.

// What the worker knows too.
pub use fpl_core::{artifact, error, fs, interrupt, machine, number, protocol, recipe, results, scores, seed, stream};

// Vocabulary.
pub mod shell;
pub mod fingerprint;
pub mod id;
pub mod data;
pub mod stats;
pub mod paper;
// The report, as functions of its input.
pub mod report;
// The pipeline, in the order things happen.
pub mod config;
pub mod plan;
pub mod store;
pub mod doctor;
pub mod remote;
pub mod event;
pub mod download;
pub mod run;
pub mod watch;
// What is handed to others, and checked by them.
pub mod bundle;
pub mod export;
pub mod cli;
