#include "sim/packet/packet_log.hpp"
#include <gmock/gmock.h>
#include <numeric>
#include "sim/packet/closed_loop.hpp"
#include "sim/packet/open_loop.hpp"
#include "tests/bench/common_cases.hpp"

namespace {
using namespace sim;
using namespace sim::literals;

constexpr Time microbin = Time::picoseconds(1 << 20);  // the shortest bin

template <class Value>
double total(const PacketLog& log, std::uint32_t link, Value&& value) {
  double sum = 0;
  for (std::size_t bin = 0; bin < log.bins_used(); ++bin) sum += static_cast<double>(value(log.at(link, bin)));
  return sum;
}
double waited(const QueueBin& bin) { return bin.byte_ps; }

TEST(PacketLog, a_queue_is_spread_over_the_bins_that_it_lasts) {
  PacketLog log(1);
  log.make_room(4 * microbin);
  log.queue(0, Time::picoseconds(1 << 19), 1000);  // from half of the first bin
  log.queue(0, 2 * microbin, 10);
  log.finish(3 * microbin);
  const double ps = 1 << 20;
  EXPECT_EQ(log.at(0, 0).byte_ps, 500 * ps);
  EXPECT_EQ(log.at(0, 1).byte_ps, 1000 * ps);
  EXPECT_EQ(log.at(0, 2).byte_ps, 10 * ps);
  EXPECT_EQ(log.at(0, 0).longest, 1000);
  EXPECT_EQ(log.at(0, 1).longest, 1000);
  EXPECT_EQ(log.at(0, 2).longest, 10);
}

TEST(PacketLog, bins_are_merged_where_time_runs_out_of_them) {
  PacketLog log(2, {.bins = 4});
  for (int bin = 0; bin < 11; ++bin) {
    log.make_room((bin + 1) * microbin);
    log.carry(1, bin * microbin, 100 + bin);
    log.queue(1, bin * microbin, bin % 2 * 50);
    log.pause(1, bin * microbin, bin % 2 == 0);
    if (bin == 3) log.mark(1, bin * microbin), log.drop(1, bin * microbin);
  }
  log.finish(11 * microbin);
  EXPECT_EQ(log.bin_width(), 4 * microbin);
  EXPECT_EQ(log.bins_used(), 3u);
  EXPECT_EQ(log.at(1, 0).carried, 100 + 101 + 102 + 103);
  EXPECT_EQ(log.at(1, 2).carried, 108 + 109 + 110);
  EXPECT_EQ(log.at(1, 0).longest, 50);
  EXPECT_EQ(log.at(1, 0).byte_ps, 2. * 50 * (1 << 20));
  EXPECT_EQ(log.at(1, 2).paused_ps, 2 << 20);
  EXPECT_EQ(log.at(1, 0).marks, 1u);
  EXPECT_EQ(log.at(1, 0).drops, 1u);
  EXPECT_EQ(total(log, 0, waited), 0);
}

// More rates than there is room for: wider bins, no byte is lost.
TEST(PacketLog, rates_keep_every_byte_in_bounded_memory) {
  PacketLog log(1, {.most_rate_bins = 100});
  log.set_parts(2);
  const std::uint32_t labelled = log.stream(7, 0, 1), by_ends = log.stream(PacketLog::no_label, 4, 5);
  EXPECT_EQ(log.stream(7, 2, 3), labelled);
  EXPECT_EQ(log.stream(PacketLog::no_label, 4, 5), by_ends);
  for (int i = 0; i < 1000; ++i) {
    log.make_room((i + 1) * microbin);
    log.arrive(0, labelled, i * microbin, 10);
    log.arrive(1, by_ends, i * microbin, i);
  }
  log.finish(1000 * microbin);
  std::int64_t bytes[2] = {0, 0};
  for (const RateBin& rate : log.rates()) bytes[rate.stream] += rate.bytes;
  EXPECT_EQ(bytes[labelled], 10'000);
  EXPECT_EQ(bytes[by_ends], 999 * 500);
  EXPECT_LE(log.rates().size(), 210u);
  EXPECT_TRUE(std::is_sorted(log.rates().begin(), log.rates().end(),
                             [](const RateBin& a, const RateBin& b) { return std::pair(a.stream, a.from) < std::pair(b.stream, b.from); }));
}

class LineRate final : public CongestionControl {
 public:
  Allowance start(std::uint32_t, const FlowPath& path, Time) override { return rate_ = {path.line_rate.value()}; }
  Allowance before_packet(std::uint32_t, std::int64_t, Time) override { return rate_; }
  Allowance on_acknowledgement(std::uint32_t, const Acknowledgement&) override { return rate_; }
  void skip(std::uint32_t, Time, std::uint32_t) override {}

 private:
  Allowance rate_;
};

// Two hosts send n packets each at line rate to a third one, over one switch: packet j of both waits ceil(j / 2) packet times before the
// last link, in all n^2 of them.
class TwoToOne : public testing::Test {
 protected:
  static constexpr std::int64_t n = 100, packet_ps = 81'920;
  PacketFabric fabric{
      .links = {{0, 3, 50_GBps, 1_us}, {1, 3, 50_GBps, 1_us}, {3, 2, 50_GBps, 1_us}}, .members = {{0}, {1}, {2}}, .nodes = 4};
  PacketLog log{3};

  void run(Network& network) {
    for (std::uint32_t i = 0; i < 2; ++i) {
      const std::vector<LinkShare> way = {{LinkId{i}}, {LinkId{2}}};
      network.start({.bytes = Bytes{4096 * n}, .latency = 2_us, .shares = way, .label = i});
    }
    Time end;
    for (Time t = network.next_event(); t != never; t = network.next_event()) network.advance_to(end = t);
    log.finish(end);
    EXPECT_EQ(total(log, 2, waited), 4096. * n * n * packet_ps);
    EXPECT_EQ(total(log, 0, waited), 0);
    EXPECT_EQ(total(log, 2, [](const QueueBin& bin) { return bin.carried; }), 2 * 4096 * n);
    std::int64_t arrived[2] = {0, 0};
    for (const RateBin& rate : log.rates()) arrived[log.streams()[rate.stream].label] += rate.bytes;
    EXPECT_EQ(arrived[0], 4096 * n);
    EXPECT_EQ(arrived[1], 4096 * n);
  }
};

TEST_F(TwoToOne, in_the_open_loop) {
  OpenLoop network(fabric, {.log = &log});
  run(network);
}

TEST_F(TwoToOne, in_the_closed_loop) {
  ClosedLoopSpec spec;
  spec.ecn_min = spec.ecn_max = 1 << 30;
  spec.log = &log;
  spec.congestion_control = std::make_shared<LineRate>();
  ClosedLoop network(fabric, spec);
  run(network);
}

// An incast into small buffers: what the log saw is what was counted, and the same for any number of threads.
TEST(PacketLog, agrees_with_the_counts_on_any_number_of_threads) {
  const bench::Case input = bench::make_case("T1e_incast");
  const PacketFabric fabric = bench::packet_fabric(input);
  for (const Backpressure backpressure : {Backpressure::pause_frames, Backpressure::credits, Backpressure::none}) {
    std::vector<double> first;
    for (const int threads : {1, 3}) {
      PacketLog log(fabric.links.size());
      ClosedLoopSpec spec;
      spec.backpressure = backpressure;
      spec.buffer = 4 << 20;
      spec.ecn_min_time = 32_us;
      spec.ecn_max_time = 128_us;
      spec.timeout = 500_us;
      spec.threads = threads;
      spec.log = &log;
      spec.congestion_control = make_hpcc({.utilization = .95, .stages = 5, .expected_flows = 4});
      ClosedLoop network(fabric, spec);
      const std::vector<Time> finishes = bench::simulate(input, network).finishes;
      log.finish(network.now());
      const PacketCounts& counts = *network.packet_counts();
      std::vector<double> seen;
      double marks = 0, drops = 0, paused = 0, longest = 0;
      for (std::uint32_t link = 0; link < log.links(); ++link) {
        seen.push_back(total(log, link, waited));
        marks += total(log, link, [](const QueueBin& bin) { return bin.marks; });
        drops += total(log, link, [](const QueueBin& bin) { return bin.drops; });
        paused += total(log, link, [](const QueueBin& bin) { return bin.paused_ps; });
        for (std::size_t bin = 0; bin < log.bins_used(); ++bin) longest = std::max(longest, static_cast<double>(log.at(link, bin).longest));
      }
      for (const RateBin& rate : log.rates()) seen.insert(seen.end(), {double(rate.stream), double(rate.from.ps()), double(rate.bytes)});
      EXPECT_EQ(marks, counts.marks);
      EXPECT_EQ(drops, counts.drops);
      EXPECT_EQ(paused, counts.paused.ps());
      EXPECT_EQ(longest, counts.max_queue_bytes);
      if (threads == 1)
        first = seen;
      else
        EXPECT_EQ(seen, first);
    }
  }
}

}  // namespace
