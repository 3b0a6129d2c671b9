//! Integration tests, a module per subject.

mod archive;
mod config;
mod diff;
mod download;
mod fingerprint;
mod forms;
mod layers;
mod matrix;
mod pipeline;
mod real;
mod report;
mod scores;
mod stats;
mod support;
