#include "kernels/device_profile.hpp"
#include <gmock/gmock.h>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include "sim/error.hpp"
#include "tests/kernels/sample_profile.hpp"

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
  EXPECT_EQ(back.gemm.points[2].utilisation, 0.7345);
  EXPECT_DOUBLE_EQ(back.scale_up.tables[1].points[1].seconds, 40e-6);
  EXPECT_EQ(back.network.sets[0].host_Bps, 200e9);
  EXPECT_EQ(back.residual("gemm")->bias, -0.01);
  EXPECT_EQ(back.residual("nothing"), nullptr);
}

TEST(DeviceProfile, rows_of_numbers_stand_one_on_a_line) {
  EXPECT_THAT(to_json(sample_profile()), HasSubstr("\n      [1024, 1024, 1024, 0.4123],\n"));
}

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
  EXPECT_THAT(message_of(with("[1024, 1024, 1024, 0.4123]", "[1024, 1024, 0.4123]")),
              HasSubstr("gemm.points[0]: this is no row of 4 numbers above zero."));
  EXPECT_THAT(message_of("[]"), HasSubstr("p.json:1: top level: this is a list, not an object."));
}

TEST(DeviceProfile, numbers_that_mean_nothing_are_refused) {
  EXPECT_THAT(message_of(with("\"bandwidth_Bps\": 1000000000000", "\"bandwidth_Bps\": NaN")), HasSubstr("this is no JSON"));
  EXPECT_THAT(message_of(with("\"bandwidth_Bps\": 1000000000000", "\"bandwidth_Bps\": 1e999")), HasSubstr("this is no JSON"));
  EXPECT_THAT(message_of(with("\"bandwidth_Bps\": 1000000000000", "\"bandwidth_Bps\": -1")),
              HasSubstr("memory.bandwidth_Bps: -1 is below 0."));
  EXPECT_THAT(message_of(with("\"bandwidth_Bps\": 1000000000000", "\"bandwidth_Bps\": 0")),
              HasSubstr("memory.bandwidth_Bps: zero makes no sense here."));
  EXPECT_THAT(message_of(with("0.7345", "-0.7345")), HasSubstr("gemm.points[2]: this is no row of 4 numbers above zero."));
  EXPECT_THAT(message_of(with("0.7345", "7.345")), HasSubstr("utilisation at most 2"));
}

TEST(DeviceProfile, duplicates_are_refused) {
  EXPECT_THAT(message_of(with("\"vendor\": \"nobody\"", "\"vendor\": \"nobody\",\n  \"vendor\": \"nobody\"")),
              AllOf(HasSubstr("p.json:6: "), HasSubstr("key 'vendor' stands here twice.")));
  EXPECT_THAT(message_of(with("[1024, 1024, 1024, 0.4123]", "[2048, 2048, 2048, 0.4123]")),
              HasSubstr("the point 2048 2048 2048 stands here twice."));
  EXPECT_THAT(message_of(with("\"ranks\": 8", "\"ranks\": 2")), HasSubstr("all_reduce of 2 ranks has a table already."));
}

TEST(DeviceProfile, another_schema_is_refused) {
  EXPECT_THAT(message_of(with("weftsim-device/1", "weftsim-device/2")),
              HasSubstr("is newer than this program, which reads 'weftsim-device/1'. Install a newer weftsim."));
  EXPECT_THAT(message_of(with("weftsim-device/1", "weftsim/1")), HasSubstr("is no device profile"));
}

TEST(DeviceProfile, times_that_fall_with_bytes_are_refused) {
  EXPECT_THAT(message_of(with("[1048576, 20]", "[1048576, 2]")), HasSubstr("the row of 1048576 bytes does not ascend."));
}

// 1 MiB of open brackets must neither crash nor take long.
TEST(DeviceProfile, hostile_nesting_and_size_are_refused) {
  EXPECT_THAT(message_of(std::string(1 << 20, '[')), HasSubstr("nested more than 16 deep"));
  EXPECT_THAT(message_of(std::string((1 << 20) + 1, ' ')), HasSubstr("more than 1048576"));
}

TEST(DeviceProfile, many_problems_are_reported_at_once_but_not_all_of_a_thousand) {
  std::string rows;
  for (int i = 0; i < 1000; ++i) rows += "[0], ";
  EXPECT_THAT(message_of(with("[1024, 1024, 1024, 0.4123]", rows + "[1024, 1024, 1024, 0.4123]")), HasSubstr("and 980 more problems."));
}

TEST(DeviceProfile, a_wrong_name_gets_the_shipped_ones) {
  try {
    load_device_profile("a100-sxm-80gb");
    FAIL();
  } catch (const sim::InputError& error) {
    EXPECT_THAT(error.what(), AllOf(HasSubstr("accelerator 'a100-sxm-80gb'"), HasSubstr("shipped: a100-sxm-40g, a100-sxm-80g"),
                                    HasSubstr("Did you mean 'a100-sxm-80g'?")));
  }
  EXPECT_THROW(load_device_profile("/no/such.json"), sim::InputError);
  EXPECT_THROW(load_device_profile("/tmp/"), sim::InputError);
}

TEST(DeviceProfile, a_path_is_read_like_a_shipped_name) {
  const std::string path = testing::TempDir() + "weftsim_profile.json";
  std::ofstream(path) << to_json(sample_profile());
  EXPECT_EQ(load_device_profile(path).name, "sample");
  std::filesystem::remove(path);
}
