// Bursts of a flow that take a link together.
#include <gmock/gmock.h>
#include <numeric>
#include "sim/packet/closed_loop.hpp"
#include "sim/packet/open_loop.hpp"

namespace {
using namespace sim;
using namespace sim::literals;

// Hosts 0 to 3 send over switch 4 and a trunk of four links to switch 5, and from there to hosts 6 to 9.
PacketFabric four_pairs() {
  PacketFabric fabric{.nodes = 10};
  for (std::uint32_t i = 0; i < 4; ++i) fabric.links.push_back({i, 4, 50_GBps, 1_us});
  for (std::uint32_t i = 0; i < 4; ++i) fabric.links.push_back({4, 5, 50_GBps, 1_us});
  for (std::uint32_t i = 0; i < 4; ++i) fabric.links.push_back({5, 6 + i, 50_GBps, 1_us});
  for (std::uint32_t i = 0; i < 4; ++i) fabric.members.push_back({i});
  fabric.members.push_back({4, 5, 6, 7});
  for (std::uint32_t i = 0; i < 4; ++i) fabric.members.push_back({8 + i});
  return fabric;
}
void start(Network& network, std::uint32_t pair, std::int64_t packets) {
  const std::vector<LinkShare> way = {{LinkId{pair}}, {LinkId{4}}, {LinkId{5 + pair}}};
  network.start({.bytes = Bytes{4096 * packets}, .latency = 3_us, .shares = way});
}
Time play(Network& network) {
  Time end;
  for (Time t = network.next_event(); t != never; t = network.next_event())
    if (!network.advance_to(t).empty()) end = t;
  return end;
}
// Bytes over each link of the trunk.
std::vector<std::int64_t> over_trunk(const PacketLog& log) {
  std::vector<std::int64_t> bytes(4);
  for (std::uint32_t link = 0; link < 4; ++link)
    for (std::size_t bin = 0; bin < log.bins_used(); ++bin) bytes[link] += log.at(4 + link, bin).carried;
  return bytes;
}
std::size_t used(const std::vector<std::int64_t>& bytes) { return bytes.size() - static_cast<std::size_t>(std::ranges::count(bytes, 0)); }

class Choice : public testing::TestWithParam<bool> {  // whether the loop is closed
 protected:
  std::unique_ptr<Network> network(PacketChoice choice, PacketLog& log) {
    if (!GetParam()) return std::make_unique<OpenLoop>(four_pairs(), OpenLoopSpec{.choice = choice, .flowlet_gap = 16_us, .log = &log});
    ClosedLoopSpec spec;
    spec.choice = choice;
    spec.flowlet_gap = 16_us;
    spec.log = &log;
    return std::make_unique<ClosedLoop>(four_pairs(), spec);
  }
};
INSTANTIATE_TEST_SUITE_P(OfALink, Choice, testing::Bool(), [](const auto& closed) { return closed.param ? "closed" : "open"; });

TEST_P(Choice, a_burst_stays_on_its_link) {
  PacketLog log(12), adaptive_log(12);
  const auto flowlets = network(PacketChoice::flowlets, log), adaptive = network(PacketChoice::shortest_queue, adaptive_log);
  for (Network* network : {flowlets.get(), adaptive.get()}) {
    start(*network, 0, 100);
    log.finish(play(*network));
  }
  EXPECT_EQ(used(over_trunk(log)), 1u);
  EXPECT_EQ(used(over_trunk(adaptive_log)), 4u);
}

TEST_P(Choice, a_pause_lets_it_take_another) {
  PacketLog log(12);
  const auto flowlets = network(PacketChoice::flowlets, log);
  for (int burst = 0; burst < 8; ++burst) {
    start(*flowlets, 0, 10);
    const Time end = play(*flowlets);
    flowlets->advance_to(end + 20_us);  // longer than the gap
  }
  log.finish(flowlets->now());
  const auto bytes = over_trunk(log);
  EXPECT_GT(used(bytes), 1u);
  for (const std::int64_t each : bytes) EXPECT_EQ(each % (10 * 4096), 0);  // whole bursts
  EXPECT_EQ(std::accumulate(bytes.begin(), bytes.end(), std::int64_t{0}), 80 * 4096);
}

// The shortest queue is free for each of four flows that begin one after the other.
TEST_P(Choice, bursts_of_several_flows_take_links_of_their_own) {
  PacketLog log(12);
  const auto flowlets = network(PacketChoice::flowlets, log);
  for (std::uint32_t pair = 0; pair < 4; ++pair) {
    start(*flowlets, pair, 1000);
    flowlets->advance_to(flowlets->now() + 2_us);
  }
  log.finish(play(*flowlets));
  for (const std::int64_t each : over_trunk(log)) EXPECT_EQ(each, 1000 * 4096);
}

}  // namespace
