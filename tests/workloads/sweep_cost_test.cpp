#include "workloads/studies/sweep_cost.hpp"
#include <gmock/gmock.h>
#include <algorithm>
#include <array>
#include <numeric>

namespace workloads {
namespace {
using ::testing::ElementsAre;

// 1, 2 and 8 s by the first axis, times 1 and 3 by the second; one pair was not tried: 8 s x 3.
TEST(SweepCost, a_time_is_a_product_of_a_factor_an_axis) {
  const std::vector<SweepCost::Sample> samples = {{{0, 0}, 1}, {{0, 1}, 3}, {{1, 0}, 2}, {{1, 1}, 6}, {{2, 0}, 8}};
  const SweepCost cost(std::array<std::size_t, 2>{3, 2}, samples);
  EXPECT_NEAR(cost.seconds(std::array<std::size_t, 2>{2, 1}), 24, 3);
  EXPECT_NEAR(cost.seconds(std::array<std::size_t, 2>{0, 0}), 1, 0.15);
}

// Values 0 and 9 of ten were tried: 3 is like 0, 7 is like 9.
TEST(SweepCost, a_value_that_was_not_tried_is_like_its_nearest) {
  const std::vector<SweepCost::Sample> samples = {{{0}, 1}, {{0}, 1}, {{9}, 16}, {{9}, 16}};
  const SweepCost cost(std::array<std::size_t, 1>{10}, samples);
  EXPECT_DOUBLE_EQ(cost.seconds(std::array<std::size_t, 1>{3}), cost.seconds(std::array<std::size_t, 1>{0}));
  EXPECT_DOUBLE_EQ(cost.seconds(std::array<std::size_t, 1>{7}), cost.seconds(std::array<std::size_t, 1>{9}));
}

TEST(SweepCost, knows_nothing_without_samples) {
  EXPECT_DOUBLE_EQ(SweepCost(std::array<std::size_t, 1>{2}, {}).seconds(std::array<std::size_t, 1>{1}), 1);
}

// One of 8 s, eight of 1 s: the dear one is a shard of its own.
TEST(ShareOut, cheap_and_dear_shards_take_as_long) {
  EXPECT_THAT(share_out(std::array<double, 9>{1, 1, 1, 1, 8, 1, 1, 1, 1}, 2),
              ElementsAre(ElementsAre(4), ElementsAre(0, 1, 2, 3, 5, 6, 7, 8)));
}

TEST(ShareOut, every_place_once_and_no_shard_empty) {
  std::vector<double> costs(1000);
  for (std::size_t i = 0; i < costs.size(); ++i) costs[i] = double(i % 97) / 10;
  const auto shards = share_out(costs, 16);
  ASSERT_EQ(shards.size(), 16u);
  std::vector<std::size_t> all;
  double least = 1e9, most = 0;
  for (const auto& shard : shards) {
    double sum = 0;
    for (const std::size_t i : shard) sum += costs[i];
    least = std::min(least, sum), most = std::max(most, sum);
    all.insert(all.end(), shard.begin(), shard.end());
  }
  std::ranges::sort(all);
  std::vector<std::size_t> expected(costs.size());
  std::iota(expected.begin(), expected.end(), std::size_t{0});
  EXPECT_EQ(all, expected);
  EXPECT_LT(most / least, 1.02);
  EXPECT_EQ(share_out(std::array<double, 3>{0, 0, 0}, 8).size(), 3u);
}

}  // namespace
}  // namespace workloads
