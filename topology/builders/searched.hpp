#pragma once
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>
#include "topology/cluster_spec.hpp"
#include "topology/hosts.hpp"
#include "topology/structure.hpp"

namespace topology {

// What a route may not do.
enum class Detour : std::uint8_t {
  any,           // pass by what is shortest
  up_then_down,  // go up again after down, in a Clos network
  one_global     // cross a second global cable, in a dragonfly
};

struct SearchSpec {
  Routing routing = Routing::ecmp;
  HashSpec hash;
  sim::Time switch_latency;   // between two links
  bool nics_pass_on = false;  // a torus; else only switches do
  Detour detour = Detour::any;
  std::vector<bool> failed;  // by link; empty: none
  std::string because;       // why there is no way, where there is none
};

// Routes of any graph, searched: shortest paths over what passes on.
//   ecmp: each node hashes as in a Clos network; static: the lowest link number.
//   spray, adaptive: an equal part over each shortest path, at most 256 of them, at even distances in the order of their links.
//         That is the hop-by-hop split of a regular network, and not the ideal one of an irregular one. The latency is the
//         longest of the paths.
// Ways to a node are searched when they are first asked for, and kept: about 10 bytes a node and leaf, 20 where detours are limited.
// Each link is a network link of its own.
class SearchedFabric final : public Structure {
 public:
  SearchedFabric(SearchSpec spec, const HostLayout& hosts, const Wiring& wiring);

  void route(int source_nic, int destination_nic, std::uint64_t label, Route& route) const override;
  bool joins(int source_nic, int destination_nic) const;
  // From any node to any other; `from` counts as the hash's source.
  void route_between(std::uint32_t from, std::uint32_t to, std::uint64_t label, Route& route) const;
  sim::BytesPerSecond bisection() const override;
  std::vector<FailureDomain> failure_domains() const override;

 private:
  // Links out of (or into) each node, by link number.
  struct Adjacency {
    std::vector<std::uint32_t> first, links;
    std::span<const std::uint32_t> operator[](std::uint32_t node) const {
      return std::span(links).subspan(first[node], first[node + 1] - first[node]);
    }
  };
  // A node, and whether the way to it has gone down, or over a global cable.
  struct Place {
    std::uint32_t node;
    bool turned;
  };
  // Shortest ways to one node, by place.
  struct Ways {
    std::uint32_t target;
    std::vector<std::uint16_t> hops;
    std::vector<double> paths;  // how many there are
  };
  struct Trip {
    const Ways& ways;
    std::uint32_t from, to, last;  // last: the one link into `to`, or none
    std::uint64_t label;
  };

  Adjacency adjacency(bool out) const;
  bool usable(std::uint32_t link) const;
  bool passes_on(std::uint32_t node) const;
  bool turns(std::uint32_t link) const;  // goes down, or is global
  bool allowed(bool turned, std::uint32_t link) const;
  std::size_t index(Place place) const { return spec_.detour == Detour::any ? place.node : 2 * place.node + place.turned; }
  Place after(Place place, std::uint32_t link) const { return {links_[link].to, place.turned || turns(link)}; }
  std::uint32_t last_link_to(std::uint32_t node) const;
  const Ways& ways_to(std::uint32_t target) const;
  Ways search(std::uint32_t target) const;
  bool leads(const Ways& ways, Place place, std::uint32_t link) const;
  void one_path(const Trip& trip, Route& route) const;
  void spray(const Trip& trip, Route& route) const;
  double share_of_tier(std::uint32_t node) const;
  std::vector<bool> only_reached_by(std::uint32_t node) const;  // NICs that no other node reaches
  void count_cut_off(std::uint32_t node, FailureDomain& domain) const;

  SearchSpec spec_;
  HostLayout hosts_;
  std::uint32_t first_end_, end_points_;  // nodes
  const std::vector<Node>& nodes_;        // of the wiring, which outlives this
  const std::vector<Link>& links_;
  Adjacency out_, in_;
  mutable std::mutex mutex_;
  mutable std::vector<std::unique_ptr<Ways>> ways_;  // by target
};

}  // namespace topology
