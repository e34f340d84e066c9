#include <fmt/format.h>
#include <algorithm>
#include "sim/error.hpp"
#include "topology/builders/builders.hpp"
#include "topology/builders/path_hash.hpp"
#include "topology/builders/searched.hpp"

namespace topology {
namespace {

// Groups of fully joined switches (leaves), every group joined to every other (Kim, Dally, Scott, Abts: ISCA 2008). Balanced:
// of k ports h = (k + 1) / 4 go to NICs and h to other groups, a group is 2 h switches.
//   ecmp, static, spray, adaptive: minimal, at most one global cable, as SearchedFabric chooses among shortest paths.
//   valiant: through a switch of the group that the hash names, then minimal (Valiant 1982); within a group minimal.
class Dragonfly final : public Structure {
 public:
  Dragonfly(const ClusterSpec& spec, const HostLayout& hosts, Wiring& wiring)
      : hash_(spec.fabric.hash), valiant_(spec.fabric.routing == Routing::valiant), nics_(hosts.nics()) {
    const int radix = spec.fabric.radix[0];
    h_ = (radix + 1) / 4;
    groups_ = (nics_ + 2 * h_ * h_ - 1) / (2 * h_ * h_);
    if (groups_ > 2 * h_ * h_ + 1)
      throw sim::InputError(
          fmt::format("cluster.fabric.radix: {} NICs need {} groups, but dragonfly switches of {} ports join at most {} groups of {} NICs. "
                      "Use radix {}.",
                      nics_, groups_, radix, 2 * h_ * h_ + 1, 2 * h_ * h_, radix_for(nics_)));
    wire(spec.fabric, hosts, wiring);
    wiring.expose_links();
    SearchSpec search{.routing = valiant_ ? Routing::ecmp : spec.fabric.routing,
                      .hash = hash_,
                      .switch_latency = spec.fabric.switch_latency,
                      .detour = Detour::one_global};
    switch_latency_ = spec.fabric.switch_latency;
    minimal_ = std::make_unique<SearchedFabric>(search, hosts, wiring);
    nic_node_ = hosts.nic_node(0);
  }

  void route(int source_nic, int destination_nic, std::uint64_t label, Route& route) const override {
    const int from = source_nic / nics_per_group(), to = destination_nic / nics_per_group();
    if (!valiant_ || from == to || groups_ < 3) return minimal_->route(source_nic, destination_nic, label, route);
    const std::uint64_t hash = path_hash(hash_, nic_node_ + static_cast<std::uint32_t>(source_nic), source_nic, destination_nic, label);
    int by = static_cast<int>(hash % static_cast<std::uint64_t>(groups_ - 2));  // of the groups but those two
    if (by >= std::min(from, to)) ++by;
    if (by >= std::max(from, to)) ++by;
    const std::uint64_t place = mix(hash) % static_cast<std::uint64_t>(2 * h_);
    const std::uint32_t middle = first_leaf_ + static_cast<std::uint32_t>(by * 2 * h_) + static_cast<std::uint32_t>(place);
    minimal_->route_between(nic_node_ + static_cast<std::uint32_t>(source_nic), middle, label, route);
    minimal_->route_between(middle, nic_node_ + static_cast<std::uint32_t>(destination_nic), label, route);
    route.latency += switch_latency_;  // of the switch in the middle
  }

  sim::BytesPerSecond bisection() const override { return minimal_->bisection(); }
  std::vector<FailureDomain> failure_domains() const override { return minimal_->failure_domains(); }

 private:
  int nics_per_group() const { return 2 * h_ * h_; }
  static int radix_for(std::int64_t nics) {
    std::int64_t h = 1;
    while (2 * h * h * (2 * h * h + 1) < nics) ++h;
    return static_cast<int>(4 * h - 1);
  }

  void wire(const FabricSpec& spec, const HostLayout& hosts, Wiring& wiring) {
    const int switches = 2 * h_;  // of a group
    first_leaf_ = static_cast<std::uint32_t>(wiring.nodes.size());
    for (int leaf = 0; leaf < groups_ * switches; ++leaf) wiring.add_node(fmt::format("leaf-{}", leaf), NodeKind::leaf);
    for (int nic = 0; nic < nics_; ++nic)
      wiring.add_cable({hosts.nic_node(nic)}, {first_leaf_ + nic / h_, nic % h_ + 1}, LinkKind::host_leaf,
                       std::min(hosts.nic_bandwidth(nic), spec.link.bandwidth), spec.link.latency);
    const auto& local = spec.link_of(1);
    for (int group = 0; group < groups_; ++group)
      for (int a = 0; a < switches; ++a)
        for (int b = a + 1; b < switches; ++b)
          wiring.add_cable({first_leaf_ + group * switches + a, h_ + b}, {first_leaf_ + group * switches + b, h_ + a + 1}, LinkKind::peer,
                           local.bandwidth, local.latency);
    wire_global(spec.link_of(2), switches, wiring);
  }

  // The 2 h² global ports of a group go round the other groups, as often as they go in whole rounds.
  void wire_global(const FabricLinkSpec& link, int switches, Wiring& wiring) {
    if (groups_ == 1) return;
    const int rounds = switches * h_ / (groups_ - 1);
    const auto end = [&](int group, int other, int round) {
      const int port = round * (groups_ - 1) + (other - group - 1 + groups_) % groups_;
      return CableEnd{first_leaf_ + static_cast<std::uint32_t>(group * switches + port % switches), 3 * h_ + port / switches};
    };
    for (int a = 0; a < groups_; ++a)
      for (int b = a + 1; b < groups_; ++b)
        for (int round = 0; round < rounds; ++round)
          wiring.add_cable(end(a, b, round), end(b, a, round), LinkKind::global, link.bandwidth, link.latency);
  }

  HashSpec hash_;
  bool valiant_;
  int nics_, h_ = 1, groups_ = 1;
  sim::Time switch_latency_;
  std::uint32_t first_leaf_ = 0, nic_node_ = 0;
  std::unique_ptr<SearchedFabric> minimal_;
};

}  // namespace

std::unique_ptr<Structure> build_dragonfly(const ClusterSpec& spec, const HostLayout& hosts, Wiring& wiring) {
  return std::make_unique<Dragonfly>(spec, hosts, wiring);
}

}  // namespace topology
