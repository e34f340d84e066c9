#include "sim/network.hpp"
#include <gmock/gmock.h>
#include <map>
#include "sim/error.hpp"
#include "sim/random.hpp"

namespace {
using namespace sim;
using namespace sim::literals;
using ::testing::ElementsAre;

std::unique_ptr<Network> fluid(std::vector<LinkSpec> links) { return make_network("fluid", links); }

FlowSpec over(Bytes bytes, const std::vector<LinkShare>& shares, Time latency = {}) { return {bytes, latency, shares}; }

// Runs until nothing can happen; when each flow ended.
std::map<FlowId, Time> finish_all(Network& net) {
  std::map<FlowId, Time> ends;
  for (Time t = net.next_event(); t != never; t = net.next_event())
    for (const FlowId f : net.advance_to(t)) ends[f] = t;
  return ends;
}

// Two flows share one 100 GB/s link: max-min gives each 50 GB/s, so 1 GB takes 20 ms.
// The 3 GB flow has then sent 1 GB and finishes alone: 20 ms + 2 GB / (100 GB/s) = 40 ms.
TEST(FluidNetwork, survivor_takes_the_whole_link) {
  const auto net = fluid({{100_GBps}});
  const std::vector<LinkShare> route = {{LinkId{0}}};
  const FlowId small = net->start(over(1_GB, route));
  const FlowId large = net->start(over(3_GB, route));
  EXPECT_EQ(net->next_event(), 20_ms);
  EXPECT_THAT(net->advance_to(20_ms), ElementsAre(small));
  EXPECT_EQ(net->rate(large), 100_GBps);
  EXPECT_EQ(net->next_event(), 40_ms);
}

// A flow first waits for its latency: 5 us + 1 GB / 100 GB/s.
TEST(FluidNetwork, latency_comes_before_sharing) {
  const auto net = fluid({{100_GBps}});
  net->start(over(1_GB, {{LinkId{0}}}, 5_us));
  EXPECT_EQ(finish_all(*net).at(FlowId{0}), 10_ms + 5_us);
}

// Zero bytes, or no link on the way, end with the latency.
TEST(FluidNetwork, nothing_to_carry_ends_with_the_latency) {
  const auto net = fluid({{100_GBps}});
  net->start(over(0_B, {{LinkId{0}}}, 5_us));
  net->start(over(1_GB, {}, 7_us));
  EXPECT_THAT(finish_all(*net), ElementsAre(std::pair{FlowId{0}, 5_us}, std::pair{FlowId{1}, 7_us}));
}

// Classic max-min: A-B shares link 0 (10) and link 1 (4). Flows: x on 0, y on 0 and 1, z on 1.
// Link 1 gives y = z = 2; what is left of link 0 is x = 8.
TEST(FluidNetwork, what_a_bottleneck_leaves_goes_to_the_others) {
  const auto net = fluid({{10_GBps}, {4_GBps}});
  const FlowId x = net->start(over(100_GB, {{LinkId{0}}}));
  const FlowId y = net->start(over(100_GB, {{LinkId{0}}, {LinkId{1}}}));
  const FlowId z = net->start(over(100_GB, {{LinkId{1}}}));
  EXPECT_EQ(net->rate(x), 8_GBps);
  EXPECT_EQ(net->rate(y), 2_GBps);
  EXPECT_EQ(net->rate(z), 2_GBps);
}

// A sprayed flow puts a half on each of two 10 GB/s links: alone it gets 20 GB/s; with a plain flow on
// link 0 both rise together until r/2 + r = 10: r = 6.67 GB/s.
TEST(FluidNetwork, sprayed_flow_loads_each_path_with_its_share) {
  const auto net = fluid({{10_GBps}, {10_GBps}});
  const FlowId sprayed = net->start(over(100_GB, {{LinkId{0}, 0.5}, {LinkId{1}, 0.5}}));
  EXPECT_EQ(net->rate(sprayed), 20_GBps);
  const FlowId plain = net->start(over(100_GB, {{LinkId{0}}}));
  EXPECT_NEAR(net->rate(sprayed).value(), 10e9 / 1.5, 1);
  EXPECT_NEAR(net->rate(plain).value(), 10e9 / 1.5, 1);
}

// A capped flow leaves what it cannot use.
TEST(FluidNetwork, ceiling_holds_a_flow) {
  const auto net = fluid({{10_GBps}});
  FlowSpec capped{100_GB, {}, {}, 2_GBps};
  const std::vector<LinkShare> route = {{LinkId{0}}};
  capped.shares = route;
  const FlowId slow = net->start(capped);
  const FlowId fast = net->start(over(100_GB, route));
  EXPECT_EQ(net->rate(slow), 2_GBps);
  EXPECT_EQ(net->rate(fast), 8_GBps);
}

// Weights 1 and 3 share 8 GB/s as 2 and 6. The heavy one has sent its 6 GB after 1 s; then the other is alone: 1 s + 6 GB / 8 GB/s.
TEST(FluidNetwork, weights_divide_a_link_in_their_ratio) {
  const auto net = fluid({{8_GBps}});
  const std::vector<LinkShare> route = {{LinkId{0}}};
  FlowSpec heavy = over(6_GB, route);
  heavy.weight = 3;
  const FlowId light = net->start(over(8_GB, route));
  const FlowId fast = net->start(heavy);
  EXPECT_EQ(net->rate(light), 2_GBps);
  EXPECT_EQ(net->rate(fast), 6_GBps);
  EXPECT_THAT(finish_all(*net), ElementsAre(std::pair{light, 1750_ms}, std::pair{fast, 1000_ms}));
}

// 1 GB at 100 GB/s, down from 5 to 15 ms: 10 ms of sending and 10 ms of waiting.
TEST(FluidNetwork, flow_waits_while_its_link_is_down) {
  const auto net = fluid({{100_GBps}});
  net->start(over(1_GB, {{LinkId{0}}}));
  net->advance_to(5_ms);
  net->set_capacity(LinkId{0}, 0_GBps);
  EXPECT_EQ(net->next_event(), never);
  net->advance_to(15_ms);
  net->set_capacity(LinkId{0}, 100_GBps);
  EXPECT_EQ(net->next_event(), 20_ms);
}

// Three messages, each 5 us and 1 GB / 100 GB/s: on both networks, where nobody else is.
TEST(Network, train_takes_its_messages_one_after_the_other) {
  const std::vector<LinkSpec> links = {{100_GBps}};
  const std::vector<LinkShare> route = {{LinkId{0}}};
  for (const char* name : {"fluid", "analytic"}) {
    const auto net = make_network(name, links);
    net->start({1_GB, 5_us, route, {}, 1, 3});
    EXPECT_THAT(finish_all(*net), ElementsAre(std::pair{FlowId{0}, 3 * (10_ms + 5_us)}));
    EXPECT_DOUBLE_EQ(net->link_use()[0].bytes, 3e9);
  }
}

// Half the rate from 2 ms after the start of the second message's bytes: 8 ms of it and the third take twice as long.
// Down in the latency of the third, which goes on meanwhile; its bytes wait for the link.
TEST(FluidNetwork, train_goes_on_from_where_it_is_when_its_rate_changes) {
  const auto net = fluid({{100_GBps}});
  net->start({1_GB, 5_us, std::vector<LinkShare>{{LinkId{0}}}, {}, 1, 3});
  const Time change = 10_ms + 2 * 5_us + 2_ms, third = change + 16_ms;
  net->advance_to(change);
  EXPECT_NEAR(net->link_use()[0].bytes, 1.2e9, 1);
  net->set_capacity(LinkId{0}, 50_GBps);
  EXPECT_EQ(net->next_event(), third + 5_us + 20_ms);
  net->advance_to(third + 3_us);
  EXPECT_NEAR(net->link_use()[0].bytes, 2e9, 1);
  net->set_capacity(LinkId{0}, {});
  EXPECT_EQ(net->next_event(), never);
  net->advance_to(third + 100_ms);
  net->set_capacity(LinkId{0}, 50_GBps);
  EXPECT_EQ(net->next_event(), third + 100_ms + 20_ms);
}

// What is cancelled leaves its share to the others, and never ends.
TEST(FluidNetwork, cancelled_flows_leave_no_trace) {
  const auto net = fluid({{100_GBps}});
  const std::vector<LinkShare> route = {{LinkId{0}}};
  const FlowId train = net->start({1_GB, 5_us, route, {}, 1, 3}), waits = net->start(over(1_GB, route, 1_s));
  const FlowId stays = net->start(over(1_GB, route));
  net->advance_to(10_ms);
  net->cancel(train);
  net->cancel(waits);
  EXPECT_THAT(finish_all(*net), ElementsAre(std::pair{stays, 15_ms}));
  EXPECT_NEAR(net->link_use()[0].bytes, 1e9, 1);
}

// The link that holds a flow below what its own ends allow is told from a NIC that is merely busy.
TEST(FluidNetwork, limiting_time_is_that_of_the_shared_link) {
  const auto net = fluid({{10_GBps}, {10_GBps}, {10_GBps}});  // two NICs, one trunk
  net->start(over(1_GB, {{LinkId{0}}, {LinkId{2}}}));
  net->start(over(1_GB, {{LinkId{1}}, {LinkId{2}}}));
  finish_all(*net);
  const auto use = net->link_use();
  EXPECT_EQ(use[0].limiting, Time{});
  EXPECT_EQ(use[2].limiting, 200_ms);
  EXPECT_DOUBLE_EQ(use[2].bytes, 2e9);
}

TEST(AnalyticNetwork, flows_do_not_see_each_other) {
  const std::vector<LinkSpec> links = {{100_GBps}, {50_GBps}};
  const auto net = make_network("analytic", links);
  net->start(over(1_GB, {{LinkId{0}}, {LinkId{1}}}, 1_us));
  net->start(over(1_GB, {{LinkId{0}}, {LinkId{1}}}));
  EXPECT_THAT(finish_all(*net), ElementsAre(std::pair{FlowId{0}, 20_ms + 1_us}, std::pair{FlowId{1}, 20_ms}));
}

TEST(Network, unknown_name_is_an_input_error) {
  const std::vector<LinkSpec> links;
  try {
    make_network("fluyd", links);
    FAIL();
  } catch (const InputError& error) {
    EXPECT_STREQ(error.what(), "network: 'fluyd' is unknown (known: analytic, fluid). Choose one of them.");
  }
}

// ---- against the slow obvious solver -------------------------------------------------------------

struct RandomFlow {
  std::vector<LinkShare> shares;
  double rate = -1;
};

// Water-filling as in the textbook: raise all unfixed rates together until a link is full, fix its flows, repeat.
void obvious_max_min(const std::vector<LinkSpec>& links, std::vector<RandomFlow*>& flows) {
  std::vector<double> left;
  for (const LinkSpec& l : links) left.push_back(l.capacity.value());
  for (RandomFlow* f : flows) f->rate = -1;
  for (std::size_t fixed = 0; fixed < flows.size();) {
    double level = 1e300;
    std::size_t fullest = 0;
    for (std::size_t l = 0; l < links.size(); ++l) {
      double weight = 0;
      for (const RandomFlow* f : flows)
        for (const LinkShare& s : f->shares) weight += f->rate < 0 && s.link.value() == l ? s.share : 0;
      if (weight > 0 && left[l] / weight < level) level = left[l] / weight, fullest = l;
    }
    for (RandomFlow* f : flows) {
      if (f->rate >= 0 || !std::any_of(f->shares.begin(), f->shares.end(), [&](const LinkShare& s) { return s.link.value() == fullest; }))
        continue;
      f->rate = level;
      ++fixed;
      for (const LinkShare& s : f->shares) left[s.link.value()] -= level * s.share;
    }
  }
}

// Flows come and go at random on random links; after each change every rate agrees with the obvious solver
// and no link carries more than it can.
TEST(FluidNetwork, agrees_with_the_obvious_solver_after_every_change) {
  for (std::uint64_t seed = 0; seed < 2'000; ++seed) {
    const Random random(seed, 1);
    std::uint64_t draw = 0;
    const auto below = [&](double n) { return static_cast<std::uint32_t>(random.uniform(0, draw++) * n); };
    std::vector<LinkSpec> links;
    for (int l = 0; l < 12; ++l) links.push_back({BytesPerSecond{1e9 * (1 + below(8))}});
    const auto net = fluid(links);
    std::map<FlowId, RandomFlow> alive;
    for (int change = 0; change < 15; ++change) {
      const int starts = 1 + static_cast<int>(below(3));
      for (int i = 0; i < starts; ++i) {
        RandomFlow flow;
        for (std::uint32_t l = below(3); l < links.size(); l += 1 + below(6)) flow.shares.push_back({LinkId{l}, below(2) ? 1.0 : 0.5});
        alive[net->start(over(Bytes{static_cast<std::int64_t>(1e6 * (1 + below(1000)))}, flow.shares))] = flow;
      }
      std::vector<RandomFlow*> flows;
      for (auto& [id, flow] : alive) flows.push_back(&flow);
      obvious_max_min(links, flows);
      std::vector<double> load(links.size());
      for (const auto& [id, flow] : alive) {
        ASSERT_NEAR(net->rate(id).value() / flow.rate, 1, 1e-9) << "seed " << seed << " change " << change;
        for (const LinkShare& s : flow.shares) load[s.link.value()] += net->rate(id).value() * s.share;
      }
      for (std::size_t l = 0; l < links.size(); ++l) ASSERT_LE(load[l], links[l].capacity.value() * (1 + 1e-8));
      const Time next = net->next_event();
      for (const FlowId f : net->advance_to(next)) alive.erase(f);
    }
  }
}

// Bytes are conserved: each link has carried exactly what its flows brought.
TEST(FluidNetwork, conserves_bytes) {
  const auto net = fluid({{7_GBps}, {3_GBps}});
  double expected = 0;
  for (int i = 1; i <= 50; ++i) {
    net->start(over(Bytes{i * 1'000'003}, i % 2 ? std::vector<LinkShare>{{LinkId{0}}, {LinkId{1}}} : std::vector<LinkShare>{{LinkId{0}}},
                    Time::picoseconds(i * 999)));
    expected += i * 1'000'003;
  }
  finish_all(*net);
  EXPECT_NEAR(net->link_use()[0].bytes / expected, 1, 1e-12);
}

// The order in which flows are started does not show.
TEST(FluidNetwork, permuted_flows_end_at_permuted_times) {
  const auto ends_in_order = [](bool reversed) {
    const auto net = fluid({{5_GBps}, {3_GBps}, {2_GBps}});
    std::map<FlowId, int> number;
    for (int i = 0; i < 20; ++i) {
      const int n = reversed ? 19 - i : i;
      number[net->start(over(Bytes{1'000'000 * (1 + n % 7)},
                             {{LinkId{static_cast<std::uint32_t>(n % 3)}}, {LinkId{static_cast<std::uint32_t>((n % 3 + 1) % 3)}}}))] = n;
    }
    std::map<int, std::int64_t> ends;
    for (const auto& [flow, end] : finish_all(*net)) ends[number.at(flow)] = end.ps();
    return ends;
  };
  EXPECT_EQ(ends_in_order(false), ends_in_order(true));
}
}  // namespace
