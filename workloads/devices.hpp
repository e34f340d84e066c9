#pragma once
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>
#include "kernels/collectives/network_collective.hpp"
#include "kernels/operation_times.hpp"
#include "sim/units.hpp"
#include "topology/cluster_spec.hpp"

namespace workloads {

// The accelerators of a cluster, each kind once: hosts of a group may have another than the rest.
class Devices {
 public:
  Devices(kernels::OperationTimes only) : kinds_{std::move(only)} {}  // NOLINT(google-explicit-constructor): most clusters have one
  Devices(const topology::ClusterSpec& cluster, const std::function<kernels::OperationTimes(const std::string& accelerator)>& load);

  std::uint32_t size() const { return static_cast<std::uint32_t>(kinds_.size()); }
  const kernels::OperationTimes& operator[](std::uint32_t kind) const { return kinds_[kind]; }
  std::uint32_t kind_of_host(int host) const { return by_host_.empty() ? 0 : by_host_[static_cast<std::size_t>(host)]; }

  // A collective among ranks on these kinds takes what the slowest of them would.
  sim::Time inside_domain(kernels::CollectiveOp op, int ranks, sim::Bytes bytes, std::span<const std::uint32_t> kinds) const;
  kernels::NetworkCollective across_hosts(kernels::CollectiveOp op, const kernels::GroupShape& shape, sim::Bytes bytes,
                                          std::span<const std::uint32_t> kinds) const;

 private:
  std::vector<kernels::OperationTimes> kinds_;
  std::vector<std::uint32_t> by_host_;  // empty: one kind
};

}  // namespace workloads
