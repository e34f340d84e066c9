#include "kernels/calibrate/measure.hpp"
#include <gmock/gmock.h>
#include <random>
#include "kernels/calibrate/median.hpp"
#include "tests/kernels/calibrate/fake_backend.hpp"

namespace kernels::calibrate {
namespace {
using testing::DoubleNear;
using weftsim::test::FakeBackend;
using weftsim::test::FakeRanks;
using weftsim::test::noise;
using weftsim::test::Script;

const Operation product = Product{{.m = 64, .n = 64, .k = 64, .precision = Precision::fp32}};
const Operation reduce = Collective{CollectiveOp::all_reduce, {0, 1}, 4096};
const MeasureOptions exact{.interval = 0.01, .least_sample_seconds = 0, .least_seconds = 0};

std::optional<Sample> measure(const Operation& operation, int ranks, Script script, double seconds = 10, MeasureOptions options = exact) {
  return FakeRanks(ranks, std::move(script)).run([&](FakeBackend& backend) {
    return Harness(backend, options, [] { return false; }).measure(operation, seconds);
  });
}

// Of six values the range holds the median unless all lie on one side of it: 1 - 2 / 2^6 = 97 %.
// Of ten, leaving out one at each end: 1 - 2 (1 + 10) / 2^10 = 97.9 %; two: 1 - 2 (1 + 10 + 45) / 2^10 = 89 %.
TEST(MedianInterval, takes_the_order_statistics_of_the_binomial_distribution) {
  const auto interval = [](int count) {
    std::vector<double> values;
    for (int i = 1; i <= count; ++i) values.push_back((i * 5) % (count + 1));  // 1 to count, mixed
    return median_interval(values);
  };
  EXPECT_EQ(interval(6).low, 1);
  EXPECT_EQ(interval(6).high, 6);
  EXPECT_EQ(interval(6).median, 3.5);
  EXPECT_EQ(interval(10).low, 2);
  EXPECT_EQ(interval(10).high, 9);
  EXPECT_EQ(median_interval(std::vector<double>{5}).low, 5);
}

TEST(MedianInterval, holds_the_true_median_in_95_of_100_cases) {
  std::mt19937 random(3);
  std::lognormal_distribution<double> law(0, 1);  // its median is 1
  int held = 0;
  for (int i = 0; i < 2000; ++i) {
    std::vector<double> values(25);
    for (double& value : values) value = law(random);
    const auto interval = median_interval(values);
    held += interval.low <= 1 && 1 <= interval.high;
  }
  EXPECT_GE(held, 1900);
  EXPECT_LT(held, 1990) << "wider than it must be";
}

TEST(Outliers, are_beyond_five_median_absolute_deviations) {
  EXPECT_EQ(count_outliers(std::vector<double>{10, 11, 9, 10.5, 9.5, 12.4, 100}), 1);
  EXPECT_EQ(count_outliers(std::vector<double>{}), 0);
}

// 1 ms +- 10 %, even: the harness must go on until it knows the median to 1 %.
TEST(Harness, repeats_until_the_median_is_known) {
  Script noisy;
  noisy.seconds = [](const Operation&, int, int run) { return 1e-3 * (1 + 0.1 * noise(run)); };
  const auto sample = measure(product, 1, noisy);
  ASSERT_TRUE(sample);
  EXPECT_THAT(sample->seconds, DoubleNear(1e-3, 2e-5));
  EXPECT_LE(sample->high - sample->low, 0.02 * sample->seconds);
  EXPECT_GT(sample->samples, 100);
  EXPECT_TRUE(sample->flushed);

  EXPECT_EQ(measure(product, 1, {})->samples, 10) << "without noise ten are enough";
  EXPECT_LT(measure(product, 1, noisy, 0.05)->samples, 50) << "or the time is up";
}

TEST(Harness, throws_throttled_samples_away_and_counts_them) {
  Script slow_at_times;
  int run_number = 0;
  slow_at_times.throttled = [](int, int sample) { return sample % 3 == 2; };
  slow_at_times.seconds = [&](const Operation&, int, int) { return (run_number++ % 3 == 2) ? 5e-3 : 1e-3; };
  const auto sample = measure(product, 1, slow_at_times);
  ASSERT_TRUE(sample);
  EXPECT_THAT(sample->seconds, DoubleNear(1e-3, 1e-9));
  EXPECT_THAT(sample->high, DoubleNear(1e-3, 1e-9));
  EXPECT_EQ(sample->throttled, 5);

  Script always;
  always.throttled = [](int, int) { return true; };
  EXPECT_FALSE(measure(product, 1, always, 0.1));
}

TEST(Harness, counts_outliers_and_does_not_follow_them) {
  Script disturbed;
  disturbed.seconds = [](const Operation&, int, int run) { return run % 8 == 7 ? 1 : 1e-3 * (1 + 0.001 * noise(run)); };
  const auto sample = measure(product, 1, disturbed, 1000);
  EXPECT_THAT(sample->seconds, DoubleNear(1e-3, 1e-5));
  EXPECT_GE(sample->outliers, 1);
}

// A sample must last 1 ms and a run takes 10 us: a hundred runs and 20 % more make a sample, and its mean is one run.
TEST(Harness, runs_short_operations_many_times_in_a_sample) {
  int runs = 0;
  Script script;
  script.seconds = [&](const Operation&, int, int) { return ++runs, 10e-6; };
  const auto sample = measure(Launch{}, 1, script, 10, {.least_sample_seconds = 1e-3, .least_seconds = 0});
  EXPECT_THAT(sample->seconds, DoubleNear(10e-6, 1e-12));
  EXPECT_GE(runs, 10 * 120);
}

TEST(Harness, takes_the_slowest_of_all_ranks) {
  Script script;
  script.seconds = [](const Operation&, int rank, int) { return rank == 1 ? 3e-3 : 1e-3; };
  EXPECT_THAT(measure(product, 3, script)->seconds, DoubleNear(3e-3, 1e-9));
  script.throttled = [](int rank, int) { return rank == 1; };
  EXPECT_FALSE(measure(product, 3, script, 0.1)) << "one throttled rank spoils the sample";
}

TEST(Harness, takes_half_a_round_trip_for_a_message) {
  Script script;
  script.seconds = [](const Operation& operation, int, int) { return std::get<Message>(operation).source == 0 ? 3e-3 : 1e-3; };
  EXPECT_THAT(measure(Message{0, 1, 8}, 2, script)->seconds, DoubleNear(2e-3, 1e-9));
}

// The way between two caches is five times that within one: what began at one place and ended at the other is neither's.
TEST(Harness, leaves_out_communication_while_ranks_were_moved) {
  Script script;
  script.apart = [](int) { return 440e-9; };
  EXPECT_EQ(measure(reduce, 2, script)->apart, 440e-9);
  EXPECT_EQ(measure(product, 2, script)->apart, 0) << "products do not communicate";
  script.apart = [](int call) { return call == 0 ? 440e-9 : 85e-9; };
  EXPECT_FALSE(measure(reduce, 2, script));
}

TEST(Harness, says_what_cannot_run_and_leaves_out_what_takes_too_long) {
  Script script;
  script.obstacle = [](const Operation&, int rank) { return rank == 1 ? "no fp32 here." : ""; };
  EXPECT_EQ(measure(product, 2, script)->skipped, "another rank cannot run it.");
  EXPECT_EQ(measure(reduce, 1, {})->skipped, "rank 1 is not there: 1 ranks measure.");
  script = {};
  script.seconds = [](const Operation&, int, int) { return 1.0; };
  EXPECT_FALSE(measure(product, 1, script, 0.5)) << "six runs of a second each in four times half a second";
}

TEST(Harness, ends_at_all_ranks_when_rank_0_is_interrupted) {
  const bool ended = FakeRanks(2, {}).run([](FakeBackend& backend) {
    int left = 8;
    Harness harness(backend, exact, [&] { return --left < 0; });
    return !harness.measure(product, 10) && harness.interrupted();
  });
  EXPECT_TRUE(ended);
}

// The product takes 1 ms and the collective 3 ms: three products beside one collective.
TEST(Harness, starts_a_product_and_a_collective_together) {
  const Beside pair{std::get<Product>(product), std::get<Collective>(reduce)};
  Script script;
  script.seconds = [](const Operation& operation, int, int) { return std::holds_alternative<Product>(operation) ? 1e-3 : 3e-3; };
  const auto sample =
      FakeRanks(2, script).run([&](FakeBackend& backend) { return Harness(backend, exact, [] { return false; }).measure(pair, 10); });
  ASSERT_TRUE(sample);
  EXPECT_THAT(sample->product_alone, DoubleNear(1e-3, 1e-9));
  EXPECT_THAT(sample->collective_alone, DoubleNear(3e-3, 1e-9));
  EXPECT_EQ(sample->product_runs, 3);
  EXPECT_EQ(sample->collective_runs, 1);
  EXPECT_THAT(sample->product_beside, DoubleNear(1e-3, 1e-9)) << "the streams of this device do not slow each other";
  EXPECT_THAT(sample->collective_beside, DoubleNear(3e-3, 1e-9));
}

}  // namespace
}  // namespace kernels::calibrate
