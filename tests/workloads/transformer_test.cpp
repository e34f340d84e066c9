#include "workloads/transformer.hpp"
#include <gmock/gmock.h>
#include <algorithm>
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
              ? 1e3 * times.scale_up_collective(op.collective, job.parallel.tp, static_cast<double>(op.bytes.count())).seconds -
                    1e3 * op.hidden.in_seconds()
              : 1e3 * op.device.in_seconds();
  return ms;
}

struct LayerTimes {
  double forward_ms, backward_ms;
};
LayerTimes layer_times(const JobSpec& job) {
  const kernels::OperationTimes times(kernels::load_device_profile("a100-sxm-80g"));
  const TransformerOps ops(job, kernels::load_software_profile(job.software), times);
  return {layer_ms(job, ops.layer_forward(0), times), layer_ms(job, ops.layer_backward(0), times)};
}

// One layer of the 22B model on 8 A100s, micro-batch 4: Korthikanti et al. 2022, Table 4. An operation list that misses
// these misses every step.
TEST(Transformer, one_layer_takes_what_was_measured) {
  struct Measured {
    const char* mode;
    Recompute recompute;
    bool sequence_parallel;
    double forward_ms, backward_ms;
  };
  constexpr Measured table[] = {{"no recompute", Recompute::none, false, 7.7, 11.9},
                                {"sequence parallelism", Recompute::none, true, 7.2, 11.8},
                                {"full recompute", Recompute::full, false, 7.7, 19.5},
                                {"selective", Recompute::selective, false, 7.7, 13.2},
                                {"selective, sequence parallelism", Recompute::selective, true, 7.2, 13.1}};
  for (const Measured& row : table) {
    JobSpec job = gpt_22b();
    job.software = "megatron-2022";
    job.recompute = row.recompute;
    job.parallel.sequence_parallel = row.sequence_parallel;
    const LayerTimes times = layer_times(job);
    EXPECT_NEAR(times.forward_ms / row.forward_ms, 1, 0.08) << row.mode;
    EXPECT_NEAR(times.backward_ms / row.backward_ms, 1, 0.08) << row.mode;
  }
}

double sum(const Ops& ops, OpClass op_class, double (*value)(const Op&)) {
  double total = 0;
  for (const Op& op : ops)
    if (op.op_class == op_class) total += value(op);
  return total;
}
double flops_of(const Op& op) { return op.flops; }
double ps_of(const Op& op) { return static_cast<double>(op.device.ps()); }

// What a layer's kernels compute is what the model's formula counts: products forward and twice that backward.
TEST(Transformer, flops_of_the_kernels_are_those_of_the_formula) {
  const kernels::OperationTimes times(kernels::load_device_profile("a100-sxm-80g"));
  for (const char* name : {"gpt3-175b", "llama3-70b", "palm-540b", "bert-large"}) {
    JobSpec job = gpt_22b();
    job.model = *shipped_model(name);
    job.parallel.tp = 1;
    job.attention = AttentionKind::unfused;
    const kernels::SoftwareProfile software = kernels::load_software_profile("megatron-2021");
    const TransformerOps ops(job, software, times);
    const auto all = [](const Ops& list) { return sum(list, OpClass::gemm, flops_of) + sum(list, OpClass::attention, flops_of); };
    const double layer = all(ops.layer_forward(0));
    EXPECT_DOUBLE_EQ(all(ops.layer_backward(0)), 2 * layer) << name;
    job.model.layers = 0;  // what is left is the head
    const double head = model_flops_per_sequence(job.model) * job.micro_batch;
    job.model.layers = 1;
    EXPECT_NEAR(3 * layer / (model_flops_per_sequence(job.model) * job.micro_batch - head), 1, 1e-12) << name;
  }
}

// Selective recomputation runs scores, softmax and P V again, and nothing of it where flash attention keeps none.
TEST(Transformer, selective_recomputation_repeats_the_attention_core) {
  const kernels::OperationTimes times(kernels::load_device_profile("a100-sxm-80g"));
  const kernels::SoftwareProfile software = kernels::load_software_profile("megatron-2021");
  JobSpec job = gpt_22b();
  const auto attention = [&](bool forward) {
    const TransformerOps ops(job, software, times);
    return sum(forward ? ops.layer_forward(0) : ops.layer_backward(0), OpClass::attention, ps_of);
  };
  const double forward = attention(true), backward = attention(false);
  job.recompute = Recompute::selective;
  EXPECT_DOUBLE_EQ(attention(false), forward + backward);
  job.attention = AttentionKind::flash;
  const double flash = attention(false);
  job.recompute = Recompute::none;
  EXPECT_DOUBLE_EQ(attention(false), flash);
}

// fp8 casts what enters its products, T (2 h/sp + h/t + f/t) elements forward with the projection's input split; the head
// stays in 16 bits.
TEST(Transformer, fp8_charges_casts_and_keeps_the_head) {
  const kernels::OperationTimes times(kernels::load_device_profile("h100-sxm"));
  const kernels::SoftwareProfile software = kernels::load_software_profile("megatron-core");
  JobSpec job = gpt_22b();
  job.precision = Precision::bf16;
  const auto ops = [&] { return TransformerOps(job, software, times); };
  const double head = sum(ops().head_forward(), OpClass::gemm, ps_of);
  const double plain = sum(ops().layer_forward(0), OpClass::memory_bound, ps_of);
  const double products = sum(ops().layer_forward(0), OpClass::gemm, ps_of);
  job.precision = Precision::fp8;
  EXPECT_EQ(sum(ops().head_forward(), OpClass::gemm, ps_of), head);
  EXPECT_LT(sum(ops().layer_forward(0), OpClass::gemm, ps_of), products);
  const double elements = 4.0 * 2048 * (2 * 6144 + 6144 / 8.0 + 24576 / 8.0);
  const double casts = 4 * software.kernel_gap_s + times.memory_bound(software.fp8_cast * elements).seconds;
  EXPECT_NEAR(sum(ops().layer_forward(0), OpClass::memory_bound, ps_of) - plain, casts * 1e12, 10);
  job.fp8_recipe = Fp8Recipe::block;  // costs more
  EXPECT_GT(sum(ops().layer_forward(0), OpClass::memory_bound, ps_of) - plain, casts * 1.2e12);
}

// Side by side behind one norm, attention and feed-forward part reduce once.
TEST(Transformer, parallel_blocks_halve_the_tensor_parallel_collectives) {
  const kernels::OperationTimes times(kernels::load_device_profile("a100-sxm-80g"));
  JobSpec job = gpt_22b();
  const auto bytes = [&] {
    const TransformerOps ops(job, kernels::load_software_profile("megatron-core"), times);
    return sum(ops.layer_forward(0), OpClass::collective, [](const Op& op) { return double(op.bytes.count()); });
  };
  const double one_after_the_other = bytes();
  job.model.parallel_blocks = true;
  EXPECT_DOUBLE_EQ(bytes(), one_after_the_other / 2);
}

// A bidirectional layer attends to twice as many pairs as a causal one.
TEST(Transformer, an_encoder_is_not_causal) {
  const kernels::OperationTimes times(kernels::load_device_profile("a100-sxm-80g"));
  JobSpec job = gpt_22b();
  const auto attention = [&] {
    const TransformerOps ops(job, kernels::load_software_profile("megatron-core"), times);
    return sum(ops.layer_forward(0), OpClass::attention, flops_of);
  };
  const double causal = attention();
  job.model.architecture = Architecture::encoder;
  EXPECT_DOUBLE_EQ(attention(), 2 * causal);
}
// A gather or scatter D beside a product G, in 4 chunks: max(D - G, D/4) is left; while both run the product takes 1.16 times as
// long. An all-reduce can hide only behind a weight gradient.
TEST(Transformer, overlapped_tensor_parallelism_leaves_the_longer_and_a_chunk) {
  const kernels::OperationTimes times(kernels::load_device_profile("a100-sxm-80g"));
  const kernels::SoftwareProfile software = kernels::load_software_profile("nemo").in({.device = times.profile().name});
  ASSERT_EQ(software.tp_overlap_chunks, 4);
  JobSpec job = gpt_22b();
  job.parallel.sequence_parallel = true;
  const Ops ops = TransformerOps(job, software, times).layer_forward(0);
  const auto gather = std::find_if(ops.begin(), ops.end(), [](const Op& op) { return op.op_class == OpClass::collective; });
  const auto product = std::find_if(gather, ops.end(), [](const Op& op) { return op.op_class == OpClass::gemm; });
  const double alone = times.scale_up_collective(kernels::CollectiveOp::all_gather, 8, static_cast<double>(gather->bytes.count())).seconds;
  const double exposed = std::max(alone - (product->device.in_seconds() - software.kernel_gap_s), alone / 4);
  EXPECT_NEAR(gather->hidden.in_seconds(), (alone - exposed) * (2 - software.overlap_slowdown), 1e-9);
  EXPECT_GT(gather->hidden, sim::Time{});

  const auto hidden = [&](const Ops& list) { return sum(list, OpClass::collective, [](const Op& op) { return double(op.hidden.ps()); }); };
  job.parallel.sequence_parallel = false;
  EXPECT_EQ(hidden(TransformerOps(job, software, times).layer_forward(0)), 0);
  EXPECT_GT(hidden(TransformerOps(job, software, times).layer_backward(0)), 0);
  job.overlap_tp = false;
  EXPECT_EQ(hidden(TransformerOps(job, software, times).layer_backward(0)), 0);
}
}  // namespace
