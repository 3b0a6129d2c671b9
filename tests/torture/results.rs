//! What must come out of a run, and what must not be left.

#![allow(clippy::unwrap_used, reason = "a failure here is a failed test")]

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::support::{CE, FPL, Project};

/// What must come out, however often it was killed.
#[derive(PartialEq)]
pub(super) struct Results {
    weights: [Vec<u8>; 2],
    logits: [Vec<u8>; 2],
    fingerprints: BTreeSet<String>,
    /// Of both cells in the report the id, state and scores. Other seeds that the cache has stand there too.
    cells: Vec<Value>,
}

impl Results {
    pub(super) fn of(project: &Project) -> Self {
        let logits = |cell| fs::read(project.entry("evaluate", cell).join("logits.safetensors")).unwrap();
        let report = fs::read(project.root.join("reports/test/report.json")).unwrap();
        let report: Value = serde_json::from_slice(&report).unwrap();
        let planned = |cell: &&Value| [FPL, CE].iter().any(|id| cell["id"] == **id);
        let cells = report["cells"].as_array().unwrap().iter().filter(planned);
        let status = project.status(&[]);
        let of_cells = status.iter().filter(|entry| entry["stage"] != "report" && entry["stage"] != "plot");
        Self {
            weights: [FPL, CE].map(|cell| project.weights(cell)),
            logits: [FPL, CE].map(logits),
            fingerprints: of_cells.map(|entry| entry["fingerprint"].as_str().unwrap().to_owned()).collect(),
            cells: cells.map(|cell| json!([cell["id"], cell["state"], cell["scores"]])).collect(),
        }
    }
}

/// What is in no entry, and of no use to a next run.
pub(super) fn leftovers(project: &Project) -> Vec<PathBuf> {
    let files = fpl_repro::fs::files_below(&project.cache()).unwrap();
    let left = |file: &PathBuf| {
        ["work", "staging", "failures"].iter().any(|folder| file.starts_with(folder))
            || file.file_name().is_some_and(|name| name.to_str().unwrap().starts_with(".new-"))
    };
    files.into_iter().filter(left).collect()
}
