// Flow lists on files of links and on built fabrics: closed forms, SimGrid's answers, dependencies.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <filesystem>
#include <fstream>
#include "kernels/csv_table.hpp"
#include "sim/error.hpp"
#include "tests/temporary_folder.hpp"
#include "workloads/scenario_reader.hpp"
#include "workloads/traffic/flow_file.hpp"
#include "workloads/traffic/patterns.hpp"
#include "workloads/traffic/traffic_run.hpp"
#include "workloads/traffic/traffic_summary.hpp"

namespace workloads::traffic {
namespace {

using namespace sim::literals;
using sim::Time;

Scenario read(const std::string& cluster) {
  return read_scenario_text("schema: weftsim/1\nname: test\ncluster: " + cluster + "\n", "test.yaml", {.workload_required = false});
}

// n end points of 400 Gb/s on one switch, 1 us a link. Links: 0..n-1 up, n..2n-1 down.
Scenario star(int n) {
  const weftsim::test::TemporaryFolder folder;
  const std::string path = folder / "star.links.csv";
  std::ofstream file(path);
  file << "link,from,to,gbps,latency_ns\n";
  for (int i = 0; i < n; ++i) file << fmt::format("{},h{},switch,400,1000\n", i, i);
  for (int i = 0; i < n; ++i) file << fmt::format("{},switch,h{},400,1000\n", n + i, i);
  file.close();
  return read(fmt::format("{{gpus: {}, fabric: {{type: file, links: {}, transport: ideal}}}}", n, path));
}

FlowList flows(const std::string& csv, const topology::Fabric& fabric) { return read_flows(kernels::CsvTable(csv, "flows.csv"), fabric); }

TrafficOutcome play(const Scenario& scenario, const std::string& csv) {
  const topology::Fabric fabric(scenario.cluster);
  return run_traffic(scenario, fabric, flows(csv, fabric));
}

// 50 MB at 50 GB/s is 1 ms, after two links of 1 us.
TEST(Traffic, one_flow_waits_for_the_latency_and_then_takes_the_link) {
  const TrafficOutcome outcome = play(star(2), "id,src,dst,bytes,start_s\na,0,1,50000000,0.5\n");
  EXPECT_EQ(outcome.start[0], 500_ms);
  EXPECT_EQ(outcome.finish[0], 500_ms + 2_us + 1_ms);
  EXPECT_EQ(outcome.alone[0], 2_us + 1_ms);
}

// Two flows of 50 MB out of h0: each gets half, 2 ms.
TEST(Traffic, two_flows_share_a_link) {
  const TrafficOutcome outcome = play(star(3), "id,src,dst,bytes,start_ps\n0,0,1,50000000,0\n1,0,2,50000000,0\n");
  EXPECT_EQ(outcome.finish[0], 2_us + 2_ms);
  EXPECT_EQ(outcome.finish[1], 2_us + 2_ms);
  EXPECT_DOUBLE_EQ(slowdown(outcome, 0), 2002.0 / 1002.0);
}

// n senders of S each over one link of B: n S / B, whoever sends.
TEST(Traffic, incast_takes_n_times_size_over_bandwidth) {
  const Scenario scenario = star(17);
  const topology::Fabric fabric(scenario.cluster);
  for (const int n : {1, 4, 16}) {
    const FlowList list = make_pattern({.pattern = "incast", .size = 5_MB, .senders = n}, scenario.cluster);
    EXPECT_EQ(run_traffic(scenario, fabric, list).makespan(), 2_us + n * 100_us);
  }
}

// b begins when a has ended, c when both have, but not before its own start.
TEST(Traffic, a_chain_of_after_goes_one_by_one) {
  const TrafficOutcome outcome = play(star(2),
                                      "id,src,dst,bytes,start_s,after\nc,0,1,50000000,0.01,a b\na,0,1,50000000,0,\n"
                                      "b,1,0,50000000,0,a\n");
  EXPECT_EQ(outcome.finish[1], 1002_us);
  EXPECT_EQ(outcome.start[2], 1002_us);
  EXPECT_EQ(outcome.finish[2], 2004_us);
  EXPECT_EQ(outcome.start[0], 10_ms);
}

TEST(Traffic, zero_bytes_and_the_own_source_finish_after_the_latency) {
  const TrafficOutcome outcome = play(star(2), "id,src,dst,bytes,start_s,after\na,0,1,0,0,\nb,1,1,1000,0,a\nc,0,1,0,0,b\n");
  EXPECT_EQ(outcome.finish[0], 2_us);
  EXPECT_EQ(outcome.finish[1], 2_us);
  EXPECT_EQ(outcome.finish[2], 4_us);
}

// Ring of n, m messages each: all go in step, m (S/B + latency).
TEST(Traffic, a_ring_takes_its_closed_form) {
  for (const int n : {2, 5, 8}) {
    std::string csv = "flow,src,dst,bytes,start_ps,repeat\n";
    for (int i = 0; i < n; ++i) csv += fmt::format("{},{},{},5000000,0,{}\n", i, i, (i + 1) % n, 2 * (n - 1));
    const TrafficOutcome outcome = play(star(n), csv);
    for (const Time finish : outcome.finish) EXPECT_EQ(finish, 2 * (n - 1) * (100_us + 2_us));
    EXPECT_EQ(outcome.messages, 2U * (n - 1) * n);
  }
}

// h0 -> h1 sends three messages, h1 -> h0 three of twice the bytes: 0's message k needs 1's message k-1, and the other way
// round, so both wait for the slow side: 0 ends two slow messages and a fast one after the begin.
TEST(Traffic, message_k_waits_for_the_flow_that_ends_at_its_source) {
  const TrafficOutcome outcome = play(star(2), "id,src,dst,bytes,start_s,repeat\na,0,1,5000000,0,3\nb,1,0,10000000,0,3\n");
  EXPECT_EQ(outcome.finish[0], 2 * 202_us + 102_us);
  EXPECT_EQ(outcome.finish[1], 3 * 202_us);
}

// Without a `path` the route is searched; both links of the star.
TEST(Traffic, a_given_path_is_the_searched_one_on_a_star) {
  const std::string head = "id,src,dst,bytes,start_s", row = "\na,0,1,50000000,0";
  EXPECT_EQ(play(star(2), head + row + "\n").signature, play(star(2), head + ",path" + row + ",0 3\n").signature);
}

// 400 Gb/s carry 1/nic_efficiency of the bytes with a transport that has headers.
TEST(Traffic, transports_other_than_ideal_carry_headers) {
  const auto makespan = [](const std::string& transport) {
    const Scenario scenario = read(
        "{gpus: 4, accelerator: a100-sxm-80g, host: {preset: single-gpu}, fabric: {type: leaf-spine, radix: 8, "
        "link: {bandwidth: 400 Gb/s}, transport: " +
        transport + "}}");
    return play(scenario, "id,src,dst,bytes,start_s\na,0,1,5000000000,0\n").makespan();
  };
  EXPECT_NEAR(makespan("ideal").in_seconds(), 0.1, 1e-5);
  const double efficiency = 0.1 / makespan("infiniband").in_seconds();
  EXPECT_GT(efficiency, 0.7);
  EXPECT_LT(efficiency, 1.0);
}

std::string refusal(const Scenario& scenario, const std::string& csv) {
  try {
    play(scenario, csv);
  } catch (const sim::InputError& error) {
    return error.what();
  }
  return "accepted";
}

TEST(Traffic, a_circle_of_after_is_named) {
  EXPECT_EQ(refusal(star(2), "id,src,dst,bytes,start_s,after\na,0,1,1,0,\nb,0,1,1,0,d a\nc,0,1,1,0,b\nd,0,1,1,0,c\n"),
            "flows.csv:3: after: flows wait for each other in a circle: 'b' waits for 'd' waits for 'c' waits for 'b'. Take one of these "
            "dependencies out.");
  EXPECT_EQ(refusal(star(2), "id,src,dst,bytes,start_s,after\na,0,1,1,0,a\n"),
            "flows.csv:2: after: flows wait for each other in a circle: 'a' waits for 'a'. Take one of these dependencies out.");
}

// b's second message waits for a, which ends at b's source, and a waits for the end of b.
TEST(Traffic, a_circle_of_after_and_repeat_is_named) {
  EXPECT_EQ(refusal(star(2), "id,src,dst,bytes,start_s,after,repeat\na,0,1,1,0,b,2\nb,1,0,1,0,,2\n"),
            "flows.csv:2: after: flows wait for each other in a circle: 'a' waits for 'b' waits for 'a'. Take one of these dependencies "
            "out.");
}

// 1e6 messages of 1 PiB at 50 GB/s are 713 years.
TEST(Traffic, more_than_simulated_time_holds_is_refused) {
  EXPECT_EQ(
      refusal(star(2), "id,src,dst,bytes,start_s,repeat\na,0,1,1125899906842624,0,1000000\n"),
      "flows.csv: bytes: all messages, one after the other, take 2.25e+10 s over the slowest link; simulated time ends after 9.2e6 s. "
      "Give fewer bytes or repeats.");
}

TEST(Traffic, no_route_stops_the_simulation) {
  const weftsim::test::TemporaryFolder folder;
  const std::string path = folder / "oneway.links.csv";
  std::ofstream(path) << "link,from,to,gbps,latency_ns\n0,h0,s,400,0\n1,s,h1,400,0\n";
  const Scenario scenario = read(fmt::format("{{gpus: 2, fabric: {{type: file, links: {}}}}}", path));
  EXPECT_THROW(play(scenario, "id,src,dst,bytes,start_s\na,1,0,1,0\n"), sim::SimulationError);
  EXPECT_EQ(play(scenario, "id,src,dst,bytes,start_s\na,0,1,50000,0\n").makespan(), 1_us);
}

TEST(Traffic, percentiles_are_those_of_numpy) {
  EXPECT_DOUBLE_EQ(percentile({1, 2, 3, 4}, 0.5), 2.5);
  EXPECT_DOUBLE_EQ(percentile({1, 2, 3, 4, 5}, 0.99), 4.96);
  EXPECT_DOUBLE_EQ(percentile({7}, 0.99), 7);
}

TEST(Traffic, completion_csv_has_every_picosecond) {
  const Scenario scenario = star(2);
  const topology::Fabric fabric(scenario.cluster);
  const FlowList list = flows("id,src,dst,bytes,start_ps,tag\nx,0,1,1,7,\"a, b\"\n", fabric);
  const TrafficOutcome outcome = run_traffic(scenario, fabric, list);
  EXPECT_EQ(completion_csv(list, outcome.start, outcome.finish),
            "id,src,dst,bytes,start_s,finish_s,tag\nx,0,1,1,0.000000000007,0.000002000027,\"a, b\"\n");
}

// ---- SimGrid 3.32's answers on the common cases ----------------------------------------------------

const std::filesystem::path bench = std::filesystem::path(WEFTSIM_SOURCE_DIR) / "../shared/bench";

Scenario common_fabric() {
  return read(fmt::format("{{gpus: 256, fabric: {{type: file, links: {}, transport: ideal}}}}", (bench / "T1.links.csv").string()));
}

class SimGridTraffic : public testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(, SimGridTraffic, testing::Values("T1a_perm", "T1a1_perm1M", "T1b_ws", "T1d_a2a", "T1e_incast"),
                         [](const auto& p) { return p.param; });

// Plain max-min with the route given: every (finish - start) within 5e-4.
TEST_P(SimGridTraffic, agrees_on_every_completion_time) {
  if (!std::filesystem::exists(bench)) GTEST_SKIP() << "the common cases are not beside the project";
  const Scenario scenario = common_fabric();
  const topology::Fabric fabric(scenario.cluster);
  const FlowList list = read_flows((bench / (std::string(GetParam()) + ".flows.csv")).string(), fabric);
  const TrafficOutcome outcome = run_traffic(scenario, fabric, list);
  const auto expected = kernels::CsvTable::read((bench / (std::string(GetParam()) + ".simgrid_plain.csv")).string());
  ASSERT_EQ(expected.rows(), list.size());
  for (std::size_t row = 0; row < list.size(); ++row) {
    ASSERT_EQ(expected.text(row, 0), list.id(row));
    const double start = expected.number(row, 1) * 1e-9, duration = expected.number(row, 2) * 1e-9 - start;
    EXPECT_NEAR((outcome.finish[row].in_seconds() - start) / duration, 1, 5e-4) << "flow " << list.id(row);
  }
}

// Ring all-reduce of 1 GiB on 256 hosts, as one variable and every message: 44,821.901 us in SimGrid, rounded to the nanosecond.
TEST(SimGridRing, agrees_on_the_ring_within_a_nanosecond) {
  if (!std::filesystem::exists(bench)) GTEST_SKIP() << "the common cases are not beside the project";
  const Scenario scenario = common_fabric();
  const topology::Fabric fabric(scenario.cluster);
  FlowList list = read_flows((bench / "T1c_ring.flows.csv").string(), fabric);
  for (Flow& flow : list.flows) flow.repeat = 2 * (256 - 1);
  for (const bool exact : {false, true})
    EXPECT_NEAR(run_traffic(scenario, fabric, list, {.exact = exact}).makespan().in_seconds(), 44'821.901e-6, 1e-9);
}

}  // namespace
}  // namespace workloads::traffic
