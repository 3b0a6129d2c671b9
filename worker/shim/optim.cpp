// Optimizer steps in one pass over memory: every parameter, gradient and state is read and written once, where a chain of
// tensor operations would do so a dozen times. The arithmetic is that of PyTorch's kernels operation by operation:
// `addcmul_` and `add_` with a factor round once (a fused multiply-add), everything else rounds after each operation.
#include <ATen/Parallel.h>
#include <ATen/ops/_foreach_add.h>

#include <algorithm>
#include <cmath>
#include <vector>

// One binary for all processors: the widest vectors that the running one has are chosen when the library is loaded.
#define FPL_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#define FPL_INLINE inline __attribute__((always_inline))

namespace {

// A stretch of memory that is updated, with the same stretch of its gradient and state.
struct Run {
  void* parameter;
  const void* gradient;
  void* state[2];
  int64_t length;
};

struct Adadelta {
  double rate, rho, eps, weight_decay;
};

struct Sgd {
  double rate, momentum, weight_decay;
  bool nesterov;
};

// v <- rho v + (1-rho) g^2; d = sqrt(u+eps)/sqrt(v+eps) g; u <- rho u + (1-rho) d^2; p <- p - rate d.
template <typename T, bool decay>
FPL_INLINE void adadelta(T* __restrict p, const T* __restrict g, T* __restrict v, T* __restrict u, int64_t n, const Adadelta& c) {
  const T rho = T(c.rho), rest = T(1 - c.rho), eps = T(c.eps), minus_rate = T(-c.rate), weight_decay = T(c.weight_decay);
  for (int64_t i = 0; i < n; ++i) {
    const T gradient = decay ? std::fma(p[i], weight_decay, g[i]) : g[i];
    const T square = std::fma(rest * gradient, gradient, rho * v[i]);
    const T delta = std::sqrt(u[i] + eps) / std::sqrt(square + eps) * gradient;
    v[i] = square;
    u[i] = std::fma(rest * delta, delta, rho * u[i]);
    p[i] = std::fma(delta, minus_rate, p[i]);
  }
}

// b <- momentum b + g; d = g + momentum b with Nesterov's look-ahead, else b; p <- p - rate d.
template <typename T, bool decay>
FPL_INLINE void sgd(T* __restrict p, const T* __restrict g, T* __restrict b, int64_t n, const Sgd& c) {
  const T momentum = T(c.momentum), weight_decay = T(c.weight_decay), minus_rate = T(-c.rate);
  for (int64_t i = 0; i < n; ++i) {
    const T gradient = decay ? std::fma(p[i], weight_decay, g[i]) : g[i];
    const T buffer = momentum * b[i] + gradient;
    b[i] = buffer;
    const T direction = c.nesterov ? std::fma(buffer, momentum, gradient) : buffer;
    p[i] = std::fma(direction, minus_rate, p[i]);
  }
}

template <typename T, bool decay>
FPL_INLINE void descend(T* __restrict p, const T* __restrict g, int64_t n, const Sgd& c) {
  const T weight_decay = T(c.weight_decay), minus_rate = T(-c.rate);
  for (int64_t i = 0; i < n; ++i) {
    const T gradient = decay ? std::fma(p[i], weight_decay, g[i]) : g[i];
    p[i] = std::fma(gradient, minus_rate, p[i]);
  }
}

template <typename T>
struct Part {
  T* p;
  const T* g;
  T* first;
  T* second;
  int64_t n;
};

// Function clones must be plain functions.
#define FPL_KERNELS(T)                                                              \
  FPL_CLONES void update(const Part<T>& part, const Adadelta& c) {                  \
    if (c.weight_decay != 0)                                                        \
      adadelta<T, true>(part.p, part.g, part.first, part.second, part.n, c);        \
    else                                                                            \
      adadelta<T, false>(part.p, part.g, part.first, part.second, part.n, c);       \
  }                                                                                 \
  FPL_CLONES void update(const Part<T>& part, const Sgd& c) {                       \
    if (part.first != nullptr) {                                                    \
      if (c.weight_decay != 0)                                                      \
        sgd<T, true>(part.p, part.g, part.first, part.n, c);                        \
      else                                                                          \
        sgd<T, false>(part.p, part.g, part.first, part.n, c);                       \
    } else if (c.weight_decay != 0) {                                               \
      descend<T, true>(part.p, part.g, part.n, c);                                  \
    } else {                                                                        \
      descend<T, false>(part.p, part.g, part.n, c);                                 \
    }                                                                               \
  }
FPL_KERNELS(float)
FPL_KERNELS(double)

// Fewer elements than this are not worth another thread.
constexpr int64_t GRAIN = 32768;

// Shares all elements of all runs among libtorch's threads, in equal parts. Every element is computed by itself, so the
// number of threads changes no bit.
template <typename T, typename Rule>
void update_all(const Run* runs, size_t count, const Rule& rule) {
  std::vector<int64_t> starts(count + 1, 0);
  for (size_t i = 0; i < count; ++i) starts[i + 1] = starts[i] + runs[i].length;
  at::parallel_for(0, starts[count], GRAIN, [&](int64_t begin, int64_t end) {
    size_t i = std::upper_bound(starts.begin(), starts.end(), begin) - starts.begin() - 1;
    for (; begin < end; ++i) {
      const int64_t from = begin - starts[i], n = std::min(end, starts[i + 1]) - begin;
      const auto at = [from](void* memory) { return memory ? static_cast<T*>(memory) + from : nullptr; };
      update({at(runs[i].parameter), static_cast<const T*>(runs[i].gradient) + from, at(runs[i].state[0]),
              at(runs[i].state[1]), n}, rule);
      begin += n;
    }
  });
}

}  // namespace

extern "C" {

void fpl_adadelta(const Run* runs, size_t count, bool is_double, const Adadelta* rule) {
  is_double ? update_all<double>(runs, count, *rule) : update_all<float>(runs, count, *rule);
}

void fpl_sgd(const Run* runs, size_t count, bool is_double, const Sgd* rule) {
  is_double ? update_all<double>(runs, count, *rule) : update_all<float>(runs, count, *rule);
}

// parameters[i] += factor * updates[i], on a GPU with a few launches for all of them.
void fpl_foreach_add(at::Tensor* const* parameters, at::Tensor* const* updates, size_t count, double factor) {
  std::vector<at::Tensor> targets, sources;
  for (size_t i = 0; i < count; ++i) {
    targets.push_back(*parameters[i]);
    sources.push_back(*updates[i]);
  }
  at::_foreach_add_(targets, sources, factor);
}

}
