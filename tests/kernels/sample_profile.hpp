#pragma once
#include "kernels/device_profile.hpp"

// A small complete profile: 100 TFLOP/s, 1 TB/s, 100 multiprocessors, four products, two tables.
inline kernels::DeviceProfile sample_profile() {
  using namespace kernels;
  DeviceProfile p;
  p.name = "sample";
  p.description = "made up for tests";
  p.vendor = "nobody";
  p.calibrated = true;
  p.provenance = {{"everything", "invented, \"for\" tests", "assumption", 4}};
  p.multiprocessors = 100;
  p.peak_flops = {10e12, 50e12, 100e12, 100e12};
  p.memory = {80e9, 1e12, 0.8};
  p.gemm.used_for = {Precision::bf16, Precision::fp16};
  p.gemm.tiles = {2e-6, 100, 0.8, {0.9, 0.8, 0.7, 0.6, 0.4}};
  p.gemm.points = {{1024, 1024, 1024, 0.4123}, {2048, 2048, 2048, 0.6234}, {4096, 4096, 4096, 0.7345}, {8192, 8192, 8192, 0.8456}};
  p.batched_gemm = {0.5, "invented"};
  p.attention.model = {1e-5, 0.6, 0.7, 32};
  p.attention.backward_flops = 2.5;
  p.attention.backward_rate = 0.5;
  p.attention.source = "invented";
  p.attention.points = {{1, 1024, 16, 16, 128, 0.3}, {1, 4096, 16, 16, 128, 0.5}};
  p.scale_up = {300e9,
                0.75,
                5e-6,
                1e-6,
                {{CollectiveOp::all_reduce, 2, {{1024, 10e-6}, {1048576, 20e-6}, {1073741824, 5e-3}}},
                 {CollectiveOp::all_reduce, 8, {{1024, 22e-6}, {1048576, 40e-6}, {1073741824, 8e-3}}}}};
  p.network = {7e-6, 1e-5, 1e-6, 0.8, "invented", {{"a log", "8x200G", "ring", 16, 2, 200e9, 0.8, 3e-5, 0.05}}};
  p.residuals = {{"gemm", 4, 4, 0.03, 0.1, -0.01, 0.04}};
  return p;
}
