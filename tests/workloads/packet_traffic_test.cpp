// Lists of flows in the packet network: what the scenario says reaches it, and its counts come back.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <fstream>
#include "kernels/csv_table.hpp"
#include "sim/error.hpp"
#include "tests/temporary_folder.hpp"
#include "workloads/packet_network.hpp"
#include "workloads/run.hpp"
#include "workloads/scenario_reader.hpp"
#include "workloads/traffic/flow_file.hpp"
#include "workloads/traffic/patterns.hpp"
#include "workloads/traffic/traffic_run.hpp"

namespace workloads::traffic {
namespace {

using namespace sim::literals;
using sim::Time;
using testing::HasSubstr;

// n end points of 400 Gb/s on one switch, 1 us a link. Links: 0..n-1 up, n..2n-1 down.
Scenario star(int n, const std::string& fabric) {
  const weftsim::test::TemporaryFolder folder;
  const std::string path = folder / "star.links.csv";
  std::ofstream file(path);
  file << "link,from,to,gbps,latency_ns\n";
  for (int i = 0; i < n; ++i) file << fmt::format("{},h{},switch,400,1000\n{},switch,h{},400,1000\n", i, i, n + i, i);
  file.close();
  return read_scenario_text(
      fmt::format("schema: weftsim/1\nnetwork: packet\ncluster: {{gpus: {}, fabric: {{type: file, links: {}, {}}}}}\n", n, path, fabric),
      "test.yaml", {.workload_required = false});
}
TrafficOutcome play(const Scenario& scenario, const std::string& csv, TrafficOptions options = {}) {
  const topology::Fabric fabric(scenario.cluster);
  return run_traffic(scenario, fabric, read_flows(kernels::CsvTable(csv, "flows.csv"), fabric), options);
}
std::string refusal(const std::string& fabric) {
  try {
    play(star(2, fabric), "id,src,dst,bytes,start_s\na,0,1,1,0\n");
  } catch (const sim::InputError& error) {
    return error.what();
  }
  return "accepted";
}
constexpr Time packets(std::int64_t n) { return Time::picoseconds(81'920 * n); }
const std::string one_flow = "id,src,dst,bytes,start_s\na,0,1,409600,0.5\n";

// 100 packets over two links, store and forward.
TEST(PacketTraffic, ideal_transport_is_the_open_loop) {
  const TrafficOutcome outcome = play(star(2, "transport: ideal"), one_flow);
  EXPECT_EQ(outcome.start[0], 500_ms);
  EXPECT_EQ(outcome.finish[0], 500_ms + packets(101) + 2_us);
  ASSERT_TRUE(outcome.packets);
  EXPECT_EQ(outcome.packets->packet_hops, 200u);
  EXPECT_DOUBLE_EQ(outcome.max_link_utilization, 409600 / (50e9 * outcome.makespan().in_seconds()));
}

// By a switch of a third group, or by all shortest paths of a torus: near the fluid network at max-min rates.
TEST(PacketTraffic, goes_through_dragonflies_and_tori) {
  for (const char* fabric : {"type: dragonfly, routing: valiant", "type: dragonfly, routing: adaptive",
                             "type: torus, dims: [6, 12], routing: ecmp", "type: torus, dims: [6, 12], routing: adaptive"}) {
    const auto makespan = [&](const char* network) {
      const Scenario scenario = read_scenario_text(
          fmt::format(
              "schema: weftsim/1\nnetwork: {}\ncluster: {{gpus: 72, host: {{preset: single-gpu, nics: {{count: 1, bandwidth: 200 Gb/s, "
              "latency: 0 ns}}}}, fabric: {{{}, radix: 8, link: {{bandwidth: 200 Gb/s, latency: 1 us}}, transport: ideal, "
              "packet: {{congestion_control: paced}}}}}}\n",
              network, fabric),
          "test.yaml", {.workload_required = false});
      const topology::Fabric built(scenario.cluster);
      PatternSpec pattern;
      pattern.pattern = "permutation";
      pattern.size = sim::Bytes{4 << 20};
      return run_traffic(scenario, built, make_pattern(pattern, scenario.cluster)).makespan();
    };
    EXPECT_NEAR(makespan("packet") / makespan("fluid"), 1, .05) << fabric;
  }
}

TEST(PacketTraffic, packets_are_of_the_given_size) {
  EXPECT_EQ(play(star(2, "transport: ideal, packet: {mtu: 1 KiB}"), one_flow).packets->packet_hops, 800u);
}

// RoCE has 82 bytes beside a payload of 4096, InfiniBand 26.
TEST(PacketTraffic, transports_have_headers) {
  for (const auto& [transport, header] : {std::pair{"roce", 82}, std::pair{"infiniband", 26}})
    EXPECT_EQ(play(star(2, fmt::format("transport: {}", transport)), one_flow).finish[0],
              500_ms + 101 * Time::picoseconds((4096 + header) * 20) + 2_us);
}

TEST(PacketTraffic, flows_wait_for_flows) {
  const TrafficOutcome outcome = play(star(2, "transport: ideal"), "id,src,dst,bytes,start_s,after\na,0,1,4096,0,\nb,1,0,4096,0,a\n");
  EXPECT_EQ(outcome.start[1], packets(2) + 2_us);
  EXPECT_EQ(outcome.finish[1], 2 * (packets(2) + 2_us));
}

// Every message of a ring is packets: three end points, two messages each, one behind the other.
TEST(PacketTraffic, rings_go_message_by_message) {
  const TrafficOutcome outcome =
      play(star(3, "transport: ideal"), "id,src,dst,bytes,start_s,repeat\n0,0,1,4096,0,2\n1,1,2,4096,0,2\n2,2,0,4096,0,2\n");
  EXPECT_EQ(outcome.makespan(), 2 * (packets(2) + 2_us));
}

TEST(PacketTraffic, congestion_control_and_loss_are_those_of_the_scenario) {
  const auto incast = [](const std::string& packet) {
    const Scenario scenario = star(17, "transport: roce, packet: {buffer: 4 MiB, " + packet + "}");
    const topology::Fabric fabric(scenario.cluster);
    return *run_traffic(scenario, fabric, make_pattern({.pattern = "incast", .size = 4_MB, .senders = 16}, scenario.cluster)).packets;
  };
  const sim::PacketCounts dcqcn = incast("congestion_control: dcqcn"), paced = incast("congestion_control: paced"),
                          lossy = incast("congestion_control: dcqcn, lossless: false");
  EXPECT_GT(dcqcn.pauses, 0u);
  EXPECT_GT(dcqcn.marks, 0u);
  EXPECT_EQ(dcqcn.drops, 0u);
  EXPECT_EQ(paced.pauses, 0u);
  EXPECT_LT(paced.max_queue_bytes, 1 << 20);
  EXPECT_GT(lossy.drops, 0u);
}

// Web search over the trunks of a leaf-spine: all threads, all routings.
TEST(PacketTraffic, threads_change_nothing) {
  for (const char* routing : {"adaptive", "spray", "ecmp"}) {
    Scenario scenario = read_scenario("leaf-spine-16x16",
                                      {.overrides = {"network=packet", "cluster.fabric.transport=ideal", "cluster.host.nics.latency=600 ns",
                                                     fmt::format("cluster.fabric.routing={}", routing)},
                                       .workload_required = false});
    const topology::Fabric fabric(scenario.cluster);
    const FlowList list = make_pattern({.pattern = "web-search", .flows = 50}, scenario.cluster);
    const auto finishes = [&](int threads) { return run_traffic(scenario, fabric, list, {.threads = threads}).finish; };
    EXPECT_EQ(finishes(1), finishes(3)) << routing;
  }
}

TEST(PacketTraffic, what_packets_cannot_do_is_refused) {
  EXPECT_THAT(refusal("transport: efa"), HasSubstr("network packet: transport efa is not supported yet."));
  EXPECT_THAT(refusal("packet: {buffer: 16 KiB}"), HasSubstr("is too small for 2 lossless links"));
  EXPECT_THAT(refusal("packet: {mtu: 10 B}"), HasSubstr("cluster.fabric.packet.mtu: 10 B is no packet. Use 64 to 65536 B."));
  EXPECT_THAT(refusal("packet: {ecn: {min: 2 MB, max: 1 MB}}"),
              HasSubstr("cluster.fabric.packet.ecn: min of 2 MB is not below max of 1 MB."));
  EXPECT_THAT(refusal("packet: {pfc: {xoff: 1 MB, xon: 2 MB}}"),
              HasSubstr("cluster.fabric.packet.pfc: xon of 2 MB is above xoff of 1 MB."));
}

TEST(PacketTraffic, a_long_run_is_announced) {
  std::string told;
  TrafficOptions options;
  options.notice = [&](const std::string& text) { told = text; };
  options.progress = [](double) { return false; };  // stop at once
  EXPECT_THROW(play(star(2, "transport: ideal"), "id,src,dst,bytes,start_s\na,0,1,4096000000000,0\n", options), Interrupted);
  EXPECT_THAT(told, HasSubstr("2e+09 packet-hops: this will take about 4 min."));
}

// A training step's reductions as packets: the step takes as long as in the fluid network, and every byte crosses every link.
TEST(PacketRun, a_step_is_near_that_of_the_fluid_network) {
  const Scenario scenario = read_scenario(
      "dp-leaf-spine", {.overrides = {"network=packet", "workload.model={layers: 2, hidden: 512, heads: 8, vocab: 1000, seq_len: 256}"}});
  const Result result = run(scenario);
  ASSERT_TRUE(result.network_stats.packets);
  EXPECT_NEAR(result.jobs[0].step_time_s / result.network_stats.fluid_step_time_s, 1, .02);
  EXPECT_EQ(result.network_stats.packets->drops, 0u);
  EXPECT_GE(static_cast<double>(result.network_stats.packets->packet_hops) * 4096, result.network_stats.bytes * 4);  // links of a path
}

TEST(PacketTraffic, the_written_scenario_reads_back) {
  const Scenario scenario =
      star(2,
           "packet: {mtu: 2 KiB, buffer: 3000 B, ecn: {min: 400 kB, max: 2 MB, p: 0.5}, pfc: {xoff: 1 MB}, lossless: true, "
           "congestion_control: hpcc}");
  const std::string yaml = to_yaml(scenario);
  EXPECT_THAT(yaml, HasSubstr("mtu: \"2 KiB\""));
  EXPECT_THAT(yaml, HasSubstr("congestion_control: hpcc"));
}

}  // namespace
}  // namespace workloads::traffic
