#include "kernels/operation_times.hpp"
#include <gtest/gtest.h>
#include <cmath>
#include <thread>
#include <vector>
#include "kernels/gemm_surface.hpp"
#include "tests/kernels/sample_profile.hpp"

using namespace kernels;

namespace {
const GemmDevice device{100, 100e12, 1e12, 2};
}

// 8192^3: 2 * 8192^3 FLOPs / 100 TFLOP/s = 10.995 ms at peak, / 0.8456.
TEST(GemmTimes, measured_points_come_back_exactly) {
  const OperationTimes times(sample_profile());
  EXPECT_NEAR(times.gemm({8192, 8192, 8192}).seconds, 2 * std::pow(8192.0, 3) / 100e12 / 0.8456, 1e-12);
  EXPECT_NEAR(times.gemm({1024, 1024, 1024}).seconds, 2 * std::pow(1024.0, 3) / 100e12 / 0.4123, 1e-12);
  EXPECT_TRUE(times.gemm({1024, 1024, 1024}).inside_measured_range);
}

// Both points at the same ratio r to the formula: between them it is r as well.
TEST(GemmTimes, between_two_points_their_ratio_to_the_formula_holds) {
  GemmProfile profile = sample_profile().gemm;
  const auto seconds = [&](const GemmShape& s) { return 1.25 * tile_seconds(tile_plans(s, 100), s, profile.tiles, device); };
  const GemmShape a{2048, 2048, 1024}, b{2048, 2048, 4096}, middle{2048, 2048, 2048};
  profile.points = {{a.m, a.n, a.k, roofline_seconds(a, device) / seconds(a)}, {b.m, b.n, b.k, roofline_seconds(b, device) / seconds(b)}};
  EXPECT_NEAR(GemmSurface(profile, device).seconds(middle, device) / seconds(middle), 1, 1e-9);
}

// 10 x 10 tiles of 256 x 128 are one wave of 100 multiprocessors, 10 x 11 are two (or one of smaller tiles).
TEST(GemmTimes, one_tile_more_than_multiprocessors_costs_a_wave) {
  const TileModel model{0, 0, 1, {1, 0.5, 0.5, 0.5, 0.5}};
  const auto seconds = [&](std::int64_t n) {
    const GemmShape s{2560, n, 32};  // k of one step: nothing to split
    return tile_seconds(tile_plans(s, 100), s, model, {100, 100e12, 1e15, 2});
  };
  EXPECT_NEAR(seconds(1280), 2.0 * 2560 * 1280 * 32 / 100e12, 1e-12);
  EXPECT_NEAR(seconds(1408) / seconds(1280), 2, 1e-9);
}

TEST(GemmTimes, outside_the_table_is_said_and_never_faster_than_the_peak) {
  const OperationTimes times(sample_profile());
  const auto huge = times.gemm({65536, 65536, 65536});
  EXPECT_FALSE(huge.inside_measured_range);
  EXPECT_GE(huge.seconds, 2 * std::pow(65536.0, 3) / 100e12);
  EXPECT_FALSE(times.gemm({64, 1024, 1024}).inside_measured_range);
}

// TF32 has half the peak here, so what is bound by compute takes about twice as long.
TEST(GemmTimes, another_precision_scales_by_its_peak_and_is_not_called_measured) {
  const OperationTimes times(sample_profile());
  Gemm gemm{4096, 4096, 4096, 1, Precision::tf32};
  EXPECT_NEAR(times.gemm(gemm).seconds / times.gemm({4096, 4096, 4096}).seconds, 2, 0.05);
  EXPECT_FALSE(times.gemm(gemm).inside_measured_range);
  gemm.precision = Precision::fp16;
  EXPECT_TRUE(times.gemm(gemm).inside_measured_range);
}

// 64 products of 1024 x 1024 x 64: 8.59 GFLOP at half of 100 TFLOP/s is 171.8 us; 64 * (2^20 + 2 * 2^16) * 2 B = 151 MB at 0.8 TB/s is
// 188.7 us.
TEST(GemmTimes, batched_products_follow_the_roofline) {
  EXPECT_NEAR(OperationTimes(sample_profile()).gemm({1024, 1024, 64, 64}).seconds, 64 * (1048576 + 2 * 65536) * 2 / 0.8e12, 1e-12);
}

TEST(GemmTimes, threads_and_copies_see_the_same_times) {
  const OperationTimes times(sample_profile());
  const OperationTimes other(sample_profile());
  std::vector<std::thread> threads;
  std::vector<std::vector<double>> seen(4);
  for (auto& mine : seen)
    threads.emplace_back([&times, &mine] {
      for (int n = 1; n < 200; ++n) mine.push_back(times.gemm({1000 + n, 3 * n, 777}).seconds);
    });
  for (auto& thread : threads) thread.join();
  for (int n = 1; n < 200; ++n)
    for (const auto& mine : seen) EXPECT_EQ(mine[std::size_t(n - 1)], other.gemm({1000 + n, 3 * n, 777}).seconds);
}

// 2 b s^2 h d = 2 * 4096^2 * 16 * 128 FLOPs at half of 100 TFLOP/s. Backward: 2.5 times the FLOPs at half the rate.
TEST(AttentionTimes, measured_points_come_back_and_the_rest_follows) {
  const OperationTimes times(sample_profile());
  const AttentionShape shape{1, 4096, 16, 16, 128, true};
  const double forward = 2.0 * 4096 * 4096 * 16 * 128 / 50e12;
  EXPECT_NEAR(times.flash_attention(shape, Direction::forward).seconds, forward, 1e-12);
  EXPECT_TRUE(times.flash_attention(shape, Direction::forward).inside_measured_range);
  EXPECT_NEAR(times.flash_attention(shape, Direction::backward).seconds, 5 * forward, 1e-12);
  EXPECT_FALSE(times.flash_attention(shape, Direction::backward).inside_measured_range);
  EXPECT_NEAR(times.flash_attention({1, 4096, 16, 16, 128, false}, Direction::forward).seconds, 2 * forward, 1e-12);
  EXPECT_FALSE(times.flash_attention({1, 4096, 16, 16, 64, true}, Direction::forward).inside_measured_range);
}

// 8 GB at 80 % of 1 TB/s.
TEST(MemoryTimes, bytes_over_achieved_bandwidth) { EXPECT_DOUBLE_EQ(OperationTimes(sample_profile()).memory_bound(8e9).seconds, 0.01); }
