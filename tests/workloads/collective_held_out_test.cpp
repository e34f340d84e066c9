#include <fmt/format.h>
#include <gmock/gmock.h>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include "tests/temporary_folder.hpp"
#include "workloads/studies/validate.hpp"

using namespace workloads;

namespace {

// all_reduce of 2, 4 and 8 A100 that takes 10 us a step and 4 ps a byte, from 1 KiB to 512 MiB, in as many logs as `factors`.
std::string table(const std::vector<double>& factors) {
  std::string text = "gpu_type,n_gpus,n_nodes,op,message_bytes,time_us,network,quality,algo_proto,source,nccl_version,dtype\n";
  for (std::size_t log = 0; log < factors.size(); ++log)
    for (const int ranks : {2, 4, 8})
      for (double bytes = 1024; bytes <= 0x1p29; bytes *= 2)
        text += fmt::format("A100_SXM4_80GB,{},1,all_reduce,{:.0f},{},NVLink3 NVSwitch,ok,default,log {},2.27.3,float32\n", ranks, bytes,
                            factors[log] * (20 * (ranks - 1) + 4e-6 * bytes), log);
  return text;
}

class HeldOut : public testing::Test {
 protected:
  Validation of(const std::vector<double>& factors, const std::string& only = "collectives*") {
    std::ofstream(folder_.path() / "collectives.csv") << table(factors);
    return validate({.data = folder_.path().string(), .only = only, .threads = 1, .progress = {}});
  }
  const HeldOutSet* set(const Validation& validation, std::string_view size, std::string_view unseen) {
    for (const auto& s : validation.held_out)
      if (s.device == "a100-sxm-80g" && s.operation == "all_reduce" && s.size == size && s.unseen == unseen) return &s;
    return nullptr;
  }
  weftsim::test::TemporaryFolder folder_;
};

}  // namespace

// 3 x 10 rows of each size class, each half four times; the form can say them but for the protocols' borders.
TEST_F(HeldOut, halves_and_numbers_of_ranks_are_predicted_by_fits_without_them) {
  const Validation validation = of({1});
  const HeldOutSet *half = set(validation, "from 1 MiB", "half"), *ranks = set(validation, "below 1 MiB", "4 ranks");
  ASSERT_TRUE(half && ranks);
  EXPECT_EQ(half->n, 120);
  EXPECT_EQ(ranks->n, 10);
  EXPECT_LT(half->geometric_error, 0.08);
  EXPECT_LT(ranks->geometric_error, 0.03);
  EXPECT_EQ(half->spread, 0);
  EXPECT_EQ(set(validation, "from 1 MiB", "cluster"), nullptr);
}

// Two logs a factor of 1.21 apart: the larger of the two is off the other's time, so that their median is 10 % off both in the mean.
TEST_F(HeldOut, logs_that_differ_bound_the_error) {
  const Validation validation = of({1, 1.21});
  const HeldOutSet* half = set(validation, "below 1 MiB", "half");
  ASSERT_TRUE(half);
  EXPECT_NEAR(half->spread, 0.1, 1e-6);
  EXPECT_NEAR(half->geometric_error, 0.1, 0.03);
}

TEST_F(HeldOut, json_has_them_and_other_tables_have_not) {
  const auto json = nlohmann::json::parse(validation_json(of({1})));
  for (const char* key : {"device", "operation", "size", "unseen", "n", "geometric_error", "bias", "spread"})
    EXPECT_TRUE(json["held_out"][0].contains(key)) << key;
  EXPECT_TRUE(of({1}, "training").held_out.empty());
}
