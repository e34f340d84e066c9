#include "workloads/simulation.hpp"
#include <algorithm>
#include <utility>
#include "workloads/folding.hpp"
#include "workloads/packet_network.hpp"

namespace workloads {
namespace {

Simulation simulate_plan(const Scenario& scenario, const RunOptions& options, Plan plan, const Devices& devices, sim::Coupling coupling) {
  Simulation simulation{.plan = std::move(plan)};
  if (options.trace && options.trace_level > TraceLevel::none) simulation.load.emplace(simulation.plan.links.size());
  LinkLoadHistogram* load = simulation.load ? &*simulation.load : nullptr;
  const std::vector<sim::LinkSpec>& links = simulation.plan.links;
  sim::CoupledNetwork network(sim::make_network(scenario.network, links, load, options.threads), links, coupling);
  simulation.outcome = Executor(simulation.plan, network, devices, options).run();
  return simulation;
}

// Nothing where some collective does not stay one variable; stops soon after. Leaves no trace.
std::optional<Simulation> try_whole_collectives(const Scenario& scenario, RunOptions options, Plan plan, const Devices& devices) {
  Simulation simulation{.plan = std::move(plan)};
  const std::vector<sim::LinkSpec>& links = simulation.plan.links;
  sim::CoupledNetwork network(sim::make_network(scenario.network, links, nullptr, options.threads), links, sim::Coupling::always);
  const auto tell = std::move(options.progress);
  options.progress = [&](double done) { return network.contended() == 0 && (!tell || tell(done)); };
  options.trace = nullptr;
  try {
    simulation.outcome = Executor(simulation.plan, network, devices, options).run();
  } catch (const Interrupted&) {
    if (network.contended() == 0) throw;
  }
  if (network.contended() > 0) return std::nullopt;
  return simulation;
}

// No two ranks provably do the same.
bool is_uneven(const Plan& plan) {
  return std::ranges::any_of(plan.jobs, [](const PlannedJob& job) { return job.jitter > 0; }) ||
         std::ranges::any_of(plan.ranks, [](const Rank& rank) { return rank.slowness != 1; });
}

// Folded ranks and coupled collectives have no packets of their own.
Simulation simulate_packets(const Scenario& scenario, const RunOptions& options, Plan plan, const Devices& devices,
                            const topology::Fabric& fabric) {
  Simulation simulation{.plan = std::move(plan)};
  if (options.trace_level > TraceLevel::none) simulation.log.emplace(fabric.links().size());
  const NetworkOptions network_options{
      .threads = options.threads, .exact = options.exact, .packets = simulation.log ? &*simulation.log : nullptr};
  sim::CoupledNetwork network(make_packet_network_of_plan(scenario, fabric, network_options), simulation.plan.links, sim::Coupling::off);
  simulation.outcome = Executor(simulation.plan, network, devices, options).run();
  if (const sim::PacketCounts* packets = network.packet_counts()) simulation.packets = *packets;
  return simulation;
}

}  // namespace

Simulation simulate(const Scenario& scenario, const RunOptions& options, const Plan& whole, const Devices& devices,
                    const topology::Fabric& fabric) {
  if (scenario.network == "packet") return simulate_packets(scenario, options, whole, devices, fabric);
  const sim::Coupling coupling = options.exact ? sim::Coupling::off : sim::Coupling::automatic;
  if (!whole.changes.empty() || is_uneven(whole)) return simulate_plan(scenario, options, whole, devices, coupling);
  if (options.fold && !options.exact) {
    const Plan folded = fold(whole, CollectiveEdges::as_one);
    if (folded.ranks.size() == whole.ranks.size()) return simulate_plan(scenario, options, whole, devices, coupling);
    if (std::optional<Simulation> simulation = try_whole_collectives(scenario, options, folded, devices))
      return options.trace ? simulate_plan(scenario, options, folded, devices, sim::Coupling::always) : std::move(*simulation);
  }
  return simulate_plan(scenario, options, options.fold ? fold(whole) : whole, devices, coupling);
}

Simulation simulate_fluid(Scenario scenario, RunOptions options, const Plan& whole, const Devices& devices) {
  scenario.network = "fluid";
  options.trace = nullptr;
  return simulate_plan(scenario, options, whole, devices, sim::Coupling::automatic);
}

}  // namespace workloads
