// libtorch's global flags, which tch does not wrap. All of them exist without a GPU.
#include <ATen/Context.h>
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

// float32 arithmetic stays float32: no TensorFloat-32 in cuDNN and cuBLAS.
void fpl_disallow_tf32() {
  auto& context = at::globalContext();
  context.setAllowTF32CuDNN(false);
  context.setAllowTF32CuBLAS(false);
}

}
