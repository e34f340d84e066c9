#include "workloads/transformer.hpp"
#include <gmock/gmock.h>
#include "workloads/memory.hpp"
#include "workloads/program_builder.hpp"
#include "workloads/scenario_reader.hpp"

namespace {
using namespace workloads;

JobSpec gpt_22b() {
  JobSpec job;
  job.model = {
      .name = "22b", .layers = 48, .hidden = 6144, .heads = 64, .kv_heads = 64, .ffn_hidden = 24576, .vocab = 51200, .seq_len = 2048};
  job.parallel = {.tp = 8, .pp = 1, .dp = 1};
  job.micro_batch = 4;
  job.precision = Precision::fp16;
  job.software = "megatron-2021";
  return job;
}

double layer_ms(const JobSpec& job, const Ops& ops, const kernels::OperationTimes& times) {
  double ms = 0;
  for (const Op& op : ops)
    ms += op.op_class == OpClass::collective
              ? 1e3 * times.scale_up_collective(op.collective, job.parallel.tp, static_cast<double>(op.bytes.count())).seconds
              : 1e3 * op.device.in_seconds();
  return ms;
}

// One layer of the 22B model on 8 A100s, micro-batch 4: Korthikanti et al. 2022, Table 4, "no recompute", "sequence
// parallelism", "full recompute". An operation list that misses these by more than a tenth misses every step.
TEST(Transformer, one_layer_takes_what_was_measured) {
  const kernels::OperationTimes times(kernels::load_device_profile("a100-sxm-80g"));
  const kernels::SoftwareProfile software = kernels::load_software_profile("megatron-2021");
  JobSpec job = gpt_22b();
  const auto forward = [&] { return layer_ms(job, TransformerOps(job, software, times).layer_forward(0), times); };
  const auto backward = [&] { return layer_ms(job, TransformerOps(job, software, times).layer_backward(0), times); };
  EXPECT_NEAR(forward() / 7.7, 1, 0.1);
  EXPECT_NEAR(backward() / 11.9, 1, 0.15);  // what was measured may hide all-reduces beside weight gradients (Megatron of 2022)
  job.recompute = Recompute::full;
  EXPECT_NEAR(backward() / 19.5, 1, 0.1);
  job.recompute = Recompute::none;
  job.parallel.sequence_parallel = true;
  EXPECT_NEAR(forward() / 7.2, 1, 0.1);
}

// 72 B s l h^2 (1 + s/(6h) + V/(12 l h)) for a GPT (SC'21, eq. 3 without recomputation).
TEST(Transformer, model_flops_are_the_published_formula) {
  const ModelSpec m = gpt_22b().model;
  const double h = m.hidden, s = m.seq_len, l = m.layers, v = m.vocab;
  EXPECT_NEAR(model_flops_per_sequence(m) / (72 * s * l * h * h * (1 + s / (6 * h) + v / (12 * l * h))), 1, 1e-12);
  // 96 with the second forward (eq. 3).
  EXPECT_NEAR((model_flops_per_sequence(m) + recompute_flops_per_sequence(m, Recompute::full)) /
                  (96 * s * l * h * h * (1 + s / (6 * h) + v / (16 * l * h))),
              1, 1e-12);
}

// l (12 h^2 + 13 h) + (V + s) h + 2 h (SC'21, eq. 2, with the final layer norm).
TEST(Transformer, parameters_of_a_gpt) {
  const ModelSpec m = gpt_22b().model;
  const double h = m.hidden;
  EXPECT_DOUBLE_EQ(total_parameters(m), m.layers * (12 * h * h + 13 * h) + (double(m.vocab) + m.seq_len) * h + 2 * h);
}

// Llama 3 70B: 80 layers of 8192, 64 heads, 8 KV heads, 28672, 128256 words: 70.55 B (its model card: 70.6 B).
TEST(Transformer, parameters_of_llama_3_70b) {
  const auto model = shipped_model("llama3-70b");
  ASSERT_TRUE(model);
  EXPECT_NEAR(total_parameters(*model) / 70.55e9, 1, 0.001);
}

// s b h (10 + 24/t + 5 a s / (h t)) (Korthikanti et al., eq. 2), (34/t + 5 a s / (h t)) with sequence parallelism (eq. 4), 2 s b h under
// full recomputation.
TEST(Memory, activations_of_a_layer_are_the_published_formula) {
  JobSpec job = gpt_22b();
  const double sbh = 2048.0 * 4 * 6144, scores = 5.0 * 64 * 2048 / 6144;
  EXPECT_DOUBLE_EQ(activation_bytes_per_layer(job, false), sbh * (10 + 24 / 8.0 + scores / 8));
  job.parallel.sequence_parallel = true;
  EXPECT_DOUBLE_EQ(activation_bytes_per_layer(job, false), sbh * (34 / 8.0 + scores / 8));
  EXPECT_DOUBLE_EQ(activation_bytes_per_layer(job, true), sbh * 34 / 8.0);
  job.parallel.sequence_parallel = false;
  job.recompute = Recompute::full;
  EXPECT_DOUBLE_EQ(activation_bytes_per_layer(job, false), 2 * sbh);
}

// Mixed precision with FP32 gradients: 2 + 4 + 12 bytes a parameter (ZeRO, section 3.1, with gradients kept in FP32).
TEST(Memory, weights_gradients_and_optimizer_take_18_bytes_a_parameter) {
  const MemoryUse use = static_memory(gpt_22b(), kernels::load_software_profile("megatron-2021"), 1e9);
  EXPECT_DOUBLE_EQ(use.weights + use.gradients + use.optimizer, 18e9);
}
}  // namespace
