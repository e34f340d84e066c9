#include "sim/network.hpp"
#include <array>
#include <string>
#include "sim/analytic_network.hpp"
#include "sim/error.hpp"
#include "sim/fluid_network.hpp"

namespace sim {
namespace {
using Factory = std::unique_ptr<Network> (*)(std::span<const LinkSpec>, FlowObserver*, int);
std::unique_ptr<Network> analytic(std::span<const LinkSpec> links, FlowObserver* observer, int) {
  return std::make_unique<AnalyticNetwork>(links, observer);
}
std::unique_ptr<Network> fluid(std::span<const LinkSpec> links, FlowObserver* observer, int threads) {
  return std::make_unique<FluidNetwork>(links, observer, threads);
}
constexpr std::array<std::string_view, 2> names = {"analytic", "fluid"};
constexpr std::array<Factory, 2> factories = {analytic, fluid};
}  // namespace

void Network::reroute(FlowId, std::span<const LinkShare>, BytesPerSecond) {
  throw InputError("network: flows of this network keep to their way, whatever fails. Use fluid.");
}

std::span<const std::string_view> network_names() { return names; }

std::unique_ptr<Network> make_network(std::string_view name, std::span<const LinkSpec> links, FlowObserver* observer, int threads) {
  for (std::size_t i = 0; i < names.size(); ++i)
    if (names[i] == name) return factories[i](links, observer, threads);
  if (name == "packet") throw InputError("network: 'packet' is not supported yet here. Choose analytic or fluid.");
  throw InputError("network: '" + std::string(name) + "' is unknown (known: analytic, fluid). Choose one of them.");
}

}  // namespace sim
