// Some flows as packets, the others as a fluid, on the same links.
#include "sim/packet/mixed_network.hpp"
#include <gmock/gmock.h>
#include "tests/bench/common_cases.hpp"

namespace {
using namespace sim;
using namespace sim::literals;

// Hosts 0 to 2 send over switch 4 to host 3: links 0 to 2 up, link 3 down, 50 GB/s and 1 us.
PacketFabric three_to_one() {
  return {.links = {{0, 4, 50_GBps, 1_us}, {1, 4, 50_GBps, 1_us}, {2, 4, 50_GBps, 1_us}, {4, 3, 50_GBps, 1_us}},
          .members = {{0}, {1}, {2}, {3}},
          .nodes = 5};
}
std::unique_ptr<ClosedLoop> packets_at_fair_rates(const PacketFabric& fabric, int threads = 1) {
  ClosedLoopSpec spec;
  spec.threads = threads;
  return std::make_unique<ClosedLoop>(fabric, spec);
}
std::vector<LinkSpec> links_of(const PacketFabric& fabric) {
  std::vector<LinkSpec> links;
  for (const PacketLink& link : fabric.links) links.push_back({link.capacity});
  return links;
}
// Flows of purpose 1 are packets.
MixedNetwork mixed(const PacketFabric& fabric, int threads = 1) {
  return MixedNetwork(links_of(fabric), packets_at_fair_rates(fabric, threads),
                      [](const FlowSpec& flow, Time) { return flow.purpose == 1; });
}
FlowId start(Network& network, std::uint32_t host, std::int64_t bytes, bool as_packets) {
  const std::vector<LinkShare> way = {{LinkId{host}}, {LinkId{3}}};
  return network.start({.bytes = Bytes{bytes}, .latency = 2_us, .shares = way, .purpose = static_cast<std::uint8_t>(as_packets)});
}
std::vector<Time> play(Network& network, std::size_t flows) {
  std::vector<Time> ends(flows);
  for (Time t = network.next_event(); t != never; t = network.next_event())
    for (const FlowId flow : network.advance_to(t)) ends[flow.value()] = t;
  return ends;
}

constexpr std::int64_t bytes = 40'960'000;  // 10,000 packets, 819.2 us alone

TEST(MixedNetwork, of_fluid_flows_alone_is_the_fluid_network) {
  const PacketFabric fabric = three_to_one();
  MixedNetwork network = mixed(fabric);
  const auto fluid = make_network("fluid", links_of(fabric));
  for (Network* each : {static_cast<Network*>(&network), fluid.get()})
    for (std::uint32_t host = 0; host < 3; ++host) start(*each, host, bytes * (host + 1), false);
  EXPECT_EQ(play(network, 3), play(*fluid, 3));
  EXPECT_EQ(network.packet_counts()->packet_hops, 0u);
}

TEST(MixedNetwork, of_packets_alone_is_the_packet_network) {
  const bench::Case input = bench::make_case("T1a1_perm1M");
  const PacketFabric fabric = bench::packet_fabric(input);
  MixedNetwork network(links_of(fabric), packets_at_fair_rates(fabric), [](const FlowSpec&, Time) { return true; });
  const auto packets = packets_at_fair_rates(fabric);
  EXPECT_EQ(bench::simulate(input, network).finishes, bench::simulate(input, *packets).finishes);
}

// A third each, then a half, then all: whoever is what.
TEST(MixedNetwork, shares_a_bottleneck_as_the_fluid_network_does) {
  const PacketFabric fabric = three_to_one();
  const auto fluid = make_network("fluid", links_of(fabric));
  for (std::uint32_t host = 0; host < 3; ++host) start(*fluid, host, bytes * (host + 1), false);
  const std::vector<Time> expected = play(*fluid, 3);
  for (int kinds = 1; kinds < 8; ++kinds) {
    MixedNetwork network = mixed(fabric);
    for (std::uint32_t host = 0; host < 3; ++host) start(network, host, bytes * (host + 1), (kinds >> host & 1) != 0);
    const std::vector<Time> ends = play(network, 3);
    for (std::size_t i = 0; i < 3; ++i) EXPECT_NEAR(ends[i] / expected[i], 1, .005) << kinds << " " << i;
    EXPECT_NEAR(network.link_use()[3].bytes / (6. * bytes), 1, .002) << kinds;
    EXPECT_EQ(network.packet_counts()->drops, 0u);
  }
}

// 400 us alone, then beside a flow of the fluid until that has ended.
TEST(MixedNetwork, packets_feel_what_begins_later) {
  const PacketFabric fabric = three_to_one();
  MixedNetwork network = mixed(fabric);
  const FlowId packets = start(network, 0, bytes, true);
  network.advance_to(400_us);
  const FlowId fluid = start(network, 1, 10'000'000, false);
  std::vector<Time> ends(2);
  for (Time t = network.next_event(); t != never; t = network.next_event())
    for (const FlowId flow : network.advance_to(t)) ends[flow.value()] = t;
  EXPECT_NEAR(ends[fluid.value()].in_seconds(), 402e-6 + 400e-6, 5e-6);
  EXPECT_NEAR(ends[packets.value()].in_seconds(), 819.2e-6 + 200e-6, 10e-6);
}

TEST(MixedNetwork, gives_up_moves_and_slows_both_kinds) {
  const PacketFabric fabric = three_to_one();
  for (const bool as_packets : {false, true}) {
    MixedNetwork network = mixed(fabric);
    const FlowId stays = start(network, 0, bytes, as_packets), goes = start(network, 1, bytes, !as_packets);
    network.advance_to(200_us);
    network.cancel(goes);
    network.set_capacity(LinkId{3}, 25_GBps);
    Time end;
    for (Time t = network.next_event(); t != never; t = network.next_event())
      for (const FlowId flow : network.advance_to(t))
        if (flow == stays) end = t;
    // 5 MB at half of the link, the rest at all of half a link.
    EXPECT_NEAR(end.in_seconds(), 200e-6 + (bytes - 4.95e6) / 25e9, 10e-6);
  }
}

TEST(MixedNetwork, is_the_same_for_any_number_of_threads) {
  const bench::Case input = bench::make_case("T1a1_perm1M");
  const PacketFabric fabric = bench::packet_fabric(input);
  const auto ends = [&](int threads) {
    MixedNetwork network(links_of(fabric), packets_at_fair_rates(fabric, threads),
                         [](const FlowSpec& flow, Time) { return flow.shares.front().link.value() % 2 == 0; });
    return bench::simulate(input, network).finishes;
  };
  EXPECT_EQ(ends(1), ends(3));
}

}  // namespace
