//! Integration tests, a module per subject.

mod archive;
mod browser;
mod bundle;
mod cli;
mod config;
mod damage;
mod diff;
mod download;
mod examples;
mod export;
mod figures;
mod fingerprint;
mod forms;
mod interrupt;
mod laboratories;
mod layers;
mod ledger;
mod limits;
mod matrix;
mod measures;
mod paper;
mod pipeline;
mod published;
mod real;
mod remote;
mod remote_faults;
mod remote_gc;
mod registration;
mod report;
mod sample;
mod scores;
mod rerun;
mod slurm;
mod stats;
mod stream;
mod support;
mod watch;
mod work;
mod told;
mod until_decided;
mod worker;
mod workers;
mod workflow;

#[path = "../torture/mod.rs"]
mod torture;
