//! Integration tests, a module per subject.

mod archive;
mod browser;
mod bundle;
mod cli;
mod config;
mod damage;
mod diff;
mod download;
mod export;
mod figures;
mod fingerprint;
mod forms;
mod interrupt;
mod layers;
mod ledger;
mod limits;
mod matrix;
mod measures;
mod paper;
mod pipeline;
mod published;
mod real;
mod report;
mod sample;
mod scores;
mod rerun;
mod stats;
mod stream;
mod support;
mod watch;
mod work;
mod worker;
mod workflow;

#[path = "../torture/mod.rs"]
mod torture;
