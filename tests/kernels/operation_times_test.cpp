#include "kernels/operation_times.hpp"
#include <gtest/gtest.h>
#include <cmath>
#include <thread>
#include <vector>
#include "kernels/gemm_surface.hpp"
#include "sim/error.hpp"
#include "tests/kernels/sample_profile.hpp"

using namespace kernels;

namespace {
const GemmDevice device{100, 100e12, 1e12, 2};
}

// On the grid: formula times the ratio that stands there.
TEST(GemmTimes, grid_points_come_back) {
  const OperationTimes times(sample_profile());
  const auto& tiles = times.profile().gemm[0].tiles;
  const auto formula = [&](const GemmShape& s) { return tile_seconds(tile_plans(s, 100), s, tiles, device); };
  EXPECT_NEAR(times.gemm({1024, 1024, 1024}).seconds, formula({1024, 1024, 1024}), 1e-12);
  EXPECT_NEAR(times.gemm({4096, 1024, 4096}).seconds, 1.5 * formula({4096, 1024, 4096}), 1e-12);
  EXPECT_TRUE(times.gemm({1024, 1024, 1024}).inside_measured_range);
}

// Half way in the logarithms of m and k: the geometric mean of the four ratios.
TEST(GemmTimes, between_grid_points_the_logarithm_of_the_ratio_is_linear) {
  const OperationTimes times(sample_profile());
  const GemmShape middle{2048, 1024, 2048};
  const double formula = tile_seconds(tile_plans(middle, 100), middle, times.profile().gemm[0].tiles, device);
  EXPECT_NEAR(times.gemm({2048, 1024, 2048}).seconds / formula, std::pow(1 * 1.1 * 1.25 * 1.5, 0.25), 1e-9);
}

// A table's fp8 product contains the cast of its m x k operand: 10 us + 8 B * 4096 * 2048 / 1 TB/s = 77.1 us.
TEST(GemmTimes, casting_is_told_from_the_product) {
  const OperationTimes times(sample_profile());
  const Gemm gemm{4096, 4096, 2048, 1, Precision::fp8};
  const double cast = 10e-6 + 8.0 * 4096 * 2048 / 1e12;
  EXPECT_NEAR(times.table_gemm(gemm).seconds - times.gemm(gemm).seconds, cast, 1e-12);
  EXPECT_NEAR(times.quantise(4096.0 * 2048, Precision::fp8).seconds, cast, 1e-15);
  EXPECT_EQ(times.table_gemm({4096, 4096, 2048}).seconds, times.gemm({4096, 4096, 2048}).seconds);
}

TEST(GemmTimes, a_precision_without_units_is_refused) {
  DeviceProfile profile = sample_profile();
  profile.peak_flops[4] = 0;
  profile.gemm.pop_back();
  try {
    OperationTimes(profile).gemm({1024, 1024, 1024, 1, Precision::fp8});
    FAIL();
  } catch (const sim::InputError& error) {
    EXPECT_STREQ(error.what(),
                 "accelerator 'sample': it has no fp8 units (it has: fp32, tf32, fp16, bf16). Choose one of these as precision.");
  }
}

// Stated: 0.9 to 1.15 of the prediction. Outside the grid errors are twice as wide: 0.9^2 to 1.15^2.
TEST(GemmTimes, intervals_come_from_the_residuals_and_widen_outside) {
  const OperationTimes times(sample_profile());
  const OperationTime inside = times.gemm({2048, 1024, 2048}), outside = times.gemm({65536, 1024, 2048});
  EXPECT_DOUBLE_EQ(inside.low, 0.9);
  EXPECT_DOUBLE_EQ(inside.high, 1.15);
  EXPECT_DOUBLE_EQ(outside.low, 0.81);
  EXPECT_DOUBLE_EQ(outside.high, 1.15 * 1.15);
}

// 10 x 10 tiles of 256 x 128 are one wave of 100 multiprocessors, 10 x 11 are two (or one of smaller tiles).
TEST(GemmTimes, one_tile_more_than_multiprocessors_costs_a_wave) {
  TileModel model{0, 0, 1, 1, {1, 0.5, 0.5, 0.5, 0.5}};
  const auto seconds = [&](std::int64_t n) {
    const GemmShape s{2560, n, 32};  // k of one step: nothing to split
    return tile_seconds(tile_plans(s, 100), s, model, {100, 100e12, 1e15, 2});
  };
  EXPECT_NEAR(seconds(1280), 2.0 * 2560 * 1280 * 32 / 100e12, 1e-12);
  EXPECT_NEAR(seconds(1408) / seconds(1280), 2, 1e-9);
  model.wave_rounding = 0;  // a kernel that spreads the rest of a wave: as much as there is to do
  EXPECT_NEAR(seconds(1408) / seconds(1280), 1.1, 1e-9);
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
  gemm = {4096, 1024, 4096, 1, Precision::fp16};  // on the grid
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
