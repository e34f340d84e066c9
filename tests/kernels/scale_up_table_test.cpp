#include "kernels/collectives/scale_up_table.hpp"
#include <gtest/gtest.h>
#include <algorithm>
#include <cmath>
#include "tests/kernels/sample_profile.hpp"

using namespace kernels;
using enum CollectiveOp;

namespace {
constexpr CollectiveOp all_ops[] = {all_reduce, all_gather, reduce_scatter, broadcast, all_to_all, send_receive};
ScaleUpTable sample() { return ScaleUpTable(sample_profile().scale_up); }
}  // namespace

TEST(ScaleUpTable, measured_points_come_back) {
  EXPECT_DOUBLE_EQ(sample().time(all_reduce, 8, 1048576).seconds, 40e-6);
  EXPECT_TRUE(sample().time(all_reduce, 8, 1048576).inside);
}

// Half way in the logarithm of bytes (1 KiB to 1 MiB: 32 KiB) is half way in that of time: sqrt(22 * 40) us.
TEST(ScaleUpTable, between_sizes_it_is_linear_in_logarithms) {
  EXPECT_NEAR(sample().time(all_reduce, 8, 32768).seconds, std::sqrt(22e-6 * 40e-6), 1e-12);
}

TEST(ScaleUpTable, constant_time_below_and_constant_bandwidth_above) {
  EXPECT_DOUBLE_EQ(sample().time(all_reduce, 8, 1).seconds, 22e-6);
  EXPECT_NEAR(sample().time(all_reduce, 8, 4.0 * (1 << 30)).seconds, 32e-3, 1e-9);
  EXPECT_FALSE(sample().time(all_reduce, 8, 8.0 * (1 << 30)).inside);
}

// Five ranks lie half way between two and eight: latency (10 + 22) / 2 us; beyond it, per unit of ring traffic, 10 us / 1 and
// 18 us / 1.75 at 1 MiB, times the traffic 2 * 4/5.
TEST(ScaleUpTable, between_rank_counts_latency_is_linear_and_bytes_follow_the_ring) {
  EXPECT_NEAR(sample().time(all_reduce, 5, 1048576).seconds, 16e-6 + 1.6 * (10e-6 + 18e-6 / 1.75) / 2, 1e-12);
}

// Half the steps and half the traffic of all_reduce.
TEST(ScaleUpTable, operations_without_a_table_follow_the_ring_relation) {
  for (const double bytes : {8.0, 1e5, 1e7, 1e9}) {
    EXPECT_NEAR(sample().time(all_gather, 8, bytes).seconds, sample().time(all_reduce, 8, bytes).seconds / 2, 1e-12);
    EXPECT_DOUBLE_EQ(sample().time(all_gather, 8, bytes).seconds, sample().time(reduce_scatter, 8, bytes).seconds);
    EXPECT_FALSE(sample().time(all_gather, 8, bytes).inside);
  }
}

TEST(ScaleUpTable, time_never_falls_with_bytes_or_at_more_ranks_than_measured) {
  const ScaleUpTable table = sample();
  for (const auto op : all_ops)
    for (int ranks = 2; ranks <= 72; ++ranks) {
      double before = 0;
      for (double bytes = 1; bytes < 1e11; bytes *= 1.7) {
        const double seconds = table.time(op, ranks, bytes).seconds;
        EXPECT_GE(seconds, before) << name_of(op) << ' ' << ranks << ' ' << bytes;
        before = seconds;
        EXPECT_GE(seconds, table.time(op, std::min(ranks, 8), bytes).seconds);
      }
    }
}

TEST(ScaleUpTable, one_rank_and_no_bytes_take_no_time) {
  EXPECT_EQ(sample().time(all_reduce, 1, 1e9).seconds, 0);
  EXPECT_EQ(sample().time(all_reduce, 8, 0).seconds, 0);
}

// base 5 us + 14 steps of 1 us + 1.75 * 1 GB / (0.75 * 300 GB/s).
TEST(ScaleUpTable, without_tables_the_formula_holds) {
  auto profile = sample_profile().scale_up;
  profile.tables.clear();
  EXPECT_NEAR(ScaleUpTable(profile).time(all_reduce, 8, 1e9).seconds, 19e-6 + 1.75e9 / 225e9, 1e-12);
  EXPECT_FALSE(ScaleUpTable(profile).time(all_reduce, 8, 1e9).inside);
}
