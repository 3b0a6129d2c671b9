// libtorch's global flags, which tch does not wrap. All of them exist without a GPU.
#include <ATen/Context.h>
#include <ATen/autocast_mode.h>
#include <torch/headeronly/version.h>

extern "C" {

const char* fpl_libtorch_version() { return TORCH_VERSION; }

// Deterministic algorithms in cuDNN and everywhere else (a warning where there is none), no benchmarking.
void fpl_set_deterministic(bool on) {
  auto& context = at::globalContext();
  context.setDeterministicCuDNN(on);
  context.setBenchmarkCuDNN(!on);
  context.setDeterministicAlgorithms(on, /*warn_only=*/true);
  // Filling fresh memory with NaN is a debugging aid that costs time and changes no result.
  context.setDeterministicFillUninitializedMemory(false);
}

bool fpl_deterministic() {
  auto& context = at::globalContext();
  return context.deterministicCuDNN() && context.deterministicAlgorithms();
}

// TensorFloat-32 in cuDNN and cuBLAS; without it float32 arithmetic stays float32.
void fpl_allow_tf32(bool on) {
  auto& context = at::globalContext();
  context.setAllowTF32CuDNN(on);
  context.setAllowTF32CuBLAS(on);
}

// What `with torch.autocast(device, torch.bfloat16)` does at its begin and end.
void fpl_autocast_bfloat16(bool cuda, bool on) {
  const auto device = cuda ? at::kCUDA : at::kCPU;
  at::autocast::set_autocast_dtype(device, at::kBFloat16);
  at::autocast::set_autocast_enabled(device, on);
  if (!on) at::autocast::clear_cache();
}

}
