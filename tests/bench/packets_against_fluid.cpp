// Packets beside our own fluid network on the same inputs: how far completion times are apart, and why where they are the most.
#include <fmt/format.h>
#include <algorithm>
#include <cmath>
#include <optional>
#include "kernels/collectives/algorithm.hpp"
#include "sim/packet/closed_loop.hpp"
#include "tests/bench/common_cases.hpp"
#include "tests/bench/packet_error.hpp"
#include "tests/bench/report.hpp"
#include "topology/fabric.hpp"
#include "workloads/collective/step_player.hpp"
#include "workloads/packet_network.hpp"
#include "workloads/run.hpp"
#include "workloads/scenario_reader.hpp"

namespace bench {
namespace {
using namespace sim;
using kernels::CollectiveOp;
using topology::CongestionControl;

const char* name_of(CongestionControl control) { return control == CongestionControl::paced ? "packets paced" : "packets under DCQCN"; }

// Without headers: the bytes of both networks are wire bytes.
ClosedLoopSpec closed_loop(topology::FabricSpec fabric, CongestionControl control) {
  fabric.transport = topology::Transport::roce;
  fabric.packet.congestion_control = control;
  return workloads::closed_loop_spec(fabric, 0, 1);
}

// Of flows of 1 MiB and more.
PacketError flows_against_fluid(const Case& input, CongestionControl control) {
  const ClosedLoopSpec spec = closed_loop({}, control);
  ClosedLoop network(packet_fabric(input), spec);
  const Outcome packets = simulate(input, network), fluid = simulate(input);
  PacketError error;
  for (std::size_t i = 0; i < packets.finishes.size(); ++i) {
    const Transfer& transfer = input.transfers[i / input.messages];
    if (transfer.bytes < 1 << 20) continue;
    error.add(packets.finishes[i] - transfer.start, fluid.finishes[i] - transfer.start);
    error.links_of_way = std::max(error.links_of_way, transfer.path.size());
  }
  error.makespan = packets.makespan / fluid.makespan - 1;
  error.counts = *network.packet_counts();
  error.packet_time = Bytes{spec.payload} / BytesPerSecond{link_bytes_per_second};
  error.queue_time = Bytes{error.counts.max_queue_bytes} / BytesPerSecond{link_bytes_per_second};
  return error;
}

// Each message of 1 MiB on NICs: all to all directly, the others by a ring on each rail between the hosts.
PacketError collective_against_fluid(const workloads::Scenario& scenario, CollectiveOp op, CongestionControl control) {
  const topology::Fabric fabric(scenario.cluster);
  const int ranks = scenario.cluster.gpus, per_host = 8;
  const bool direct = op == CollectiveOp::all_to_all;
  const auto schedule =
      make_schedule(kernels::collectives::algorithm_named(direct ? "direct" : "hierarchical"),
                    {.op = op, .ranks = ranks, .per_host = per_host, .count = std::int64_t{ranks} << 20, .channels = per_host});
  PacketError error;
  for (const kernels::collectives::Step& step : schedule.steps)
    error.messages_of_chain = std::max<std::size_t>(error.messages_of_chain, step.number + 1);
  BytesPerSecond nic;
  const auto way_of = [&](int source, int destination, int channel) {
    topology::Route route = fabric.route(source, destination, static_cast<std::uint64_t>(channel));
    if (error.links_of_way < route.shares.size()) {
      error.links_of_way = route.shares.size();
      nic = BytesPerSecond{1e300};
      for (const LinkShare& s : route.shares)
        nic = std::min(nic, BytesPerSecond{fabric.network_links()[s.link.value()].capacity.value() / s.share});
    }
    return workloads::collective::Way{std::move(route.shares), route.latency};
  };
  const ClosedLoopSpec spec = closed_loop(scenario.cluster.fabric, control);
  ClosedLoop packets(workloads::packet_fabric(scenario.cluster, fabric), spec);
  const auto fluid = make_network("fluid", fabric.network_links());
  using workloads::collective::play;
  const Time end = play(schedule, 1, way_of, packets), expected = play(schedule, 1, way_of, *fluid);
  error.add(end, expected);
  error.makespan = end / expected - 1;
  error.counts = *packets.packet_counts();
  error.packet_time = Bytes{spec.payload} / nic;
  error.queue_time = Bytes{error.counts.max_queue_bytes} / nic;
  return error;
}

void explain(Report& report, const std::optional<PacketError>& largest, const std::string& of) {
  if (largest) report.say(fmt::format("largest: {}, {:.2g} %: {}", of, 100 * largest->mean(), largest->reason()));
}

void compare_flows(Report& report, CongestionControl control) {
  const std::string what = fmt::format("{}, against fluid", name_of(control));
  if (!report.wants(what)) return;
  std::optional<PacketError> largest;
  std::string of;
  for (const char* name : {"T1a1_perm1M", "T1a_perm", "T1b_ws", "T1d_a2a", "T1e_incast", "T2a1_perm1M", "T2a_perm"}) {
    const PacketError error = flows_against_fluid(make_case(name), control);
    report.add({what, name, 100 * error.mean(), "% mean error"});
    report.add({"  its makespan", name, 100 * error.makespan, "% later"});
    if (!largest || error.mean() > largest->mean()) largest = error, of = name;
  }
  explain(report, largest, of);
}

void compare_collectives(Report& report, CongestionControl control) {
  const std::string what = fmt::format("collective, {}", name_of(control));
  if (!report.wants(what)) return;
  std::optional<PacketError> largest;
  std::string of;
  for (const char* name : {"dp-leaf-spine", "dp-leaf-spine-4to1", "dp-fat-tree"}) {
    const auto scenario = workloads::read_shipped_scenario(name);
    for (const CollectiveOp op : {CollectiveOp::all_reduce, CollectiveOp::all_gather, CollectiveOp::all_to_all}) {
      const PacketError error = collective_against_fluid(scenario, op, control);
      const std::string size = fmt::format("{}, {}", kernels::name_of(op), name + 3);
      report.add({what, size, 100 * error.mean(), "% error"});
      if (!largest || error.mean() > largest->mean()) largest = error, of = size;
    }
  }
  explain(report, largest, of);
}

// One stage of the main job's pipeline: its data-parallel groups of 24 hosts, one layer of a third of the width. The whole stage, ten
// layers of 12,288, is 70 times as many packets.
workloads::Scenario stage_of_main_job(const char* network) {
  return workloads::read_shipped_scenario(
      "sc21-145b", {.overrides = {"cluster.gpus=192", "workload.parallel={tp: 8, pp: 1, dp: 24}", "workload.schedule=1f1b",
                                  "workload.model={layers: 1, hidden: 4096, heads: 32, vocab: 1024, seq_len: 2048}",
                                  fmt::format("network={}", network)}});
}

void compare_main_job(Report& report) {
  const char* what = "main job, one stage: 24 hosts";
  if (!report.wants(what)) return;
  const auto of_group = [](const workloads::Result& result) {
    return result.jobs[0].breakdown_s[static_cast<std::size_t>(workloads::Category::dp_comm)];
  };
  const auto fluid = workloads::run(stage_of_main_job("fluid"), {.fold = false});
  report.add({what, "fluid", 1e3 * fluid.jobs[0].step_time_s, "ms step"});
  report.add({"  its data-parallel messages", "fluid", 1e3 * of_group(fluid), "ms"});
  for (const CongestionControl control : {CongestionControl::paced, CongestionControl::dcqcn}) {
    workloads::Scenario scenario = stage_of_main_job("packet");
    scenario.cluster.fabric.packet.congestion_control = control;
    const auto packets = workloads::run(scenario);
    report.add({what, name_of(control), 1e3 * packets.jobs[0].step_time_s, "ms step"});
    report.add({"  later than fluid", name_of(control), 100 * (packets.jobs[0].step_time_s / fluid.jobs[0].step_time_s - 1), "%"});
    report.add({"  its data-parallel messages", name_of(control), 1e3 * of_group(packets), "ms"});
  }
}

}  // namespace

void packets_against_fluid(Report& report) {
  for (const CongestionControl control : {CongestionControl::paced, CongestionControl::dcqcn}) {
    compare_flows(report, control);
    compare_collectives(report, control);
  }
  compare_main_job(report);
}

}  // namespace bench
