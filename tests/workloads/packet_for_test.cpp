// `packet_for`: what goes as packets, while the rest is a fluid.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include "sim/error.hpp"
#include "workloads/run.hpp"
#include "workloads/scenario_reader.hpp"
#include "workloads/traffic/patterns.hpp"
#include "workloads/traffic/traffic_run.hpp"

namespace workloads {
namespace {
using namespace sim::literals;
using testing::HasSubstr;

std::uint64_t hops(const std::vector<std::string>& overrides) {
  std::vector<std::string> all = {"network=packet", "cluster.fabric.transport=roce"};
  all.insert(all.end(), overrides.begin(), overrides.end());
  const Scenario scenario = read_shipped_scenario("leaf-spine-16x16", {.overrides = all, .workload_required = false});
  const topology::Fabric fabric(scenario.cluster);
  traffic::PatternSpec pattern;
  pattern.pattern = "permutation";
  return traffic::run_traffic(scenario, fabric, traffic::make_pattern(pattern, scenario.cluster)).packets->packet_hops;
}
std::string refusal(const std::vector<std::string>& overrides) {
  try {
    hops(overrides);
  } catch (const std::exception& error) {
    return error.what();
  }
  return "accepted";
}

TEST(PacketFor, a_window_chooses_what_begins_in_it) {
  const std::uint64_t all = hops({});
  EXPECT_EQ(hops({"packet_for.from=0 s", "packet_for.until=1 us"}), all);
  EXPECT_EQ(hops({"packet_for.from=1 us"}), 0u);
}

TEST(PacketFor, a_link_chooses_what_crosses_it) {
  const std::uint64_t all = hops({}), leaf = hops({"packet_for.link=leaf-3"});
  std::uint64_t cables = 0;  // each message that leaves the leaf takes one of them
  for (int spine = 0; spine < 16; ++spine) cables += hops({fmt::format("packet_for.link=\"leaf-3:spine-{}\"", spine)});
  EXPECT_GT(cables, 0u);
  EXPECT_GE(leaf, cables);
  EXPECT_GT(all, 4 * leaf);
}

TEST(PacketFor, says_what_is_wrong) {
  EXPECT_THAT(refusal({"packet_for.link=leaf-99"}), HasSubstr("packet_for.link: 'leaf-99' names nothing of this fabric"));
  EXPECT_THAT(refusal({"packet_for.operation=dp_comm"}), HasSubstr("a list of flows has no operations"));
  EXPECT_THAT(refusal({"network=fluid", "packet_for.link=leaf-0"}), HasSubstr("but network is fluid. Write network: packet."));
  EXPECT_THAT(refusal({"packet_for.from=2 us", "packet_for.until=1 us"}), HasSubstr("is not after `from`"));
  EXPECT_THAT(refusal({"cluster.fabric.transport=ideal", "packet_for.link=leaf-0"}), HasSubstr("is of the closed loop"));
  EXPECT_THAT(refusal({"packet_for.operation=dp"}), HasSubstr("dp_comm"));
}

TEST(PacketFor, is_written_as_it_is_read) {
  const std::vector<std::string> overrides = {"network=packet", "packet_for.operation=pp_comm", "packet_for.link=leaf-0",
                                              "packet_for.from=1 ms", "packet_for.until=2 ms"};
  const Scenario read = read_shipped_scenario("quick", {.overrides = overrides});
  const Scenario again = read_scenario_text(to_yaml(read), "again.yaml");
  EXPECT_EQ(again.packet_for.operation, Communication::pp_comm);
  EXPECT_EQ(again.packet_for.link, "leaf-0");
  EXPECT_EQ(again.packet_for.from, 1_ms);
  EXPECT_EQ(again.packet_for.until, 2_ms);
}

// Pipeline messages and gradients are all that crosses the fabric: what each needs in packets, the two need together.
TEST(PacketFor, an_operation_of_a_step_goes_as_packets) {
  const auto step = [](const std::vector<std::string>& more) {
    std::vector<std::string> overrides = {"network=packet", "workload.model.layers=4", "workload.model.hidden=1024",
                                          "workload.model.heads=8", "workload.model.ffn_hidden=4096"};
    overrides.insert(overrides.end(), more.begin(), more.end());
    return run(read_scenario_text(R"(schema: weftsim/1
name: small
cluster:
  gpus: 16
  accelerator: a100-sxm-80g
  host: {preset: dgx-a100}
  fabric: {type: leaf-spine, radix: 40, link: {bandwidth: "200 Gb/s", latency: "300 ns"}, switch_latency: "130 ns", routing: ecmp, transport: infiniband}
workload:
  model: {layers: 8, hidden: 2048, heads: 16, ffn_hidden: 8192, vocab: 51200, seq_len: 1024}
  parallel: {tp: 4, pp: 2, rank_order: tp-cp-ep-pp-dp}
  schedule: 1f1b
  micro_batch: 1
  global_batch: 16
  precision: bf16
  optimizer: adam
  software: megatron-2021
)",
                                  "small.yaml", {.overrides = overrides}));
  };
  const Result all = step({}), gradients = step({"packet_for.operation=dp_comm"}), tensors = step({"packet_for.operation=cp_comm"});
  EXPECT_GT(gradients.network_stats.packets->packet_hops, 0u);
  EXPECT_LE(gradients.network_stats.packets->packet_hops, all.network_stats.packets->packet_hops);
  EXPECT_EQ(tensors.network_stats.packets->packet_hops, 0u);
  EXPECT_NEAR(gradients.jobs[0].step_time_s / all.jobs[0].step_time_s, 1, .01);
}

}  // namespace
}  // namespace workloads
