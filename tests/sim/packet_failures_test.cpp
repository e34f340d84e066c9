// Links that change, fail and come back under packets, flows that are moved or given up.
#include <gmock/gmock.h>
#include <numeric>
#include "sim/packet/closed_loop.hpp"
#include "tests/bench/common_cases.hpp"

namespace {
using namespace sim;
using namespace sim::literals;

constexpr std::int64_t packet_ps = 81'920;  // of 4096 bytes at 50 GB/s
constexpr Time packets(std::int64_t n) { return Time::picoseconds(packet_ps * n); }
constexpr Time timeout = 500_us;

// Host 0 sends to host 3 over switch 1 (links 0, 1) or switch 2 (links 2, 3), which end at switch 4; link 4 leads to the host. Host 5 sends
// over link 5 to switch 1. 50 GB/s and 1 us each.
PacketFabric two_ways() {
  return {.links = {{0, 1, 50_GBps, 1_us},
                    {1, 4, 50_GBps, 1_us},
                    {0, 2, 50_GBps, 1_us},
                    {2, 4, 50_GBps, 1_us},
                    {4, 3, 50_GBps, 1_us},
                    {5, 1, 50_GBps, 1_us}},
          .members = {{0}, {1}, {2}, {3}, {4}, {5}},
          .nodes = 6};
}
const std::vector<LinkShare> upper = {{LinkId{0}}, {LinkId{1}}, {LinkId{4}}}, lower = {{LinkId{2}}, {LinkId{3}}, {LinkId{4}}},
                             other = {{LinkId{5}}, {LinkId{1}}, {LinkId{4}}};

ClosedLoopSpec spec_with(Backpressure backpressure = Backpressure::pause_frames, std::shared_ptr<CongestionControl> control = nullptr) {
  ClosedLoopSpec spec;
  spec.backpressure = backpressure;
  spec.congestion_control = std::move(control);
  spec.ecn_min_time = 32_us;
  spec.ecn_max_time = 128_us;
  spec.timeout = timeout;
  return spec;
}
FlowId start(ClosedLoop& network, std::int64_t n, const std::vector<LinkShare>& way) {
  return network.start({.bytes = Bytes{4096 * n}, .latency = 3_us, .shares = way});
}
// When the flow ends.
Time end_of(ClosedLoop& network, FlowId flow) {
  for (Time t = network.next_event(); t != never; t = network.next_event())
    for (const FlowId ended : network.advance_to(t))
      if (ended == flow) return t;
  return never;
}

TEST(PacketFailures, a_slower_link_takes_longer_from_then_on) {
  ClosedLoop network(two_ways(), spec_with());
  const FlowId flow = start(network, 10'000, upper);
  const Time half = packets(5'000);
  network.advance_to(half);
  network.set_capacity(LinkId{1}, BytesPerSecond{12.5e9});  // a quarter
  const Time end = end_of(network, flow);
  // What the sender had given away before, a round trip at most, waits in front of the slow link, and all of it goes at its rate.
  EXPECT_NEAR((end - half) / packets(4 * 5'000), 1, .01);
}

TEST(PacketFailures, a_link_that_is_as_fast_again_is_used_again) {
  ClosedLoop network(two_ways(), spec_with());
  const FlowId flow = start(network, 10'000, upper);
  network.advance_to(packets(2'500));
  network.set_capacity(LinkId{1}, 25_GBps);
  network.advance_to(packets(7'500));
  network.set_capacity(LinkId{1}, 50_GBps);
  EXPECT_NEAR(end_of(network, flow) / packets(12'500), 1, .01);
}

// 2,500 packets go, some of them in vain, then nothing, then the rest and, after the timeout, what was lost.
TEST(PacketFailures, what_a_link_loses_is_sent_again) {
  for (const Backpressure backpressure : {Backpressure::pause_frames, Backpressure::credits, Backpressure::none})
    for (const std::uint32_t broken : {0u, 1u}) {
      ClosedLoop network(two_ways(), spec_with(backpressure));
      const FlowId flow = start(network, 10'000, upper);
      const Time down = packets(2'500), up = down + 2_ms;
      network.advance_to(down);
      network.set_capacity(LinkId{broken}, {});
      EXPECT_TRUE(network.advance_to(up).empty());
      network.set_capacity(LinkId{broken}, 50_GBps);
      const Time end = end_of(network, flow);
      const PacketCounts& counts = *network.packet_counts();
      EXPECT_GT(counts.drops, 0u);
      EXPECT_LT(counts.drops, 40u);  // two round trips
      EXPECT_GE(end, up + packets(7'500) - 3_us);
      EXPECT_LE(end, up + packets(7'500 + static_cast<std::int64_t>(counts.drops)) + timeout + 20_us) << static_cast<int>(backpressure);
      if (backpressure == Backpressure::none) continue;
      EXPECT_EQ(network.link_use()[4].bytes, 4096. * 10'000);  // each packet once
    }
}

TEST(PacketFailures, a_flow_that_is_moved_goes_on_by_the_other_way) {
  for (const Backpressure backpressure : {Backpressure::pause_frames, Backpressure::credits, Backpressure::none}) {
    ClosedLoop network(two_ways(), spec_with(backpressure));
    const FlowId flow = start(network, 10'000, upper);
    network.advance_to(packets(2'500));
    network.reroute(flow, lower, {});
    network.set_capacity(LinkId{1}, {});
    const Time end = end_of(network, flow);
    const auto lost = static_cast<std::int64_t>(network.packet_counts()->drops);
    EXPECT_GT(lost, 0);
    EXPECT_GT(network.link_use()[3].bytes, 4096. * 7'400);
    EXPECT_LE(end, packets(10'000 + lost) + timeout + 20_us) << static_cast<int>(backpressure);
    EXPECT_GE(end, packets(10'000));
  }
}

// Without a failure nothing is lost: what is under way on the old way arrives.
TEST(PacketFailures, moving_a_flow_loses_nothing) {
  ClosedLoop network(two_ways(), spec_with());
  const FlowId flow = start(network, 1'000, upper);
  network.advance_to(packets(500));
  network.reroute(flow, lower, {});
  EXPECT_LE(end_of(network, flow), packets(1'002) + 4_us);
  EXPECT_EQ(network.packet_counts()->drops, 0u);
  EXPECT_EQ(network.link_use()[4].bytes, 4096. * 1'000);
  EXPECT_GT(network.link_use()[1].bytes, 4096. * 450);
  EXPECT_GT(network.link_use()[3].bytes, 4096. * 450);
}

TEST(PacketFailures, a_flow_that_nothing_can_carry_waits_without_an_end) {
  ClosedLoop network(two_ways(), spec_with());
  const FlowId flow = start(network, 1'000, upper);
  network.advance_to(packets(500));
  network.set_capacity(LinkId{1}, {});
  EXPECT_EQ(end_of(network, flow), never);  // and no deadlock: it is not buffers that it waits for
  network.set_capacity(LinkId{1}, 50_GBps);
  EXPECT_NE(end_of(network, flow), never);
}

// Two flows fill the buffer of switch 4, whose links in are paused; then one of these fails and comes back.
TEST(PacketFailures, pauses_over_a_link_that_fails_end) {
  for (const Backpressure backpressure : {Backpressure::pause_frames, Backpressure::credits}) {
    PacketFabric fabric = two_ways();
    fabric.links[4].capacity = 5_GBps;
    ClosedLoopSpec spec = spec_with(backpressure, make_swift({.base_target = 10_s,  // never slows down
                                                              .scaling_range = 1_s,
                                                              .increase = 1,
                                                              .beta = .8,
                                                              .most_decrease = .5,
                                                              .least_scaled_window = .1,
                                                              .most_scaled_window = 100}));
    spec.buffer = 1 << 20;
    for (const std::uint32_t broken : {1u, 4u}) {
      ClosedLoop network(fabric, spec);
      start(network, 5'000, upper);
      start(network, 5'000, lower);
      start(network, 5'000, other);
      network.advance_to(1_ms);
      EXPECT_GT(network.packet_counts()->pauses, 0u);
      network.set_capacity(LinkId{broken}, {});
      network.advance_to(3_ms);
      network.set_capacity(LinkId{broken}, fabric.links[broken].capacity);
      std::size_t ended = 0;
      for (Time t = network.next_event(); t != never; t = network.next_event()) ended += network.advance_to(t).size();
      EXPECT_EQ(ended, 3u);
    }
  }
}

TEST(PacketFailures, a_flow_that_is_given_up_leaves_the_network_to_others) {
  for (const auto& control : {std::shared_ptr<CongestionControl>(), std::shared_ptr<CongestionControl>(make_hpcc({.95, 5, 100}))}) {
    ClosedLoop network(two_ways(), spec_with(Backpressure::pause_frames, control));
    const FlowId first = start(network, 10'000, upper), second = start(network, 10'000, other);
    network.advance_to(packets(4'000));
    network.cancel(first);
    const Time end = end_of(network, second);
    EXPECT_NEAR(end / packets(12'000), 1, .1);     // half the rate, then all of it
    network.advance_to(end + 1_ms);                // the last acknowledgement
    EXPECT_EQ(start(network, 10, upper), second);  // numbers are free again
    EXPECT_EQ(start(network, 10, upper), first);
  }
}

// Losses, new ways and repairs in a fabric of 256 hosts: the same for any number of threads.
TEST(PacketFailures, are_the_same_for_any_number_of_threads) {
  const bench::Case input = bench::make_case("T1a1_perm1M");
  const PacketFabric fabric = bench::packet_fabric(input);
  for (const Backpressure backpressure : {Backpressure::pause_frames, Backpressure::credits, Backpressure::none}) {
    const auto play = [&](int threads) {
      ClosedLoopSpec spec = spec_with(backpressure, make_hpcc({.95, 5, 100}));
      spec.threads = threads;
      ClosedLoop network(fabric, spec);
      std::vector<FlowId> ids;
      for (const bench::Transfer& transfer : input.transfers) {
        std::vector<LinkShare> way;
        for (const LinkId link : transfer.path) way.push_back({link});
        ids.push_back(network.start({.bytes = Bytes{transfer.bytes}, .latency = 4_us, .shares = way}));
      }
      std::vector<std::pair<Time, FlowId>> ends;
      const auto go_to = [&](Time until) {
        for (Time t = network.next_event(); t != never && t <= until; t = network.next_event())
          for (const FlowId flow : network.advance_to(t)) ends.emplace_back(t, flow);
        if (until != never) network.advance_to(until);
      };
      go_to(10_us);
      std::vector<LinkId> broken;
      for (std::size_t i = 0; i < input.transfers.size(); i += 16) broken.push_back(input.transfers[i].path[1]);
      for (const LinkId link : broken) network.set_capacity(link, {});
      go_to(400_us);
      for (const LinkId link : broken) network.set_capacity(link, 50_GBps);
      go_to(never);
      return std::tuple(ends, network.packet_counts()->packet_hops, network.packet_counts()->drops);
    };
    const auto one = play(1);
    EXPECT_EQ(std::get<0>(one).size(), input.transfers.size());
    EXPECT_GT(std::get<2>(one), 0u);
    for (int threads = 2; threads <= 4; ++threads) EXPECT_EQ(play(threads), one) << threads;
  }
}

}  // namespace
