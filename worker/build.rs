//! Lets the built binaries and tests find libtorch where it was linked, and builds the shim for what tch does not wrap.

use std::env;
use std::path::PathBuf;

fn main() {
    println!("cargo:rerun-if-env-changed=LIBTORCH");
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=shim");
    let Some(libtorch) = env::var_os("LIBTORCH").map(PathBuf::from) else {
        println!("cargo:warning=LIBTORCH is not set: run `make libtorch` first");
        return;
    };
    let libtorch = libtorch.canonicalize().unwrap_or(libtorch);
    println!("cargo:rustc-link-arg=-Wl,-rpath,{}", libtorch.join("lib").display());
    cc::Build::new()
        .cpp(true)
        .std("c++20")
        .files(["shim/context.cpp", "shim/optim.cpp"])
        .opt_level(3)
        // Square roots set no errno, and nothing is contracted that is not written as fused: otherwise loops do not
        // vectorise, or round as PyTorch's do not.
        .flags(["-fno-math-errno", "-fno-trapping-math", "-ffp-contract=off"])
        // libtorch's own threads, through its copy of the OpenMP runtime.
        .flag("-fopenmp")
        .include(libtorch.join("include"))
        .include(libtorch.join("include/torch/csrc/api/include"))
        .warnings(false)
        .compile("fpl_shim");
    println!("cargo:rustc-link-lib=torch_cpu");
    println!("cargo:rustc-link-lib=c10");
    println!("cargo:rustc-link-lib=dylib:+verbatim=libgomp.so.1");
    println!("cargo:rustc-link-search=native={}", libtorch.join("lib").display());
}
