// Steady states that are jumped over: nearly the same completion times, and the same bookkeeping.
#include <gmock/gmock.h>
#include "sim/packet/closed_loop.hpp"
#include "tests/bench/common_cases.hpp"
#include "workloads/packet_network.hpp"

namespace {
using namespace sim;
using namespace sim::literals;
using topology::CongestionControl;

ClosedLoopSpec spec_of(CongestionControl control, bool skip, topology::Transport transport = topology::Transport::roce) {
  topology::FabricSpec fabric;
  fabric.transport = transport;
  fabric.packet.congestion_control = control;
  fabric.packet.skip_steady = skip;
  return workloads::closed_loop_spec(fabric, 0, 1);
}

// So many hosts send so much to one.
bench::Case incast(std::size_t senders, std::int64_t bytes) {
  bench::Case input = bench::make_case("T1e_incast");
  input.transfers.resize(senders);
  for (bench::Transfer& transfer : input.transfers) transfer.bytes = bytes;
  return input;
}

struct Played {
  std::vector<Time> finishes;
  PacketCounts counts;
  double bytes = 0;
  Time skipped;
};
Played play(const bench::Case& input, const ClosedLoopSpec& spec) {
  ClosedLoop network(bench::packet_fabric(input), spec);
  Played done{.finishes = bench::simulate(input, network).finishes, .counts = *network.packet_counts(), .skipped = network.skipped()};
  for (const LinkUse& link : network.link_use()) done.bytes += link.bytes;
  return done;
}

TEST(SteadyState, is_jumped_over_with_the_same_end) {
  for (const auto transport : {topology::Transport::roce, topology::Transport::infiniband})
    for (const auto& [control, senders] : {std::pair(CongestionControl::paced, 8),
                                           {CongestionControl::dcqcn, 1},
                                           {CongestionControl::swift, 2},
                                           {CongestionControl::hpcc, 2}}) {
      const bench::Case input = incast(static_cast<std::size_t>(senders), 512 << 20);
      const Played plain = play(input, spec_of(control, false, transport)), skipping = play(input, spec_of(control, true, transport));
      for (std::size_t i = 0; i < plain.finishes.size(); ++i) EXPECT_NEAR(skipping.finishes[i] / plain.finishes[i], 1, .01);
      EXPECT_EQ(plain.skipped, Time{});
      EXPECT_GT(skipping.skipped / plain.finishes.back(), .2) << static_cast<int>(control);
      EXPECT_EQ(plain.counts.skipped_hops, 0u);
      EXPECT_GT(skipping.counts.skipped_hops, 0u);
      EXPECT_EQ(skipping.counts.packet_hops, plain.counts.packet_hops);  // of all packets, simulated or not
      EXPECT_EQ(skipping.bytes, plain.bytes);
    }
}

// The common cases, whose flows end all the time.
TEST(SteadyState, stays_within_a_hundredth_on_the_common_cases) {
  for (const char* name : {"T1a_perm", "T1e_incast"})
    for (const auto control : {CongestionControl::paced, CongestionControl::dcqcn}) {
      const bench::Case input = bench::make_case(name);
      const Played plain = play(input, spec_of(control, false)), skipping = play(input, spec_of(control, true));
      for (std::size_t i = 0; i < plain.finishes.size(); ++i) EXPECT_NEAR(skipping.finishes[i] / plain.finishes[i], 1, .01);
      if (control == CongestionControl::paced) {
        EXPECT_GT(skipping.skipped, Time{});
      }
    }
}

// A flow that begins in the middle finds the network as it would have been.
TEST(SteadyState, ends_where_a_flow_begins) {
  bench::Case input = incast(3, 256 << 20);
  input.transfers[2].start = 7_ms;
  const Played plain = play(input, spec_of(CongestionControl::paced, false)),
               skipping = play(input, spec_of(CongestionControl::paced, true));
  EXPECT_GT(skipping.skipped, 5_ms);
  for (std::size_t i = 0; i < plain.finishes.size(); ++i) EXPECT_NEAR(skipping.finishes[i] / plain.finishes[i], 1, .001);
}

TEST(SteadyState, is_the_same_for_any_number_of_threads) {
  const bench::Case input = bench::make_case("T1a_perm");
  ClosedLoopSpec spec = spec_of(CongestionControl::paced, true);
  const Played one = play(input, spec);
  spec.threads = 3;
  const Played three = play(input, spec);
  EXPECT_GT(one.skipped, Time{});
  EXPECT_EQ(one.skipped, three.skipped);
  EXPECT_EQ(one.finishes, three.finishes);
}

TEST(SteadyState, is_never_jumped_over_where_packets_are_lost) {
  ClosedLoopSpec spec = spec_of(CongestionControl::swift, true);
  spec.backpressure = Backpressure::none;
  EXPECT_EQ(play(incast(2, 64 << 20), spec).skipped, Time{});
}

}  // namespace
