#include "workloads/simulation.hpp"
#include <utility>
#include "workloads/folding.hpp"

namespace workloads {
namespace {

Simulation simulate_plan(const Scenario& scenario, const RunOptions& options, Plan plan, const kernels::OperationTimes& times,
                         sim::Coupling coupling) {
  Simulation simulation{.plan = std::move(plan)};
  if (options.trace && options.trace_level > TraceLevel::none) simulation.load.emplace(simulation.plan.links.size());
  LinkLoadHistogram* load = simulation.load ? &*simulation.load : nullptr;
  const std::vector<sim::LinkSpec>& links = simulation.plan.links;
  sim::CoupledNetwork network(sim::make_network(scenario.network, links, load, options.threads), links, coupling);
  simulation.outcome = Executor(simulation.plan, network, times, options).run();
  return simulation;
}

// Nothing where some collective does not stay one variable; stops soon after. Leaves no trace.
std::optional<Simulation> try_whole_collectives(const Scenario& scenario, RunOptions options, Plan plan,
                                                const kernels::OperationTimes& times) {
  Simulation simulation{.plan = std::move(plan)};
  const std::vector<sim::LinkSpec>& links = simulation.plan.links;
  sim::CoupledNetwork network(sim::make_network(scenario.network, links, nullptr, options.threads), links, sim::Coupling::always);
  const auto tell = std::move(options.progress);
  options.progress = [&](double done) { return network.contended() == 0 && (!tell || tell(done)); };
  options.trace = nullptr;
  try {
    simulation.outcome = Executor(simulation.plan, network, times, options).run();
  } catch (const Interrupted&) {
    if (network.contended() == 0) throw;
  }
  if (network.contended() > 0) return std::nullopt;
  return simulation;
}

}  // namespace

Simulation simulate(const Scenario& scenario, const RunOptions& options, const Plan& whole, const kernels::OperationTimes& times) {
  const sim::Coupling coupling = options.exact ? sim::Coupling::off : sim::Coupling::automatic;
  if (options.fold && !options.exact) {
    const Plan folded = fold(whole, CollectiveEdges::as_one);
    if (folded.ranks.size() == whole.ranks.size()) return simulate_plan(scenario, options, whole, times, coupling);
    if (std::optional<Simulation> simulation = try_whole_collectives(scenario, options, folded, times))
      return options.trace ? simulate_plan(scenario, options, folded, times, sim::Coupling::always) : std::move(*simulation);
  }
  return simulate_plan(scenario, options, options.fold ? fold(whole) : whole, times, coupling);
}

}  // namespace workloads
