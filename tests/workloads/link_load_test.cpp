#include "workloads/link_load.hpp"
#include <gmock/gmock.h>

namespace {

using namespace sim::literals;
using testing::DoubleNear;
using testing::ElementsAre;
using testing::Pointwise;
using workloads::LinkLoadHistogram;

double sum(const LinkLoadHistogram& load, std::size_t link) {
  double bytes = 0;
  for (std::size_t bin = 0; bin < load.bins_used(); ++bin) bytes += load.bytes(bin, link);
  return bytes;
}

sim::LinkShare on(std::uint32_t link, double share) { return {sim::LinkId{link}, share}; }

// 3 MB from 0.5 us to 3.5 us is 1 MB a microsecond: bins of 1 us get 0.5, 1, 1, 0.5 MB; half of it on link 1.
TEST(LinkLoadHistogram, spreads_bytes_evenly_over_the_time) {
  LinkLoadHistogram load(2, 4);
  load.on_progress(std::vector{on(0, 1), on(1, 0.5)}, 3e6, 500_ns, 3500_ns);
  EXPECT_THAT(load.by_bin(), Pointwise(DoubleNear(1e-6), {0.5e6, 0.25e6, 1e6, 0.5e6, 1e6, 0.5e6, 0.5e6, 0.25e6}));
}

// 4 bins of 1 us; at 9 us they must be 4 us wide: [0,4) holds the early 5 bytes, [8,12) the late 7.
TEST(LinkLoadHistogram, widens_its_bins_when_time_runs_out_of_them) {
  LinkLoadHistogram load(1, 4);
  load.on_progress(std::vector{on(0, 1)}, 5, 1_us, 2_us);
  load.on_progress(std::vector{on(0, 1)}, 7, 9_us, 9_us);
  EXPECT_EQ(load.bin_width(), 4_us);
  EXPECT_EQ(load.bins_used(), 3u);
  EXPECT_THAT(load.by_bin(), ElementsAre(5, 0, 7, 0));
}

// A span up to 4 us ends inside the last of 4 bins of 1 us: its end is not part of it, so nothing widens.
TEST(LinkLoadHistogram, the_end_of_a_span_is_not_inside) {
  LinkLoadHistogram load(1, 4);
  load.on_progress(std::vector{on(0, 1)}, 8, 0_us, 4_us);
  EXPECT_EQ(load.bin_width(), 1_us);
  EXPECT_THAT(load.by_bin(), Pointwise(DoubleNear(1e-12), {2.0, 2.0, 2.0, 2.0}));
}

// Neighbours are merged in pairs, so an odd number of bins becomes even.
TEST(LinkLoadHistogram, odd_numbers_of_bins_lose_nothing) {
  LinkLoadHistogram load(1, 3);
  load.on_progress(std::vector{on(0, 1)}, 4, 0_us, 4_us);
  load.on_progress(std::vector{on(0, 1)}, 4, 4_us, 8_us);
  EXPECT_EQ(load.bin_width(), 2_us);
  EXPECT_DOUBLE_EQ(sum(load, 0), 8);
}

// What goes in stays in, however often the bins are merged.
TEST(LinkLoadHistogram, conserves_bytes) {
  LinkLoadHistogram load(3, 16);
  double total = 0;
  for (int i = 1; i < 2000; ++i) {
    load.on_progress(std::vector{on(static_cast<std::uint32_t>(i % 3), 1)}, i, 137_ns * i, 137_ns * i + 11_us * (i % 7));
    total += i;
  }
  EXPECT_NEAR(sum(load, 0) + sum(load, 1) + sum(load, 2), total, total * 1e-12);
}

// A day in one span: 2^k us wide bins, and still every byte.
TEST(LinkLoadHistogram, long_runs_take_no_more_memory) {
  LinkLoadHistogram load(1, 256);
  load.on_progress(std::vector{on(0, 1)}, 1e15, 0_s, 86'400_s);
  EXPECT_EQ(load.by_bin().size(), 256u);
  EXPECT_NEAR(sum(load, 0), 1e15, 1e15 * 1e-12);
  EXPECT_GE(load.bin_width() * 256, 86'400_s);
}

}  // namespace
