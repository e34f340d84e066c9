#include "workloads/studies/sweep_run.hpp"
#include <gmock/gmock.h>
#include <filesystem>
#include <fstream>
#include <sstream>
#include "sim/error.hpp"
#include "tests/temporary_folder.hpp"
#include "workloads/run.hpp"
#include "workloads/scenario_reader.hpp"

namespace workloads {
namespace {
using ::testing::ElementsAre;
using ::testing::HasSubstr;
namespace fs = std::filesystem;

class SweepRun : public ::testing::Test {
 protected:
  static Sweep sweep(const std::string& axes, const std::string& rest = "") {
    return Sweep::from_text("schema: weftsim-sweep/1\nbase: quick\naxes:\n  network: [analytic]\n" + axes + rest, "s.yaml");
  }
  SweepOutcome run(const Sweep& s, SweepOptions options = {}) const {
    options.directory = folder_;
    return run_sweep(s, options);
  }
  std::string contents(const std::string& name) const {
    std::stringstream text;
    text << std::ifstream(folder_ + "/" + name, std::ios::binary).rdbuf();
    return text.str();
  }
  std::vector<std::string> lines() const {
    std::vector<std::string> found;
    std::istringstream text(contents("results.csv"));
    for (std::string line; std::getline(text, line);) found.push_back(line);
    return found;
  }
  weftsim::test::TemporaryFolder temporary_;
  std::string folder_ = temporary_ / "out";
};

TEST_F(SweepRun, a_row_is_what_the_run_alone_gives) {
  run(sweep("  workload.micro_batch: [2, 4]\n"));
  const Result alone = workloads::run(read_shipped_scenario("quick", {.overrides = {"network=analytic", "workload.micro_batch=4"}}));
  ASSERT_EQ(lines().size(), 3u);
  EXPECT_EQ(lines()[0],
            "point,network,workload.micro_batch,status,reason,step_time_s,low_s,high_s,tokens_per_s,mfu,memory_bytes,max_link_utilization,"
            "switches,modules,power_w,price_usd,signature");
  EXPECT_THAT(lines()[2], ::testing::StartsWith("1,analytic,4,ok,,"));
  EXPECT_DOUBLE_EQ(std::stod(lines()[2].substr(17)), alone.jobs[0].step_time_s);
}

TEST_F(SweepRun, the_files_do_not_depend_on_the_number_of_jobs) {
  const Sweep s = sweep("  workload.micro_batch: [1, 2, 3, 4]\n  workload.recompute: [none, full]\n", "where: [\"micro_batch < 4\"]\n");
  run(s, {.jobs = 1});
  const std::string csv = contents("results.csv"), h5 = contents("results.h5");
  fs::remove_all(folder_);
  run(s, {.jobs = 4});
  EXPECT_EQ(contents("results.csv"), csv);
  EXPECT_TRUE(contents("results.h5") == h5);
}

TEST_F(SweepRun, resume_runs_what_is_missing_or_has_changed) {
  EXPECT_EQ(run(sweep("  workload.micro_batch: [1, 2]\n")).reused, 0u);
  const std::string before = contents("results.csv");
  EXPECT_THROW(run(sweep("  workload.micro_batch: [1, 2]\n")), sim::InputError);
  EXPECT_EQ(run(sweep("  workload.micro_batch: [1, 2]\n"), {.resume = true}).reused, 2u);
  EXPECT_EQ(contents("results.csv"), before);
  const SweepOutcome edited = run(sweep("  workload.micro_batch: [4, 2, 1]\n"), {.resume = true});
  EXPECT_EQ(edited.ok, 3u);
  EXPECT_EQ(edited.reused, 2u);
  EXPECT_EQ(run(sweep("  workload.micro_batch: [1, 2]\n"), {.resume = true, .seed = 7}).reused, 0u);
}

// Point 2 is no scenario; of the others 1 is run as a shard, then 0 and 3 as another.
TEST_F(SweepRun, points_that_others_ran_are_collected) {
  const Sweep s = sweep("  workload.micro_batch: [1, 2, 3, 4]\n");
  run(s);
  const std::string csv = contents("results.csv"), h5 = contents("results.h5");
  fs::remove_all(folder_);
  const SweepOptions options{.directory = folder_, .resume = true};
  EXPECT_THAT(points_to_run(s, options), ElementsAre(0, 1, 3));
  run_points(s, {1}, options);
  EXPECT_THAT(points_to_run(s, options), ElementsAre(0, 3));
  const SweepOutcome early = collect_sweep(s, options);
  EXPECT_EQ(early.ok, 1u);
  EXPECT_EQ(early.missing.size(), 2u);
  EXPECT_FALSE(early.all_well());
  EXPECT_THAT(lines()[1], ::testing::StartsWith("0,analytic,1,missing,not simulated yet"));
  run_points(s, {0, 3}, options);
  EXPECT_TRUE(points_to_run(s, options).empty());
  EXPECT_TRUE(collect_sweep(s, options).missing.empty());
  EXPECT_EQ(contents("results.csv"), csv);
  EXPECT_TRUE(contents("results.h5") == h5);
  EXPECT_THROW(run_points(s, {4}, options), sim::InputError);
}

// Weights of hidden 49,152 do not fit; a batch of 3 does not divide; the third is left out on purpose.
TEST_F(SweepRun, lists_what_is_wrong_and_does_the_rest) {
  const Sweep s = sweep("  workload.model.hidden: [1536, 49152]\n  workload.global_batch: [64, 63, 128]\n  on_oom: [error]\n",
                        "where: [\"global_batch < 128 || hidden > 2000\"]\n");
  const SweepOutcome outcome = run(s);
  const auto points = [](const std::vector<ListedPoint>& list) {
    std::vector<std::size_t> numbers;
    for (const ListedPoint& p : list) numbers.push_back(p.point);
    return numbers;
  };
  EXPECT_EQ(outcome.ok, 1u);
  EXPECT_THAT(points(outcome.excluded), ElementsAre(2));
  EXPECT_THAT(points(outcome.invalid), ElementsAre(1, 4));
  EXPECT_THAT(points(outcome.failed), ElementsAre(3, 5));
  EXPECT_FALSE(outcome.all_well());
  EXPECT_THAT(outcome.invalid[0].reason, HasSubstr("s.yaml:6: workload: global_batch 63 is not divisible"));
  EXPECT_THAT(outcome.failed[0].reason, HasSubstr("does not fit in memory"));
  EXPECT_THAT(lines()[3], HasSubstr(",invalid,where: global_batch < 128 || hidden > 2000,"));
  EXPECT_EQ(run(s, {.resume = true}).failed.size(), 2u);
  EXPECT_TRUE(run(sweep("  workload.micro_batch: [1, 2]\n", "where: \"micro_batch < 2\"\n"), {.resume = true}).all_well());
}

TEST_F(SweepRun, a_sweep_without_one_good_point_is_wrong_input) {
  EXPECT_THROW(run(sweep("  workload.micro_batchs: [1, 2]\n")), sim::InputError);
  EXPECT_FALSE(fs::exists(folder_));
}

TEST_F(SweepRun, a_stopped_sweep_keeps_what_is_done) {
  const Sweep s = sweep("  workload.micro_batch: [1, 2, 4]\n");
  int done = 0;
  EXPECT_THROW(run(s, {.jobs = 1, .progress = [&](double) { return ++done < 2; }}), Interrupted);
  EXPECT_FALSE(fs::exists(folder_ + "/results.csv"));
  EXPECT_EQ(run(s, {.resume = true}).reused, 2u);
}

TEST_F(SweepRun, estimates_without_leaving_anything) {
  const SweepEstimate estimate =
      estimate_sweep(sweep("  workload.micro_batch: [1, 2, 4, 5]\n", "where: \"micro_batch != 2\"\n"), {.directory = folder_});
  EXPECT_EQ(estimate.runs, 2u);
  EXPECT_EQ(estimate.excluded.size(), 1u);
  EXPECT_EQ(estimate.invalid.size(), 1u);
  EXPECT_GT(estimate.seconds, 0);
  EXPECT_FALSE(fs::exists(folder_));
}

}  // namespace
}  // namespace workloads
