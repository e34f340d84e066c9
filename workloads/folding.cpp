#include "workloads/folding.hpp"
#include <algorithm>
#include <bit>
#include <map>
#include <unordered_map>
#include <utility>

namespace workloads {
namespace {

using Colour = std::uint32_t;
using Key = std::vector<std::uint64_t>;

struct KeyHash {
  std::size_t operator()(const Key& key) const {
    std::uint64_t hash = key.size();
    for (std::uint64_t word : key) {
      hash ^= word + 0x9e3779b97f4a7c15 + (hash << 6) + (hash >> 2);
      hash *= 0xff51afd7ed558ccd;
    }
    return hash ^ (hash >> 32);
  }
};

// Equal keys, equal colours; numbered by first appearance, so the same on every machine.
class Palette {
 public:
  Colour of(const Key& key) { return colours_.try_emplace(key, static_cast<Colour>(colours_.size())).first->second; }
  std::size_t size() const { return colours_.size(); }

 private:
  std::unordered_map<Key, Colour, KeyHash> colours_;
};

std::uint64_t bits(double value) { return std::bit_cast<std::uint64_t>(value); }

using Edges = std::vector<sim::CollectiveEdge>;

class Refinement {
 public:
  Refinement(const Plan& plan, const std::vector<Edges>& edges) : plan_(plan), edges_(edges) {
    for (const Channel& c : plan.channels) loads_.push_back(&c.shares);
    for (const Edges& group : edges) {
      first_edge.push_back(static_cast<std::uint32_t>(loads_.size()));
      for (const sim::CollectiveEdge& edge : group) loads_.push_back(&edge.shares);
    }
    on_link_.resize(plan.links.size());
    for (std::uint32_t l = 0; l < loads_.size(); ++l)
      for (const sim::LinkShare& s : *loads_[l]) on_link_[s.link.value()].push_back({l, s.share});
    ranks.resize(plan.ranks.size());
    loads.resize(loads_.size());
    groups.resize(plan.groups.size());
    links.resize(plan.links.size());
  }

  void run() {
    colour_ranks(true);
    colour_links(true);
    for (std::size_t before = 0, now = 1; now != before;) {
      before = now;
      now = colour_loads() + colour_groups() + colour_links(false) + colour_ranks(false);
    }
  }

  std::vector<Colour> ranks, groups, links;
  std::vector<Colour> loads;              // channels, then the edges of all groups
  std::vector<std::uint32_t> first_edge;  // by group

 private:
  std::size_t colour_ranks(bool first) {
    Palette palette;
    Key key;
    for (std::size_t r = 0; r < ranks.size(); ++r) {
      const Rank& rank = plan_.ranks[r];
      key = {rank.job, rank.program, first ? 0 : ranks[r]};
      if (!first) {
        for (const std::uint32_t c : rank.channels) key.push_back(c == nobody ? nobody : loads[c]);
        for (const std::uint32_t g : rank.groups) key.push_back(g == nobody ? nobody : groups[g]);
      }
      ranks[r] = palette.of(key);
    }
    return palette.size();
  }

  std::size_t colour_links(bool first) {
    Palette palette;
    Key key;
    for (std::size_t l = 0; l < links.size(); ++l) {
      key = {bits(plan_.links[l].capacity.value()), first ? 0 : links[l]};
      pairs_.clear();
      if (!first)
        for (const auto& [load, share] : on_link_[l]) pairs_.push_back({loads[load], bits(share)});
      append_pairs(key);
      links[l] = palette.of(key);
    }
    return palette.size();
  }

  std::size_t colour_loads() {
    Palette palette;
    Key key;
    std::vector<Colour> now;
    now.reserve(loads.size());
    const auto add = [&] {
      append_crossed(key, *loads_[now.size()]);
      now.push_back(palette.of(key));
    };
    for (const Channel& channel : plan_.channels) {
      key = channel_key(channel);
      add();
    }
    for (std::size_t g = 0; g < plan_.groups.size(); ++g)
      for (const sim::CollectiveEdge& edge : edges_[g]) {
        key = {1, groups[g], loads[first_edge[g] + edge.before], static_cast<std::uint64_t>(edge.latency.ps()), bits(edge.ceiling.value())};
        add();
      }
    loads = std::move(now);
    return palette.size();
  }

  std::size_t colour_groups() {
    Palette palette;
    for (std::size_t g = 0; g < groups.size(); ++g) groups[g] = palette.of(group_key(g));
    return palette.size();
  }

  Key channel_key(const Channel& c) const {
    return {0,
            static_cast<std::uint64_t>(c.role),  // with two stages both kinds join the same ranks
            ranks[c.source],
            ranks[c.destination],
            c.messages,
            static_cast<std::uint64_t>(c.bytes.count()),
            bits(c.wire_factor),
            static_cast<std::uint64_t>(c.latency.ps()),
            bits(c.ceiling.value())};
  }
  Key group_key(std::size_t number) const {
    const Group& g = plan_.groups[number];
    const auto first = loads.begin() + first_edge[number];
    const auto count = static_cast<std::ptrdiff_t>(edges_[number].size());
    Key key = {static_cast<std::uint64_t>(g.role),
               g.inside_domain,
               static_cast<std::uint64_t>(g.shape.ranks),
               static_cast<std::uint64_t>(g.shape.hosts),
               static_cast<std::uint64_t>(g.shape.per_host),
               bits(g.shape.nic_rate_Bps),
               bits(g.shape.route_latency_s),
               bits(g.wire_factor)};
    for (const std::uint32_t r : g.ranks) key.push_back(ranks[r]);
    std::sort(key.end() - static_cast<std::ptrdiff_t>(g.ranks.size()), key.end());
    key.insert(key.end(), first, first + count);
    std::sort(key.end() - count, key.end());
    return key;
  }
  void append_crossed(Key& key, const std::vector<sim::LinkShare>& shares) {
    pairs_.clear();
    for (const sim::LinkShare& s : shares) pairs_.push_back({links[s.link.value()], bits(s.share)});
    append_pairs(key);
  }
  void append_pairs(Key& key) {
    std::sort(pairs_.begin(), pairs_.end());
    for (const auto& [a, b] : pairs_) key.insert(key.end(), {a, b});
  }

  const Plan& plan_;
  const std::vector<Edges>& edges_;  // by group
  std::vector<const std::vector<sim::LinkShare>*> loads_;
  std::vector<std::vector<std::pair<std::uint32_t, double>>> on_link_;  // load and share
  std::vector<std::pair<std::uint64_t, std::uint64_t>> pairs_;          // scratch
};

// The first of each colour, in order of appearance, and where a colour's place is.
struct Classes {
  std::vector<std::uint32_t> first;  // by place: the one that is kept
  std::vector<std::uint32_t> place;  // by colour
  std::vector<std::uint32_t> count;  // by place
};

Classes classes_of(const std::vector<Colour>& colours, std::size_t begin, std::size_t end) {
  Classes classes;
  classes.place.assign(colours.empty() ? 0 : *std::max_element(colours.begin(), colours.end()) + 1, nobody);
  for (std::size_t i = begin; i < end; ++i) {
    std::uint32_t& place = classes.place[colours[i]];
    if (place == nobody) {
      place = static_cast<std::uint32_t>(classes.first.size());
      classes.first.push_back(static_cast<std::uint32_t>(i - begin));
      classes.count.push_back(0);
    }
    ++classes.count[place];
  }
  return classes;
}

// One edge of each colour, in order of appearance; all groups of a class have the same.
Edges fold_edges(const Edges& edges, const Colour* colours, std::vector<std::uint32_t>& place) {
  Edges kept;
  std::vector<std::uint32_t> first;
  for (std::uint32_t e = 0; e < edges.size(); ++e) {
    if (place[colours[e]] != nobody) continue;
    place[colours[e]] = static_cast<std::uint32_t>(kept.size());
    first.push_back(e);
    kept.push_back({{}, edges[e].latency, edges[e].ceiling});
  }
  for (std::size_t i = 0; i < kept.size(); ++i) kept[i].before = place[colours[edges[first[i]].before]];
  return kept;
}

std::vector<Edges> edges_as_one(const Plan& plan) {
  std::vector<Edges> sums;
  std::vector<double> share_of_link(plan.links.size());
  for (const Group& group : plan.groups) {
    Edges& one = sums.emplace_back();
    if (group.edges.empty()) continue;
    sim::CollectiveEdge& sum = one.emplace_back();
    for (const sim::CollectiveEdge& edge : group.edges) {
      sum.latency = std::max(sum.latency, edge.latency);
      sum.ceiling = std::max(sum.ceiling, edge.ceiling);
      for (const sim::LinkShare& s : edge.shares) {
        if (share_of_link[s.link.value()] == 0) sum.shares.push_back({s.link});
        share_of_link[s.link.value()] += s.share;
      }
    }
    for (sim::LinkShare& s : sum.shares) s.share = std::exchange(share_of_link[s.link.value()], 0);
  }
  return sums;
}

std::vector<Edges> edges_each(const Plan& plan) {
  std::vector<Edges> edges;
  for (const Group& group : plan.groups) edges.push_back(group.edges);
  return edges;
}

}  // namespace

Plan fold(const Plan& plan, CollectiveEdges kind) {
  const std::vector<Edges> edges = kind == CollectiveEdges::each ? edges_each(plan) : edges_as_one(plan);
  Refinement colours(plan, edges);
  colours.run();
  const std::size_t channels = plan.channels.size();
  const Classes ranks = classes_of(colours.ranks, 0, plan.ranks.size());
  const Classes channel_classes = classes_of(colours.loads, 0, channels);
  const Classes group_classes = classes_of(colours.groups, 0, plan.groups.size());
  const Classes links = classes_of(colours.links, 0, plan.links.size());
  const auto channel_place = [&](std::uint32_t c) { return c == nobody ? nobody : channel_classes.place[colours.loads[c]]; };
  const auto group_place = [&](std::uint32_t g) { return g == nobody ? nobody : group_classes.place[colours.groups[g]]; };

  Plan folded{.jobs = plan.jobs, .programs = plan.programs};
  for (std::size_t i = 0; i < ranks.first.size(); ++i) {
    Rank rank = plan.ranks[ranks.first[i]];
    rank.multiplicity = ranks.count[i];
    for (std::uint32_t& c : rank.channels) c = channel_place(c);
    for (std::uint32_t& g : rank.groups) g = group_place(g);
    folded.ranks.push_back(rank);
  }
  std::vector<std::uint32_t> edge_place(colours.loads.size(), nobody);  // by colour: within its group
  const auto rank_place = [&](std::uint32_t r) { return ranks.place[colours.ranks[r]]; };
  for (std::size_t i = 0; i < channel_classes.first.size(); ++i) {
    Channel channel = plan.channels[channel_classes.first[i]];
    channel.multiplicity = channel_classes.count[i];
    channel.source = rank_place(channel.source);
    channel.destination = rank_place(channel.destination);
    channel.shares.clear();
    folded.channels.push_back(std::move(channel));
  }
  for (std::size_t i = 0; i < group_classes.first.size(); ++i) {
    Group group = plan.groups[group_classes.first[i]];
    group.multiplicity = group_classes.count[i];
    for (std::uint32_t& r : group.ranks) r = rank_place(r);
    std::sort(group.ranks.begin(), group.ranks.end());
    group.ranks.erase(std::unique(group.ranks.begin(), group.ranks.end()), group.ranks.end());
    const std::uint32_t first = group_classes.first[i];
    group.edges = fold_edges(edges[first], colours.loads.data() + colours.first_edge[first], edge_place);
    folded.groups.push_back(std::move(group));
  }

  // A kept link carries, for each class that loads it, the sum of the shares of all members of the class.
  std::vector<std::uint32_t> kept_as(plan.links.size(), nobody);
  for (std::size_t i = 0; i < links.first.size(); ++i) {
    kept_as[links.first[i]] = static_cast<std::uint32_t>(i);
    folded.links.push_back(plan.links[links.first[i]]);
  }
  for (const std::uint32_t l : plan.link_of_network_link) folded.link_of_network_link.push_back(links.place[colours.links[l]]);
  const auto add_shares = [&](const std::vector<sim::LinkShare>& shares, std::vector<sim::LinkShare>& folded_shares) {
    for (const sim::LinkShare& s : shares) {
      const std::uint32_t kept = kept_as[s.link.value()];
      if (kept == nobody) continue;
      const auto at =
          std::find_if(folded_shares.begin(), folded_shares.end(), [&](const sim::LinkShare& f) { return f.link.value() == kept; });
      if (at == folded_shares.end())
        folded_shares.push_back({sim::LinkId{kept}, s.share});
      else
        at->share += s.share;
    }
  };
  for (std::uint32_t c = 0; c < channels; ++c) add_shares(plan.channels[c].shares, folded.channels[channel_place(c)].shares);
  for (std::uint32_t g = 0; g < edges.size(); ++g)
    for (std::uint32_t e = 0; e < edges[g].size(); ++e)
      add_shares(edges[g][e].shares, folded.groups[group_place(g)].edges[edge_place[colours.loads[colours.first_edge[g] + e]]].shares);
  return folded;
}

}  // namespace workloads
