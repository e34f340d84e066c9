#include <gmock/gmock.h>
#include "workloads/quantity.hpp"

namespace workloads {
namespace {
using ::testing::HasSubstr;

// 400 Gb/s = 400e9 bits / 8 = 50e9 bytes; 1 GiB/s = 2^30; 1.5 TB/s = 1.5e12.
TEST(Quantity, bandwidth_units_are_bits_or_bytes_of_1000_or_1024) {
  EXPECT_EQ(parse_bandwidth("400 Gb/s").value->value(), 50e9);
  EXPECT_EQ(parse_bandwidth("50 GB/s").value->value(), 50e9);
  EXPECT_EQ(parse_bandwidth("50GB/s").value->value(), 50e9);
  EXPECT_EQ(parse_bandwidth("1.5 TB/s").value->value(), 1.5e12);
  EXPECT_EQ(parse_bandwidth("1 GiB/s").value->value(), 1073741824.0);
  EXPECT_EQ(parse_bandwidth("8 kb/s").value->value(), 1000.0);
}

TEST(Quantity, times_and_sizes) {
  EXPECT_EQ(parse_time("500 ns").value->ps(), 500'000);
  EXPECT_EQ(parse_time("1.5 us").value->ps(), 1'500'000);
  EXPECT_EQ(parse_time("0 s").value->ps(), 0);
  EXPECT_EQ(parse_bytes("80 GiB").value->count(), 80LL << 30);
  EXPECT_EQ(parse_bytes("4096 B").value->count(), 4096);
  EXPECT_EQ(parse_bytes("400 KB").value->count(), 400'000);
}

TEST(Quantity, a_bare_number_has_no_meaning) {
  EXPECT_EQ(parse_bandwidth("450").problem, "'450' has no unit (GB/s and Gb/s differ by 8). Write '450 GB/s' or '450 Gb/s'.");
  EXPECT_EQ(parse_time("5").problem, "'5' has no unit (ns and us differ by 1000). Write '5 ns' or '5 us'.");
}

TEST(Quantity, what_is_no_quantity_is_refused_with_advice) {
  EXPECT_THAT(parse_bandwidth("nan GB/s").problem, HasSubstr("is not a bandwidth"));
  EXPECT_THAT(parse_bandwidth("inf Gb/s").problem, HasSubstr("is not a bandwidth"));
  EXPECT_THAT(parse_bandwidth("").problem, HasSubstr("is not a bandwidth"));
  EXPECT_EQ(parse_bandwidth("-3 GB/s").problem, "'-3 GB/s' is negative.");
  EXPECT_THAT(parse_bandwidth("1e400 GB/s").problem, HasSubstr("out of range"));
  EXPECT_THAT(parse_bandwidth("1e30 GB/s").problem, HasSubstr("out of range"));
  EXPECT_THAT(parse_time("1e30 s").problem, HasSubstr("out of range"));
  EXPECT_THAT(parse_bandwidth("5 gb/s").problem, HasSubstr("Did you mean 'Gb/s' or 'GB/s'?"));
  EXPECT_THAT(parse_bandwidth("5 apples").problem, HasSubstr("unknown unit 'apples'"));
}

TEST(Quantity, text_reads_back_to_the_same_value) {
  for (const double value : {50e9, 25e9, 300e9, 1.0, 12.5e9, 1e9 / 3, 123456789.125, 1073741824.0, 1e18}) {
    const sim::BytesPerSecond rate{value};
    EXPECT_EQ(parse_bandwidth(to_text(rate, BandwidthUnit::bits)).value, rate) << to_text(rate, BandwidthUnit::bits);
    EXPECT_EQ(parse_bandwidth(to_text(rate)).value, rate) << to_text(rate);
  }
  for (const std::int64_t ps : {0LL, 1LL, 130'500LL, 500'000LL, 1'000'000'000'000LL, 86'400'000'000'000'001LL}) {
    const auto time = sim::Time::picoseconds(ps);
    EXPECT_LE(std::abs(parse_time(to_text(time)).value->ps() - ps), ps >> 52) << to_text(time);
  }
  EXPECT_EQ(to_text(sim::BytesPerSecond{25e9}, BandwidthUnit::bits), "200 Gb/s");
  EXPECT_EQ(to_text(sim::BytesPerSecond{300e9}), "300 GB/s");
  EXPECT_EQ(to_text(sim::Time::picoseconds(130'000)), "130 ns");
}

// 010 is 8 in YAML 1.1 and 10 in 1.2; 0x10 and 1_000 are numbers to some readers only.
TEST(Quantity, whole_numbers_are_plain_decimal) {
  EXPECT_EQ(parse_integer("40"), 40);
  EXPECT_EQ(parse_integer("-4"), -4);
  for (const char* text : {"010", "0x10", "1_000", "1e3", "4.0", "+4", "", "nan", "99999999999999999999"}) {
    EXPECT_EQ(parse_integer(text), std::nullopt) << text;
  }
  EXPECT_EQ(parse_number("nan"), std::nullopt);
  EXPECT_EQ(parse_number("inf"), std::nullopt);
  EXPECT_EQ(parse_number("2.5"), 2.5);
}

}  // namespace
}  // namespace workloads
