#include <fmt/format.h>
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <map>
#include "topology/builders/clos.hpp"

// What a Clos network is worth: bisection and what one failed switch costs.
namespace topology {
namespace {

// Cables cut above the leaves, per up-port of a leaf, when y of a pod's leaves are on one side and the
// cores on the other: a spine goes to whichever side cuts fewer of its links.
std::int64_t pod_cut(const ClosPlan& plan, int pod_leaves, int y) {
  return std::min(y, pod_leaves - y + (plan.cores() > 0 ? plan.spine_up : 0));
}

// Least cut with x leaves of full pods. `pod_cut` is concave in y: all pods but one are wholly on one side.
std::int64_t full_pods_cut(const ClosPlan& plan, int x) {
  const int size = plan.leaves_per_pod;
  return x / size * pod_cut(plan, size, size) + pod_cut(plan, size, x % size);
}

// Leaves that are alike.
struct LeafClass {
  bool in_last_pod;
  int nics;  // of each
  auto operator<=>(const LeafClass&) const = default;
};

std::string hosts_of(int number) { return fmt::format("{} host{}", number, number == 1 ? "" : "s"); }

std::string worst_case(const FailureDomain& domain) {
  const std::string degraded = hosts_of(domain.hosts_degraded);
  const double percent = 100 * domain.bandwidth_lost;
  if (domain.hosts_cut_off > 0) return fmt::format("cuts off {} ({} GPUs)", hosts_of(domain.hosts_cut_off), domain.gpus_cut_off);
  if (domain.nics_cut_off > 0)
    return fmt::format("cuts off {} NICs: {} lose {:.3g} % of their bandwidth", domain.nics_cut_off, degraded, percent);
  if (domain.bandwidth_lost == 1) return fmt::format("parts {} from each other", degraded);
  return fmt::format("{} lose {:.3g} % of their bandwidth to the farthest", degraded, percent);
}

}  // namespace

// Worst split of the NICs into halves = least, over the leaves put on one side, of the links cut above
// the leaves plus the NICs that are then on the wrong side of their leaf. Exact where the leaves of full
// pods hold equally many NICs; where rails do not divide the NICs it may be low by a few of them.
sim::BytesPerSecond Clos::bisection() const {
  std::map<LeafClass, int> leaves_by_class;
  const std::vector<int> nics_by_leaf = plan_.nics_by_leaf();
  for (int leaf = 0; leaf < plan_.leaves; ++leaf) ++leaves_by_class[{plan_.pod_of(leaf) == plan_.pods - 1, nics_by_leaf[leaf]}];
  const std::vector<std::pair<LeafClass, int>> classes(leaves_by_class.begin(), leaves_by_class.end());
  const double above = plan_.spines() == 0 ? 0 : plan_.leaf_up * link_.bandwidth.value();
  const int all = hosts_.nics(), leaves_in_last = plan_.leaves_in_pod(plan_.pods - 1);

  double least = std::numeric_limits<double>::infinity();
  const auto choose = [&](const auto& self, std::size_t next, int in_full_pods, int in_last, int nics) -> void {
    if (next == classes.size()) {
      const int misplaced = std::min(std::abs(nics - all / 2), std::abs(nics - (all - all / 2)));
      const auto cut = full_pods_cut(plan_, in_full_pods) + pod_cut(plan_, leaves_in_last, in_last);
      least = std::min(least, static_cast<double>(cut) * above + misplaced * host_bandwidth_.value());
      return;
    }
    const auto& [alike, number] = classes[next];
    for (int taken = 0; taken <= number; ++taken)
      self(self, next + 1, in_full_pods + (alike.in_last_pod ? 0 : taken), in_last + (alike.in_last_pod ? taken : 0),
           nics + taken * alike.nics);
  };
  choose(choose, 0, 0, 0, 0);
  return sim::BytesPerSecond{least};
}

// Leaf 0 and pod 0 are filled first, so nothing is worse than losing a switch there.
FailureDomain Clos::leaf_failure() const {
  FailureDomain leaf{.name = "leaf", .count = plan_.leaves, .text = {}};
  for (int gpu = 0; gpu < hosts_.gpus; ++gpu) leaf.gpus_cut_off += leaf_by_nic_[hosts_.nic_of(gpu)] == 0;
  for (int host = 0; host < hosts_.hosts; ++host) {
    const auto first = leaf_by_nic_.begin() + host * hosts_.nics_per_host;
    const auto lost = static_cast<int>(std::count(first, first + hosts_.nics_per_host, 0));
    leaf.nics_cut_off += lost;
    leaf.hosts_cut_off += lost == hosts_.nics_per_host;
    leaf.hosts_degraded += lost > 0 && lost < hosts_.nics_per_host;
  }
  leaf.bandwidth_lost = static_cast<double>(plan_.nics_per_rail) / plan_.nics_per_host;
  return leaf;
}

int Clos::hosts_in_first_pod() const {
  int hosts = 0;
  for (int host = 0; host < hosts_.hosts; ++host) hosts += plan_.pod_of(leaf_by_nic_[host * hosts_.nics_per_host]) == 0;
  return hosts;
}

std::vector<FailureDomain> Clos::failure_domains() const {
  std::vector<FailureDomain> domains = {leaf_failure()};
  const auto add = [&](const char* name, int count, int hosts, int sharing) {
    if (count > 0) domains.push_back({.name = name, .count = count, .hosts_degraded = hosts, .bandwidth_lost = 1.0 / sharing, .text = {}});
  };
  add("spine", plan_.spines(), hosts_in_first_pod(), plan_.spines_per_pod);
  add("core", plan_.cores(), plan_.hosts, plan_.cores());
  for (FailureDomain& domain : domains) domain.text = worst_case(domain);
  return domains;
}

}  // namespace topology
