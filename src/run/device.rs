//! Which GPU a job's workers see: one job per GPU, in turn where there are more jobs.

use std::cell::RefCell;
use std::path::Path;

thread_local! {
    /// The GPU of the job that this thread runs; `None`: whatever the system gives.
    static GPU: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// The GPUs that this process may use, as `CUDA_VISIBLE_DEVICES` names them: those that the variable lists, as a batch system
/// sets it, or else all that NVIDIA's driver has.
fn gpus() -> Vec<String> {
    gpus_of(std::env::var("CUDA_VISIBLE_DEVICES").ok().as_deref(), Path::new("/proc/driver/nvidia/gpus"))
}

fn gpus_of(visible: Option<&str>, driver: &Path) -> Vec<String> {
    match visible {
        // CUDA takes what stands before the first that does not exist; -1 is the usual way to hide all.
        Some(list) => list
            .split(',')
            .map(str::trim)
            .take_while(|gpu| !gpu.is_empty() && *gpu != "-1")
            .map(str::to_owned)
            .collect(),
        None => (0..crate::fs::entries(driver).len()).map(|gpu| gpu.to_string()).collect(),
    }
}

/// Says that this thread runs a run's job of this number, counted from 0.
pub(super) fn use_slot(job: usize, device: &str) {
    GPU.set(slot(job, device, &gpus()));
}

/// The GPU of a job; `None` where the device names one, or there is nothing to choose.
fn slot(job: usize, device: &str, gpus: &[String]) -> Option<String> {
    (device == "auto" && gpus.len() > 1).then(|| gpus[job % gpus.len()].clone())
}

/// The value of `CUDA_VISIBLE_DEVICES` for a worker of this thread; `None`: as this process has it.
pub(super) fn visible() -> Option<String> {
    GPU.with_borrow(Clone::clone)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failure here is a failed test")]

    use super::*;

    #[test]
    fn the_variable_decides_and_else_the_driver() {
        let driver = tempfile::tempdir().unwrap();
        for gpu in ["0000:01:00.0", "0000:02:00.0"] {
            std::fs::create_dir(driver.path().join(gpu)).unwrap();
        }
        let of = |visible| gpus_of(visible, driver.path());
        assert_eq!(of(None), ["0", "1"]);
        assert_eq!(of(Some("3,5")), ["3", "5"]);
        assert_eq!(of(Some("GPU-8932f937, 2")), ["GPU-8932f937", "2"]);
        assert_eq!(of(Some("")), [] as [&str; 0]);
        assert_eq!(of(Some("0,-1,1")), ["0"], "as CUDA reads it");
        assert_eq!(gpus_of(None, Path::new("/nowhere")), [] as [&str; 0]);
    }

    #[test]
    fn jobs_take_the_gpus_in_turn_unless_one_is_named() {
        let gpus = ["3".to_owned(), "5".to_owned()];
        let slots = |device, gpus| (0..4).map(|job| slot(job, device, gpus)).collect::<Vec<_>>();
        let three_five = ["3", "5", "3", "5"].map(|gpu| Some(gpu.to_owned()));
        assert_eq!(slots("auto", &gpus), three_five);
        assert_eq!(slots("cuda:1", &gpus), [const { None }; 4]);
        assert_eq!(slots("cpu", &gpus), [const { None }; 4]);
        assert_eq!(slots("auto", &gpus[..1]), [const { None }; 4], "there is nothing to choose");
    }
}
