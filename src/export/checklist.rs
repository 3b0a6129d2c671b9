//! Checklists of journals and conferences, ticked where the report has the evidence.

use serde::Serialize;

use super::facts::Facts;
use crate::error::Result;
use crate::report::derived::Derived;
use crate::report::ledger::Verdict;
use crate::report::markdown_template;
use crate::shell;

#[derive(Serialize)]
struct View<'a> {
    title: &'a str,
    profile: &'a str,
    command: String,
    cells: usize,
    done: usize,
    reduced: usize,
    imported: usize,
    data: &'a str,
    archive: &'a str,
    classes: usize,
    train_images: u32,
    test_images: u32,
    deviations: bool,
    intervals: bool,
    seeds: usize,
    family: usize,
    replicated: bool,
    devices: String,
    programs: String,
    time: String,
    verdicts: String,
}

/// REFORMS, the NeurIPS paper checklist and the ACM's badges, as Markdown with task lists.
///
/// # Errors
/// If the template cannot be rendered: a fault of the program.
pub fn checklist(derived: &Derived) -> Result<String> {
    let Derived { input, ledger, status, .. } = derived;
    let facts = Facts::of(derived);
    let mut command = vec!["fpl-repro", "all"];
    if input.profile != "paper" {
        command.extend(["--profile", &input.profile]);
    }
    let view = View {
        title: &input.paper.title,
        profile: &input.profile,
        command: shell::command(&command),
        cells: status.cells,
        done: status.done,
        reduced: status.reduced_done,
        imported: status.imported,
        data: &input.dataset.name,
        archive: &input.dataset.archive_sha256,
        classes: input.dataset.classes.len(),
        train_images: input.dataset.train_images,
        test_images: input.dataset.test_images,
        deviations: status.reduced_done > 0,
        intervals: facts.seeds > 1,
        seeds: facts.seeds,
        family: ledger.family,
        replicated: ledger.count(Verdict::Reproduced) > 0 && ledger.count(Verdict::Contradicted) == 0,
        devices: facts.devices,
        programs: facts.programs,
        time: facts.time,
        verdicts: facts.verdicts,
    };
    markdown_template("checklist.md", include_str!("../../templates/export/checklist.md"), &view)
}
