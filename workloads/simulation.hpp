#pragma once
#include <optional>
#include "sim/packet/packet_fabric.hpp"
#include "sim/packet/packet_log.hpp"
#include "topology/fabric.hpp"
#include "workloads/executor.hpp"
#include "workloads/link_load.hpp"
#include "workloads/plan.hpp"
#include "workloads/run.hpp"

namespace workloads {

struct Simulation {
  Plan plan;  // as simulated: folded or not
  Outcome outcome;
  std::optional<LinkLoadHistogram> load;     // when traced
  std::optional<sim::PacketCounts> packets;  // of a packet network
  std::optional<sim::PacketLog> log;         // of packets, when traced
};

// Carries out a plan. Folds, if asked to, as if every collective stayed one variable; where that turns out wrong, with
// the edges of the collectives. What is traced is then run again. Packets are simulated of every rank and message.
Simulation simulate(const Scenario& scenario, const RunOptions& options, const Plan& whole, const Devices& devices,
                    const topology::Fabric& fabric);

// The same plan in the fluid network, every rank of it, untraced: what packets are compared with.
Simulation simulate_fluid(Scenario scenario, RunOptions options, const Plan& whole, const Devices& devices);

}  // namespace workloads
