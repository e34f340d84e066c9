// Two generations of accelerators in one job: who is slower is waited for.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include "workloads/collective/collective_run.hpp"
#include "workloads/run.hpp"
#include "workloads/scenario_reader.hpp"

namespace workloads {
namespace {

// 64 GPUs, the first `first` hosts of eight with one accelerator, the others with the other; the hosts are else alike.
Scenario half_and_half(const std::string& first, const std::string& other, const std::string& parallel, int hosts = 4) {
  return read_scenario_text(
      fmt::format("schema: weftsim/1\nname: mixed\ncluster:\n  gpus: 64\n  accelerator: {}\n  host: {{preset: dgx-h100}}\n  groups:\n"
                  "    - {{count: {}, accelerator: {}, host: {{preset: dgx-h100}}}}\n"
                  "  fabric: {{type: leaf-spine, radix: 64, link: {{bandwidth: 400 Gb/s, latency: 300 ns}}, routing: adaptive}}\n"
                  "workload: {{model: gpt-3.6b, parallel: {{{}}}, micro_batch: 1, global_batch: 64, software: megatron-core}}\n",
                  other, hosts, first, parallel),
      "mixed.yaml");
}
Result run_of(const std::string& first, const std::string& other, const std::string& parallel, bool fold = true) {
  RunOptions options;
  options.fold = fold;
  return run(half_and_half(first, other, parallel), options);
}
double step_of(const std::string& first, const std::string& other, const std::string& parallel) {
  return run_of(first, other, parallel).jobs[0].step_time_s;
}
constexpr const char* a100 = "a100-sxm-80g";
constexpr const char* h100 = "h100-sxm";

// Replicas reduce their gradients together: H100s wait for A100s, and the step is that of A100s alone, but for collectives that the
// profile of H100s has slower.
TEST(UnlikeDevices, data_parallelism_is_as_fast_as_the_slower_half) {
  const std::string parallel = "tp: 8, pp: 1, dp: 8";
  const double slow = step_of(a100, a100, parallel), fast = step_of(h100, h100, parallel), mixed = step_of(a100, h100, parallel);
  EXPECT_LT(fast, 0.8 * slow);
  EXPECT_GE(mixed / slow, 1);
  EXPECT_LT(mixed / slow, 1.03);
  EXPECT_DOUBLE_EQ(step_of(h100, a100, parallel), mixed);
}

// The first four stages on one kind, the others on the other.
TEST(UnlikeDevices, stages_of_a_pipeline_take_their_own_times) {
  const std::string parallel = "tp: 4, pp: 2, dp: 8";
  const double slow = step_of(a100, a100, parallel), fast = step_of(h100, h100, parallel);
  const Result mixed = run_of(a100, h100, parallel);
  EXPECT_GT(mixed.jobs[0].step_time_s, 1.05 * fast);
  EXPECT_LT(mixed.jobs[0].step_time_s, 0.99 * slow);
}

TEST(UnlikeDevices, folding_keeps_the_kinds_apart) {
  for (const char* parallel : {"tp: 8, pp: 1, dp: 8", "tp: 4, pp: 2, dp: 8"}) {
    const Result folded = run_of(a100, h100, parallel), whole = run_of(a100, h100, parallel, false);
    EXPECT_LT(folded.ranks_simulated, whole.ranks_simulated);
    EXPECT_DOUBLE_EQ(folded.jobs[0].step_time_s, whole.jobs[0].step_time_s);
  }
}

TEST(UnlikeDevices, peak_is_the_mean_and_memory_that_of_the_fullest_device) {
  const std::string parallel = "tp: 8, pp: 1, dp: 8";
  const JobResult mixed = run_of("a100-sxm-40g", h100, parallel).jobs[0];
  const JobResult slow = run_of("a100-sxm-40g", "a100-sxm-40g", parallel).jobs[0], fast = run_of(h100, h100, parallel).jobs[0];
  EXPECT_DOUBLE_EQ(mixed.peak_flops_per_gpu, (slow.peak_flops_per_gpu + fast.peak_flops_per_gpu) / 2);
  EXPECT_EQ(mixed.memory.capacity, slow.memory.capacity);
  EXPECT_LT(mixed.memory.capacity, fast.memory.capacity);
  // Also where the smaller device is not that of rank 0.
  EXPECT_EQ(run_of(h100, "a100-sxm-40g", parallel).jobs[0].memory.capacity, slow.memory.capacity);
}

// A100s have no NVLS tree: what they would run is what runs, and takes their time.
TEST(UnlikeDevices, a_collective_takes_what_the_slower_would) {
  const auto seconds = [](const char* first, const char* other) {
    collective::CollectiveSpec spec;
    spec.min_bytes = spec.max_bytes = 1 << 28;
    return collective::run_collective(half_and_half(first, other, "tp: 8, pp: 1, dp: 8"), spec).rows.at(0).time_s;
  };
  EXPECT_DOUBLE_EQ(seconds(a100, h100), std::max(seconds(a100, a100), seconds(h100, h100)));
}

}  // namespace
}  // namespace workloads
