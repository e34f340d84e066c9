#include "kernels/device_profile.hpp"
#include <gmock/gmock.h>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include "sim/error.hpp"
#include "tests/kernels/sample_profile.hpp"
#include "tests/temporary_folder.hpp"

using namespace kernels;
using testing::AllOf;
using testing::HasSubstr;

namespace {

std::string message_of(const std::string& json) {
  try {
    parse_device_profile(json, "p.json");
  } catch (const sim::InputError& error) {
    return error.what();
  }
  return "accepted";
}

// The sample's text with one piece replaced.
std::string with(const std::string& old_text, const std::string& new_text) {
  std::string json = to_json(sample_profile());
  const auto at = json.find(old_text);
  EXPECT_NE(at, std::string::npos) << old_text;
  return json.replace(at, old_text.size(), new_text);
}

}  // namespace

TEST(DeviceProfile, what_is_written_is_read_back_whole) {
  const std::string json = to_json(sample_profile());
  const DeviceProfile back = parse_device_profile(json, "p.json");
  EXPECT_EQ(to_json(back), json);
  EXPECT_EQ(back.provenance[0].source, "invented, \"for\" tests");
  EXPECT_EQ(back.gemm[0].correction[2], 1.25);
  EXPECT_EQ(back.gemm[1].quantise.bytes_per_element, 8);
  EXPECT_DOUBLE_EQ(back.scale_up.tables[2].points[1].seconds, 40e-6);
  EXPECT_EQ(back.network.sets[0].host_Bps, 200e9);
  EXPECT_EQ(back.residual("gemm_bf16_large")->bias, -0.01);
  EXPECT_EQ(back.residual("gemm_bf16_large")->high, 1.15);
  EXPECT_EQ(back.residual("nothing"), nullptr);
}

TEST(DeviceProfile, memory_by_size_and_the_name_of_a_library_may_be_there) {
  kernels::DeviceProfile profile = sample_profile();
  profile.memory.points = {{4096, 1e-6}, {0x1p20, 2e-5}};
  profile.scale_up.library = "Open MPI 4.1.4";
  profile.peak_flops = {10e12};
  const std::string json = to_json(profile);
  const auto back = kernels::parse_device_profile(json, "p.json");
  EXPECT_EQ(to_json(back), json);
  EXPECT_DOUBLE_EQ(back.memory.points[1].seconds, 2e-5);
  EXPECT_EQ(back.scale_up.library, "Open MPI 4.1.4");
  EXPECT_EQ(back.peak(kernels::Precision::bf16), 0);
  std::string falling = json;
  falling.replace(falling.find("[1048576, 20]"), 13, "[1048576, 0.5]");
  EXPECT_THAT(message_of(falling), HasSubstr("memory.bytes_microseconds: the row of 1048576 bytes does not ascend."));
}

TEST(DeviceProfile, rows_of_numbers_stand_one_on_a_line) { EXPECT_THAT(to_json(sample_profile()), HasSubstr("\n        [1, 1.1],\n")); }

TEST(DeviceProfile, cut_off_text_is_refused_with_its_line) {
  const std::string json = to_json(sample_profile());
  EXPECT_THAT(message_of(json.substr(0, json.size() / 2)),
              AllOf(HasSubstr("p.json:"), HasSubstr("this is no JSON"), HasSubstr("may be cut off")));
  EXPECT_THAT(message_of(""), HasSubstr("p.json:1: this is no JSON"));
}

TEST(DeviceProfile, no_cut_of_the_text_is_accepted_or_crashes) {
  const std::string json = to_json(sample_profile());
  for (std::size_t length = 0; length + 2 < json.size(); length += 7)
    EXPECT_THAT(message_of(json.substr(0, length)), HasSubstr("p.json:")) << length;
}

TEST(DeviceProfile, an_unknown_key_is_named_with_the_nearest_known_one) {
  EXPECT_THAT(
      message_of(with("\"capacity_bytes\"", "\"capacity_byte\"")),
      AllOf(HasSubstr("memory.capacity_bytes: this key is missing. Add it."),
            HasSubstr(
                "memory: unknown key 'capacity_byte' (known: capacity_bytes, bandwidth_Bps, efficiency). Did you mean 'capacity_bytes'?")));
}

// The line is counted: "name" is the third of the file.
TEST(DeviceProfile, wrong_types_are_refused_with_line_and_path) {
  EXPECT_EQ(message_of(with("\"name\": \"sample\"", "\"name\": 7")), "p.json:3: name: this is a number, not a text. Change the value.");
  EXPECT_THAT(message_of(with("\"calibrated\": true", "\"calibrated\": \"yes\"")),
              HasSubstr("p.json:6: calibrated: this is a text, not true or false."));
  EXPECT_THAT(message_of(with("\"multiprocessors\": 100", "\"multiprocessors\": 1.5")),
              HasSubstr("multiprocessors: 1.5 is not a whole number."));
  EXPECT_THAT(message_of(with("[1, 1.1]", "[1]")), HasSubstr("gemm[0].correction[0]: this is no row of 2 numbers above zero."));
  EXPECT_THAT(message_of("[]"), HasSubstr("p.json:1: top level: this is a list, not an object."));
}

TEST(DeviceProfile, numbers_that_mean_nothing_are_refused) {
  EXPECT_THAT(message_of(with("\"bandwidth_Bps\": 1000000000000", "\"bandwidth_Bps\": NaN")), HasSubstr("this is no JSON"));
  EXPECT_THAT(message_of(with("\"bandwidth_Bps\": 1000000000000", "\"bandwidth_Bps\": 1e999")), HasSubstr("this is no JSON"));
  EXPECT_THAT(message_of(with("\"bandwidth_Bps\": 1000000000000", "\"bandwidth_Bps\": -1")),
              HasSubstr("memory.bandwidth_Bps: -1 is below 0."));
  EXPECT_THAT(message_of(with("\"bandwidth_Bps\": 1000000000000", "\"bandwidth_Bps\": 0")),
              HasSubstr("memory.bandwidth_Bps: zero makes no sense here."));
  EXPECT_THAT(message_of(with("[1.25, 1.5]", "[1.25, -1.5]")), HasSubstr("gemm[0].correction[1]: this is no row of 2 numbers above zero."));
  EXPECT_THAT(message_of(with("[1.25, 1.5]", "[1.25, NaN]")), HasSubstr("this is no JSON"));
  EXPECT_THAT(message_of(with("[1.25, 1.5]", "[1.25, 1500]")), HasSubstr("1500 is no ratio of measured to formula"));
  EXPECT_THAT(message_of(with("[1.25, 1.5]", "[1.25, 1.5],\n        [1, 1]")), HasSubstr("3 rows for 2 m and 1 n."));
}

TEST(DeviceProfile, duplicates_are_refused) {
  EXPECT_THAT(message_of(with("\"vendor\": \"nobody\"", "\"vendor\": \"nobody\",\n  \"vendor\": \"nobody\"")),
              AllOf(HasSubstr("p.json:6: "), HasSubstr("key 'vendor' stands here twice.")));
  EXPECT_THAT(message_of(with("\"m\": [1024, 4096]", "\"m\": [1024, 1024]")), HasSubstr("gemm[0].m: sides are whole numbers"));
  EXPECT_THAT(message_of(with("\"ranks\": 8", "\"ranks\": 2")), HasSubstr("all_reduce of 2 ranks by Ring LL has a table already."));
}

TEST(DeviceProfile, another_schema_is_refused) {
  EXPECT_THAT(message_of(with("weftsim-device/2", "weftsim-device/3")),
              HasSubstr("is newer than this program, which reads 'weftsim-device/2'. Install a newer weftsim."));
  EXPECT_THAT(message_of(with("weftsim-device/2", "weftsim/1")), HasSubstr("is no device profile"));
}

TEST(DeviceProfile, times_that_fall_with_bytes_are_refused) {
  EXPECT_THAT(message_of(with("[1048576, 40]", "[1048576, 4]")), HasSubstr("the row of 1048576 bytes does not ascend."));
}

// 1 MiB of open brackets must neither crash nor take long.
TEST(DeviceProfile, hostile_nesting_and_size_are_refused) {
  EXPECT_THAT(message_of(std::string(1 << 20, '[')), HasSubstr("nested more than 16 deep"));
  EXPECT_THAT(message_of(std::string((1 << 20) + 1, ' ')), HasSubstr("more than 1048576"));
}

TEST(DeviceProfile, many_problems_are_reported_at_once_but_not_all_of_a_thousand) {
  std::string rows;
  for (int i = 0; i < 1000; ++i) rows += "[0], ";
  EXPECT_THAT(message_of(with("[1.25, 1.5]", rows + "[1.25, 1.5]")), HasSubstr("and 980 more problems."));
}

TEST(DeviceProfile, a_wrong_name_gets_the_shipped_ones) {
  try {
    load_device_profile("a100-sxm-80gb");
    FAIL();
  } catch (const sim::InputError& error) {
    EXPECT_THAT(error.what(), AllOf(HasSubstr("accelerator 'a100-sxm-80gb'"), HasSubstr("shipped: a10, a100-sxm-40g, a100-sxm-80g, a30,"),
                                    HasSubstr("Did you mean 'a100-sxm-80g'?")));
  }
  EXPECT_THROW(load_device_profile("/no/such.json"), sim::InputError);
  EXPECT_THROW(load_device_profile("/tmp/"), sim::InputError);
}

TEST(DeviceProfile, a_path_is_read_like_a_shipped_name) {
  const weftsim::test::TemporaryFolder folder;
  const std::string path = folder / "profile.json";
  std::ofstream(path) << to_json(sample_profile());
  EXPECT_EQ(load_device_profile(path).name, "sample");
}

// Of a device that nobody measured: the maker's peaks, another device's behaviour, one wide error for all.
TEST(DeviceProfile, a_data_sheet_becomes_an_uncalibrated_profile) {
  const std::string sheet = R"({
    "schema": "weftsim-datasheet/1", "name": "mine", "description": "mine", "vendor": "me", "multiprocessors": 50,
    "peak_flops": {"fp32": 1e12, "tf32": 1e12, "fp16": 156e12, "bf16": 156e12},
    "memory": {"capacity_bytes": 16e9, "bandwidth_Bps": 1000e9, "efficiency": 0.8}, "scale_up_bandwidth_Bps": 100e9,
    "like": {"device": "a100-sxm-80g", "sigma": 0.25, "source": "a guess"}, "sources": []})";
  const weftsim::test::TemporaryFolder folder;
  const std::string path = folder / "sheet.json";
  std::ofstream(path) << sheet;
  const DeviceProfile p = load_device_profile(path);
  EXPECT_FALSE(p.calibrated);
  EXPECT_EQ(p.name, "mine");
  EXPECT_EQ(p.peak(Precision::bf16), 156e12);
  EXPECT_EQ(p.scale_up.bandwidth_Bps, 100e9);
  EXPECT_EQ(p.residual("gemm_bf16_large")->sigma, 0.25);
  EXPECT_EQ(p.gemm.size(), load_device_profile("a100-sxm-80g").gemm.size());
}

// The GB300 by the GB200's rule, corrected.
TEST(DeviceProfile, product_time_corrects_what_is_taken_over) {
  const DeviceProfile like = load_device_profile("gb200"), p = load_device_profile("gb300");
  ASSERT_FALSE(p.gemm.empty());
  for (const GemmTable& table : p.gemm)
    for (std::size_t i = 0; i < table.correction.size(); ++i)
      EXPECT_NEAR(table.correction[i], 0.735 * like.gemm_table(table.precision).correction[i], 5e-4 * table.correction[i]);
}

TEST(DeviceProfile, a_data_sheet_without_a_measured_relative_is_refused) {
  const weftsim::test::TemporaryFolder folder;
  const std::string path = folder / "sheet.json";
  std::ofstream(path) << R"({"schema": "weftsim-datasheet/1", "name": "mine"})";
  try {
    load_device_profile(path);
    FAIL();
  } catch (const sim::InputError& error) {
    EXPECT_THAT(error.what(),
                AllOf(HasSubstr("sheet.json:1: vendor: this key is missing."), HasSubstr("a data sheet has either 'measured' or 'like'.")));
  }
}

// All that ship: readable, of the size promised, with sources, and calibrated or marked with a wide error.
TEST(DeviceProfile, every_shipped_profile_is_complete) {
  const auto names = shipped_device_profiles();
  EXPECT_GE(names.size(), 27u);
  for (const auto& name : names) {
    const DeviceProfile p = load_device_profile(name);
    EXPECT_EQ(p.name, name);
    EXPECT_LT(to_json(p).size(), 200'000u) << name;
    EXPECT_FALSE(p.provenance.empty()) << name;
    ASSERT_FALSE(p.gemm.empty()) << name;
    if (!p.calibrated) {
      EXPECT_GE(p.residual("anything")->sigma, 0.08) << name;
    }
    EXPECT_EQ(to_json(parse_device_profile(to_json(p), name)), to_json(p)) << name;
  }
}
