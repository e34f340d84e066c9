#include "bindings/cli/summary_text.hpp"
#include <gmock/gmock.h>

namespace {

using testing::HasSubstr;
using testing::Not;

workloads::JobResult job() {
  workloads::JobResult job{.name = "gpt", .gpus = 1536};
  job.step_time_s = 2;
  job.steps_s = {2};
  job.interval_low_s = 1.8;
  job.interval_high_s = 2.25;
  job.tokens_per_step = 6'144'000;
  job.model_flops_per_step = 3.072e17;
  job.hardware_flops_per_step = 3.84e17;
  job.peak_flops_per_gpu = 312e12;
  job.breakdown_s = {1.25, 0.25, 0, 0, 0.0625, 0.125, 0.25, 0.0625, 0, 0};
  job.memory = {
      .weights = 0x1p33, .gradients = 0x1p32, .optimizer = 0x1p34, .activations = 0x1p33, .buffers = 0, .capacity = 80 * 0x1p30, .rank = 3};
  return job;
}

workloads::Result result() {
  workloads::Result result{.name = "toy", .network = "fluid", .seed = 7, .gpus = 1536, .jobs = {job()}};
  result.network_stats = {
      .flows = 12'345, .bytes = 2.5e12, .max_link_utilization = 0.975, .mean_link_utilization = 0.0512, .full_link_count = 5};
  for (const double share : {0.4, 0.3, 0.2, 0.1})
    result.network_stats.full_links.push_back({"leaf-3 -> spines (5 links)", "leaf_spine", 0.975, share});
  result.events = 1'234'567;
  result.ranks_simulated = 8;
  result.wall_s = 0.25;
  result.signature = 0xabcdef;
  return result;
}

// 6,144,000 tokens / 2 s; 3.072e17 FLOP / 2 s / 1536 = 100 TFLOP/s, of 312 it is 32.05 %; a bar of 32 blocks is the whole step,
// so 62.5 % are 20 and 3.125 % are one; 4 of the 5 links that held flows back are named worst first, 3 of them shown.
TEST(SummaryText, is_this_text) {
  EXPECT_EQ(cli::summary_text(result(), {"run.h5", "run.svg"}), R"(toy: 1,536 GPUs, fluid network, seed 7

  step time   2.000 s   90 %: 1.800 to 2.250 s
  tokens/s    3,072,000   2,000 per GPU
  model       100.0 TFLOP/s per GPU   MFU 32.1 %
  hardware    125.0 TFLOP/s per GPU   HFU 40.1 %, recomputation included
  where the step time goes, mean over ranks
    compute      1.250 s   62.5 %  ████████████████████
    tp_comm      0.250 s   12.5 %  ████
    pp_comm      0.062 s    3.1 %  █
    dp_comm      0.125 s    6.2 %  ██
    pp_bubble    0.250 s   12.5 %  ████
    optimizer    0.062 s    3.1 %  █
  memory      36.0 of 80.0 GiB on rank 3, the fullest (45 %)
              weights 8.0, gradients 4.0, optimizer 16.0, activations 8.0

  network     links used 97.5 % at most, 5.1 % on average; 12,345 flows, 2.500 TB
  full links  leaf-3 -> spines (5 links): used 97.5 %, held flows back 40.0 % of the time
              leaf-3 -> spines (5 links): used 97.5 %, held flows back 30.0 % of the time
              leaf-3 -> spines (5 links): used 97.5 %, held flows back 20.0 % of the time
              and 2 more, the worst first
  simulated   8 of 1,536 ranks, 1,234,567 events, in 250.0 ms; signature 0000000000abcdef
  wrote       run.h5
              run.svg
)");
}

TEST(SummaryText, shows_the_longest_items_of_the_critical_path) {
  auto all = result();
  for (int i = 0; i < 10; ++i) all.jobs[0].critical_path.push_back({"kernel" + std::to_string(i), 0, 0.1});
  all.jobs[0].critical_path.push_back({"kernel9", 1, 1});
  const std::string text = cli::summary_text(all, {});
  EXPECT_THAT(text, HasSubstr("    kernel9                    1.100 s   55.0 %\n    kernel0                    0.100 s    5.0 %\n"));
  EXPECT_THAT(text, HasSubstr("    others                     0.200 s   10.0 %\n"));
}

TEST(SummaryText, shows_sensitivities) {
  auto all = result();
  all.sensitivity = {{"gemm_efficiency", 0.75, 0.015}, {"latency", 0.001, 2e-5}};
  EXPECT_THAT(cli::summary_text(all, {}), HasSubstr("    gemm_efficiency            0.750 %     15.00 ms\n"
                                                    "    latency                    0.001 %     20.00 us\n"));
}

TEST(SummaryText, says_that_memory_does_not_fit) {
  auto too_big = result();
  too_big.jobs[0].memory.optimizer = 0x1p37;  // 128 GiB, and 20 of the others
  EXPECT_THAT(cli::summary_text(too_big), HasSubstr("148.0 of 80.0 GiB on rank 3, the fullest (185 %)  DOES NOT FIT"));
  EXPECT_THAT(cli::summary_text(result()), Not(HasSubstr("DOES NOT FIT")));
}

TEST(SummaryText, says_when_the_interval_was_extrapolated) {
  auto outside = result();
  outside.jobs[0].outside_calibrated_range = true;
  EXPECT_THAT(cli::summary_text(outside), HasSubstr("90 %: 1.800 to 2.250 s, outside the calibrated range\n"));
}

// Without recomputation hardware FLOPs are model FLOPs: the line would say nothing new.
TEST(SummaryText, leaves_out_what_says_nothing) {
  auto plain = result();
  plain.jobs[0].hardware_flops_per_step = plain.jobs[0].model_flops_per_step;
  plain.network_stats = {};
  const std::string text = cli::summary_text(plain);
  EXPECT_THAT(text, Not(HasSubstr("HFU")));
  EXPECT_THAT(text, Not(HasSubstr("cp_comm")));
  EXPECT_THAT(text, Not(HasSubstr("full links")));
  EXPECT_THAT(text, Not(HasSubstr("wrote")));
  EXPECT_THAT(text, HasSubstr("network     not used: no flow left its scale-up domain\n"));
}

TEST(SummaryText, links_that_hardly_hold_flows_back_are_not_full) {
  auto free = result();
  free.network_stats.full_links = {{"a -> b", "host_leaf", 0.02, 0.009}};
  EXPECT_THAT(cli::summary_text(free),
              HasSubstr("full links  none: no link held flows below the rate of their own NICs for 1 % of the time\n"));
}

TEST(SummaryText, names_each_of_several_jobs) {
  auto two = result();
  two.jobs.push_back(two.jobs[0]);
  two.jobs[1].name = "llama";
  EXPECT_THAT(cli::summary_text(two), testing::AllOf(HasSubstr("job gpt: 1,536 GPUs\n"), HasSubstr("job llama: 1,536 GPUs\n")));
}

// The unit follows the step: 1.5 ms is not 0.002 s.
TEST(SummaryText, short_steps_are_in_smaller_units) {
  auto quick = result();
  quick.jobs[0].step_time_s = 0.0015;
  quick.jobs[0].interval_high_s = 0;
  EXPECT_THAT(cli::summary_text(quick), HasSubstr("step time   1.500 ms\n"));
  quick.jobs[0].step_time_s = 12.5e-6;
  EXPECT_THAT(cli::summary_text(quick), HasSubstr("step time   12.50 us\n"));
}

TEST(SummaryText, one_gpu_is_singular) {
  auto one = result();
  one.gpus = 1;
  EXPECT_THAT(cli::summary_text(one), HasSubstr("toy: 1 GPU, fluid network"));
}

}  // namespace
