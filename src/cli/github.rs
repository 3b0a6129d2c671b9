//! What a job on GitHub Actions gets to see.

use std::path::Path;

use crate::fs;
use crate::stream;

/// GitHub drops a summary that is larger as a whole.
const MOST: u64 = 1 << 20;

/// Appends the summary of the report in `folder` to the summary of the job, if this is one. Failing to is no failure.
pub(super) fn job_summary(folder: &Path) {
    let Some(target) = std::env::var_os("GITHUB_STEP_SUMMARY").filter(|target| !target.is_empty()) else { return };
    let target = Path::new(&target);
    match fs::read(&folder.join("summary.md")).and_then(|summary| fs::append(target, &summary, MOST)) {
        Ok(true) => {}
        Ok(false) => {
            stream::err(&format!("note: `{}` has no summary of the report: it would exceed 1 MiB", target.display()));
        }
        Err(error) => stream::err(&format!("warning: the job has no summary of the report: {error}")),
    }
}
