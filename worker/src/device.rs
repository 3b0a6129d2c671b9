//! Everything that is specific to a device: choosing it, loading CUDA, and libtorch's global flags.
//!
//! The only unsafe code of the program is here: `dlopen`, and calls of the C++ shim in `shim/context.cpp`.
#![allow(unsafe_code)]

use std::ffi::{CStr, c_char};
use std::process::Command;

use tch::{Cuda, Device};

use fpl_core::error::{Error, Result};
use fpl_core::protocol::DeviceInfo;

unsafe extern "C" {
    fn fpl_set_deterministic(on: bool);
    fn fpl_deterministic() -> bool;
    fn fpl_allow_tf32(on: bool);
    fn fpl_autocast_bfloat16(cuda: bool, on: bool);
    fn fpl_libtorch_version() -> *const c_char;
}

/// Chooses the device, sets the threads, and makes libtorch deterministic. Call it before anything else of libtorch.
///
/// # Errors
/// `cuda` without a usable GPU; the error says what was found.
pub fn prepare(requested: &str, threads: u32) -> Result<(Device, DeviceInfo)> {
    let cuda = if requested == "cpu" { Found::NotLooked } else { load_cuda() };
    let device = choose(requested, &cuda)?;
    tch::set_num_threads(i32::try_from(threads.max(1)).unwrap_or(1));
    // SAFETY: the shim sets flags of libtorch's global context, which exists as long as the process.
    unsafe {
        fpl_set_deterministic(true);
    }
    allow_tf32(false);
    let (name, id) = match device {
        Device::Cuda(index) => (gpu_name(index), format!("cuda:{index}")),
        _ => ("CPU".to_owned(), "cpu".to_owned()),
    };
    let info = DeviceInfo { device: id, name, cuda: cuda.to_string(), libtorch: version(), threads };
    Ok((device, info))
}

/// Whether libtorch's deterministic algorithms are on.
pub fn deterministic() -> bool {
    // SAFETY: reads flags of libtorch's global context.
    unsafe { fpl_deterministic() }
}

/// Lets cuDNN and cuBLAS multiply in TensorFloat-32, or not.
pub fn allow_tf32(on: bool) {
    // SAFETY: sets flags of libtorch's global context.
    unsafe { fpl_allow_tf32(on) }
}

/// Runs `body` under PyTorch's autocast to bfloat16 if `on`: convolutions and matrix products then take bfloat16.
pub fn autocast<T>(on: bool, device: Device, body: impl FnOnce() -> T) -> T {
    // SAFETY: sets flags of this thread, which are cleared below.
    let switch = |on: bool| unsafe { fpl_autocast_bfloat16(device.is_cuda(), on) };
    if on {
        switch(true);
    }
    let result = body();
    if on {
        switch(false);
    }
    result
}

/// Seeds libtorch's generators on every device.
pub fn manual_seed(seed: i64, device: Device) {
    tch::manual_seed(seed);
    if device.is_cuda() {
        Cuda::manual_seed_all(seed.unsigned_abs());
    }
}

/// Waits for the GPU, so that a clock reads what was computed.
pub fn synchronize(device: Device) {
    if let Device::Cuda(index) = device {
        Cuda::synchronize(index as i64);
    }
}

fn version() -> String {
    // SAFETY: the shim returns a string literal.
    let text = unsafe { CStr::from_ptr(fpl_libtorch_version()) };
    text.to_string_lossy().into_owned()
}

/// What was found of CUDA.
enum Found {
    /// Nobody asked.
    NotLooked,
    /// libtorch_cuda cannot be loaded.
    NoLibrary(String),
    /// libtorch_cuda is loaded; this many GPUs can be used.
    Devices(i64),
}

impl std::fmt::Display for Found {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NotLooked => Ok(()),
            Self::NoLibrary(reason) => write!(formatter, "libtorch_cuda cannot be loaded ({reason}); {}", driver()),
            Self::Devices(count) => {
                let runtime = tch::utils::version_cudart();
                let cudnn = tch::utils::version_cudnn();
                write!(
                    formatter,
                    "libtorch_cuda is loaded (CUDA runtime {runtime}, cuDNN {cudnn}); {}; {count} usable devices",
                    driver()
                )
            }
        }
    }
}

/// Loads libtorch_cuda. The linker drops it, since no symbol of it is used by name; loading it registers CUDA.
fn load_cuda() -> Found {
    use libloading::os::unix::{Library, RTLD_GLOBAL, RTLD_NOW};
    // SAFETY: libtorch_cuda's initialisers only register kernels with libtorch_cpu, which is loaded already.
    match unsafe { Library::open(Some("libtorch_cuda.so"), RTLD_NOW | RTLD_GLOBAL) } {
        Ok(library) => {
            std::mem::forget(library); // Registered kernels must never be unloaded.
            Found::Devices(if Cuda::is_available() { Cuda::device_count() } else { 0 })
        }
        Err(error) => {
            Found::NoLibrary(std::error::Error::source(&error).map_or_else(|| error.to_string(), ToString::to_string))
        }
    }
}

fn choose(requested: &str, cuda: &Found) -> Result<Device> {
    let count = if let Found::Devices(count) = cuda { *count } else { 0 };
    let index = match requested {
        "cpu" => return Ok(Device::Cpu),
        "auto" if count == 0 => return Ok(Device::Cpu),
        "auto" | "cuda" => 0,
        other => {
            other.strip_prefix("cuda:").and_then(|index| index.parse::<usize>().ok()).ok_or_else(|| Error::Device {
                device: requested.to_owned(),
                message: "unknown".into(),
                help: "use `auto`, `cpu`, `cuda` or `cuda:N`".into(),
            })?
        }
    };
    if (index as i64) < count {
        return Ok(Device::Cuda(index));
    }
    let help = match cuda {
        Found::NoLibrary(_) => "install libtorch with CUDA (`make libtorch DEVICE=cuda`), or use `--device cpu`",
        _ => "check the driver with `nvidia-smi`, or use `--device cpu`",
    };
    Err(Error::Device { device: requested.to_owned(), message: format!("not usable: {cuda}"), help: help.into() })
}

/// The NVIDIA driver's version, as the kernel module says.
fn driver() -> String {
    let text = std::fs::read_to_string("/proc/driver/nvidia/version").unwrap_or_default();
    text.lines()
        .next()
        .map_or_else(|| "no NVIDIA driver".into(), |line| line.trim_start_matches("NVRM version: ").to_owned())
}

/// The GPU's name from `nvidia-smi`, which comes with the driver.
fn gpu_name(index: usize) -> String {
    Command::new("nvidia-smi")
        .args(["--query-gpu=name", "--format=csv,noheader", "-i", &index.to_string()])
        .output()
        .ok()
        .filter(|output| output.status.success())
        .and_then(|output| String::from_utf8(output.stdout).ok())
        .map_or_else(|| format!("CUDA device {index}"), |name| name.trim().to_owned())
}
