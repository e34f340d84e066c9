#include "kernels/software_profile.hpp"
#include <gmock/gmock.h>
#include <fstream>
#include <sstream>
#include "sim/error.hpp"
#include "tests/temporary_folder.hpp"

namespace {
using namespace kernels;
using testing::HasSubstr;

// The shipped profile of Megatron-LM 2021 with `from` replaced by `to`.
std::string changed(const std::string& from, const std::string& to) {
  std::ifstream in(std::string(WEFTSIM_SOURCE_DIR) + "/kernels/software/megatron-2021.json");
  std::stringstream text;
  text << in.rdbuf();
  std::string json = text.str();
  const std::size_t at = json.find(from);
  EXPECT_NE(at, std::string::npos);
  return json.replace(at, from.size(), to);
}

std::string error_of(const std::string& json) {
  const weftsim::test::TemporaryFolder folder;
  const std::string path = folder / "software.json";
  std::ofstream(path) << json;
  try {
    load_software_profile(path);
  } catch (const sim::InputError& error) {
    return error.what();
  }
  return "";
}

TEST(SoftwareProfile, shipped_ones_load) {
  for (const std::string& name : shipped_software_profiles()) EXPECT_EQ(load_software_profile(name).name, name);
}

TEST(SoftwareProfile, unknown_name_is_answered_with_the_nearest) {
  try {
    load_software_profile("megatron-2012");
    FAIL();
  } catch (const sim::InputError& error) {
    EXPECT_THAT(error.what(), HasSubstr("Did you mean 'megatron-2021'?"));
  }
}

TEST(SoftwareProfile, an_unknown_key_is_named_with_its_line) {
  EXPECT_THAT(error_of(changed("\"host_op_s\"", "\"host_ops\"")), HasSubstr("host_ops"));
}
TEST(SoftwareProfile, a_missing_key_is_named) { EXPECT_THAT(error_of(changed("\"host_op_s\"", "\"host_ops\"")), HasSubstr("host_op_s")); }
TEST(SoftwareProfile, a_number_needs_a_source) {
  EXPECT_THAT(error_of(changed("\"value\": 1.04, \"source\"", "\"value\": 1.04, \"origin\"")), HasSubstr("source"));
}
TEST(SoftwareProfile, a_negative_number_is_refused) {
  EXPECT_THAT(error_of(changed("\"value\": 1.04", "\"value\": -1.04")), HasSubstr("gemm_factor"));
}
TEST(SoftwareProfile, a_newer_schema_is_refused) {
  EXPECT_THAT(error_of(changed("weftsim-software/1", "weftsim-software/2")), HasSubstr("weftsim-software/2"));
}
std::string derived(const std::string& keys) {
  return R"({"schema": "weftsim-software/1", "name": "mine", "description": "a test", )" + keys + "}";
}
SoftwareProfile loaded(const std::string& json) {
  const weftsim::test::TemporaryFolder folder;
  const std::string path = folder / "derived.json";
  std::ofstream(path) << json;
  return load_software_profile(path);
}

TEST(SoftwareProfile, a_derived_one_says_only_what_differs) {
  const SoftwareProfile base = load_software_profile("megatron-2021");
  const SoftwareProfile mine = loaded(derived(R"("based_on": "megatron-2021", "gemm_factor": {"value": 2, "source": "a test"})"));
  EXPECT_EQ(mine.name, "mine");
  EXPECT_EQ(mine.gemm_factor, 2);
  EXPECT_EQ(mine.host_op_s, base.host_op_s);
  EXPECT_EQ(mine.scatter_gather_p2p, base.scatter_gather_p2p);
  EXPECT_THAT(error_of(derived(R"("based_on": "megatron-2012")")), HasSubstr("Did you mean 'megatron-2021'?"));
  EXPECT_THAT(error_of(derived(R"("based_on": "megatron-2021", "gem_factor": {"value": 2, "source": "a test"})")), HasSubstr("gem_factor"));
}

// The last exception that fits holds: device by the beginning of its name, then head size and fp8 scaling.
TEST(SoftwareProfile, a_value_may_depend_on_device_head_size_and_scaling) {
  const SoftwareProfile p = loaded(derived(R"("based_on": "megatron-core", "gemm_factor": {"value": 1, "source": "a test", "except": [
    {"device": "h100", "value": 2, "source": "a test"},
    {"device": "h100", "fp8_recipe": "block", "value": 3, "source": "a test"},
    {"head_dim": 64, "value": 4, "source": "a test"}]})"));
  EXPECT_EQ(p.in({"a100-sxm-80g", "-", 128}).gemm_factor, 1);
  EXPECT_EQ(p.in({"h100-sxm", "-", 128}).gemm_factor, 2);
  EXPECT_EQ(p.in({"h100-sxm", "block", 128}).gemm_factor, 3);
  EXPECT_EQ(p.in({"h100-sxm", "block", 64}).gemm_factor, 4);
  EXPECT_THAT(
      error_of(derived(R"("based_on": "nemo", "gemm_factor": {"value": 1, "source": "s", "except": [{"device": "h100", "value": 2}]})")),
      HasSubstr("source"));
}

TEST(SoftwareProfile, a_truncated_file_is_refused) { EXPECT_NE(error_of(changed("", "").substr(0, 900)), ""); }
}  // namespace
