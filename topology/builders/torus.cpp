#include <fmt/format.h>
#include <algorithm>
#include <numeric>
#include "sim/error.hpp"
#include "topology/builders/builders.hpp"
#include "topology/builders/searched.hpp"

namespace topology {
namespace {

// NICs joined in rings along each dimension, NIC (x, y, z) having number x + X (y + Y z); no switches (TPU pods).
//   ecmp, static: dimension by dimension, the shorter way round; half way round, even NICs go up and odd ones down.
//   spray, adaptive: an equal part over each shortest path.
class Torus final : public Structure {
 public:
  Torus(const ClusterSpec& spec, const HostLayout& hosts, Wiring& wiring)
      : dims_(spec.fabric.dims), link_(spec.fabric.link), spreads_(levels_out(spec.fabric.routing)) {
    wire(hosts, wiring);
    wiring.expose_links();
    all_paths_ = std::make_unique<SearchedFabric>(
        SearchSpec{
            .routing = spec.fabric.routing, .hash = spec.fabric.hash, .switch_latency = spec.fabric.switch_latency, .nics_pass_on = true},
        hosts, wiring);
    switch_latency_ = spec.fabric.switch_latency;
  }

  void route(int source_nic, int destination_nic, std::uint64_t label, Route& route) const override {
    if (spreads_) return all_paths_->route(source_nic, destination_nic, label, route);
    const std::size_t before = route.shares.size();
    int at = source_nic;
    for (std::size_t d = 0; d < dims_.size(); ++d) {
      const int size = dims_[d];
      const int ahead = ((destination_nic / stride(d) - at / stride(d)) % size + size) % size;
      const bool up = 2 * ahead < size || (2 * ahead == size && source_nic % 2 == 0);
      for (int step = 0; step < (up ? ahead : size - ahead); ++step) {
        const int next = neighbour(at, d, up ? 1 : size - 1);
        const int owner = size == 2 ? std::min(at, next) : up ? at : next;  // a ring of two is one cable
        route.shares.push_back({sim::LinkId{owner == at ? up_link(cable_of(owner, d)) : down_link(cable_of(owner, d))}});
        at = next;
      }
    }
    const auto links = static_cast<int>(route.shares.size() - before);
    route.hops += links;
    route.latency += links * link_.latency + (links - 1) * switch_latency_;
  }

  // Across the longest dimension a cut of two planes, one where the ring is a single cable. Exact where that is even.
  sim::BytesPerSecond bisection() const override {
    const int nics = std::accumulate(dims_.begin(), dims_.end(), 1, std::multiplies<>());
    const int longest = *std::max_element(dims_.begin(), dims_.end());
    return link_.bandwidth * (nics / longest * (longest > 2 ? 2 : longest - 1));
  }
  std::vector<FailureDomain> failure_domains() const override { return {}; }  // there are no switches

 private:
  int stride(std::size_t d) const {
    return std::accumulate(dims_.begin(), dims_.begin() + static_cast<std::ptrdiff_t>(d), 1, std::multiplies<>());
  }
  int neighbour(int nic, std::size_t d, int steps) const {
    const int along = nic / stride(d) % dims_[d];
    return nic + ((along + steps) % dims_[d] - along) * stride(d);
  }
  // To the next along the dimension; none: dimensions of 1, and the upper end of one of 2.
  std::uint32_t cable_of(int nic, std::size_t d) const {
    return first_cable_ + cable_number_[static_cast<std::size_t>(nic) * dims_.size() + d];
  }

  void wire(const HostLayout& hosts, Wiring& wiring) {
    first_cable_ = wiring.cables();
    for (int nic = 0; nic < hosts.nics(); ++nic)
      for (std::size_t d = 0; d < dims_.size(); ++d) {
        cable_number_.push_back(wiring.cables() - first_cable_);
        if (dims_[d] == 1 || (dims_[d] == 2 && nic / stride(d) % 2 == 1)) continue;
        const int port = 2 * static_cast<int>(d) + 1;
        wiring.add_cable({hosts.nic_node(nic), port}, {hosts.nic_node(neighbour(nic, d, 1)), port + 1}, LinkKind::peer, link_.bandwidth,
                         link_.latency);
      }
  }

  std::vector<int> dims_;
  FabricLinkSpec link_;
  sim::Time switch_latency_;
  bool spreads_;
  std::uint32_t first_cable_ = 0;
  std::vector<std::uint32_t> cable_number_;
  std::unique_ptr<SearchedFabric> all_paths_;
};

}  // namespace

std::unique_ptr<Structure> build_torus(const ClusterSpec& spec, const HostLayout& hosts, Wiring& wiring) {
  std::int64_t nodes = 1;
  for (const int size : spec.fabric.dims) nodes *= size;
  if (nodes != hosts.nics())
    throw sim::InputError(
        fmt::format("cluster.fabric.dims: a torus of {} has {} nodes, but there are {} NICs. Use dimensions whose product is {}.",
                    fmt::join(spec.fabric.dims, " x "), nodes, hosts.nics(), hosts.nics()));
  return std::make_unique<Torus>(spec, hosts, wiring);
}

}  // namespace topology
