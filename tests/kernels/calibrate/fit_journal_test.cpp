#include "kernels/calibrate/fit/fit_journal.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <fstream>
#include "kernels/calibrate/fit/predict.hpp"
#include "sim/error.hpp"
#include "tests/kernels/calibrate/made_up_machine.hpp"
#include "tests/temporary_folder.hpp"

namespace {

using namespace kernels::calibrate;
using ::testing::HasSubstr;

Calibration fitted(const Journal& journal) { return fit_journal(journal, settings_of(journal.machine, "mine")); }

// Median error of operations that are never measured in a calibration.
double held_out_error(const Calibration& calibration, const std::string& kinds, int ranks = 2) {
  const kernels::OperationTimes times(calibration.profile);
  std::vector<double> errors;
  for (const Planned& planned : plan_of_selfcheck(made_up::machine(ranks), 60)) {
    const auto& operation = std::get<Operation>(planned);
    if (kind_of(operation).find(kinds) == std::string::npos) continue;
    errors.push_back(std::abs(predict(operation, times, calibration.costs.factor)->seconds / made_up::law(operation) - 1));
  }
  EXPECT_GT(errors.size(), 1u);
  return kernels::fit::median(errors);
}

TEST(FitJournal, finds_the_law_of_what_was_not_measured) {
  const Calibration calibration = fitted(made_up::journal(0));
  EXPECT_LT(held_out_error(calibration, "product"), 0.03);
  EXPECT_LT(held_out_error(calibration, "all_reduce"), 0.03);
  EXPECT_LT(held_out_error(calibration, "all_to_all"), 0.05);
  EXPECT_NEAR(calibration.profile.network.intra_step_seconds, 3e-6, 1e-7);
  EXPECT_NEAR(calibration.profile.scale_up.bandwidth_Bps * calibration.profile.scale_up.efficiency, 5e9, 5e7);
}

// Noise of 0, 3 and 6 %: the median error of both kinds stays of that size, and what was left out lies in the intervals.
TEST(FitJournal, noise_stays_noise) {
  const Calibration calibration = fitted(made_up::journal(0.03));
  EXPECT_LT(held_out_error(calibration, "product"), 0.06);
  EXPECT_LT(held_out_error(calibration, "all_"), 0.08);
  EXPECT_GT(error_statistics(calibration.rows).back().inside_interval, 0.85);
  EXPECT_LT(error_statistics(calibration.rows).back().median_abs_error, 0.08);
}

// Four ranks were measured in groups of 2, 3 and 4; the model says what 8 would take.
TEST(FitJournal, collectives_of_other_numbers_of_ranks_follow_the_model) {
  const Calibration calibration = fitted(made_up::journal(0, 300, 4));
  const kernels::OperationTimes times(calibration.profile);
  for (const double bytes : {0x1p12, 0x1p20, 0x1p25}) {
    const Collective eight{kernels::CollectiveOp::all_reduce, {0, 1, 2, 3, 4, 5, 6, 7}, bytes};
    const auto time = times.scale_up_collective(eight.op, 8, bytes);
    EXPECT_NEAR(time.seconds / made_up::law(eight), 1, 0.15) << bytes;
    EXPECT_FALSE(time.inside_measured_range);
  }
}

// Work of 1 s and 2 s. The product ends after 2 s: it took twice as long. Of the collective 2 / 1.5 s of work were done by then.
TEST(FitJournal, tells_how_much_a_product_and_a_collective_slow_each_other) {
  const Calibration calibration = fitted(made_up::journal(0));
  EXPECT_NEAR(*calibration.costs.overlap_slowdown, 2, 1e-9);
  EXPECT_NEAR(*calibration.costs.overlap_collective_slowdown, 1.5, 1e-9);
}

TEST(FitJournal, a_loop_that_is_slower_than_a_copy_becomes_a_coefficient_of_the_software_profile) {
  const Calibration calibration = fitted(made_up::journal(0));
  EXPECT_NEAR(calibration.costs.factor[static_cast<std::size_t>(MemoryKernel::softmax)], 4, 0.2);
  const weftsim::test::TemporaryFolder folder;
  const std::string path = folder / "mine.software.json";
  std::ofstream(path) << software_json(calibration.costs, "mine bare", "a \"made-up\" machine");
  const auto software = kernels::load_software_profile(path), bare = kernels::load_software_profile("bare");
  EXPECT_NEAR(software.score_forward / bare.score_forward, 4, 0.2);
  EXPECT_NEAR(software.residual_forward / bare.residual_forward, 1, 0.05);
  EXPECT_NEAR(factors_in(software)[static_cast<std::size_t>(MemoryKernel::softmax)], 4, 0.2);
  EXPECT_NEAR(software.overlap_slowdown, 2, 1e-3);
}

TEST(FitJournal, the_profile_says_where_it_comes_from_and_reads_back) {
  const Calibration calibration = fitted(made_up::journal(0.02));
  const std::string json = to_json(calibration.profile);
  const auto read = kernels::parse_device_profile(json, "mine.json");
  EXPECT_EQ(to_json(read), json);
  EXPECT_TRUE(read.calibrated);
  EXPECT_EQ(read.scale_up.library, "Open MPI v4.1.4");
  EXPECT_EQ(read.peak(kernels::Precision::bf16), 0);
  EXPECT_GT(read.memory.points.size(), 3u);
  EXPECT_THAT(json, HasSubstr("made-up CPU; mpi Open MPI v4.1.4, as packaged"));
  EXPECT_EQ(to_json(fitted(made_up::journal(0.02)).profile), json);
}

TEST(FitJournal, one_rank_has_no_collectives) {
  const Calibration calibration = fitted(made_up::journal(0.02, 60, 1));
  EXPECT_TRUE(calibration.profile.scale_up.tables.empty());
  EXPECT_NO_THROW(kernels::parse_device_profile(to_json(calibration.profile), "mine.json"));
}

TEST(FitJournal, too_few_products_are_refused) {
  Journal journal = made_up::journal(0);
  journal.samples.resize(20);
  try {
    fitted(journal);
    FAIL();
  } catch (const sim::InputError& error) {
    EXPECT_THAT(error.what(), HasSubstr("matrix products were measured, and a fit needs 20. Measure longer (--budget)."));
  }
}

}  // namespace
