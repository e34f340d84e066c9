#include "kernels/collectives/collective_profile.hpp"
#include <algorithm>

namespace kernels {

const TransportProfile* NetworkProfile::measured(Transport transport) const {
  const auto found = std::find_if(transports.begin(), transports.end(), [&](const auto& t) { return t.transport == transport; });
  return found == transports.end() ? nullptr : &*found;
}

double NetworkProfile::efficiency(Transport transport) const {
  const TransportProfile* found = measured(transport);
  return found && found->efficiency > 0 ? found->efficiency : nic_efficiency;
}

}  // namespace kernels
