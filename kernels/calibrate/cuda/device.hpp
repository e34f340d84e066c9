#pragma once
#include <cuda_runtime.h>
#include <cstddef>
#include <memory>
#include <vector>
#include "kernels/calibrate/cuda/check.hpp"

// Handles of CUDA that free themselves.
namespace kernels::calibrate::cuda {

template <class Handle, auto destroy>
struct DestroyHandle {
  using pointer = Handle;
  void operator()(Handle handle) const { destroy(handle); }
};
using Memory = std::unique_ptr<void, DestroyHandle<void*, cudaFree>>;          // of a device
using HostMemory = std::unique_ptr<void, DestroyHandle<void*, cudaFreeHost>>;  // pinned
using StreamHandle = std::unique_ptr<void, DestroyHandle<cudaStream_t, cudaStreamDestroy>>;
using EventHandle = std::unique_ptr<void, DestroyHandle<cudaEvent_t, cudaEventDestroy>>;

inline Memory allocate(std::size_t bytes) {
  void* memory = nullptr;
  WEFTSIM_CHECK(cudaMalloc(&memory, bytes));
  return Memory(memory);
}
inline HostMemory allocate_on_host(std::size_t bytes) {
  void* memory = nullptr;
  WEFTSIM_CHECK(cudaMallocHost(&memory, bytes));
  return HostMemory(memory);
}
inline StreamHandle make_stream() {
  cudaStream_t stream = nullptr;
  WEFTSIM_CHECK(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
  return StreamHandle(stream);
}

// Events are made once and used again: a sample needs hundreds.
class EventPool {
 public:
  EventHandle take() {
    if (!free_.empty()) {
      EventHandle event = std::move(free_.back());
      free_.pop_back();
      return event;
    }
    cudaEvent_t event = nullptr;
    WEFTSIM_CHECK(cudaEventCreate(&event));
    return EventHandle(event);
  }
  void give_back(EventHandle event) { free_.push_back(std::move(event)); }

 private:
  std::vector<EventHandle> free_;
};

}  // namespace kernels::calibrate::cuda
