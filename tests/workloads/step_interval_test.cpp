#include "workloads/step_interval.hpp"
#include <gtest/gtest.h>
#include <cmath>
#include "workloads/run.hpp"
#include "workloads/scenario_reader.hpp"

using namespace workloads;

namespace {
JobResult example(const std::string& accelerator, const std::string& scenario = "dp-leaf-spine") {
  return run(read_shipped_scenario(scenario, {.overrides = {"cluster.accelerator=" + accelerator}}), {}).jobs[0];
}
double half_width(const JobResult& job) { return (job.interval_high_s / job.interval_low_s - 1) / 2; }
}  // namespace

// 60 % of the time wrong by 10 % and all of it by 8 %, independently: sqrt(0.06^2 + 0.08^2) = 10 %.
TEST(StepInterval, causes_add_as_squares) {
  const std::vector<ErrorCause> causes = {{"products", 0.6, 0.1}, {"software", 1, 0.08}};
  EXPECT_NEAR(log_sigma(causes), 0.1, 1e-12);
}

// The software is common to both and cancels; products weigh 0.6 and 0.5: 0.1 * 0.1 = 1 % is left. Another device shares nothing.
TEST(StepInterval, what_two_runs_share_cancels_in_their_ratio) {
  const std::vector<ErrorCause> a = {{"products", 0.6, 0.1}, {"software", 1, 0.08}}, b = {{"products", 0.5, 0.1}, {"software", 1, 0.08}};
  EXPECT_NEAR(log_sigma_of_ratio(a, b), 0.01, 1e-12);
  EXPECT_EQ(log_sigma_of_ratio(a, a), 0);
  const std::vector<ErrorCause> other = {{"other products", 0.6, 0.1}, {"software", 1, 0.08}};
  EXPECT_NEAR(log_sigma_of_ratio(a, other), 0.06 * std::sqrt(2), 1e-12);
}

TEST(StepInterval, two_fabrics_compare_better_than_either_is_known) {
  const JobResult a = example("a100-sxm-80g"), b = example("a100-sxm-80g", "dp-leaf-spine-4to1");
  EXPECT_LT(log_sigma_of_ratio(a.error_causes, b.error_causes), 0.5 * log_sigma(a.error_causes));
}

TEST(StepInterval, a_device_that_was_not_measured_is_flagged_and_less_certain) {
  const JobResult measured = example("a100-sxm-80g"), assumed = example("a30");
  EXPECT_FALSE(measured.outside_calibrated_range);
  EXPECT_TRUE(assumed.outside_calibrated_range);
  EXPECT_LT(half_width(measured), 0.20);
  EXPECT_GT(half_width(assumed), 0.30);
}
