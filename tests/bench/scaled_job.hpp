#pragma once
#include <fmt/format.h>
#include "workloads/scenario_reader.hpp"

namespace bench {

// The main job with more data parallelism, on switches of 64 ports. GPUs: a multiple of 64.
inline workloads::Scenario scaled_main_job(int gpus) {
  return workloads::read_shipped_scenario(
      "sc21-145b", {.overrides = {fmt::format("cluster.gpus={}", gpus), fmt::format("workload.parallel.dp={}", gpus / 64),
                                  fmt::format("workload.global_batch={}", gpus * 3 / 2), "cluster.fabric.radix=64"}});
}

}  // namespace bench
