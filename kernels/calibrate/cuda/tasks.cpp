#include "kernels/calibrate/cuda/tasks.hpp"
#include <fmt/format.h>
#include <algorithm>
#include <array>
#include <cmath>
#include "kernels/calibrate/cuda/device_kernels.hpp"
#include "kernels/calibrate/cuda/lt_product.hpp"

namespace kernels::calibrate::cuda {
namespace {

constexpr std::size_t row_length = 4096;  // of a pass of layer_norm or softmax: a hidden size, a sequence

int arrays_of(MemoryKernel kernel) { return kernel == MemoryKernel::adam ? 4 : kernel == MemoryKernel::sum ? 3 : 2; }
// How often it reads or writes each element of one array.
int accesses_of(MemoryKernel kernel) { return kernel == MemoryKernel::adam ? 7 : arrays_of(kernel); }

void run_pass(MemoryKernel kernel, const std::array<float*, 4>& a, std::size_t count, cudaStream_t stream) {
  const std::size_t columns = std::min(count, row_length), rows = (count + columns / 2) / columns;
  switch (kernel) {
    case MemoryKernel::copy:
      return WEFTSIM_CHECK(cudaMemcpyAsync(a[0], a[1], count * sizeof(float), cudaMemcpyDeviceToDevice, stream));
    case MemoryKernel::scale:
      return scale(a[0], a[1], count, stream);
    case MemoryKernel::sum:
      return sum(a[0], a[1], a[2], count, stream);
    case MemoryKernel::adam:
      return adam(a[0], a[1], a[2], a[3], count, stream);
    case MemoryKernel::layer_norm:
      return layer_norm(a[0], a[1], rows, columns, stream);
    case MemoryKernel::softmax:
      return softmax(a[0], a[1], rows, columns, stream);
  }
}

struct Span {
  Element element = Element::float32;
  double count = 0;
};

enum Part : std::size_t { queries, keys, values, result, scores, parts };

std::vector<Span> spans_of(const Operation& operation) {
  if (const auto* product = std::get_if<Product>(&operation)) {
    const Gemm& shape = product->shape;
    const double m = double(shape.m), n = double(shape.n), k = double(shape.k), batch = double(shape.batch);
    const auto [operand, written] = elements_of(shape.precision);
    return {{operand, batch * m * k}, {operand, batch * k * n}, {written, batch * m * n}};
  }
  if (const auto* attention = std::get_if<Attention>(&operation)) {
    const AttentionShape& shape = attention->shape;
    const Element element = elements_of(attention->precision).operand;
    const double tokens = double(shape.batch) * double(shape.seq_len);
    const double mine = tokens * double(shape.heads * shape.head_dim), shared = tokens * double(shape.kv_heads * shape.head_dim);
    std::vector<Span> spans;
    for (int direction = 0; direction <= static_cast<int>(attention->direction); ++direction)
      for (const double count : {mine, shared, shared, mine, tokens * double(shape.heads) * double(shape.seq_len)})
        spans.push_back({element, count});
    return spans;
  }
  if (const auto* pass = std::get_if<MemoryPass>(&operation))
    return std::vector<Span>(static_cast<std::size_t>(arrays_of(pass->kernel)),
                             {Element::float32, std::ceil(pass->bytes / sizeof(float) / accesses_of(pass->kernel))});
  const auto floats = [](double bytes) { return Span{Element::float32, std::ceil(bytes / sizeof(float))}; };
  if (const auto* copy = std::get_if<Copy>(&operation)) return {floats(copy->bytes)};
  if (const auto* collective = std::get_if<Collective>(&operation)) return {floats(collective->bytes), floats(collective->bytes)};
  if (const auto* message = std::get_if<Message>(&operation)) return {floats(message->bytes)};
  return {};
}

// The heads of a group share keys and values: their queries are the rows of one product.
struct AttentionProducts {
  std::vector<LtProduct> forward, backward;
};
AttentionProducts products_of(const Attention& attention, cublasLtHandle_t handle) {
  using enum LtProduct::Stored;
  const auto [batch, s, heads, kv_heads, d, causal] = attention.shape;
  const std::int64_t rows = heads / kv_heads * s;
  const auto product = [&](std::int64_t m, std::int64_t n, std::int64_t k, LtProduct::Stored a, LtProduct::Stored b) {
    return LtProduct(handle, Gemm{m, n, k, batch * kv_heads, attention.precision}, a, b);
  };
  AttentionProducts made;
  made.forward.push_back(product(rows, s, d, as_is, transposed));  // scores
  made.forward.push_back(product(rows, d, s, as_is, as_is));       // result
  if (attention.direction == Direction::forward) return made;
  made.backward.push_back(product(s, d, rows, transposed, as_is));  // of values
  made.backward.push_back(product(rows, s, d, as_is, transposed));  // of probabilities
  made.backward.push_back(product(rows, d, s, as_is, as_is));       // of queries
  made.backward.push_back(product(s, d, rows, transposed, as_is));  // of keys
  return made;
}

auto attention_run(const Attention& attention, cublasLtHandle_t handle, const std::vector<void*>& at) {
  const AttentionShape& shape = attention.shape;
  const auto columns = static_cast<std::size_t>(shape.seq_len), rows = static_cast<std::size_t>(shape.batch * shape.heads) * columns;
  const Element element = elements_of(attention.precision).operand;
  const auto products = std::make_shared<AttentionProducts>(products_of(attention, handle));
  return [=, causal = shape.causal](cudaStream_t stream, void* workspace) {
    if (products->backward.empty()) {
      products->forward[0].run(at[queries], at[keys], at[scores], workspace, stream);
      softmax(at[scores], element, rows, columns, causal, stream);
      products->forward[1].run(at[scores], at[values], at[result], workspace, stream);
    } else {  // the probabilities are still there
      void* const* back = at.data() + parts;
      products->backward[0].run(at[scores], back[result], back[values], workspace, stream);
      products->backward[1].run(back[result], at[values], back[scores], workspace, stream);
      softmax_backward(at[scores], back[scores], element, rows, columns, stream);
      products->backward[2].run(back[scores], at[keys], back[queries], workspace, stream);
      products->backward[3].run(back[scores], at[queries], back[keys], workspace, stream);
    }
  };
}

int peer_of(int device) {
  int count = 1;
  WEFTSIM_CHECK(cudaGetDeviceCount(&count));
  return (device + 1) % count;
}

void make_copy(const Copy& copy, int device, Task& task) {
  const auto bytes = static_cast<std::size_t>(copy.bytes);
  void* here = task.buffers[0].get();
  if (copy.way == CopyWay::peer) {
    const int peer = peer_of(device);
    WEFTSIM_CHECK(cudaSetDevice(peer));
    task.buffers.push_back(allocate(bytes));
    WEFTSIM_CHECK(cudaSetDevice(device));
    if (const cudaError_t result = cudaDeviceEnablePeerAccess(peer, 0); result == cudaErrorPeerAccessAlreadyEnabled)
      cudaGetLastError();  // of another copy; it must not be seen as the next kernel's
    else
      check(result, "cudaDeviceEnablePeerAccess()");
    void* there = task.buffers[1].get();
    task.run = [=](cudaStream_t stream, void*) { WEFTSIM_CHECK(cudaMemcpyPeerAsync(there, peer, here, device, bytes, stream)); };
    return;
  }
  task.on_host.push_back(allocate_on_host(bytes));
  void* host = task.on_host[0].get();
  const bool to_device = copy.way == CopyWay::host_to_device;
  if (to_device) WEFTSIM_CHECK(cudaMemcpy(host, here, bytes, cudaMemcpyDeviceToHost));  // random numbers there too
  void* to = to_device ? here : host;
  void* from = to_device ? host : here;
  task.run = [=](cudaStream_t stream, void*) { WEFTSIM_CHECK(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDefault, stream)); };
}

}  // namespace

double device_bytes(const Operation& operation) {
  double bytes = 0;
  for (const auto& [element, count] : spans_of(operation)) bytes += count * double(size_of(element));
  return bytes;
}

Task make_task(const Operation& operation, cublasLtHandle_t handle, int device, unsigned seed) {
  Task task;
  std::vector<void*> at;
  constexpr std::size_t slack = row_length * sizeof(float);  // kernels work on whole rows, or on four floats at once
  for (const auto& [element, count] : spans_of(operation)) {
    const auto elements = static_cast<std::size_t>(count);
    task.buffers.push_back(allocate(elements * size_of(element) + slack));
    at.push_back(task.buffers.back().get());
    fill_with_random_numbers(at.back(), element, elements + slack / size_of(element), ++seed, nullptr);
    WEFTSIM_CHECK(cudaGetLastError());
  }
  WEFTSIM_CHECK(cudaDeviceSynchronize());  // the streams do not wait for the default one
  if (const auto* product = std::get_if<Product>(&operation)) {
    const auto made = std::make_shared<LtProduct>(handle, product->shape);
    task.run = [=](cudaStream_t stream, void* workspace) { made->run(at[0], at[1], at[2], workspace, stream); };
  } else if (const auto* attention = std::get_if<Attention>(&operation)) {
    task.run = attention_run(*attention, handle, at);
  } else if (const auto* pass = std::get_if<MemoryPass>(&operation)) {
    const auto count = static_cast<std::size_t>(spans_of(operation).front().count);
    task.run = [=, kernel = pass->kernel](cudaStream_t stream, void*) {
      std::array<float*, 4> arrays{};
      for (std::size_t i = 0; i < at.size(); ++i) arrays[i] = static_cast<float*>(at[i]);
      run_pass(kernel, arrays, count, stream);
    };
  } else if (std::holds_alternative<Launch>(operation)) {
    task.run = [](cudaStream_t stream, void*) { empty(stream); };
  } else if (const auto* copy = std::get_if<Copy>(&operation)) {
    make_copy(*copy, device, task);
  }
  return task;
}

std::string task_obstacle(const Operation& operation, cublasLtHandle_t handle, int device) {
  const auto* product = std::get_if<Product>(&operation);
  const auto* attention = std::get_if<Attention>(&operation);
  if (product || attention) {
    const Precision precision = product ? product->shape.precision : attention->precision;
    if (precision == Precision::mxfp8 || precision == Precision::nvfp4 || (attention && precision == Precision::fp8))
      return fmt::format("{} is not measured.", name_of(precision));
    int major = 0, minor = 0;
    WEFTSIM_CHECK(cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, device));
    WEFTSIM_CHECK(cudaDeviceGetAttribute(&minor, cudaDevAttrComputeCapabilityMinor, device));
    const int capability = 10 * major + minor;
    if (capability < 80 && precision != Precision::fp32 && precision != Precision::fp16)
      return fmt::format("this GPU has no products of {}.", name_of(precision));
    if (capability < 89 && precision == Precision::fp8) return "this GPU has no products of fp8.";
  }
  if (product && !LtProduct(handle, product->shape).has_algorithm()) return "cuBLASLt has no algorithm for it.";
  if (attention) {
    if (attention->fused) return "no library here has fused attention.";
    if (attention->shape.heads % attention->shape.kv_heads != 0) return "its heads do not form equal groups.";
    for (const auto& list = products_of(*attention, handle); const auto* each : {&list.forward, &list.backward})
      for (const LtProduct& one : *each)
        if (!one.has_algorithm()) return "cuBLASLt has no algorithm for it.";
  }
  const auto* copy = std::get_if<Copy>(&operation);
  if (!copy || copy->way != CopyWay::peer) return "";
  const int peer = peer_of(device);
  int reached = 0;
  if (peer != device) WEFTSIM_CHECK(cudaDeviceCanAccessPeer(&reached, device, peer));
  if (!reached) return "no other GPU can be reached from this process.";
  WEFTSIM_CHECK(cudaSetDevice(peer));
  const double free = free_bytes();
  WEFTSIM_CHECK(cudaSetDevice(device));
  return copy->bytes <= part_of_memory * free ? "" : "its bytes do not fit into the free memory of the other GPU.";
}

double free_bytes() {
  std::size_t free = 0, all = 0;
  WEFTSIM_CHECK(cudaMemGetInfo(&free, &all));
  return static_cast<double>(free);
}

}  // namespace kernels::calibrate::cuda
