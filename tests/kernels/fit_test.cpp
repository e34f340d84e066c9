#include "kernels/fit/fit_device_profile.hpp"
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <map>
#include "kernels/fit/numerics.hpp"
#include "kernels/gemm_surface.hpp"
#include "kernels/operation_times.hpp"
#include "sim/error.hpp"

using namespace kernels;
using namespace kernels::fit;
using testing::HasSubstr;

namespace {

// A device whose products follow the tile formula times a smooth factor: what a fit must find again.
double true_seconds(const GemmShape& s) {
  static const TileModel truth{3e-6, 150, 0.75, 1, {0.9, 0.75, 0.7, 0.6, 0.4}};
  static const GemmDevice device{108, 312e12, 2.039e12, 2, 2};
  return tile_seconds(tile_plans(s, 108), s, truth, device) * (1 + 0.05 * std::sin(std::log2(double(s.k))));
}

CsvTable synthetic_gemm() {
  std::string text = "dtype,m,n,k,time_us\n";
  for (const int m : {128, 512, 1024, 2048, 8192})
    for (const int n : {128, 768, 1536, 3072, 3584, 8192})
      for (const int k : {64, 256, 768, 1024, 2048, 4096, 8192})
        text += fmt::format("bf16,{},{},{},{}\n", m, n, k, 1e6 * true_seconds({m, n, k}));
  return CsvTable(text, "gemm.csv");
}

}  // namespace

// x is 3 and 2 without the bound; the second case would want a negative slope.
TEST(Numerics, least_squares_stays_above_zero) {
  EXPECT_THAT(nonnegative_least_squares({{1, 1}, {1, 2}, {1, 3}}, {5, 7, 9}), testing::Pointwise(testing::DoubleNear(1e-9), {3, 2}));
  EXPECT_THAT(nonnegative_least_squares({{1, 1}, {1, 2}, {1, 3}}, {3, 2, 1}), testing::Pointwise(testing::DoubleNear(1e-9), {2, 0}));
}

// Rosenbrock's valley has its minimum at (1, 1).
TEST(Numerics, simplex_finds_the_end_of_a_curved_valley) {
  const auto valley = [](const std::vector<double>& x) { return std::pow(1 - x[0], 2) + 100 * std::pow(x[1] - x[0] * x[0], 2); };
  EXPECT_THAT(minimise(valley, {-1, 2}, 0.5, 1000), testing::Pointwise(testing::DoubleNear(1e-4), {1, 1}));
}

TEST(Numerics, residuals_of_equal_ratios_have_no_scatter) {
  const Residual r = residual_of("x", 3, {std::log(1.1), std::log(1.1), std::log(1.1)});
  EXPECT_NEAR(r.median_abs_error, 0.1, 1e-12);
  EXPECT_NEAR(r.bias, 0.09531, 1e-9);
  EXPECT_NEAR(r.sigma, 0, 1e-9);
}

TEST(FitGemm, a_known_surface_is_found_again_at_points_that_were_left_out) {
  const DataSheet sheet = load_data_sheet("a100-sxm-80g");
  DeviceProfile profile = sheet.profile;
  fit_gemm(synthetic_gemm(), sheet, profile);
  EXPECT_LT(profile.residual("gemm_bf16_m256")->median_abs_error, 0.03);
  EXPECT_LT(profile.residual("gemm_bf16_large")->p90_abs_error, 0.06);
  // 3584 columns fall between multiples of a wave: a point that no neighbour tells about.
  const OperationTimes times(profile);
  EXPECT_NEAR(times.gemm({1024, 3584, 3072}).seconds / true_seconds({1024, 3584, 3072}), 1, 0.05);
  EXPECT_NEAR(times.gemm({1024, 3072, 3072}).seconds / true_seconds({1024, 3072, 3072}), 1, 0.05);
}

TEST(FitGemm, wrong_tables_are_refused) {
  const DataSheet sheet = load_data_sheet("a100-sxm-80g");
  DeviceProfile profile = sheet.profile;
  const auto says = [&](const std::string& text) -> std::string {
    try {
      fit_gemm(CsvTable(text, "g.csv"), sheet, profile);
    } catch (const sim::InputError& error) {
      return error.what();
    }
    return "accepted";
  };
  EXPECT_THAT(says("dtype,m,n,k,time\n"), HasSubstr("g.csv:1: column 'time_us' is missing"));
  EXPECT_THAT(says("dtype,m,n,k,time_us\nbf16,128,128,128,0\n"), HasSubstr("g.csv:2: column 'time_us': 0 must be above zero."));
  EXPECT_THAT(says("dtype,m,n,k,time_us\nbf16,128,128,128,5\n"), HasSubstr("g.csv: 1 rows of bf16, and a fit needs 100."));
  EXPECT_THAT(says("dtype,m,n,k,time_us\nbf16,128,128,128,5\nbf16,128,128,128,6\n"), HasSubstr("128 x 128 x 128 stands there twice"));
}

TEST(FitCollectives, rows_without_a_switch_of_doubt_and_of_other_tools_are_left_out) {
  const std::string header = "gpu_type,n_gpus,n_nodes,op,message_bytes,time_us,network,quality,algo_proto,source\n";
  const std::string body =
      "G,8,1,all_reduce,1024,20,NVLink3 NVSwitch,ok,default,s\n"
      "G,8,1,alltoall,1024,20,NVLink3 NVSwitch,ok,default,s\n"
      "G,4,1,all_reduce,1024,20,\"4-GPU full mesh, no NVSwitch\",ok,default,s\n"
      "G,8,1,all_reduce,1024,20,NVLink3 NVSwitch,doubtful,default,s\n"
      "G,2,1,sendrecv,1024,20,NVLink3 NVSwitch,ok,cudaMemcpyPeer one direction,s\n"
      "H,8,1,all_reduce,1024,20,NVLink3 NVSwitch,ok,default,s\n";
  const auto rows = usable_rows(CsvTable(header + body, "c.csv"), {"G"});
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[1].op, CollectiveOp::all_to_all);
}

TEST(FitCollectives, nic_rates_are_read_from_free_text) {
  EXPECT_DOUBLE_EQ(nic_rate_of("NVLink3 NVSwitch + 8x200G HDR InfiniBand per node"), 200e9);
  EXPECT_DOUBLE_EQ(nic_rate_of("EFA 4x100G per node (AWS p4de.24xlarge)"), 50e9);
  EXPECT_EQ(nic_rate_of("NVLink3 NVSwitch"), 0);
}

TEST(DataSheets, an_unknown_device_gets_the_known_ones) {
  try {
    load_data_sheet("a100");
    FAIL();
  } catch (const sim::InputError& error) {
    EXPECT_THAT(error.what(), HasSubstr("device 'a100': there is no data sheet of this name (known: a10, a100-sxm-40g, a100-sxm-80g,"));
  }
}

TEST(DataSheets, a_device_that_was_not_measured_cannot_be_fitted) {
  try {
    read_fit_input(".", "t4");
    FAIL();
  } catch (const sim::InputError& error) {
    EXPECT_THAT(error.what(), HasSubstr("--device t4: it was never measured; its data sheet says it is like a100-sxm-80g."));
  }
}

namespace {
const std::string data = std::string(WEFTSIM_SOURCE_DIR) + "/../shared/measured";
}
class Shipped : public testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(Profiles, Shipped, testing::Values("a100-sxm-80g", "a100-sxm-40g", "h100-sxm", "h200-sxm", "b200-sxm", "gb200"));

// Held-out errors as stored: each half of the products is predicted from the other half.
TEST_P(Shipped, held_out_errors_are_small) {
  const DeviceProfile profile = load_device_profile(GetParam());
  EXPECT_LT(to_json(profile).size(), 200'000u);
  for (const auto& table : profile.gemm) {
    const std::string precision(name_of(table.precision));
    const Residual* tokens256 = profile.residual("gemm_" + precision + "_m256");
    const Residual* large = profile.residual("gemm_" + precision + "_large");
    ASSERT_TRUE(tokens256 && large) << precision;
    EXPECT_LT(tokens256->mean_abs_error, 0.06) << precision;
    EXPECT_LT(tokens256->p95_abs_error, 0.20) << precision;
    EXPECT_LT(std::abs(large->bias), 0.02) << precision;
    EXPECT_LT((large->high - large->low) / 2, 0.14) << precision;  // half width of the 90 % interval
  }
  EXPECT_LT(profile.residual("attention")->mean_abs_error, 0.08);
  EXPECT_LT(profile.residual("all_reduce")->median_abs_error, 0.08);
}

// The grid is the data, smoothed, and agrees to the rounding; fitted numbers may differ in the last digits where the C library does.
TEST_P(Shipped, agrees_with_a_fresh_fit) {
  if (!std::filesystem::exists(data)) GTEST_SKIP() << "The published measurements are not beside the project (" << data << ").";
  const std::string advice =
      fmt::format("Run: build/weftsim fit ../shared/measured --device {} --out kernels/profiles/{}.json", GetParam(), GetParam());
  const DeviceProfile fresh = fit_device_profile(read_fit_input(data, GetParam())), shipped = load_device_profile(GetParam());
  const auto close = [&](double a, double b) { EXPECT_NEAR(a, b, 0.02 * std::abs(b)) << advice; };
  ASSERT_EQ(fresh.gemm.size(), shipped.gemm.size()) << advice;
  for (std::size_t t = 0; t < fresh.gemm.size(); ++t) {
    const GemmTable &a = fresh.gemm[t], &b = shipped.gemm[t];
    ASSERT_EQ(a.correction.size(), b.correction.size()) << advice;
    for (std::size_t i = 0; i < a.correction.size(); ++i) close(a.correction[i], b.correction[i]);
    for (std::size_t i = 0; i < a.tiles.tile_peak.size(); ++i) close(a.tiles.tile_peak[i], b.tiles.tile_peak[i]);
    close(a.quantise.floor_seconds, b.quantise.floor_seconds);
  }
  ASSERT_EQ(fresh.attention.points.size(), shipped.attention.points.size()) << advice;
  ASSERT_EQ(fresh.scale_up.tables.size(), shipped.scale_up.tables.size()) << advice;
  for (std::size_t i = 0; i < fresh.scale_up.tables.size(); ++i)
    close(fresh.scale_up.tables[i].points.back().seconds, shipped.scale_up.tables[i].points.back().seconds);
  close(fresh.attention.model.peak_fraction, shipped.attention.model.peak_fraction);
  close(fresh.network.nic_efficiency, shipped.network.nic_efficiency);
  close(fresh.network.inter_step_seconds, shipped.network.inter_step_seconds);
  ASSERT_EQ(fresh.residuals.size(), shipped.residuals.size()) << advice;
  for (std::size_t i = 0; i < fresh.residuals.size(); ++i)
    EXPECT_NEAR(fresh.residuals[i].median_abs_error, shipped.residuals[i].median_abs_error, 0.002)
        << fresh.residuals[i].what << ". " << advice;
}

// A table in halves by a hash of the cells named.
std::pair<CsvTable, CsvTable> halves(const CsvTable& table, const std::vector<std::string>& columns) {
  const std::string names = fmt::format("{}\n", fmt::join(columns, ","));
  std::array<std::string, 2> text{names, names};
  for (std::size_t row = 0; row < table.rows(); ++row) {
    std::vector<std::string> cells;
    for (const auto& column : columns) cells.push_back(table.text(row, table.column(column)));
    const std::string line = fmt::format("{}\n", fmt::join(cells, ","));
    text[std::size_t(fold_of(line) % 2)] += line;
  }
  return {CsvTable(text[0], "one half.csv"), CsvTable(text[1], "other half.csv")};
}

// How many rows of each class the stated interval holds.
class Coverage {
 public:
  void count(std::string_view what, const OperationTime& predicted, double measured_s) {
    auto& [inside, rows] = counts_[std::string(what)];
    const double ratio = measured_s / predicted.seconds;
    inside += ratio >= predicted.low && ratio <= predicted.high;
    ++rows;
    half_widths_[std::string(what)].push_back((predicted.high - predicted.low) / 2);
  }
  // Within two sigmas of what chance allows; `repeats`: as often each row was counted.
  void expect_85_to_95_percent(int repeats = 1) const {
    EXPECT_FALSE(counts_.empty());
    for (const auto& [what, count] : counts_) {
      const double part = double(count.first) / count.second, chance = 2 * std::sqrt(0.9 * 0.1 * repeats / count.second);
      EXPECT_GT(part, 0.85 - chance) << what;
      EXPECT_LT(part, 0.95 + chance) << what;
    }
  }
  double median_half_width() const {
    std::vector<double> all;
    for (const auto& [what, widths] : half_widths_) all.insert(all.end(), widths.begin(), widths.end());
    return median(all);
  }

 private:
  std::map<std::string, std::pair<int, int>> counts_;
  std::map<std::string, std::vector<double>> half_widths_;
};

// Fitted to one half of a table, the stated intervals must hold 85 to 95 % of the other half, which neither the surface
// nor its residuals have seen.
TEST_P(Shipped, intervals_of_products_hold_for_the_half_that_was_not_fitted) {
  if (!std::filesystem::exists(data)) GTEST_SKIP() << "The published measurements are not beside the project (" << data << ").";
  const FitInput input = read_fit_input(data, GetParam());
  if (input.sheet.profile.name != input.measured.profile.name) GTEST_SKIP() << "Measured on another part: " << input.measured.profile.name;
  const auto [fitted, held_out] = halves(input.gemm, {"dtype", "m", "n", "k", "time_us"});
  DeviceProfile profile = input.sheet.profile;
  fit_gemm(fitted, input.measured, profile);
  profile.calibrated = true;
  profile.attention = load_device_profile(GetParam()).attention;
  const OperationTimes times(profile);
  const auto dtype = held_out.column("dtype"), m = held_out.column("m"), n = held_out.column("n"), k = held_out.column("k"),
             time = held_out.column("time_us");
  Coverage coverage;
  for (std::size_t row = 0; row < held_out.rows(); ++row)
    for (const auto p : all_precisions) {
      if (name_of(p) != held_out.text(row, dtype)) continue;
      const Gemm gemm{held_out.whole(row, m), held_out.whole(row, n), held_out.whole(row, k), 1, p};
      coverage.count(gemm_residual(gemm, p), times.table_gemm(gemm), held_out.positive(row, time) * 1e-6);
    }
  coverage.expect_85_to_95_percent();
  EXPECT_LT(coverage.median_half_width(), 0.12);
}

TEST_P(Shipped, intervals_of_attention_hold_for_the_half_that_was_not_fitted) {
  if (!std::filesystem::exists(data)) GTEST_SKIP() << "The published measurements are not beside the project (" << data << ").";
  const FitInput input = read_fit_input(data, GetParam());
  if (input.sheet.profile.name != input.measured.profile.name) GTEST_SKIP() << "Measured on another part: " << input.measured.profile.name;
  const auto& gpus = input.measured.measured->gpu_types;
  const auto [fitted, held_out] = halves(input.attention, {"gpu_type", "batch", "seq_len", "heads", "kv_heads", "head_dim", "causal",
                                                           "direction", "dtype", "time_us", "source"});
  DeviceProfile profile = load_device_profile(GetParam());
  std::erase_if(profile.residuals, [](const Residual& r) { return r.what.starts_with("attention"); });
  fit_attention(fitted, input.measured, profile);
  const OperationTimes times(profile);
  const auto cell = [&](std::size_t row, const char* name) { return held_out.text(row, held_out.column(name)); };
  const auto whole = [&](std::size_t row, const char* name) { return held_out.whole(row, held_out.column(name)); };
  Coverage coverage;
  for (std::size_t row = 0; row < held_out.rows(); ++row) {
    if (std::ranges::find(gpus, cell(row, "gpu_type")) == gpus.end() || cell(row, "causal") != "True") continue;
    const AttentionShape shape{whole(row, "batch"), whole(row, "seq_len"), whole(row, "heads"), whole(row, "kv_heads"),
                               whole(row, "head_dim")};
    coverage.count(attention_residual(shape.seq_len), times.flash_attention(shape, Direction::forward),
                   held_out.positive(row, held_out.column("time_us")) * 1e-6);
  }
  coverage.expect_85_to_95_percent();
}

// Rows that a fit did not see, in halves: the interval that the errors of one half give holds 85 to 95 % of the other.
TEST_P(Shipped, intervals_of_collectives_hold_for_rows_they_are_not_from) {
  if (!std::filesystem::exists(data)) GTEST_SKIP() << "The published measurements are not beside the project (" << data << ").";
  const FitInput input = read_fit_input(data, GetParam());
  DeviceProfile profile = input.sheet.profile;
  const auto held_out = fit_scale_up(input.collectives, input.measured, profile);
  const auto class_of = [](const CollectiveRow& row) {
    return row.bytes < 1 << 20 ? std::string("below 1 MiB") : std::string(name_of(row.op));
  };
  const auto half = [](const CollectiveRow& row) {
    return half_of(fmt::format("{} {} {} {}", row.source, row.nccl, row.ranks, row.bytes));
  };
  std::map<std::string, std::vector<double>> logs;
  for (const HeldOut& h : held_out)
    if (h.unseen == "half" && half(h.row) == 0) logs[class_of(h.row)].push_back(h.log());
  Coverage coverage;
  for (const HeldOut& h : held_out) {
    const auto known = logs.find(class_of(h.row));
    if (h.unseen != "half" || half(h.row) == 0 || known == logs.end()) continue;
    const Residual r = residual_of(known->first, std::int64_t(known->second.size()), known->second);
    coverage.count(known->first, {.seconds = h.predicted_s, .low = r.low, .high = r.high}, h.row.seconds);
  }
  coverage.expect_85_to_95_percent(4);  // a row in each of four splits
}

// Measured rows of the tables themselves: 8192^3 in BF16 4.19 ms, 256 MiB by all_reduce on 8 GPUs 2.16 ms (2.10 to 2.18 in three logs).
TEST(ShippedProfile, gives_back_what_was_measured) {
  const OperationTimes times(load_device_profile("a100-sxm-80g"));
  EXPECT_NEAR(times.gemm({8192, 8192, 8192}).seconds, 4.19e-3, 0.04e-3);
  EXPECT_NEAR(times.scale_up_collective(CollectiveOp::all_reduce, 8, 268435456).seconds, 2.162e-3, 0.05e-3);
}

// H100, 8192 x 256 x 8192: fp8 with the cast of its operand takes 207 us where bf16 takes 55 us; the product alone is faster than bf16's.
TEST(ShippedProfile, an_fp8_product_alone_is_faster_than_bf16) {
  const OperationTimes times(load_device_profile("h100-sxm"));
  const Gemm fp8{8192, 256, 8192, 1, Precision::fp8}, bf16{8192, 256, 8192};
  EXPECT_NEAR(times.table_gemm(fp8).seconds, 207.4e-6, 10e-6);
  EXPECT_LT(times.gemm(fp8).seconds, times.gemm(bf16).seconds);
}
