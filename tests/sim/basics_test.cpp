#include <gmock/gmock.h>
#include <atomic>
#include "sim/parallel.hpp"
#include "sim/random.hpp"
#include "sim/signature.hpp"
#include "sim/units.hpp"

namespace {
using namespace sim;
using namespace sim::literals;

// 1 GB at 3 GB/s is 333,333,333,333.3 ps: the last byte is there at the next whole picosecond.
TEST(Units, transfer_time_is_rounded_up) { EXPECT_EQ(1_GB / 3_GBps, Time::picoseconds(333'333'333'334)); }

// 400 Gb/s is 50 GB/s: bits and bytes differ by 8, GB and GiB by 7 %.
TEST(Units, bits_bytes_and_powers) {
  EXPECT_EQ(400_Gbps, 50_GBps);
  EXPECT_EQ(1_GiB, Bytes{1'073'741'824});
  EXPECT_EQ(1_MB / 1_GBps, 1_ms);
}

// 3.6 Tb/s is 450 GB/s: 2.2 ps a byte, which whole picoseconds per byte would get 10 % wrong.
TEST(Units, fast_links_keep_their_fraction_of_a_picosecond_per_byte) { EXPECT_EQ(450_GB / 450_GBps, 1_s); }

TEST(Random, depends_on_its_coordinates_only) {
  const Random random(7, 1);
  EXPECT_EQ(random.bits(3, 4), Random(7, 1).bits(3, 4));
  EXPECT_NE(random.bits(3, 4), random.bits(4, 3));
  EXPECT_NE(random.bits(3, 4), Random(8, 1).bits(3, 4));
  double sum = 0;
  for (std::uint64_t i = 0; i < 10'000; ++i) sum += random.uniform(0, i);
  EXPECT_NEAR(sum / 10'000, 0.5, 0.01);  // 3 sigma of a uniform mean
}

TEST(Signature, order_and_value_count) {
  Signature a, b, c;
  a.add(1), a.add(2);
  b.add(2), b.add(1);
  c.add(1), c.add(2);
  EXPECT_NE(a.value(), b.value());
  EXPECT_EQ(a.value(), c.value());
  EXPECT_EQ(to_hex(0xab).size(), 16u);
}

TEST(Parallel, every_index_runs_once_on_any_number_of_threads) {
  for (const int threads : {1, 2, 4}) {
    std::vector<int> count(100);
    parallel_for(count.size(), threads, [&](std::size_t i) { ++count[i]; });
    EXPECT_THAT(count, ::testing::Each(1));
  }
}

TEST(Parallel, the_first_exception_by_index_reaches_the_caller) {
  try {
    parallel_for(50, 2, [](std::size_t i) {
      if (i % 10 == 7) throw std::runtime_error(std::to_string(i));
    });
    FAIL();
  } catch (const std::runtime_error& error) {
    EXPECT_STREQ(error.what(), "7");
  }
}
}  // namespace
