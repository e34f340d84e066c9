#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>
#include "sim/packet/packet_fabric.hpp"
#include "topology/balance.hpp"
#include "workloads/scenario.hpp"
#include "workloads/trace_rows.hpp"
#include "workloads/traffic/flow_list.hpp"

namespace workloads::traffic {

struct TrafficOptions {
  int threads = 1;     // that may share one large solve (0: as many as the machine gives); the result does not depend on it
  bool exact = false;  // every message of a ring simulated, also where one variable tells the same
  bool trace = false;  // loads of links over time, and of packets queues and rates
  // Called now and then with the fraction done (0..1); returning false stops the run (Interrupted is thrown).
  std::function<bool(double)> progress;
  std::function<void(const std::string&)> notice;  // told before a run that will take minutes; may be empty
};

// Times by flow, in the order of the list. A flow that repeats starts with its first message and finishes with its last.
struct TrafficOutcome {
  std::vector<sim::Time> start, finish;
  std::vector<sim::Time> alone;  // how long it would take in an empty network
  std::uint64_t messages = 0;
  std::uint64_t events = 0;         // starts and arrivals of messages
  double bytes = 0;                 // carried, headers included
  double max_link_utilization = 0;  // bytes over capacity and makespan
  std::string busiest_link;
  std::vector<topology::TierBalance> balance;  // of the routes that flows began with
  int ecmp_max_flows_per_link = 0;             // between switches
  std::optional<sim::PacketCounts> packets;    // of a packet network
  std::optional<NetworkTrace> trace;           // when asked for
  std::uint64_t signature = 0;                 // of bytes and times, in the order of the list
  double wall_s = 0, cpu_s = 0;                // of the simulation: no files, no building of the fabric
  std::uint64_t peak_rss_bytes = 0;
  sim::Time makespan() const;  // the last finish
};

// Runs the flows on the scenario's network. A flow waits for its start and for the flows in `after`, then for the latency
// of its route, then shares bandwidth until its last byte has arrived. Flows of zero bytes, or to their own source,
// finish after the latency. Routes are made when a flow starts; with ecmp the number of the flow is the hash label.
// `transport: ideal` carries the bytes as they are; other transports carry bytes / their efficiency by the accelerator's
// profile across NICs, if the scenario names one. Flows that repeat and form a ring (equal bytes, repeat and start, one in and one
// out at each end point, no `after`) are one collective: one variable until other flows come on its links (sim/coupled_network.hpp).
// Throws sim::InputError when flows wait for each other, naming the circle; sim::SimulationError when there is no route.
TrafficOutcome run_traffic(const Scenario& scenario, const topology::Fabric& fabric, const FlowList& list,
                           const TrafficOptions& options = {});

}  // namespace workloads::traffic
