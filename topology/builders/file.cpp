#include <fmt/format.h>
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <map>
#include <mutex>
#include <numeric>
#include "sim/error.hpp"
#include "topology/builders/builders.hpp"
#include "topology/builders/path_hash.hpp"
#include "topology/min_cut.hpp"

namespace topology {
namespace {

constexpr std::uint16_t unreached = std::numeric_limits<std::uint16_t>::max();
constexpr double most_paths = 256;  // of a sprayed flow: what a fat-tree of 32-port switches has between pods
constexpr std::uint32_t no_link = std::numeric_limits<std::uint32_t>::max();

// Links out of (or into) each node, by link number.
struct Adjacency {
  std::vector<std::uint32_t> first, links;
  template <class End>
  Adjacency(std::size_t nodes, const std::vector<Link>& all, End end) : first(nodes + 1), links(all.size()) {
    for (const Link& link : all) ++first[end(link) + 1];
    std::partial_sum(first.begin(), first.end(), first.begin());
    std::vector<std::uint32_t> next(first.begin(), first.end() - 1);
    for (std::uint32_t link = 0; link < all.size(); ++link) links[next[end(all[link])]++] = link;
  }
  std::span<const std::uint32_t> operator[](std::uint32_t node) const {
    return std::span(links).subspan(first[node], first[node + 1] - first[node]);
  }
};

// Shortest ways to one node; end points pass nothing on.
struct Ways {
  std::vector<std::uint16_t> hops;  // by node
  std::vector<double> paths;        // how many there are
};

// Routes of a fabric given link by link: shortest paths over switches.
//   ecmp: each switch hashes as in a Clos network; static: the lowest link number.
//   spray, adaptive: an equal part over each shortest path, at most 256 of them, at even distances in the order of their links.
//         That is the hop-by-hop split of a regular network, and not the ideal one of an irregular one. The latency is the
//         longest of the paths.
// Ways to a switch are searched when they are first asked for, and kept: about 10 bytes a node and leaf.
class LinkFabric final : public Structure {
 public:
  LinkFabric(const ClusterSpec& spec, const HostLayout& hosts, const Wiring& wiring)
      : routing_(spec.fabric.routing),
        hash_(spec.fabric.hash),
        end_points_(static_cast<std::uint32_t>(hosts.gpus)),
        nodes_(wiring.nodes),
        links_(wiring.links),
        out_(nodes_.size(), links_, [](const Link& l) { return l.from; }),
        in_(nodes_.size(), links_, [](const Link& l) { return l.to; }),
        ways_(nodes_.size()) {}

  void route(int source, int destination, std::uint64_t label, Route& route) const override {
    const auto to = static_cast<std::uint32_t>(destination);
    // Nearly every end point hangs on one leaf; all on that leaf share its ways.
    const std::uint32_t last = in_[to].size() == 1 && links_[in_[to][0]].from >= end_points_ ? in_[to][0] : no_link;
    const std::uint32_t target = last == no_link ? to : links_[last].from;
    const Ways& ways = ways_to(target);
    if (ways.hops[source] == unreached)
      throw sim::SimulationError(fmt::format("no way from {} to {} over the links of the file (end points pass nothing on).",
                                             nodes_[source].name, nodes_[to].name));
    const auto from = static_cast<std::uint32_t>(source);
    route.hops += ways.hops[from] + (last != no_link);
    if (routing_ == Routing::spray || routing_ == Routing::adaptive)
      spray(ways, from, to, target, last, label, route);
    else
      one_path(ways, from, to, target, last, label, route);
  }

  sim::BytesPerSecond bisection() const override;
  std::vector<FailureDomain> failure_domains() const override;

 private:
  const Ways& ways_to(std::uint32_t target) const {
    const std::lock_guard lock(mutex_);
    if (!ways_[target]) ways_[target] = std::make_unique<Ways>(search(target));
    return *ways_[target];
  }

  // Breadth-first against the links.
  Ways search(std::uint32_t target) const {
    Ways ways{std::vector<std::uint16_t>(nodes_.size(), unreached), std::vector<double>(nodes_.size())};
    ways.hops[target] = 0;
    ways.paths[target] = 1;
    std::vector<std::uint32_t> queue = {target};
    for (std::size_t next = 0; next < queue.size(); ++next) {
      const std::uint32_t node = queue[next];
      if (node < end_points_ && node != target) continue;
      for (const std::uint32_t link : in_[node]) {
        const std::uint32_t from = links_[link].from;
        if (ways.hops[from] == unreached) {
          ways.hops[from] = static_cast<std::uint16_t>(ways.hops[node] + 1);
          queue.push_back(from);
        }
        if (ways.hops[from] == ways.hops[node] + 1) ways.paths[from] += ways.paths[node];
      }
    }
    return ways;
  }

  // Does this link continue a shortest way to `target`?
  bool leads(const Ways& ways, std::uint32_t link, std::uint32_t target) const {
    const auto& [from, to, kind, capacity, latency] = links_[link];
    return ways.hops[to] != unreached && ways.hops[to] + 1 == ways.hops[from] && (to >= end_points_ || to == target);
  }

  void one_path(const Ways& ways, std::uint32_t from, std::uint32_t to, std::uint32_t target, std::uint32_t last, std::uint64_t label,
                Route& route) const {
    const auto cross = [&](std::uint32_t link) {
      route.shares.push_back({sim::LinkId{link}});
      route.latency += links_[link].latency;
    };
    for (std::uint32_t node = from; node != target; node = links_[route.shares.back().link.value()].to) {
      const auto leading = std::count_if(out_[node].begin(), out_[node].end(), [&](std::uint32_t l) { return leads(ways, l, target); });
      auto chosen = routing_ == Routing::static_ || leading == 1
                        ? 0
                        : path_hash(hash_, node, static_cast<int>(from), static_cast<int>(to), label) % static_cast<std::uint64_t>(leading);
      for (const std::uint32_t link : out_[node])
        if (leads(ways, link, target) && chosen-- == 0) {
          cross(link);
          break;
        }
    }
    if (last != no_link) cross(last);
  }

  void spray(const Ways& ways, std::uint32_t from, std::uint32_t to, std::uint32_t target, std::uint32_t last, std::uint64_t label,
             Route& route) const {
    const double all = ways.paths[from], used = std::min(all, most_paths);
    const auto hash = path_hash(hash_, from, static_cast<int>(from), static_cast<int>(to), label);
    const double offset = static_cast<double>(hash >> 11) * 0x1p-53;  // so that flows differ in the paths they leave out
    std::vector<std::uint32_t> crossed;
    for (int i = 0; i < static_cast<int>(used); ++i) {
      double number = std::floor((i + offset) * all / used);  // of the path, counted in the order of link numbers
      sim::Time latency;
      for (std::uint32_t node = from; node != target;) {
        for (const std::uint32_t link : out_[node]) {
          if (!leads(ways, link, target)) continue;
          const double behind = ways.paths[links_[link].to];
          if (number < behind) {
            crossed.push_back(link);
            latency += links_[link].latency;
            break;
          }
          number -= behind;
        }
        node = links_[crossed.back()].to;
      }
      if (last != no_link) {
        crossed.push_back(last);
        latency += links_[last].latency;
      }
      route.latency = std::max(route.latency, latency);
    }
    std::sort(crossed.begin(), crossed.end());
    for (auto link = crossed.begin(); link != crossed.end();) {
      const auto next = std::upper_bound(link, crossed.end(), *link);
      route.shares.push_back({sim::LinkId{*link}, static_cast<double>(next - link) / used});
      link = next;
    }
  }

  double share_of_tier(std::uint32_t node) const;
  int only_neighbour(std::uint32_t node) const;  // end points that no other node reaches

  Routing routing_;
  HashSpec hash_;
  std::uint32_t end_points_;
  const std::vector<Node>& nodes_;  // of the wiring, which outlives this
  const std::vector<Link>& links_;
  Adjacency out_, in_;
  mutable std::mutex mutex_;
  mutable std::vector<std::unique_ptr<Ways>> ways_;  // by target
};

// The worst split of an arbitrary graph is hard to find (NP-complete); this is the least cut of three splits: the first half
// of the end points against the second, even against odd, and by the leaf they hang on. An upper bound, exact for a regular
// network whose end points are numbered leaf by leaf.
sim::BytesPerSecond LinkFabric::bisection() const {
  std::vector<std::uint32_t> by_leaf(end_points_);
  std::iota(by_leaf.begin(), by_leaf.end(), 0U);
  std::stable_sort(by_leaf.begin(), by_leaf.end(), [&](std::uint32_t a, std::uint32_t b) {
    const auto leaf = [&](std::uint32_t n) { return out_[n].empty() ? 0 : links_[out_[n][0]].to; };
    return leaf(a) < leaf(b);
  });
  sim::BytesPerSecond least{std::numeric_limits<double>::infinity()};
  for (int split = 0; split < 3 && end_points_ > 1; ++split) {
    std::vector<int> side(nodes_.size());
    for (std::uint32_t i = 0; i < end_points_ / 2 * 2; ++i)
      side[split == 2 ? by_leaf[i] : i] = split == 1 ? 1 + static_cast<int>(i % 2) : i < end_points_ / 2 ? 1 : 2;
    least = std::min(least, min_cut(links_, side));
  }
  return end_points_ > 1 ? least : sim::BytesPerSecond{};
}

// Of the capacity out of all switches of its kind.
double LinkFabric::share_of_tier(std::uint32_t node) const {
  double own = 0, all = 0;
  for (const Link& link : links_) {
    if (nodes_[link.from].kind != nodes_[node].kind) continue;
    all += link.capacity.value();
    if (link.from == node) own += link.capacity.value();
  }
  return all > 0 ? own / all : 0;
}

int LinkFabric::only_neighbour(std::uint32_t node) const {
  int cut_off = 0;
  for (std::uint32_t end_point = 0; end_point < end_points_; ++end_point)
    cut_off += !in_[end_point].empty() &&
               std::all_of(in_[end_point].begin(), in_[end_point].end(), [&](std::uint32_t l) { return links_[l].from == node; });
  return cut_off;
}

std::vector<FailureDomain> LinkFabric::failure_domains() const {
  std::map<NodeKind, FailureDomain> worst;
  std::map<NodeKind, std::uint32_t> widest;  // switch with the most links
  for (std::uint32_t node = end_points_; node < nodes_.size(); ++node) {
    FailureDomain& domain = worst[nodes_[node].kind];
    domain.name = name_of(nodes_[node].kind);
    ++domain.count;
    const auto [at, first] = widest.try_emplace(nodes_[node].kind, node);
    if (out_[node].size() > out_[at->second].size()) at->second = node;
  }
  for (auto& [kind, domain] : worst) {
    domain.hosts_cut_off = domain.gpus_cut_off = domain.nics_cut_off = only_neighbour(widest[kind]);
    domain.bandwidth_lost = share_of_tier(widest[kind]);
    domain.text = domain.hosts_cut_off > 0 ? fmt::format("cuts off {} end points", domain.hosts_cut_off)
                                           : fmt::format("takes {:.3g} % of the capacity of its tier", 100 * domain.bandwidth_lost);
  }
  std::vector<FailureDomain> domains;
  for (auto& [kind, domain] : worst) domains.push_back(domain);
  return domains;
}

// Switches are leaves, spines or cores by their distance from the nearest end point: 1, 2, more.
std::vector<int> tiers_of(const LinkFile& file) {
  std::vector<std::vector<std::uint32_t>> neighbours(file.nodes.size());
  for (const FileLink& link : file.links) {
    neighbours[link.from].push_back(link.to);
    neighbours[link.to].push_back(link.from);
  }
  std::vector<int> tier(file.nodes.size(), 3);
  std::vector<std::uint32_t> queue(static_cast<std::size_t>(file.end_points));
  std::iota(queue.begin(), queue.end(), 0U);
  std::fill_n(tier.begin(), file.end_points, 0);
  for (std::size_t next = 0; next < queue.size() && tier[queue[next]] < 2; ++next)
    for (const std::uint32_t node : neighbours[queue[next]])
      if (tier[node] == 3) {
        tier[node] = tier[queue[next]] + 1;
        queue.push_back(node);
      }
  return tier;
}

// The first link the other way between the same nodes, as wide, that has no partner yet.
void pair_directions(Wiring& wiring) {
  std::map<std::pair<std::uint32_t, std::uint32_t>, std::vector<std::uint32_t>> single;
  for (std::uint32_t link = 0; link < wiring.links.size(); ++link) {
    const auto& [from, to, kind, capacity, latency] = wiring.links[link];
    wiring.reverse_by_link.push_back(link);
    auto& partners = single[{to, from}];
    if (partners.empty()) {
      single[{from, to}].push_back(link);
      continue;
    }
    wiring.reverse_by_link[link] = partners.front();
    wiring.reverse_by_link[partners.front()] = link;
    partners.erase(partners.begin());
  }
}

}  // namespace

std::unique_ptr<Structure> build_file(const ClusterSpec& spec, const HostLayout& hosts, Wiring& wiring) {
  constexpr std::array kinds = {NodeKind::nic, NodeKind::leaf, NodeKind::spine, NodeKind::core};
  constexpr std::array links_up = {LinkKind::host_leaf, LinkKind::leaf_spine, LinkKind::spine_core, LinkKind::spine_core};
  const LinkFile& file = spec.fabric.link_file;
  const std::vector<int> tier = tiers_of(file);
  std::vector<std::uint32_t> node_of(file.nodes.size());
  std::iota(node_of.begin(), node_of.begin() + file.end_points, 0U);
  for (int wanted = 1; wanted <= 3; ++wanted)
    for (std::size_t node = 0; node < file.nodes.size(); ++node)
      if (tier[node] == wanted) node_of[node] = wiring.add_node(file.nodes[node], kinds[static_cast<std::size_t>(wanted)]);
  std::vector<int> ports(file.nodes.size());
  for (const FileLink& link : file.links) {
    const auto lower = static_cast<std::size_t>(std::min(tier[link.from], tier[link.to]));
    wiring.links.push_back({node_of[link.from], node_of[link.to], links_up[lower], link.bandwidth, link.latency});
    wiring.port_by_link.push_back(++ports[link.from]);
  }
  pair_directions(wiring);
  wiring.expose_links();
  return std::make_unique<LinkFabric>(spec, hosts, wiring);
}

}  // namespace topology
