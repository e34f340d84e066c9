#include "sim/max_min.hpp"
#include <gmock/gmock.h>
#include <map>
#include "sim/random.hpp"

namespace {
using namespace sim;
using namespace sim::literals;

struct Asked {
  std::vector<LinkShare> shares;
  BytesPerSecond limit;
  double weight = 1;
};

double ceiling(const Asked& flow, const std::vector<LinkSpec>& links) {
  double most = flow.limit.value() > 0 ? flow.limit.value() : 1e300;
  if (flow.limit.value() == 0)
    for (const LinkShare& s : flow.shares) most = std::min(most, links[s.link.value()].capacity.value() / s.share);
  return most;
}

// Weights 1 and 2 share 12 GB/s as 4 and 8; capped at 6, the heavy one leaves the other 6.
TEST(MaxMin, weights_divide_a_link_in_their_ratio) {
  const std::vector<LinkSpec> links = {{12_GBps}};
  MaxMin rates(links);
  const std::vector<LinkShare> route = {{LinkId{0}}};
  rates.attach(FlowId{0}, route, {}, 1);
  rates.attach(FlowId{1}, route, {}, 2);
  rates.solve();
  EXPECT_EQ(rates.rate(FlowId{0}), 4_GBps);
  EXPECT_EQ(rates.rate(FlowId{1}), 8_GBps);
  rates.detach(FlowId{1});
  rates.attach(FlowId{1}, route, 6_GBps, 2);
  rates.solve();
  EXPECT_EQ(rates.rate(FlowId{0}), 6_GBps);
  EXPECT_EQ(rates.rate(FlowId{1}), 6_GBps);
}

// Seven flows of share 1/7 are one flow of share 1: equal to the last bit, as a folded network needs.
TEST(MaxMin, equal_parts_of_a_link_are_exact) {
  for (const int parts : {3, 7, 11, 24, 48}) {
    const std::vector<LinkSpec> links = {{BytesPerSecond{5e10 / 3}}};
    MaxMin whole(links), folded(links);
    const std::vector<LinkShare> part = {{LinkId{0}, 1.0 / parts}}, all = {{LinkId{0}, 1}};
    for (int i = 0; i < parts; ++i) whole.attach(FlowId{static_cast<std::uint32_t>(i)}, part, {}, 1);
    folded.attach(FlowId{0}, all, {}, 1);
    whole.solve();
    folded.solve();
    EXPECT_EQ(whole.rate(FlowId{0}), folded.rate(FlowId{0})) << parts;
  }
}

// What makes rates max-min fair: no link is overloaded, and every flow is at its ceiling or crosses a full
// link on which no flow has a higher rate per weight.
void expect_max_min(const MaxMin& rates, const std::map<std::uint32_t, Asked>& flows, const std::vector<LinkSpec>& links) {
  std::vector<double> load(links.size()), highest(links.size());
  for (const auto& [id, flow] : flows)
    for (const LinkShare& s : flow.shares) {
      load[s.link.value()] += rates.rate(FlowId{id}).value() * s.share;
      highest[s.link.value()] = std::max(highest[s.link.value()], rates.rate(FlowId{id}).value() / flow.weight);
    }
  for (std::size_t l = 0; l < links.size(); ++l) ASSERT_LE(load[l], links[l].capacity.value() * (1 + 1e-9));
  for (const auto& [id, flow] : flows) {
    const double rate = rates.rate(FlowId{id}).value();
    const bool held =
        rate >= ceiling(flow, links) * (1 - 1e-9) || std::any_of(flow.shares.begin(), flow.shares.end(), [&](const LinkShare& s) {
          const std::size_t l = s.link.value();
          return load[l] >= links[l].capacity.value() * (1 - 1e-9) && rate / flow.weight >= highest[l] * (1 - 1e-9);
        });
    ASSERT_TRUE(held) << "flow " << id << " at " << rate;
  }
}

// Flows come and go, ids are used again, capacities change; equal capacities give many ties. After each
// change the rates are max-min, and bit for bit those of a solver that sees the flows for the first time, in another order.
TEST(MaxMin, local_solve_gives_what_solving_from_scratch_gives) {
  int cases = 0;
  for (std::uint64_t seed = 0; seed < 250; ++seed) {
    const Random random(seed, 2);
    std::uint64_t draw = 0;
    const auto below = [&](std::size_t n) { return static_cast<std::uint32_t>(random.uniform(0, draw++) * static_cast<double>(n)); };
    std::vector<LinkSpec> links;
    const std::uint32_t link_count = 4 + below(40);
    for (std::uint32_t l = 0; l < link_count; ++l) links.push_back({BytesPerSecond{seed % 2 ? 5e10 : 1e9 * (1 + below(8))}});
    MaxMin rates(links);
    std::map<std::uint32_t, Asked> flows;
    const std::uint32_t most = 4 + below(120);
    for (int change = 0; change < 60; ++change, ++cases) {
      for (std::uint32_t i = below(4) ? 1 : 1 + below(8); i > 0; --i) {
        const std::uint32_t id = below(most);
        if (flows.contains(id)) {
          rates.detach(FlowId{id});
          flows.erase(id);
          continue;
        }
        Asked& flow = flows[id];
        for (std::uint32_t l = below(link_count); l < link_count && flow.shares.size() < 6; l += 1 + below(link_count / 2))
          flow.shares.push_back({LinkId{l}, seed % 3 ? 1.0 : 1.0 / (1 + below(4))});
        if (seed % 5 == 0 && below(4) == 0) flow.limit = BytesPerSecond{1e8 * (1 + below(20))};
        if (seed % 7 == 0) flow.weight = 1 + below(3);
        rates.attach(FlowId{id}, flow.shares, flow.limit, flow.weight);
      }
      if (below(10) == 0) {
        const std::uint32_t l = below(link_count);
        std::vector<FlowId> on_link;
        rates.flows_on(LinkId{l}, on_link);
        links[l].capacity = BytesPerSecond{1e9 * below(9)};
        for (const FlowId id : on_link) rates.detach(id);
        rates.set_capacity(LinkId{l}, links[l].capacity);
        for (const FlowId id : on_link) rates.attach(id, flows[id.value()].shares, flows[id.value()].limit, flows[id.value()].weight);
      }
      rates.solve();
      MaxMin scratch(links);
      for (auto flow = flows.rbegin(); flow != flows.rend(); ++flow)
        scratch.attach(FlowId{flow->first}, flow->second.shares, flow->second.limit, flow->second.weight);
      scratch.solve();
      for (const auto& [id, flow] : flows)
        ASSERT_EQ(rates.rate(FlowId{id}), scratch.rate(FlowId{id})) << "seed " << seed << " change " << change << " flow " << id;
      if (change % 4 == 0) expect_max_min(rates, flows, links);
    }
  }
  EXPECT_EQ(cases, 15'000);
}

// 64 islands of 250 flows on 10 links each, and one flow in the middle that nothing joins: a
// solve of everything is split among threads and gives the same bits.
TEST(MaxMin, rates_are_the_same_on_any_number_of_threads) {
  const Random random(1, 4);
  constexpr std::uint32_t islands = 64, flows_each = 250, links_each = 10;
  std::vector<LinkSpec> links;
  for (std::uint32_t l = 0; l < islands * links_each; ++l)
    links.push_back({BytesPerSecond{1e9 * (1 + static_cast<double>(random.bits(0, l) % 9))}});
  links.push_back({1_GBps});
  const auto rates_on = [&](int threads) {
    MaxMin rates(links, threads);
    std::vector<LinkShare> shares;
    for (std::uint32_t id = 0; id < islands * flows_each; ++id) {
      const std::uint64_t bits = random.bits(1, id);
      const std::uint32_t island = id % islands, first = static_cast<std::uint32_t>(bits % links_each);
      const std::uint32_t second = (first + 1 + static_cast<std::uint32_t>((bits >> 8) % (links_each - 1))) % links_each;
      shares = {{LinkId{island * links_each + first}}, {LinkId{island * links_each + second}, 0.5}};
      rates.attach(FlowId{id}, shares, {}, 1);
    }
    shares = {{LinkId{islands * links_each}}};
    rates.attach(FlowId{islands * flows_each}, shares, {}, 1);
    rates.solve();
    std::vector<BytesPerSecond> all;
    for (std::uint32_t id = 0; id <= islands * flows_each; ++id) all.push_back(rates.rate(FlowId{id}));
    return all;
  };
  const auto one = rates_on(1);
  EXPECT_EQ(one.back(), 1_GBps);
  for (const int threads : {2, 4, 0}) EXPECT_EQ(rates_on(threads), one) << threads;
}
}  // namespace
