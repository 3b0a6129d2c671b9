//! Reproduces "FPL: False Positive Loss" (Kiaei et al., 2023) and reports what held up.
//!
//! The modules stand in the order in which data flows; a module uses only modules above it.

// Vocabulary: no knowledge of the paper.
pub mod error;
pub mod number;
pub mod shell;
pub mod stream;
pub mod interrupt;
pub mod fs;
pub mod fingerprint;
pub mod machine;
// The paper as plain data, and what stages write.
pub mod recipe;
pub mod id;
pub mod seed;
pub mod data;
pub mod artifact;
pub mod scores;
pub mod results;
pub mod protocol;
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
