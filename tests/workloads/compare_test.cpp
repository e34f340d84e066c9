#include "workloads/studies/compare.hpp"
#include <gmock/gmock.h>
#include <cmath>
#include "sim/error.hpp"
#include "workloads/run.hpp"
#include "workloads/scenario_reader.hpp"
#include "workloads/summary.hpp"

namespace workloads {
namespace {

Result with_causes(double step_time_s, std::vector<ErrorCause> causes) {
  Result result{.name = "x", .gpus = 8};
  result.jobs.push_back({.name = "x", .gpus = 8, .step_time_s = step_time_s, .error_causes = std::move(causes)});
  return result;
}
Comparison compared(const Result& a, const Result& b) { return compare(summary_json(a), summary_json(b)); }

// The same 10 % of all of both: nothing is left of it in the ratio.
TEST(Compare, what_both_owe_to_one_cause_cancels) {
  const Comparison c = compared(with_causes(1, {{"kernels", 1, 0.1}}), with_causes(2, {{"kernels", 1, 0.1}}));
  EXPECT_DOUBLE_EQ(c.ratio, 2);
  EXPECT_DOUBLE_EQ(c.low, 2);
  EXPECT_DOUBLE_EQ(c.high, 2);
}

// Kernels weigh 0.9 and 0.6, the network 0.1 and 0.4: sigma^2 = (0.3 * 0.1)^2 + (0.3 * 0.2)^2, times 1.645 for 90 %.
TEST(Compare, what_weighs_differently_remains) {
  const Comparison c = compared(with_causes(1, {{"kernels", 0.9, 0.1}, {"network", 0.1, 0.2}}),
                                with_causes(1.5, {{"kernels", 0.6, 0.1}, {"network", 0.4, 0.2}}));
  const double half = std::exp(1.645 * std::hypot(0.03, 0.06));
  EXPECT_NEAR(c.low, 1.5 / half, 1e-9);
  EXPECT_NEAR(c.high, 1.5 * half, 1e-9);
}

TEST(Compare, oversubscription_shows_in_the_reductions_and_its_ratio_is_surer_than_either_run) {
  const auto summary = [](const char* name) { return summary_of(name, 1); };
  const Comparison c = compare(summary("dp-leaf-spine"), summary("dp-leaf-spine-4to1"));
  EXPECT_GT(c.ratio, 1.1);
  EXPECT_LT(c.high / c.low, std::sqrt(c.b.high_s / c.b.low_s));
  ASSERT_FALSE(c.breakdown.empty());
  EXPECT_EQ(c.breakdown[0].name, "dp_comm");
  EXPECT_NEAR(*c.breakdown[0].difference(), c.b.step_time_s - c.a.step_time_s, 0.01 * c.b.step_time_s);
  EXPECT_TRUE(c.full_a.empty());
  EXPECT_FALSE(c.full_b.empty());
}

TEST(Compare, refuses_what_is_no_summary) {
  EXPECT_THROW(compare("{}", "{}"), sim::InputError);
  EXPECT_THROW(compare("no json", "{}"), sim::InputError);
  EXPECT_THROW(summary_of("nowhere/results.csv:3", 1), sim::InputError);
  EXPECT_THROW(summary_of("nowhere.h5", 1), sim::InputError);
}

}  // namespace
}  // namespace workloads
