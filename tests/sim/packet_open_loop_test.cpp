#include "sim/packet/open_loop.hpp"
#include <gmock/gmock.h>
#include "sim/error.hpp"
#include "tests/bench/common_cases.hpp"

namespace {
using namespace sim;
using namespace sim::literals;
using ::testing::ElementsAre;

// Each link between nodes of its own: node i to node i + 1, 50 GB/s, so that a packet of 4096 bytes takes 81,920 ps.
PacketFabric chain(std::size_t links, Time delay = 1_us) {
  PacketFabric fabric{.nodes = static_cast<std::uint32_t>(links + 1)};
  for (std::uint32_t i = 0; i < links; ++i) {
    fabric.links.push_back({.from = i, .to = i + 1, .capacity = 50_GBps, .delay = delay});
    fabric.members.push_back({i});
  }
  return fabric;
}

std::vector<LinkShare> over(std::initializer_list<std::uint32_t> links) {
  std::vector<LinkShare> shares;
  for (const std::uint32_t link : links) shares.push_back({LinkId{link}});
  return shares;
}

struct Sent {
  std::int64_t bytes;
  std::vector<LinkShare> way;
  Time start{};
  Time latency{};  // longer than that of the links: the sender waits for the rest
};

// When each ends. They are given by start.
std::vector<Time> finishes(Network& network, const std::vector<Sent>& flows) {
  std::vector<Time> ends(flows.size());
  std::vector<std::size_t> flow_of_id(flows.size());
  for (std::size_t next = 0;;) {
    const Time start = next < flows.size() ? flows[next].start : never;
    const Time t = std::min(start, network.next_event());
    if (t == never) return ends;
    for (const FlowId id : network.advance_to(t)) ends[flow_of_id[id.value()]] = t;
    for (; next < flows.size() && flows[next].start == t; ++next) {
      const FlowId id = network.start({Bytes{flows[next].bytes}, flows[next].latency, flows[next].way});
      flow_of_id.resize(std::max<std::size_t>(flow_of_id.size(), id.value() + 1));
      flow_of_id[id.value()] = next;
    }
  }
}
std::vector<Time> finishes(const PacketFabric& fabric, const std::vector<Sent>& flows, OpenLoopSpec spec = {}) {
  OpenLoop network(fabric, spec);
  return finishes(network, flows);
}
constexpr Time packets(std::int64_t n) { return Time::picoseconds(81'920 * n); }

// 100 packets one after the other, and the last one's delay.
TEST(OpenLoop, one_link_takes_all_transmissions_and_a_delay) {
  EXPECT_THAT(finishes(chain(1), {{409'600, over({0})}}), ElementsAre(packets(100) + 1_us));
}

// Store and forward: the last of 100 packets is sent anew on each of three links.
TEST(OpenLoop, each_link_stores_and_forwards) {
  EXPECT_THAT(finishes(chain(3), {{409'600, over({0, 1, 2})}}), ElementsAre(packets(102) + 3_us));
}

// The last packet has 100 bytes, 2,000 ps. It waits behind the full one before it on each link.
TEST(OpenLoop, the_last_packet_is_shorter) {
  EXPECT_THAT(finishes(chain(3), {{4096 + 100, over({0, 1, 2})}}), ElementsAre(packets(3) + 2_ns + 3_us));
  EXPECT_THAT(finishes(chain(3), {{100, over({0, 1, 2})}}), ElementsAre(3 * 2_ns + 3_us));
}

// Half the speed in the middle: there the packets queue, 100 of them at 163,840 ps.
TEST(OpenLoop, the_slowest_link_sets_the_pace) {
  PacketFabric fabric = chain(3);
  fabric.links[1].capacity = 25_GBps;
  OpenLoop network(fabric, {});
  EXPECT_THAT(finishes(network, {{409'600, over({0, 1, 2})}}), ElementsAre(packets(1 + 200 + 1) + 3_us));
  EXPECT_EQ(network.packet_counts()->packet_hops, 300u);
  EXPECT_EQ(network.link_use()[1].bytes, 409'600);
  // The last one finds what is left of 99 packets after 99 arrivals: 50 queue, and itself half a packet more.
  EXPECT_NEAR(static_cast<double>(network.packet_counts()->max_queue_bytes), 50.5 * 4096, 1);
}

// A of 2 packets and B of 3, in turn: A B A B B.
TEST(OpenLoop, a_sender_serves_its_flows_in_turn) {
  EXPECT_THAT(finishes(chain(1), {{2 * 4096, over({0})}, {3 * 4096, over({0})}}), ElementsAre(packets(3) + 1_us, packets(5) + 1_us));
}

// B comes while A's first packet is sent, and stands behind A: A A B.
TEST(OpenLoop, a_new_flow_goes_to_the_tail) {
  EXPECT_THAT(finishes(chain(1), {{2 * 4096, over({0})}, {4096, over({0}), 1_ns}}), ElementsAre(packets(2) + 1_us, packets(3) + 1_us));
}

// The sender is idle for a while; the second flow finds the link free.
TEST(OpenLoop, an_idle_sender_starts_at_once) {
  EXPECT_THAT(finishes(chain(2), {{4096, over({0, 1})}, {4096, over({0, 1}), 90_ns}}),
              ElementsAre(packets(2) + 2_us, 90_ns + packets(2) + 2_us));
}

// Two packets reach link 2 at one instant, one over each of links 0 and 1: the lower link goes first, whoever started first.
TEST(OpenLoop, at_one_instant_the_lower_link_goes_first) {
  const PacketFabric fabric{
      .links = {{0, 2, 50_GBps, 1_us}, {1, 2, 50_GBps, 1_us}, {2, 3, 50_GBps, 1_us}}, .members = {{0}, {1}, {2}}, .nodes = 4};
  EXPECT_THAT(finishes(fabric, {{4096, over({1, 2})}, {4096, over({0, 2})}}), ElementsAre(packets(3) + 2_us, packets(2) + 2_us));
}

// 5 us are asked for and the link has 1 us: the sender waits for 4 us.
TEST(OpenLoop, a_longer_latency_is_waited_for) {
  EXPECT_THAT(finishes(chain(1), {{4096, over({0}), {}, 5_us}}), ElementsAre(packets(1) + 5_us));
}

TEST(OpenLoop, nothing_to_carry_ends_with_the_latency) {
  EXPECT_THAT(finishes(chain(1), {{0, over({0}), {}, 5_us}, {1, {}, {}, 7_us}}), ElementsAre(5_us, 7_us));
}

// Links without delay leave no window to speak of. B has link 1 from 1 ns on, so that A waits there for 1 ns.
TEST(OpenLoop, links_may_have_no_delay) {
  EXPECT_THAT(finishes(chain(3, {}), {{409'600, over({0, 1, 2})}, {4096, over({1, 2}), 1_ns}}),
              ElementsAre(1_ns + packets(102), 1_ns + packets(2)));
}

// Two links of half the speed from node 1 to node 2, between links of the full one. Packets alternate, so 100 packets pass in 50
// double transmissions.
TEST(OpenLoop, packets_level_out_over_a_trunk) {
  PacketFabric fabric{.links = {{0, 1, 50_GBps, 1_us}, {1, 2, 25_GBps, 1_us}, {1, 2, 25_GBps, 1_us}, {2, 3, 50_GBps, 1_us}},
                      .members = {{0}, {1, 2}, {3}},
                      .nodes = 4};
  for (const PacketChoice choice : {PacketChoice::shortest_queue, PacketChoice::in_turn})
    EXPECT_THAT(finishes(fabric, {{409'600, over({0, 1, 2})}}, {.choice = choice}), ElementsAre(packets(100 + 2 + 1) + 3_us));
}

// Half of a flow by node 2, half by node 3: no trunk, but packets choose as if it were one.
TEST(OpenLoop, packets_of_one_flow_level_out_over_several_paths) {
  const PacketFabric fabric{.links = {{0, 1, 50_GBps, 1_us},
                                      {1, 2, 25_GBps, 1_us},
                                      {1, 3, 25_GBps, 1_us},
                                      {2, 4, 50_GBps, 1_us},
                                      {3, 4, 50_GBps, 1_us},
                                      {4, 5, 50_GBps, 1_us}},
                            .members = {{0}, {1}, {2}, {3}, {4}, {5}},
                            .nodes = 6};
  const std::vector<LinkShare> way = {{LinkId{0}}, {LinkId{1}, .5}, {LinkId{3}, .5}, {LinkId{2}, .5}, {LinkId{4}, .5}, {LinkId{5}}};
  for (const PacketChoice choice : {PacketChoice::shortest_queue, PacketChoice::in_turn}) {
    OpenLoop network(fabric, {.choice = choice});
    network.start({409'600_B, {}, way});
    Time end;
    for (Time t = network.next_event(); t != never; t = network.next_event())
      if (!network.advance_to(t).empty()) end = t;
    EXPECT_EQ(end, packets(100 + 2 + 1 + 1) + 4_us);
    EXPECT_EQ(network.link_use()[1].bytes, 50. * 4096);
    EXPECT_EQ(network.link_use()[4].bytes, 50. * 4096);
  }
}

TEST(OpenLoop, parts_of_a_flow_over_paths_of_unequal_length_are_refused) {
  const PacketFabric fabric{
      .links = {{0, 1, 50_GBps, 1_us}, {1, 2, 50_GBps, 1_us}, {0, 2, 50_GBps, 1_us}}, .members = {{0}, {1}, {2}}, .nodes = 3};
  OpenLoop network(fabric, {});
  const std::vector<LinkShare> halves = {{LinkId{0}, .5}, {LinkId{1}, .5}, {LinkId{2}, .5}};
  EXPECT_THROW(network.start({4096_B, {}, halves}), InputError);
}

// The makespan of ns-3 3.37 on the same packets (the folder of common cases), to the picosecond.
struct Answer {
  const char* name;
  std::int64_t makespan_ps;
};
class OpenLoopCases : public testing::TestWithParam<Answer> {};
INSTANTIATE_TEST_SUITE_P(, OpenLoopCases,
                         testing::Values(Answer{"T1a_perm", 6715132160}, Answer{"T1a1_perm1M", 109103360}, Answer{"T1d_a2a", 1330530560},
                                         Answer{"T1e_incast", 5370791040}, Answer{"T2a1_perm1M", 132238720}),
                         [](const auto& answer) { return answer.param.name; });

TEST_P(OpenLoopCases, makespan_is_that_of_ns3) {
  const bench::Case input = bench::make_case(GetParam().name);
  OpenLoop network(bench::packet_fabric(input), {});
  EXPECT_EQ(bench::simulate(input, network).makespan.ps(), GetParam().makespan_ps);
}

TEST(OpenLoop, threads_change_nothing) {
  const bench::Case input = bench::make_case("T1d_a2a");
  const auto run = [&](int threads) {
    OpenLoop network(bench::packet_fabric(input), {.threads = threads});
    return bench::simulate(input, network).finishes;
  };
  const auto one = run(1);
  EXPECT_EQ(run(2), one);
  EXPECT_EQ(run(3), one);
}
}  // namespace
