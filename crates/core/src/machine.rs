//! The machine that this process runs on.

use std::path::Path;
use std::sync::LazyLock;

/// Its name in the network.
pub fn host() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default().trim().to_owned()
}

/// Model of its processor; empty if the system does not say.
pub fn cpu() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = text.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    model.map(|(_, name)| name.trim().to_owned()).unwrap_or_default()
}

/// Cores that this process may use.
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// GPUs that NVIDIA's driver shows, or that `CUDA_VISIBLE_DEVICES` names. Whether libtorch can use them, a worker finds.
pub fn gpus() -> usize {
    let there = crate::fs::entries(Path::new("/proc/driver/nvidia/gpus")).len();
    match std::env::var("CUDA_VISIBLE_DEVICES") {
        Ok(named) => named.split(',').filter(|name| !name.trim().is_empty()).count().min(there),
        Err(_) => there,
    }
}

/// Memory that programs can still get, in bytes, within the limit of this process's control group; `None` if the system
/// does not say.
pub fn available_memory() -> Option<u64> {
    let available = kilobytes(&std::fs::read_to_string("/proc/meminfo").ok()?, "MemAvailable:")?;
    // The group's own limit, as containers have one: https://docs.kernel.org/admin-guide/cgroup-v2.html.
    let number = |file: &str| -> Option<u64> {
        let group = std::fs::read_to_string("/proc/self/cgroup").ok()?;
        let folder = group.lines().find_map(|line| line.strip_prefix("0::"))?.trim_start_matches('/').to_owned();
        let path = Path::new("/sys/fs/cgroup").join(folder).join(file);
        std::fs::read_to_string(path).ok()?.trim().parse().ok()
    };
    let limit = number("memory.max").map(|most| most.saturating_sub(number("memory.current").unwrap_or_default()));
    Some(limit.map_or(available, |limit| available.min(limit)))
}

/// The most memory that this process has held, in bytes; `None` if the system does not say.
pub fn peak_memory() -> Option<u64> {
    kilobytes(&std::fs::read_to_string("/proc/self/status").ok()?, "VmHWM:")
}

/// The number of a line `name N kB`, in bytes.
fn kilobytes(text: &str, name: &str) -> Option<u64> {
    let number = text.lines().find_map(|line| line.strip_prefix(name)?.trim().strip_suffix(" kB"))?;
    Some(number.parse::<u64>().ok()? * 1024)
}

/// Identity of the running system: another after every start; empty if the system does not say.
pub fn boot() -> &'static str {
    static BOOT: LazyLock<String> = LazyLock::new(|| {
        std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default().trim().to_owned()
    });
    &BOOT
}

/// The namespace in which process ids have their meaning; empty if the system does not say.
pub fn process_namespace() -> &'static str {
    static NAMESPACE: LazyLock<String> = LazyLock::new(|| {
        std::fs::read_link("/proc/self/ns/pid").map(|link| link.display().to_string()).unwrap_or_default()
    });
    &NAMESPACE
}

/// When a process started, in clock ticks after the boot; `None` if it has ended (proc_pid_stat(5), field 22).
pub fn process_start(process: u32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The second field, the program's name in parentheses, may hold anything.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ended = matches!(*fields.first()?, "Z" | "X");
    fields.get(19).filter(|_| !ended)?.parse().ok()
}

/// The job of the batch system that this process belongs to, like Slurm's `4711` or `4711_3`; empty outside one.
pub fn batch_job() -> String {
    let variable = |name: &str| std::env::var(name).unwrap_or_default();
    let array = (variable("SLURM_ARRAY_JOB_ID"), variable("SLURM_ARRAY_TASK_ID"));
    match array {
        (job, task) if !job.is_empty() && !task.is_empty() => format!("{job}_{task}"),
        _ => variable("SLURM_JOB_ID"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_kernels_is_read_in_bytes() {
        let text = "MemTotal:       24631812 kB\nMemAvailable:   23112340 kB\n";
        assert_eq!(kilobytes(text, "MemAvailable:"), Some(23_112_340 * 1024));
        assert_eq!(kilobytes(text, "VmHWM:"), None);
    }
}
