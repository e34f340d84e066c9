#include "sim/network.hpp"
#include <array>
#include <string>
#include "sim/analytic_network.hpp"
#include "sim/error.hpp"
#include "sim/fluid_network.hpp"

namespace sim {
namespace {
using Factory = std::unique_ptr<Network> (*)(std::span<const LinkSpec>, FlowObserver*);
template <class N>
std::unique_ptr<Network> make(std::span<const LinkSpec> links, FlowObserver* observer) {
  return std::make_unique<N>(links, observer);
}
constexpr std::array<std::string_view, 2> names = {"analytic", "fluid"};
constexpr std::array<Factory, 2> factories = {make<AnalyticNetwork>, make<FluidNetwork>};
}  // namespace

std::span<const std::string_view> network_names() { return names; }

std::unique_ptr<Network> make_network(std::string_view name, std::span<const LinkSpec> links, FlowObserver* observer) {
  for (std::size_t i = 0; i < names.size(); ++i)
    if (names[i] == name) return factories[i](links, observer);
  throw InputError("network: '" + std::string(name) + "' is unknown (known: analytic, fluid). Choose one of them.");
}

}  // namespace sim
