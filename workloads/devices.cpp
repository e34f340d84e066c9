#include "workloads/devices.hpp"
#include <algorithm>

namespace workloads {

Devices::Devices(const topology::ClusterSpec& cluster, const std::function<kernels::OperationTimes(const std::string&)>& load) {
  std::vector<std::string> names;
  for (int host = 0; host < cluster.hosts(); ++host) {
    const auto known = std::ranges::find(names, cluster.accelerator_of(host));
    by_host_.push_back(static_cast<std::uint32_t>(known - names.begin()));
    if (known != names.end()) continue;
    names.push_back(cluster.accelerator_of(host));
    kinds_.push_back(load(names.back()));
  }
  if (size() == 1) by_host_.clear();
}

sim::Time Devices::inside_domain(kernels::CollectiveOp op, int ranks, sim::Bytes bytes, std::span<const std::uint32_t> kinds) const {
  double seconds = 0;
  for (const std::uint32_t kind : kinds)
    seconds = std::max(seconds, kinds_[kind].scale_up_collective(op, ranks, static_cast<double>(bytes.count())).seconds);
  return sim::Time::seconds(seconds);
}

kernels::NetworkCollective Devices::across_hosts(kernels::CollectiveOp op, const kernels::GroupShape& shape, sim::Bytes bytes,
                                                 std::span<const std::uint32_t> kinds) const {
  kernels::NetworkCollective slowest;
  double most = -1;
  for (const std::uint32_t kind : kinds) {
    const kernels::NetworkCollective plan = kernels::plan_network_collective(op, shape, static_cast<double>(bytes.count()), kinds_[kind]);
    const double seconds = kernels::empty_fabric_seconds(plan, shape, kinds_[kind].profile().network);
    if (seconds > most) slowest = plan, most = seconds;
  }
  return slowest;
}

}  // namespace workloads
