#include "kernels/calibrate/plan_of_operations.hpp"
#include <gtest/gtest.h>
#include <algorithm>
#include <map>
#include <set>
#include "kernels/calibrate/fit/predict.hpp"

namespace {

using namespace kernels::calibrate;

Machine machine(const std::string& platform, int ranks) {
  return {.device = "any",
          .platform = platform,
          .facts = {},
          .ranks = ranks,
          .hosts = 1,
          .multiprocessors = 1,
          .memory_bytes = 8e9,
          .memory_clock_Bps = 0};
}

std::map<std::string, int> kinds(const std::vector<Planned>& plan) {
  std::map<std::string, int> count;
  for (const Planned& planned : plan)
    if (const auto* operation = std::get_if<Operation>(&planned)) ++count[kind_of(*operation)];
  return count;
}

TEST(PlanOfOperations, what_is_held_out_is_never_calibrated) {
  for (const char* platform : {"cpu", "cuda"}) {
    std::set<std::string> calibrated;
    for (const Planned& planned : plan_of_calibration(machine(platform, 4), 600))
      if (const auto* operation = std::get_if<Operation>(&planned)) {
        EXPECT_TRUE(calibrated.insert(to_json(*operation)).second) << "twice: " << to_json(*operation);
        EXPECT_FALSE(is_held_out(*operation));
      }
    const auto checked = plan_of_selfcheck(machine(platform, 4), 60);
    EXPECT_GT(checked.size(), 100u);
    for (const Planned& planned : checked) {
      const auto& operation = std::get<Operation>(planned);
      EXPECT_TRUE(is_held_out(operation));
      EXPECT_FALSE(calibrated.contains(to_json(operation)));
    }
  }
}

TEST(PlanOfOperations, a_short_budget_has_some_of_each_kind) {
  const auto of_cpu = kinds(plan_of_calibration(machine("cpu", 2), 20));
  for (const char* kind :
       {"product fp32", "batched product fp32", "copy in memory", "softmax in memory", "all_reduce", "all_to_all", "message"})
    EXPECT_TRUE(of_cpu.contains(kind)) << kind;
  EXPECT_GE(of_cpu.at("product fp32"), 25);
  const auto of_gpu = kinds(plan_of_calibration(machine("cuda", 8), 120));
  for (const char* kind : {"product bf16", "product fp8", "product fp16", "product tf32", "product fp32", "attention forward",
                           "attention backward", "copy host_to_device", "copy peer", "launch", "broadcast", "reduce_scatter"})
    EXPECT_TRUE(of_gpu.contains(kind)) << kind;
}

TEST(PlanOfOperations, more_time_measures_more_and_keeps_the_order) {
  const auto few = plan_of_selfcheck(machine("cpu", 2), 20), many = plan_of_selfcheck(machine("cpu", 2), 40);
  ASSERT_LT(few.size(), many.size());
  EXPECT_TRUE(std::equal(few.begin(), few.end(), many.begin()));
}

// Every number of ranks from 2 up, from a few bytes to 64 MiB, each part whole floats.
TEST(PlanOfOperations, collectives_of_all_sizes_and_numbers_of_ranks) {
  std::set<std::size_t> ranks;
  double least = 1e18, most = 0;
  for (const Planned& planned : plan_of_calibration(machine("cpu", 4), 600)) {
    const auto* operation = std::get_if<Operation>(&planned);
    const auto* collective = operation ? std::get_if<Collective>(operation) : nullptr;
    if (!collective) continue;
    ranks.insert(collective->members.size());
    least = std::min(least, collective->bytes);
    most = std::max(most, collective->bytes);
    if (collective->op != kernels::CollectiveOp::all_to_all) continue;
    EXPECT_EQ(std::fmod(collective->bytes, 4.0 * double(collective->members.size())), 0);
  }
  EXPECT_EQ(ranks, (std::set<std::size_t>{2, 3, 4}));
  EXPECT_LE(least, 16);
  EXPECT_EQ(most, 0x1p26);
}

TEST(PlanOfOperations, one_rank_has_nobody_to_talk_to) {
  for (const auto& [kind, count] : kinds(plan_of_calibration(machine("cpu", 1), 60)))
    EXPECT_TRUE(kind.find("product") != std::string::npos || kind.find("memory") != std::string::npos) << kind;
}

}  // namespace
