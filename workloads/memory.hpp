#pragma once
#include "kernels/software_profile.hpp"
#include "workloads/plan.hpp"
#include "workloads/scenario.hpp"

// Memory of one rank by the published formulas: Korthikanti et al. 2022 (activations), Rajbhandari et
// al. 2020 (weights, gradients, optimizer state of mixed precision).
namespace workloads {

// Bytes of one layer's activations for one micro-batch that live from its forward to its backward pass.
double activation_bytes_per_layer(const JobSpec& job, bool flash_attention, int layer = 0);

// Without activations: `parameters` are those of the rank before sharding. ZeRO stage 1 shards the optimizer
// over the data- and context-parallel ranks, 2 the gradients too, 3 the weights too.
MemoryUse static_memory(const JobSpec& job, const kernels::SoftwareProfile& software, double parameters);

// Working memory that is not kept: logits in FP32 on the last stage, one layer's activations under full recomputation,
// gathered layers of sharded weights.
double buffer_bytes(const JobSpec& job, const kernels::SoftwareProfile& software, bool flash_attention, bool last_stage);

// The greatest sum of activations along a program's steps, in order.
double peak_activations(const Program& program);

}  // namespace workloads
