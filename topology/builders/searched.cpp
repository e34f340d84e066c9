#include "topology/builders/searched.hpp"
#include <fmt/format.h>
#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include "sim/error.hpp"
#include "topology/builders/path_hash.hpp"
#include "topology/min_cut.hpp"

namespace topology {
namespace {

constexpr std::uint16_t unreached = std::numeric_limits<std::uint16_t>::max();
constexpr double most_paths = 256;  // of a sprayed flow: what a fat-tree of 32-port switches has between pods
constexpr std::uint32_t no_link = std::numeric_limits<std::uint32_t>::max();

}  // namespace

SearchedFabric::SearchedFabric(SearchSpec spec, const HostLayout& hosts, const Wiring& wiring)
    : spec_(std::move(spec)),
      hosts_(hosts),
      first_end_(hosts.nic_node(0)),
      end_points_(static_cast<std::uint32_t>(hosts.nics())),
      nodes_(wiring.nodes),
      links_(wiring.links),
      out_(adjacency(true)),
      in_(adjacency(false)),
      ways_(nodes_.size()) {}

bool SearchedFabric::usable(std::uint32_t link) const {
  return links_[link].kind >= LinkKind::host_leaf && (spec_.failed.empty() || !spec_.failed[link]);
}

SearchedFabric::Adjacency SearchedFabric::adjacency(bool out) const {
  const auto end = [&](std::uint32_t link) { return out ? links_[link].from : links_[link].to; };
  Adjacency all{std::vector<std::uint32_t>(nodes_.size() + 1), {}};
  for (std::uint32_t link = 0; link < links_.size(); ++link)
    if (usable(link)) ++all.first[end(link) + 1];
  std::partial_sum(all.first.begin(), all.first.end(), all.first.begin());
  all.links.resize(all.first.back());
  std::vector<std::uint32_t> next(all.first.begin(), all.first.end() - 1);
  for (std::uint32_t link = 0; link < links_.size(); ++link)
    if (usable(link)) all.links[next[end(link)]++] = link;
  return all;
}

bool SearchedFabric::passes_on(std::uint32_t node) const {
  return spec_.nics_pass_on || node < first_end_ || node >= first_end_ + end_points_;
}

bool SearchedFabric::turns(std::uint32_t link) const {
  if (spec_.detour == Detour::up_then_down) return nodes_[links_[link].to].kind < nodes_[links_[link].from].kind;
  return spec_.detour == Detour::one_global && links_[link].kind == LinkKind::global;
}

// After down only down; after a global cable no other.
bool SearchedFabric::allowed(bool turned, std::uint32_t link) const {
  return !turned || spec_.detour == Detour::any || turns(link) == (spec_.detour == Detour::up_then_down);
}

void SearchedFabric::route(int source_nic, int destination_nic, std::uint64_t label, Route& route) const {
  route_between(first_end_ + static_cast<std::uint32_t>(source_nic), first_end_ + static_cast<std::uint32_t>(destination_nic), label,
                route);
}

// Nearly every end point hangs on one leaf; all on that leaf share its ways.
std::uint32_t SearchedFabric::last_link_to(std::uint32_t node) const {
  const bool hangs = in_[node].size() == 1 && !passes_on(node) && passes_on(links_[in_[node][0]].from);
  return hangs ? in_[node][0] : no_link;
}

bool SearchedFabric::joins(int source_nic, int destination_nic) const {
  const std::uint32_t to = first_end_ + static_cast<std::uint32_t>(destination_nic), last = last_link_to(to);
  const Ways& ways = ways_to(last != no_link ? links_[last].from : to);
  return ways.hops[index({first_end_ + static_cast<std::uint32_t>(source_nic), false})] != unreached;
}

void SearchedFabric::route_between(std::uint32_t from, std::uint32_t to, std::uint64_t label, Route& route) const {
  const std::uint32_t last = last_link_to(to);
  const Ways& ways = ways_to(last != no_link ? links_[last].from : to);
  const std::uint16_t hops = ways.hops[index({from, false})];
  if (hops == unreached)
    throw sim::SimulationError(fmt::format("no way from {} to {} {}.", nodes_[from].name, nodes_[to].name, spec_.because));
  const int links = hops + (last != no_link);
  route.hops += links;
  route.latency += (links - 1) * spec_.switch_latency;
  const Trip trip{ways, from, to, last, label};
  if (levels_out(spec_.routing))
    spray(trip, route);
  else
    one_path(trip, route);
}

const SearchedFabric::Ways& SearchedFabric::ways_to(std::uint32_t target) const {
  const std::lock_guard lock(mutex_);
  if (!ways_[target]) ways_[target] = std::make_unique<Ways>(search(target));
  return *ways_[target];
}

// Breadth-first against the links.
SearchedFabric::Ways SearchedFabric::search(std::uint32_t target) const {
  const std::size_t places = index({static_cast<std::uint32_t>(nodes_.size()), false});
  Ways ways{target, std::vector<std::uint16_t>(places, unreached), std::vector<double>(places)};
  std::vector<Place> queue = {{target, false}};
  if (spec_.detour != Detour::any) queue.push_back({target, true});
  for (const Place& place : queue) {
    ways.hops[index(place)] = 0;
    ways.paths[index(place)] = 1;
  }
  const auto reach = [&](Place from, std::size_t to) {
    if (ways.hops[index(from)] == unreached) {
      ways.hops[index(from)] = static_cast<std::uint16_t>(ways.hops[to] + 1);
      queue.push_back(from);
    }
    if (ways.hops[index(from)] == ways.hops[to] + 1) ways.paths[index(from)] += ways.paths[to];
  };
  for (std::size_t next = 0; next < queue.size(); ++next) {
    const Place place = queue[next];
    if (!passes_on(place.node) && place.node != target) continue;
    for (const std::uint32_t link : in_[place.node]) {
      for (const Place from : {Place{links_[link].from, false}, Place{links_[link].from, true}})
        if ((!from.turned || spec_.detour != Detour::any) && allowed(from.turned, link) && after(from, link).turned == place.turned)
          reach(from, index(place));
    }
  }
  return ways;
}

// Does this link continue a shortest way?
bool SearchedFabric::leads(const Ways& ways, Place place, std::uint32_t link) const {
  if (!allowed(place.turned, link)) return false;
  const Place next = after(place, link);
  const std::uint16_t hops = ways.hops[index(next)];
  return hops != unreached && hops + 1 == ways.hops[index(place)] && (passes_on(next.node) || next.node == ways.target);
}

void SearchedFabric::one_path(const Trip& trip, Route& route) const {
  const auto cross = [&](std::uint32_t link) {
    route.shares.push_back({sim::LinkId{link}});
    route.latency += links_[link].latency;
  };
  for (Place place{trip.from, false}; place.node != trip.ways.target;) {
    const auto links = out_[place.node];
    const auto leading = std::count_if(links.begin(), links.end(), [&](std::uint32_t l) { return leads(trip.ways, place, l); });
    auto chosen = spec_.routing == Routing::static_ || leading == 1
                      ? 0
                      : path_hash(spec_.hash, place.node, static_cast<int>(trip.from), static_cast<int>(trip.to), trip.label) %
                            static_cast<std::uint64_t>(leading);
    for (const std::uint32_t link : links)
      if (leads(trip.ways, place, link) && chosen-- == 0) {
        cross(link);
        place = after(place, link);
        break;
      }
  }
  if (trip.last != no_link) cross(trip.last);
}

void SearchedFabric::spray(const Trip& trip, Route& route) const {
  const Ways& ways = trip.ways;
  const double all = ways.paths[index({trip.from, false})], used = std::min(all, most_paths);
  const auto hash = path_hash(spec_.hash, trip.from, static_cast<int>(trip.from), static_cast<int>(trip.to), trip.label);
  const double offset = static_cast<double>(hash >> 11) * 0x1p-53;  // so that flows differ in the paths they leave out
  std::vector<std::uint32_t> crossed;
  sim::Time longest;
  for (int i = 0; i < static_cast<int>(used); ++i) {
    double number = std::floor((i + offset) * all / used);  // of the path, counted in the order of link numbers
    sim::Time latency;
    for (Place place{trip.from, false}; place.node != ways.target;) {
      for (const std::uint32_t link : out_[place.node]) {
        if (!leads(ways, place, link)) continue;
        const double behind = ways.paths[index(after(place, link))];
        if (number < behind) {
          crossed.push_back(link);
          latency += links_[link].latency;
          break;
        }
        number -= behind;
      }
      place = after(place, crossed.back());
    }
    if (trip.last != no_link) {
      crossed.push_back(trip.last);
      latency += links_[trip.last].latency;
    }
    longest = std::max(longest, latency);
  }
  route.latency += longest;
  std::sort(crossed.begin(), crossed.end());
  for (auto link = crossed.begin(); link != crossed.end();) {
    const auto next = std::upper_bound(link, crossed.end(), *link);
    route.shares.push_back({sim::LinkId{*link}, static_cast<double>(next - link) / used});
    link = next;
  }
}

// The worst split of an arbitrary graph is hard to find (NP-complete); this is the least cut of three splits: the first half
// of the end points against the second, even against odd, and by the leaf they hang on. An upper bound, exact for a regular
// network whose end points are numbered leaf by leaf.
sim::BytesPerSecond SearchedFabric::bisection() const {
  std::vector<std::uint32_t> by_leaf(end_points_);
  std::iota(by_leaf.begin(), by_leaf.end(), 0U);
  std::stable_sort(by_leaf.begin(), by_leaf.end(), [&](std::uint32_t a, std::uint32_t b) {
    const auto leaf = [&](std::uint32_t n) { return out_[first_end_ + n].empty() ? 0 : links_[out_[first_end_ + n][0]].to; };
    return leaf(a) < leaf(b);
  });
  std::vector<Link> usable_links;
  for (std::uint32_t link = 0; link < links_.size(); ++link)
    if (usable(link)) usable_links.push_back(links_[link]);
  sim::BytesPerSecond least{std::numeric_limits<double>::infinity()};
  for (int split = 0; split < 3 && end_points_ > 1; ++split) {
    std::vector<int> side(nodes_.size());
    for (std::uint32_t i = 0; i < end_points_ / 2 * 2; ++i)
      side[first_end_ + (split == 2 ? by_leaf[i] : i)] = split == 1 ? 1 + static_cast<int>(i % 2) : i < end_points_ / 2 ? 1 : 2;
    least = std::min(least, min_cut(usable_links, side));
  }
  return end_points_ > 1 ? least : sim::BytesPerSecond{};
}

// Of the capacity out of all switches of its kind.
double SearchedFabric::share_of_tier(std::uint32_t node) const {
  double own = 0, all = 0;
  for (const Link& link : links_) {
    if (nodes_[link.from].kind != nodes_[node].kind) continue;
    all += link.capacity.value();
    if (link.from == node) own += link.capacity.value();
  }
  return all > 0 ? own / all : 0;
}

std::vector<bool> SearchedFabric::only_reached_by(std::uint32_t node) const {
  std::vector<bool> cut_off(end_points_);
  for (std::uint32_t nic = 0; nic < end_points_; ++nic) {
    const auto links = in_[first_end_ + nic];
    cut_off[nic] = !links.empty() && std::all_of(links.begin(), links.end(), [&](std::uint32_t l) { return links_[l].from == node; });
  }
  return cut_off;
}

void SearchedFabric::count_cut_off(std::uint32_t node, FailureDomain& domain) const {
  const std::vector<bool> cut_off = only_reached_by(node);
  domain.nics_cut_off = static_cast<int>(std::count(cut_off.begin(), cut_off.end(), true));
  for (int gpu = 0; gpu < hosts_.gpus; ++gpu) domain.gpus_cut_off += cut_off[hosts_.nic_of(gpu)];
  for (int host = 0; host < hosts_.hosts; ++host) {
    const auto first = cut_off.begin() + host * hosts_.nics_per_host, last = first + hosts_.nics_per_host;
    const auto lost = std::count(first, last, true);
    domain.hosts_cut_off += lost == hosts_.nics_per_host;
    domain.hosts_degraded += lost > 0 && lost < hosts_.nics_per_host;
  }
}

// Of the switch with the most links of each kind.
std::vector<FailureDomain> SearchedFabric::failure_domains() const {
  std::map<NodeKind, FailureDomain> worst;
  std::map<NodeKind, std::uint32_t> widest;
  for (std::uint32_t node = 0; node < nodes_.size(); ++node) {
    if (nodes_[node].kind < NodeKind::leaf) continue;
    FailureDomain& domain = worst[nodes_[node].kind];
    domain.name = name_of(nodes_[node].kind);
    ++domain.count;
    const auto [at, first] = widest.try_emplace(nodes_[node].kind, node);
    if (out_[node].size() > out_[at->second].size()) at->second = node;
  }
  std::vector<FailureDomain> domains;
  for (auto& [kind, domain] : worst) {
    count_cut_off(widest[kind], domain);
    domain.bandwidth_lost = share_of_tier(widest[kind]);
    domain.text = domain.nics_cut_off > 0 ? fmt::format("cuts off {} end points", domain.nics_cut_off)
                                          : fmt::format("takes {:.3g} % of the capacity of its tier", 100 * domain.bandwidth_lost);
    domains.push_back(domain);
  }
  return domains;
}

}  // namespace topology
