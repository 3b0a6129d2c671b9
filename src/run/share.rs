//! How the machine is shared between cells: how many run at once, and with how many threads each.

use crate::config::{Jobs, RunOptions};
use crate::plan::Plan;

/// What cells are spread over.
#[derive(Debug, Clone, Copy)]
pub struct Machine {
    /// Cores that this process may use.
    pub cores: usize,
    /// GPUs.
    pub gpus: usize,
}

impl Machine {
    /// This one, now.
    pub fn here() -> Self {
        Self { cores: crate::machine::cores(), gpus: crate::machine::gpus() }
    }
}

/// Cells at once, and libtorch threads of each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    /// Cells at once.
    pub jobs: usize,
    /// Threads of each.
    pub threads: u32,
}

/// The share of every cell as configured, or chosen.
///
/// On a CPU, one-thread cells side by side do more together than one cell with all threads (`bench/README.md`); on GPUs,
/// each has a cell. Threads follow from the cores and from the whole matrix, never from what is left to run or from the free
/// memory: results are bitwise repeatable for one number of threads only.
pub fn share(run: &RunOptions, machine: Machine, plan: &Plan) -> Share {
    let on_gpus = machine.gpus > 0 && run.device != "cpu";
    let most = match run.jobs {
        Jobs::Count(jobs) => jobs as usize,
        Jobs::Auto if on_gpus && run.device == "auto" => machine.gpus,
        Jobs::Auto if on_gpus => 1, // One GPU is named.
        Jobs::Auto => machine.cores.min(plan.cells.len()),
    };
    let most = most.max(1);
    let threads = if run.threads > 0 { run.threads } else { (machine.cores / most).max(1) as u32 };
    Share { jobs: most, threads }
}

/// How many cells of these sizes fit into the memory at once, whichever come together: at most `jobs`, and at least one.
pub(super) fn fitting(jobs: usize, memory: Option<u64>, sizes: impl Iterator<Item = u64>) -> usize {
    let Some(memory) = memory else { return jobs };
    let mut sizes: Vec<u64> = sizes.collect();
    sizes.sort_unstable();
    let fit = sizes.iter().rev().scan(0_u64, |sum, size| {
        *sum = sum.saturating_add(*size);
        (*sum <= memory).then_some(())
    });
    fit.count().clamp(1, jobs)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failure here is a failed test")]
mod tests {
    use super::*;
    use crate::config;

    const GIB: u64 = 1 << 30;

    fn shared(run: &RunOptions, cores: usize, gpus: usize) -> (usize, u32) {
        let shipped = config::shipped().unwrap();
        let plan = crate::plan::plan(&shipped, &shipped, None, &[]).unwrap();
        let Share { jobs, threads } = share(run, Machine { cores, gpus }, &plan);
        (jobs, threads)
    }

    #[test]
    fn every_core_has_a_thread_and_every_gpu_a_cell() {
        let run = RunOptions {
            device: "auto".into(),
            jobs: Jobs::Auto,
            threads: 0,
            keep_going: true,
            offline: false,
            silence: 600,
            lease: 60,
        };
        assert_eq!(shared(&run, 2, 0), (2, 1));
        assert_eq!(shared(&run, 16, 4), (4, 4));
        assert_eq!(shared(&RunOptions { device: "cuda:1".into(), ..run.clone() }, 16, 4), (1, 16));
        assert_eq!(shared(&RunOptions { device: "cpu".into(), ..run.clone() }, 16, 4), (16, 1));
        assert_eq!(shared(&RunOptions { jobs: Jobs::Count(3), ..run.clone() }, 8, 0), (3, 2));
        assert_eq!(shared(&RunOptions { threads: 5, ..run }, 2, 0), (2, 5));
    }

    #[test]
    fn a_cell_more_starts_only_if_its_memory_is_there() {
        let jobs = |memory| fitting(4, memory, [GIB, 3 * GIB, 2 * GIB, 3 * GIB, 3 * GIB].into_iter());
        assert_eq!(jobs(None), 4);
        assert_eq!(jobs(Some(100 * GIB)), 4);
        assert_eq!(jobs(Some(8 * GIB)), 2); // 3 + 3; a third would need another 3 or 2.
        assert_eq!(jobs(Some(GIB)), 1);
    }
}
