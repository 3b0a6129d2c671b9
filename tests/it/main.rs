//! Integration tests, a module per subject.

mod archive;
mod browser;
mod bundle;
mod config;
mod damage;
mod diff;
mod download;
mod figures;
mod fingerprint;
mod forms;
mod layers;
mod ledger;
mod matrix;
mod measures;
mod paper;
mod pipeline;
mod published;
mod real;
mod report;
mod sample;
mod scores;
mod stats;
mod stream;
mod support;
mod worker;
mod workflow;
