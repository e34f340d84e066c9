#pragma once
#include <cublasLt.h>
#include <functional>
#include <string>
#include <vector>
#include "kernels/calibrate/cuda/device.hpp"
#include "kernels/calibrate/operation.hpp"

// What one GPU does by itself: the buffers and calls of each operation but those of NCCL.
namespace kernels::calibrate::cuda {

struct Task {
  std::vector<Memory> buffers;  // what they hold stays where it is when the task moves
  std::vector<HostMemory> on_host;
  std::function<void(cudaStream_t stream, void* workspace)> run;
};

// Filled with random numbers before it returns. Collectives and messages: their buffers only.
Task make_task(const Operation& operation, cublasLtHandle_t handle, int device, unsigned seed);
double device_bytes(const Operation& operation);  // of its buffers
double free_bytes();                              // of the current device
inline constexpr double part_of_memory = 0.9;     // of what is free, for one operation: NCCL and the drivers take more later
// Empty, or why this device cannot: no such precision, no algorithm, no peer.
std::string task_obstacle(const Operation& operation, cublasLtHandle_t handle, int device);

}  // namespace kernels::calibrate::cuda
