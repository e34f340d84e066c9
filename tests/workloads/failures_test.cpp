// Failures that begin and end, in traffic and in a job: what is under way goes on by another way, or waits.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include "kernels/csv_table.hpp"
#include "sim/error.hpp"
#include "workloads/run.hpp"
#include "workloads/scenario_reader.hpp"
#include "workloads/traffic/flow_file.hpp"
#include "workloads/traffic/traffic_run.hpp"

namespace workloads {
namespace {
using namespace sim::literals;
using testing::HasSubstr;
using traffic::FlowList;
using traffic::TrafficOutcome;

// 8 hosts of 200 Gb/s on four leaves and two spines, 1 us a hop; the lowest link is taken while it works.
Scenario cluster(const std::string& failures, const std::string& more = "") {
  return read_scenario_text(
      fmt::format(
          "schema: weftsim/1\nname: test\ncluster:\n  gpus: 8\n  host: {{preset: single-gpu, nics: {{count: 1, bandwidth: 200 Gb/s, "
          "latency: 0 ns}}}}\n  fabric: {{type: leaf-spine, radix: 4, link: {{bandwidth: 200 Gb/s, latency: 1 us}}, switch_latency: 0 ns, "
          "routing: static, transport: ideal, failures: {}}}\n{}",
          failures, more),
      "test.yaml", {.workload_required = false});
}
TrafficOutcome play(const Scenario& scenario, const std::string& csv, bool exact = false) {
  const topology::Fabric fabric(scenario.cluster);
  return run_traffic(scenario, fabric, traffic::read_flows(kernels::CsvTable(csv, "flows.csv"), fabric), {.exact = exact});
}
std::string refusal(const std::string& failures, const std::string& more = "") {
  try {
    play(cluster(failures, more), "id,src,dst,bytes,start_s\na,0,2,1000000000,0\n");
  } catch (const std::exception& error) {
    return error.what();
  }
  return "accepted";
}

// 1 GB at 25 GB/s over 4 hops: 40 ms + 4 us. The other spine is as wide and free.
TEST(TimedFailure, of_a_spine_moves_a_flow_to_the_other) {
  const TrafficOutcome outcome =
      play(cluster("[{switch: spine-0, at: 10 ms, for: 5 ms}]"), "id,src,dst,bytes,start_s\na,0,2,1000000000,0\n");
  EXPECT_NEAR(outcome.finish[0].in_seconds(), 40e-3 + 4e-6, 1e-11);
}

// 0 to 2 over spine-0 and 1 to 3 over spine-1 (the fourth host is given its path). From 10 to 20 ms both are on spine-1: half each.
TEST(TimedFailure, of_a_spine_makes_flows_share_what_is_left) {
  const Scenario scenario = cluster("[{switch: spine-0, at: 10 ms, for: 10 ms}]");
  const topology::Fabric fabric(scenario.cluster);
  const auto link = [&](const std::string& name) {
    for (std::uint32_t i = 0; i < fabric.network_links().size(); ++i)
      if (fabric.network_link_name(sim::LinkId{i}) == name) return i;
    return 0xffffU;
  };
  const std::string path = fmt::format("{} {} {} {} {} {}", link("gpu-1 -> nic-1.0"), link("nic-1.0 -> leaf-0"), link("leaf-0 -> spine-1"),
                                       link("spine-1 -> leaf-1"), link("leaf-1 -> nic-3.0"), link("nic-3.0 -> gpu-3"));
  const TrafficOutcome outcome = play(scenario, "id,src,dst,bytes,start_s,path\na,0,2,1000000000,0,\nb,1,3,1000000000,0," + path + "\n");
  EXPECT_NEAR(outcome.finish[0].in_seconds(), 45e-3 + 4e-6, 1e-9);
  EXPECT_NEAR(outcome.finish[1].in_seconds(), 45e-3 + 4e-6, 1e-9);
}

// Host 0 hangs on one leaf alone. 10 ms of sending, 30 ms of waiting, 30 ms of sending.
TEST(TimedFailure, that_cuts_off_a_host_makes_it_wait) {
  for (const char* failure : {"[{link: \"nic-0.0:leaf-0\", at: 10 ms, for: 30 ms}]", "[{nic: nic-0.0, at: 10 ms, for: 30 ms}]",
                              "[{switch: leaf-0, at: 10 ms, for: 30 ms}]"}) {
    const TrafficOutcome outcome = play(cluster(failure), "id,src,dst,bytes,start_s\na,0,2,1000000000,0\nb,0,3,0,0.02\n");
    EXPECT_NEAR(outcome.finish[0].in_seconds(), 70e-3 + 4e-6, 1e-9);
  }
}

// The same with packets: 1 GB of 4 KiB packets; what is lost is sent again after the timeout.
TEST(TimedFailure, under_packets_moves_a_flow_or_makes_it_wait) {
  const std::string roce = "network: packet\n", csv = "id,src,dst,bytes,start_s\na,0,2,100000000,0\n";
  const auto finish = [&](const std::string& failures, const std::string& transport) {
    Scenario scenario = cluster(failures, roce);
    scenario.cluster.fabric.transport = transport == "roce" ? topology::Transport::roce : topology::Transport::infiniband;
    return play(scenario, csv);
  };
  for (const std::string transport : {"roce", "infiniband"}) {
    const double alone = finish("[]", transport).finish[0].in_seconds();
    const TrafficOutcome moved = finish("[{switch: spine-0, at: 1 ms, for: 1 ms}]", transport);
    EXPECT_GT(moved.packets->drops, 0u);
    EXPECT_GT(moved.finish[0].in_seconds(), alone);
    EXPECT_LT(moved.finish[0].in_seconds(), alone + 600e-6);  // timeout
    const TrafficOutcome waited = finish("[{nic: nic-0.0, at: 1 ms, for: 3 ms}]", transport);
    EXPECT_NEAR(waited.finish[0].in_seconds(), alone + 3e-3, 10e-6);
  }
}

// Half the bandwidth for 2 of 4 ms of sending.
TEST(TimedFailure, that_leaves_some_bandwidth_slows_flows_down) {
  const std::string failures = "[{switch: leaf-0, at: 1 ms, for: 2 ms, left: 0.5}]", csv = "id,src,dst,bytes,start_s\na,0,2,100000000,0\n";
  EXPECT_NEAR(play(cluster(failures), csv).finish[0].in_seconds(), 5e-3 + 4e-6, 1e-9);
  Scenario packets = cluster(failures, "network: packet\n");
  packets.cluster.fabric.packet.congestion_control = topology::CongestionControl::paced;
  const TrafficOutcome outcome = play(packets, csv);
  EXPECT_NEAR(outcome.finish[0].in_seconds(), 5e-3, 10e-6);
  EXPECT_EQ(outcome.packets->drops, 0u);
  EXPECT_THAT(refusal("[{switch: leaf-0, at: 1 ms, left: 2}]"), HasSubstr("left"));
}

TEST(TimedFailure, that_is_never_repaired_says_who_waits) {
  EXPECT_EQ(refusal("[{switch: leaf-0, at: 10 ms}]"),
            "stopped at 0.010000 s: 'a' waits for ever: no way from gpu-0 to gpu-2 with leaf-0 out of order (cluster.fabric.failures).");
  EXPECT_THAT(refusal("[{at: 1 s}]"), HasSubstr("test.yaml:6: cluster.fabric: failures: what fails for a time has one of the keys"));
  EXPECT_THAT(refusal("[{switch: leaf-0}]"), HasSubstr("missing key 'at'"));
  EXPECT_THAT(refusal("[{switch: leaf-0, at: 1 s}]", "network: analytic\n"), HasSubstr("not supported yet with network: analytic"));
}

TEST(TimedFailure, is_written_as_it_is_read) {
  const std::string yaml =
      to_yaml(cluster("[\"leaf-1:spine-1\", {link: \"leaf-0:spine-0\", at: 1 s, for: 200 ms}, {nic: nic-0.0, at: 2 s}]"));
  EXPECT_THAT(yaml,
              HasSubstr("failures: [\"leaf-1:spine-1\", {link: \"leaf-0:spine-0\", at: \"1 s\", for: \"200 ms\"}, {nic: \"nic-0.0\", at: "
                        "\"2 s\"}]"));
  EXPECT_EQ(to_yaml(read_scenario_text(yaml, "again.yaml", {.workload_required = false})), yaml);
}

// A ring as one variable is expanded where it changes its way: as if all its messages had been simulated.
TEST(TimedFailure, meets_a_ring_as_it_does_its_messages) {
  const std::string ring = "id,src,dst,bytes,start_s,repeat\n0,0,1,1000000,0,6\n1,1,2,1000000,0,6\n2,2,3,1000000,0,6\n3,3,0,1000000,0,6\n";
  for (const char* failure : {"[{switch: spine-0, at: 100 us, for: 60 us}]", "[{switch: leaf-0, at: 90 us, for: 1 ms}]"}) {
    const TrafficOutcome one = play(cluster(failure), ring), all = play(cluster(failure), ring, true);
    for (std::size_t flow = 0; flow < 4; ++flow) EXPECT_NEAR(one.finish[flow].in_seconds(), all.finish[flow].in_seconds(), 2e-12);
    EXPECT_GT(all.makespan(), play(cluster("[]"), ring).makespan() - 1_ns);
  }
}

// GPT 1.7B by two pipeline stages and data parallelism on eight hosts of one GPU.
constexpr const char* job =
    "workload: {model: gpt-1.7b, parallel: {tp: 1, pp: 2, dp: 4}, micro_batch: 1, global_batch: 8, precision: bf16, recompute: full}\n";
Result train(const std::string& failures, const RunOptions& options = {}) {
  return run(
      read_scenario_text(
          fmt::format(
              "schema: weftsim/1\nname: test\ncluster:\n  gpus: 8\n  accelerator: a100-sxm-80g\n  host: {{preset: single-gpu, nics: "
              "{{count: 1, bandwidth: 200 Gb/s, latency: 1 us}}}}\n  fabric: {{type: leaf-spine, radix: 4, link: {{bandwidth: 200 Gb/s, "
              "latency: 1 us}}, switch_latency: 0 ns, routing: static, failures: {}}}\n{}",
              failures, job),
          "test.yaml"),
      options);
}
double step(const Result& result) { return result.jobs.front().step_time_s; }

TEST(TimedFailure, slows_a_job_by_no_more_than_it_lasts) {
  const double whole = step(train("[]")), late = step(train("[{switch: leaf-0, at: 1000 s, for: 1 s}]"));
  EXPECT_NEAR(late, whole, 1e-9 * whole);
  const double cut = step(train("[{switch: leaf-0, at: 200 ms, for: 300 ms}]"));
  EXPECT_GT(cut, whole + 0.05);
  EXPECT_LT(cut, whole + 0.301);
  EXPECT_NEAR(step(train("[{switch: leaf-0, at: 200 ms, for: 300 ms}]", {.exact = true})), cut, 1e-6 * cut);
}

TEST(TimedFailure, stops_a_job_that_it_cuts_off_for_ever) {
  try {
    train("[{switch: leaf-0, at: 200 ms}]");
    FAIL();
  } catch (const sim::SimulationError& error) {
    EXPECT_THAT(error.what(), AllOf(HasSubstr("no way"), HasSubstr("leaf-0 out of order")));
  }
}

// 8 hosts of 8 GPUs in units of 4, so that data parallelism crosses the spines; `ports` of a NIC: one leaf a rail, or two.
std::string pods(int ports, const std::string& failures) {
  return fmt::format(
      "schema: weftsim/1\nname: test\ncluster:\n  gpus: 64\n  accelerator: a100-sxm-80g\n  host: {{preset: dgx-a100, nics: {{ports: "
      "{}}}}}\n  fabric: "
      "{{type: leaf-spine, radix: 32, rails: 8, hosts_per_unit: 4, link: {{bandwidth: 200 Gb/s, latency: 1 us}}, routing: adaptive, "
      "failures: "
      "{}}}\nworkload: {{model: gpt-1.7b, parallel: {{tp: 1, pp: 1, dp: 64}}, micro_batch: 1, global_batch: 64, precision: bf16, overlap: "
      "{{dp: "
      "false}}}}\n",
      ports, failures);
}
double step_of(const std::string& yaml) { return step(run(read_scenario_text(yaml, "test.yaml"))); }

// A NIC of two ports has half of its bandwidth left, so the gradients of its rail take twice as long.
TEST(LostToR, of_two_slows_the_job) {
  const double whole = step_of(pods(2, "[]")), without = step_of(pods(2, "[leaf-0]"));
  EXPECT_GT(without, 1.01 * whole);
  EXPECT_LT(without, 2 * whole);
}

TEST(LostToR, alone_cuts_off_its_hosts_and_says_so) {
  EXPECT_GT(step_of(pods(1, "[]")), 0);
  try {
    step_of(pods(1, "[leaf-0]"));
    FAIL();
  } catch (const sim::SimulationError& error) {
    EXPECT_THAT(error.what(), AllOf(HasSubstr("no way from nic-"), HasSubstr("with leaf-0 out of order (cluster.fabric.failures)")));
  }
}

// A flow that leaves its GPU over the bus pays for headers as any that crosses a NIC: 1 GB at the efficiency of the profile.
TEST(Headers, are_paid_by_all_that_crosses_a_nic) {
  const auto bytes = [](const char* host, int destination) {
    const Scenario scenario = read_scenario_text(fmt::format("schema: weftsim/1\nname: test\ncluster: {{gpus: 16, accelerator: "
                                                             "a100-sxm-80g, host: {}, fabric: {{type: leaf-spine, radix: 32, "
                                                             "rails: 8, pxn: true, link: {{bandwidth: 200 Gb/s}}}}}}\n",
                                                             host),
                                                 "test.yaml", {.workload_required = false});
    return play(scenario, fmt::format("id,src,dst,bytes,start_s\na,0,{},1000000000,0\n", destination)).bytes;
  };
  const double across = bytes("{preset: dgx-a100}", 8);
  EXPECT_GT(across, 1.001e9);
  EXPECT_EQ(bytes("{preset: dgx-a100}", 9), across);  // over NVLink first, to rail 1
  EXPECT_EQ(bytes("{preset: dgx-a100}", 1), 1e9);
}

TEST(Headers, are_paid_behind_a_shared_bus) {
  const auto bytes = [](int destination) {
    const Scenario scenario = read_scenario_text(
        "schema: weftsim/1\nname: test\ncluster: {gpus: 16, accelerator: a100-sxm-80g, host: {preset: pcie-8, nics: {count: 1, bandwidth: "
        "100 Gb/s, "
        "latency: 1 us}}, fabric: {type: leaf-spine, radix: 32, link: {bandwidth: 100 Gb/s}}}\n",
        "test.yaml", {.workload_required = false});
    return play(scenario, fmt::format("id,src,dst,bytes,start_s\na,0,{},1000000000,0\n", destination)).bytes;
  };
  EXPECT_EQ(bytes(1), 1e9);
  EXPECT_GT(bytes(8), 1.001e9);
}

// Hosts of two generations: the slower NIC holds a flow, whichever end it is at.
TEST(HostGroups, of_slower_nics_hold_what_they_send_and_get) {
  const auto yaml = [](const std::string& group) {
    return fmt::format(
        "schema: weftsim/1\nname: test\ncluster:\n  gpus: 32\n  accelerator: h100-sxm\n  host: {{preset: dgx-h100}}\n  groups:\n    - "
        "{{count: 2, {}}}\n  "
        "fabric: {{type: leaf-spine, radix: 64, link: {{bandwidth: 400 Gb/s, latency: 0 ns}}, transport: ideal}}\n",
        group);
  };
  const std::string mixed = yaml("accelerator: a100-sxm-80g, host: {preset: dgx-a100}");
  const Scenario scenario = read_scenario_text(mixed, "test.yaml", {.workload_required = false});
  const TrafficOutcome outcome =
      play(scenario, "id,src,dst,bytes,start_s\na,0,8,1000000000,0\nb,16,24,1000000000,0\nc,17,1,1000000000,0\n");
  EXPECT_NEAR(outcome.finish[0].in_seconds(), 0.04, 1e-5);
  EXPECT_NEAR(outcome.finish[1].in_seconds(), 0.02, 1e-5);
  EXPECT_NEAR(outcome.finish[2].in_seconds(), 0.04, 1e-5);
  EXPECT_EQ(to_yaml(read_scenario_text(to_yaml(scenario), "again.yaml", {.workload_required = false})), to_yaml(scenario));
  const std::string workload = "workload: {model: gpt-1.7b, parallel: {tp: 1, pp: 1, dp: 32}, micro_batch: 1, global_batch: 32}\n";
  const double alike = step_of(yaml("host: {preset: dgx-h100}") + workload),
               slower = step_of(yaml("host: {preset: dgx-h100, nics: {bandwidth: 100 Gb/s}}") + workload);
  EXPECT_GT(slower, alike);
}

}  // namespace
}  // namespace workloads
