#include "workloads/memory.hpp"
#include <gmock/gmock.h>
#include "workloads/scenario_reader.hpp"

namespace {
using namespace workloads;

JobSpec job_of(const char* model, ParallelSpec parallel) {
  JobSpec job;
  job.model = *shipped_model(model);
  job.parallel = parallel;
  job.micro_batch = 4;
  job.precision = Precision::fp16;
  return job;
}

// Korthikanti et al. 2022, bytes of one layer and micro-batch in s b h: 34 + 5 a s / h; with tensor parallelism (eq. 2)
// 10 + 24/t + 5 a s / (h t); with sequence parallelism (eq. 4) all of it / t; selective (eq. 6) without the second term;
// full keeps the layer's input, 2.
TEST(Memory, activations_of_a_layer_are_the_published_formulas) {
  JobSpec job = job_of("megatron-22b", {.tp = 1, .pp = 1, .dp = 1});
  const double sbh = 2048.0 * 4 * 6144, scores = 5.0 * 64 * 2048 / 6144;
  const auto kept = [&](Recompute recompute, int tp, bool sequence_parallel) {
    job.recompute = recompute;
    job.parallel.tp = tp;
    job.parallel.sequence_parallel = sequence_parallel;
    return activation_bytes_per_layer(job, false) / sbh;
  };
  EXPECT_DOUBLE_EQ(kept(Recompute::none, 1, false), 34 + scores);
  EXPECT_DOUBLE_EQ(kept(Recompute::none, 8, false), 10 + 24 / 8.0 + scores / 8);
  EXPECT_DOUBLE_EQ(kept(Recompute::none, 8, true), (34 + scores) / 8);
  EXPECT_DOUBLE_EQ(kept(Recompute::selective, 8, false), 10 + 24 / 8.0);
  EXPECT_DOUBLE_EQ(kept(Recompute::selective, 8, true), 34 / 8.0);
  EXPECT_DOUBLE_EQ(kept(Recompute::full, 8, false), 2);
}

TEST(Memory, flash_attention_keeps_what_selective_recomputation_keeps) {
  JobSpec job = job_of("megatron-22b", {.tp = 8, .pp = 1, .dp = 1});
  const double flash = activation_bytes_per_layer(job, true);
  job.recompute = Recompute::selective;
  EXPECT_DOUBLE_EQ(activation_bytes_per_layer(job, false), flash);
}

// Korthikanti et al., Table 2 and section 5: for GPT-3 and MT-NLG the scores are 80 and 64 in place of 34.
TEST(Memory, scores_of_the_two_published_models) {
  for (const auto& [model, scores] : {std::pair{"megatron-175b", 80.0}, std::pair{"megatron-530b", 64.0}}) {
    JobSpec job = job_of(model, {.tp = 1, .pp = 1, .dp = 1});
    const double sbh = 4.0 * job.model.seq_len * job.model.hidden;
    EXPECT_DOUBLE_EQ(activation_bytes_per_layer(job, false) / sbh, 34 + scores) << model;
  }
}

// Llama 3 8B, s b elements in 2 bytes: two norms' and two blocks' inputs (4 h), Q and the projection's input (2 h), K and V
// (2 h/4), gate, up and their product (3 f). No dropout masks.
TEST(Memory, activations_of_a_gated_layer_with_shared_keys) {
  const JobSpec job = job_of("llama3-8b", {.tp = 1, .pp = 1, .dp = 1});
  const double h = 4096, f = 14336, tokens = 4.0 * 8192;
  EXPECT_DOUBLE_EQ(activation_bytes_per_layer(job, true), tokens * 2 * (4 * h + 2 * h + 2 * h / 4 + 3 * f));
}

// Rajbhandari et al. 2020, Figure 1: 7.5 billion parameters, 64 GPUs: 120, 31.4, 16.6 and 1.9 GB.
TEST(Memory, zero_shards_what_the_paper_says) {
  const auto deepspeed = kernels::load_software_profile("megatron-deepspeed");
  JobSpec job = job_of("gpt-7.5b", {.tp = 1, .pp = 1, .dp = 64});
  const auto gigabytes = [&](int zero) {
    job.parallel.zero = zero;
    const MemoryUse use = static_memory(job, deepspeed, 7.5e9);
    return (use.weights + use.gradients + use.optimizer) / 1e9;
  };
  EXPECT_DOUBLE_EQ(gigabytes(0), 16 * 7.5);
  EXPECT_NEAR(gigabytes(1), 31.4, 0.05);
  EXPECT_NEAR(gigabytes(2), 16.6, 0.05);
  EXPECT_NEAR(gigabytes(3), 1.9, 0.05);
  EXPECT_NEAR(gigabytes(1) / gigabytes(0), 0.262, 0.0005);
}

// With gradients kept in FP32: 2 + 4 + 12 bytes a parameter.
TEST(Memory, gradients_in_full_precision_take_two_bytes_more) {
  const MemoryUse use =
      static_memory(job_of("gpt-7.5b", {.tp = 1, .pp = 1, .dp = 1}), kernels::load_software_profile("megatron-2021"), 1e9);
  EXPECT_DOUBLE_EQ(use.weights + use.gradients + use.optimizer, 18e9);
}

// Activations in fp8 products stay in 16 bits, and so do the weights.
TEST(Memory, fp8_counts_sixteen_bit_activations_and_weights) {
  JobSpec job = job_of("llama3-8b", {.tp = 1, .pp = 1, .dp = 1});
  const double sixteen = activation_bytes_per_layer(job, true);
  job.precision = Precision::fp8;
  EXPECT_DOUBLE_EQ(activation_bytes_per_layer(job, true), sixteen);
  EXPECT_DOUBLE_EQ(static_memory(job, kernels::load_software_profile("megatron-core"), 1e9).weights, 2e9);
  job.precision = Precision::nvfp4;
  EXPECT_DOUBLE_EQ(activation_bytes_per_layer(job, true), sixteen);
}
}  // namespace
