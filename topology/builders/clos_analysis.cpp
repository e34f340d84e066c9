#include <fmt/format.h>
#include <algorithm>
#include <cstdlib>
#include <limits>
#include <map>
#include <numeric>
#include "topology/builders/clos.hpp"

// What a Clos network is worth: bisection and what one failed switch costs.
namespace topology {
namespace {

// Cables cut above the leaves, per up-port of a leaf, when y of a pod's leaves are on one side and the
// cores, to which it has `up` links per such port, on the other: a spine goes to whichever side cuts fewer of its links.
double pod_cut(int pod_leaves, double up, int y) { return std::min<double>(y, pod_leaves - y + up); }

// Least cut with x leaves of pods of `size`. `pod_cut` is concave in y: all pods but one are wholly on one side.
double pods_cut(int size, double up, int x) { return x / size * pod_cut(size, up, size) + pod_cut(size, up, x % size); }

// Leaves that are alike.
struct LeafClass {
  bool in_last_pod;  // of its group
  int ports;         // of each, in use
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

// Worst split of the ports of NICs into halves, the same in every plane = least, over the leaves put on one side, of the links
// cut above the leaves plus the ports that are then on the wrong side of their leaf. Exact where the leaves of full
// pods hold equally many; where rails do not divide the NICs it may be low by a few of them.
sim::BytesPerSecond Clos::bisection() const {
  std::vector<int> ports_by_leaf(plan_.leaves_per_plane);
  int all = 0;
  for (const Port& port : ports_) {
    if (port.leaf >= plan_.leaves_per_plane) continue;  // in another plane
    ++ports_by_leaf[port.leaf];
    ++all;
  }
  std::map<LeafClass, int> leaves_by_class;
  for (int leaf = 0; leaf < plan_.leaves_per_plane; ++leaf)
    ++leaves_by_class[{plan_.pod_of(leaf) % plan_.pods_per_group == plan_.pods_per_group - 1, ports_by_leaf[leaf]}];
  const std::vector<std::pair<LeafClass, int>> classes(leaves_by_class.begin(), leaves_by_class.end());
  const double above = plan_.spines() == 0 ? 0 : plan_.leaf_up * links_[1].bandwidth.value();
  const double up = plan_.cores() == 0 ? 0 : plan_.spines_per_pod * plan_.spine_up * links_[2].bandwidth.value() / above;

  double least = std::numeric_limits<double>::infinity();
  const auto choose = [&](const auto& self, std::size_t next, int in_full_pods, int in_last, int ports) -> void {
    if (next == classes.size()) {
      const int misplaced = std::min(std::abs(ports - all / 2), std::abs(ports - (all - all / 2)));
      const double cut = pods_cut(plan_.leaves_per_pod, up, in_full_pods) + pods_cut(plan_.leaves_in_last_pod(), up, in_last);
      least = std::min(least, cut * above + misplaced * port_bandwidth_.value());
      return;
    }
    const auto& [alike, number] = classes[next];
    for (int taken = 0; taken <= number; ++taken)
      self(self, next + 1, in_full_pods + (alike.in_last_pod ? 0 : taken), in_last + (alike.in_last_pod ? taken : 0),
           ports + taken * alike.ports);
  };
  choose(choose, 0, 0, 0, 0);
  return sim::BytesPerSecond{least * plan_.planes};
}

// Leaf 0 and pod 0 are filled first, so nothing is worse than losing a switch there.
FailureDomain Clos::leaf_failure() const {
  FailureDomain leaf{.name = "leaf", .count = plan_.leaves(), .text = {}};
  std::vector<int> lost_by_nic(hosts_.nics());
  for (std::size_t port = 0; port < ports_.size(); ++port) lost_by_nic[port / plan_.ports_per_nic] += ports_[port].leaf == 0;
  for (int gpu = 0; gpu < hosts_.gpus; ++gpu) leaf.gpus_cut_off += lost_by_nic[hosts_.nic_of(gpu)] == plan_.ports_per_nic;
  const int of_host = hosts_.nics_per_host * plan_.ports_per_nic;
  for (int host = 0; host < hosts_.hosts; ++host) {
    const auto first = lost_by_nic.begin() + host * hosts_.nics_per_host, last = first + hosts_.nics_per_host;
    const int lost = std::accumulate(first, last, 0);
    leaf.nics_cut_off += static_cast<int>(std::count(first, last, plan_.ports_per_nic));
    leaf.hosts_cut_off += lost == of_host;
    leaf.hosts_degraded += lost > 0 && lost < of_host;
    leaf.bandwidth_lost = std::max(leaf.bandwidth_lost, static_cast<double>(lost) / of_host);
  }
  return leaf;
}

int Clos::hosts_in_first_pod() const {
  const auto of_host = static_cast<std::size_t>(hosts_.nics_per_host * plan_.ports_per_nic);
  int hosts = 0;
  for (std::size_t first = 0; first < ports_.size(); first += of_host)
    hosts +=
        std::any_of(ports_.begin() + first, ports_.begin() + first + of_host, [&](const Port& p) { return plan_.pod_of(p.leaf) == 0; });
  return hosts;
}

std::vector<FailureDomain> Clos::failure_domains() const {
  std::vector<FailureDomain> domains = {leaf_failure()};
  const auto add = [&](const char* name, int count, int hosts, int sharing) {
    if (count > 0) domains.push_back({.name = name, .count = count, .hosts_degraded = hosts, .bandwidth_lost = 1.0 / sharing, .text = {}});
  };
  add("spine", plan_.spines(), hosts_in_first_pod(), plan_.spines_per_pod * plan_.groups * plan_.planes);
  add("core", plan_.cores(), plan_.hosts, plan_.cores());
  for (FailureDomain& domain : domains) domain.text = worst_case(domain);
  return domains;
}

}  // namespace topology
