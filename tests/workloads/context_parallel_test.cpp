// Context parallelism: ranks share the tokens of a sequence; keys and values go round while attention is at work.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include "sim/error.hpp"
#include "workloads/memory.hpp"
#include "workloads/program_builder.hpp"
#include "workloads/run.hpp"
#include "workloads/scenario_reader.hpp"

namespace {
using namespace workloads;

// Llama 3 8B on A100 hosts; tp 4 and cp 2 fill a host.
Scenario llama(int gpus, const std::string& parallel, int seq_len = 8192, const std::string& nics = "200 Gb/s") {
  return read_scenario_text(
      fmt::format("schema: weftsim/1\ncluster:\n  gpus: {}\n  accelerator: a100-sxm-80g\n"
                  "  host: {{preset: dgx-a100, nics: {{bandwidth: {}}}}}\n"
                  "  fabric: {{type: leaf-spine, radix: 32, rails: 8, link: {{bandwidth: {}, latency: 300 ns}}}}\n"
                  "workload: {{model: {{preset: llama3-8b, seq_len: {}}}, parallel: {}, global_batch: 8, software: megatron-core}}\n",
                  gpus, nics, nics, seq_len, parallel),
      "llama");
}

struct Sums {
  double flops = 0, attention_flops = 0, exchanged = 0;
};
Sums layer(const Scenario& scenario) {
  const JobSpec& job = scenario.jobs[0];
  const kernels::OperationTimes times(kernels::load_device_profile(scenario.cluster.accelerator));
  const kernels::SoftwareProfile software = kernels::load_software_profile(job.software);
  const TransformerOps ops(job, software, times);
  Sums sums;
  for (const Ops& direction : {ops.layer_forward(0), ops.layer_backward(0)})
    for (const Op& op : direction) {
      sums.flops += op.flops;
      if (op.op_class == OpClass::attention) sums.attention_flops += op.flops;
      if (op.meeting == Meeting::context_begin) sums.exchanged += static_cast<double>(op.bytes.count());
    }
  return sums;
}

// Each of two ranks does half of all. K and V of the whole sequence (8 heads of 128, 2 bytes, 8,192 tokens, over tp 4) go
// round once forward, and with their gradients once backward: three times.
TEST(ContextParallel, halves_the_work_and_exchanges_keys_and_values) {
  const Sums one = layer(llama(16, "{tp: 4}")), two = layer(llama(16, "{tp: 4, cp: 2}"));
  EXPECT_NEAR(two.flops, one.flops / 2, 1e-6 * one.flops);
  EXPECT_NEAR(two.attention_flops, one.attention_flops / 2, 1e-6 * one.flops);
  EXPECT_EQ(one.exchanged, 0);
  EXPECT_EQ(two.exchanged, 3 * 2.0 * (8 / 4) * 128 * 2 * 8192);
}

// A rank keeps the activations of its tokens, and the optimizer state is sharded over all that hold its parameters.
TEST(ContextParallel, splits_activations_and_optimizer_state) {
  const JobSpec one = llama(16, "{tp: 4, zero: 1}").jobs[0], two = llama(16, "{tp: 4, cp: 2, zero: 1}").jobs[0];
  EXPECT_EQ(two.parallel.dp, 2);
  EXPECT_DOUBLE_EQ(activation_bytes_per_layer(two, true), activation_bytes_per_layer(one, true) / 2);
  const auto software = kernels::load_software_profile("megatron-core");
  EXPECT_DOUBLE_EQ(static_memory(two, software, 1e9).optimizer, static_memory(one, software, 1e9).optimizer);
}

double waits(const JobResult& job) { return job.breakdown_s[static_cast<std::size_t>(Category::cp_comm)]; }

// Inside a host the exchange hides behind attention; over a slow network with short sequences it does not.
TEST(ContextParallel, exchange_shows_where_attention_is_shorter) {
  const JobResult hidden = run(llama(8, "{tp: 4, cp: 2}", 32768)).jobs[0];
  const JobResult shown = run(llama(16, "{tp: 8, cp: 2}", 2048, "10 Gb/s")).jobs[0];
  EXPECT_LT(waits(hidden), 0.001 * hidden.step_time_s);
  EXPECT_GT(waits(shown), 0.1 * shown.step_time_s);
}

TEST(ContextParallel, folded_and_whole_agree) {
  for (const char* parallel : {"{tp: 2, cp: 4, pp: 2}", "{tp: 8, cp: 2, zero: 1}", "{tp: 4, cp: 2, zero: 1, sequence_parallel: true}"}) {
    const Scenario scenario = llama(16, parallel);
    const Result folded = run(scenario, {.critical_path = true}), whole = run(scenario, {.fold = false, .critical_path = true});
    EXPECT_EQ(folded.jobs[0].steps_s, whole.jobs[0].steps_s) << parallel;
    EXPECT_LT(folded.ranks_simulated, whole.ranks_simulated) << parallel;
    for (const Result* result : {&folded, &whole}) {
      double path = 0;
      for (const PathItem& item : result->jobs[0].critical_path) path += item.seconds;
      EXPECT_NEAR(path, result->jobs[0].step_time_s, 1e-9 * path) << parallel;
    }
  }
}

TEST(ContextParallel, wants_two_parts_of_a_sequence_for_each_rank) {
  const auto message = [](const std::string& parallel, int seq_len) -> std::string {
    try {
      llama(16, parallel, seq_len);
    } catch (const sim::InputError& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_THAT(message("{tp: 4, cp: 2}", 8190), testing::HasSubstr("seq_len 8190 is not divisible by 2 * cp = 4"));
  EXPECT_THAT(message("{tp: 8, cp: 4}", 8192), testing::HasSubstr("16 GPUs are not divisible by tp * cp * pp = 8 * 4 * 1 = 32"));
  EXPECT_THAT(message("{tp: 8, cp: 2, dp: 3}", 8192), testing::HasSubstr("tp * cp * pp * dp = 8 * 2 * 1 * 3 is not the 16 GPUs"));
}
}  // namespace
