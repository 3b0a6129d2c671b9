//! `README.md` of a bundle, for whoever unpacks it without knowing this program.

use super::layout::{CONFIG, CRATE, LABELS, MANIFEST};
use crate::report::input::{CellState, ReportInput};

/// What the bundle holds, and how to verify it; follows from the report.
pub(super) fn readme(report: &ReportInput) -> String {
    let done = report.cells.iter().filter(|cell| cell.state == CellState::Done).count();
    let (title, cells, profile) = (one_line(&report.paper.title), report.cells.len(), one_line(&report.profile));
    format!(
        "# Reproduction of \"{title}\"\n\n\
         The results of `fpl-repro`, profile `{profile}`, with everything that their numbers follow from: {done} of {cells} cells \
         have results. Open `report/report.html` first.\n\n\
         | | |\n| --- | --- |\n\
         | `report/` | the report in all its forms |\n\
         | `evidence/cells/` | per cell what the network said about every test image, the training's epochs, and manifests |\n\
         | `{LABELS}` | the class of every test image |\n\
         | `{CONFIG}` | the configuration with all its values |\n\
         | `{CRATE}` | the same for machines: a Workflow Run RO-Crate |\n\
         | `{MANIFEST}` | sha256 and size of every file |\n\n\
         `fpl-repro verify` on the archive or on this folder computes every number again, on any machine; it needs neither \
         libtorch nor the data. Weights and images are not in it.\n"
    )
}

fn one_line(text: &str) -> String {
    text.replace(|c: char| c.is_control() || c == '`', " ")
}
