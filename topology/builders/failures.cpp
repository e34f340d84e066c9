#include "topology/builders/failures.hpp"
#include <fmt/format.h>
#include <algorithm>
#include <unordered_map>
#include "sim/error.hpp"
#include "topology/builders/builders.hpp"
#include "topology/builders/searched.hpp"

namespace topology {
namespace {

class Names {
 public:
  explicit Names(const Wiring& wiring) {
    for (std::uint32_t node = 0; node < wiring.nodes.size(); ++node)
      if (wiring.nodes[node].kind != NodeKind::gpu && wiring.nodes[node].kind != NodeKind::nvswitch)
        node_of_[wiring.nodes[node].name] = node;
    for (const Node& node : wiring.nodes)
      if (node.kind >= NodeKind::leaf) last_[node.kind] = node.name;
  }
  std::uint32_t node(const std::string& name, const std::string& failure) const {
    if (const auto found = node_of_.find(name); found != node_of_.end()) return found->second;
    std::string known;
    for (const NodeKind kind : {NodeKind::leaf, NodeKind::spine, NodeKind::core})
      if (const auto last = last_.find(kind); last != last_.end()) known += fmt::format("up to {}, ", last->second);
    throw sim::InputError(fmt::format(
        "cluster.fabric.failures: '{}' names nothing of this fabric (known: {}and NICs such as nic-0.0). Write a switch or NIC, or two "
        "with a colon for the cables between them.",
        failure, known));
  }

 private:
  std::unordered_map<std::string, std::uint32_t> node_of_;
  std::unordered_map<NodeKind, std::string> last_;
};

std::vector<bool> failed_links(const std::vector<std::string>& failures, const Wiring& wiring) {
  const Names names(wiring);
  std::vector<bool> failed(wiring.links.size());
  for (const std::string& failure : failures) {
    const std::size_t colon = failure.find(':');
    const std::uint32_t node = names.node(failure.substr(0, colon), failure);
    const std::uint32_t other = colon == std::string::npos ? node : names.node(failure.substr(colon + 1), failure);
    bool any = false;
    for (std::uint32_t i = 0; i < wiring.links.size(); ++i) {
      const Link& link = wiring.links[i];
      if (link.kind < LinkKind::host_leaf) continue;
      const bool lost =
          colon == std::string::npos ? link.from == node || link.to == node : std::minmax(link.from, link.to) == std::minmax(node, other);
      if (lost) failed[i] = any = true;
    }
    if (!any)
      throw sim::InputError(fmt::format("cluster.fabric.failures: '{}': there is no such cable. Name two ends that are joined.", failure));
  }
  return failed;
}

// What fails for a time may come back: those that it cuts off wait on their way of before.
class FailedFabric final : public Structure {
 public:
  FailedFabric(std::unique_ptr<Structure> whole, std::unique_ptr<SearchedFabric> before, std::unique_ptr<SearchedFabric> rest)
      : whole_(std::move(whole)), before_(std::move(before)), rest_(std::move(rest)) {}
  void route(int source_nic, int destination_nic, std::uint64_t label, Route& route) const override {
    const Structure& way = rest_ && rest_->joins(source_nic, destination_nic) ? *rest_ : before();
    way.route(source_nic, destination_nic, label, route);
  }
  sim::BytesPerSecond bisection() const override { return rest_ ? rest_->bisection() : before().bisection(); }
  std::vector<FailureDomain> failure_domains() const override { return whole_->failure_domains(); }

 private:
  const Structure& before() const { return before_ ? static_cast<const Structure&>(*before_) : *whole_; }

  std::unique_ptr<Structure> whole_;
  std::unique_ptr<SearchedFabric> before_;  // with what is always out of order; null: the whole one does
  std::unique_ptr<SearchedFabric> rest_;    // with timed failures too, if there are any now
};

}  // namespace

std::unique_ptr<Structure> build_with_failures(const ClusterSpec& spec, const HostLayout& hosts, Wiring& wiring,
                                               const std::vector<std::string>& out_of_order, std::vector<bool>& failed) {
  ClusterSpec unbundled = spec;
  const bool sprays = levels_out(spec.fabric.routing);
  if (sprays) unbundled.fabric.routing = Routing::static_;  // no trunks: their members are no longer equal
  auto whole = builder_of(spec.fabric.type).build(unbundled, hosts, wiring);
  if (!whole) throw sim::InputError("cluster.fabric.failures: fabric type none has nothing that could fail. Leave it out.");
  for (const TimedFailure& failure : spec.fabric.timed_failures) failed_links({failure.part}, wiring);  // are there such parts?
  failed = failed_links(out_of_order, wiring);
  const FabricType type = spec.fabric.type;
  const auto searched = [&](const std::vector<std::string>& failures, std::vector<bool> links) {
    return std::make_unique<SearchedFabric>(
        SearchSpec{.routing = spec.fabric.routing,
                   .hash = spec.fabric.hash,
                   .switch_latency = type == FabricType::file ? sim::Time{} : spec.fabric.switch_latency,
                   .nics_pass_on = type == FabricType::torus,
                   .detour = type == FabricType::torus || type == FabricType::dragonfly || type == FabricType::file ? Detour::any
                                                                                                                    : Detour::up_then_down,
                   .failed = std::move(links),
                   .because = fmt::format("with {} out of order (cluster.fabric.failures)", fmt::join(failures, ", "))},
        hosts, wiring);
  };
  auto before =
      spec.fabric.failures.empty() && !sprays ? nullptr : searched(spec.fabric.failures, failed_links(spec.fabric.failures, wiring));
  auto rest = out_of_order == spec.fabric.failures ? nullptr : searched(out_of_order, failed);
  return std::make_unique<FailedFabric>(std::move(whole), std::move(before), std::move(rest));
}

std::vector<double> left_of_links(const FabricSpec& fabric, sim::Time at, const Wiring& wiring) {
  std::vector<double> left;
  for (const TimedFailure& failure : fabric.timed_failures) {
    if (failure.left == 0 || !failure.lasts(at)) continue;
    left.resize(wiring.links.size(), 1);
    const std::vector<bool> degraded = failed_links({failure.part}, wiring);
    for (std::size_t link = 0; link < left.size(); ++link)
      if (degraded[link]) left[link] = std::min(left[link], failure.left);
  }
  return left;
}

}  // namespace topology
