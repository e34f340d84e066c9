#pragma once
#include "kernels/device_profile.hpp"

// A small complete profile: 100 TFLOP/s, 1 TB/s, 100 multiprocessors, products of two precisions on small grids,
// all_reduce of 2 and 8 ranks.
inline kernels::DeviceProfile sample_profile() {
  using namespace kernels;
  DeviceProfile p;
  p.name = "sample";
  p.description = "made up for tests";
  p.vendor = "nobody";
  p.calibrated = true;
  p.provenance = {{"everything", "invented, \"for\" tests", "assumption", 4}};
  p.multiprocessors = 100;
  p.peak_flops = {10e12, 50e12, 100e12, 100e12, 200e12};
  p.memory = {80e9, 1e12, 0.8};
  const TileModel tiles{2e-6, 100, 0.8, 1, {0.9, 0.8, 0.7, 0.6, 0.4}};
  p.gemm = {{Precision::bf16, {Precision::bf16, Precision::fp16}, tiles, {}, {1024, 4096}, {1024}, {1024, 4096}, {1, 1.1, 1.25, 1.5}},
            {Precision::fp8, {Precision::fp8}, tiles, {1e-5, 8}, {}, {}, {}, {}}};
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
                "2.29",
                "ampere",
                {},
                {{"2.27", NcclAlgorithm::ring, NcclProtocol::ll, 1.1}},
                {{CollectiveOp::all_reduce, 2, NcclAlgorithm::ring, NcclProtocol::ll, {{1024, 10e-6}}},
                 {CollectiveOp::all_reduce, 2, NcclAlgorithm::ring, NcclProtocol::simple, {{1048576, 20e-6}, {1073741824, 5e-3}}},
                 {CollectiveOp::all_reduce, 8, NcclAlgorithm::ring, NcclProtocol::ll, {{1024, 22e-6}, {1048576, 40e-6}}},
                 {CollectiveOp::all_reduce, 8, NcclAlgorithm::ring, NcclProtocol::simple, {{1073741824, 8e-3}}}}};
  p.network = {.base_seconds = 7e-6,
               .inter_step_seconds = 1e-5,
               .intra_step_seconds = 1e-6,
               .nic_efficiency = 0.8,
               .source = "invented",
               .sets = {{"a log", "8x200G", "ring", 16, 2, 200e9, 0.8, 3e-5, 0.05}},
               .transports = {}};
  p.residuals = {{"gemm_bf16_large", 4, 4, 0.03, 0.1, -0.01, 0.04, 0.035, 0.12, 0.9, 1.15}};
  return p;
}
