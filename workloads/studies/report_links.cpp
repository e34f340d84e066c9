#include "workloads/studies/report_links.hpp"
#include <fmt/format.h>
#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <nlohmann/json.hpp>
#include "sim/error.hpp"
#include "workloads/hdf5_reader.hpp"

namespace workloads {
namespace {

using Json = nlohmann::ordered_json;
constexpr std::size_t most_boxes = 64;  // of a tier

struct Link {
  std::string from, to, kind;
  double mean = 0, peak = 0;  // of the capacity; peak: in the busiest time bin
};

// "leaf-3 -> spines (5 links)": nodes "leaf-3" and "spines". NICs are drawn as their hosts: "nic-7.0" is "host-7".
std::string node(std::string_view name) {
  name = name.substr(0, name.find(" ("));
  if (name.starts_with("nic-")) return fmt::format("host-{}", name.substr(4, name.find('.') - 4));
  return std::string(name);
}

std::string tier_of(std::string_view node) {
  const std::string_view stem = node.substr(0, node.find('-'));
  return std::string(stem.ends_with('s') ? stem.substr(0, stem.size() - 1) : stem);
}

double number_in(std::string_view node) {
  double number = -1;
  if (const std::size_t dash = node.find('-'); dash != std::string_view::npos)
    std::from_chars(node.data() + dash + 1, node.data() + node.size(), number);
  return number;
}

struct Tier {
  std::string name;
  std::vector<std::string> nodes;  // in the order of their numbers
  std::size_t boxes() const { return std::min(nodes.size(), most_boxes); }
  std::size_t box(std::size_t node) const { return node * boxes() / nodes.size(); }
};

class Drawing {
 public:
  // A node stands above those that it was reached from: links are listed from the hosts up.
  explicit Drawing(const std::vector<Link>& links) {
    for (const Link& link : links)
      for (const std::string& name : {link.from, link.to})
        if (!place_.contains(name)) place_[name] = {tier(tier_of(name)), 0}, tiers_[place_[name].first].nodes.push_back(name);
    for (std::size_t t = 0; t < tiers_.size(); ++t) {
      std::ranges::stable_sort(tiers_[t].nodes, {}, number_in);
      for (std::size_t n = 0; n < tiers_[t].nodes.size(); ++n) place_[tiers_[t].nodes[n]].second = n;
    }
    for (const Link& link : links) add(link);
  }

  Json json() const {
    Json tiers = Json::array(), lines = Json::array();
    for (const Tier& tier : tiers_) {
      Json boxes = Json::array();
      for (std::size_t b = 0, n = 0; b < tier.boxes(); ++b) {
        const std::size_t first = n;
        while (n < tier.nodes.size() && tier.box(n) == b) ++n;
        boxes.push_back(n - first == 1 ? tier.nodes[first] : fmt::format("{} to {}", tier.nodes[first], tier.nodes[n - 1]));
      }
      tiers.push_back({{"name", tier.name}, {"nodes", tier.nodes.size()}, {"boxes", boxes}});
    }
    for (const auto& [ends, line] : lines_)
      lines.push_back({{"a", {ends[0], ends[1]}},
                       {"b", {ends[2], ends[3]}},
                       {"links", line.links},
                       {"mean", line.mean},
                       {"peak", line.peak},
                       {"busiest", line.busiest}});
    return {{"tiers", tiers}, {"lines", lines}};
  }

 private:
  struct Line {
    std::size_t links = 0;
    double mean = 0, peak = 0;
    std::string busiest;
  };
  using Place = std::pair<std::size_t, std::size_t>;  // tier, node

  std::size_t tier(const std::string& name) {
    const auto found = std::ranges::find(tiers_, name, &Tier::name);
    if (found == tiers_.end()) tiers_.push_back({name, {}});
    return static_cast<std::size_t>(std::ranges::find(tiers_, name, &Tier::name) - tiers_.begin());
  }

  void add(const Link& link) {
    const auto end = [&](const std::string& name) {
      const auto [tier, node] = place_.at(name);
      return Place{tier, tiers_[tier].box(node)};
    };
    const auto [low, high] = std::minmax({end(link.from), end(link.to)});
    Line& line = lines_[{low.first, low.second, high.first, high.second}];
    ++line.links;
    line.mean = std::max(line.mean, link.mean);
    if (line.busiest.empty() || link.peak > line.peak) line.peak = link.peak, line.busiest = link.from + " -> " + link.to;
  }

  std::vector<Tier> tiers_;
  std::map<std::string, Place> place_;
  std::map<std::array<std::size_t, 4>, Line> lines_;
};

}  // namespace

nlohmann::ordered_json report_links(const hdf5::Reader& file) {
  const auto names = file.texts("/links/name"), kinds = file.texts_of_labels("/links/kind");
  const auto capacity = file.numbers("/links/capacity_Bps"), load = file.numbers("/links/load");
  const double bin_s = file.number_attribute("/links/load", "bin_width_ps") * 1e-12;
  const std::size_t links = names.size(), bins = links == 0 ? 0 : load.size() / links;
  if (kinds.size() != links || capacity.size() != links || load.size() != bins * links)
    throw sim::InputError(fmt::format("{}: the columns of /links differ in length. The file is damaged; write it again.", file.path()));

  struct Kind {
    std::size_t links = 0;
    double mean = 0, peak = 0;
    std::vector<double> over_time;  // mean of its links in each bin
  };
  std::map<std::string, Kind> by_kind;
  std::vector<Link> drawn;
  for (std::size_t l = 0; l < links; ++l) {
    Kind& kind = by_kind[kinds[l]];
    ++kind.links;
    kind.over_time.resize(bins);
    Link link{.kind = kinds[l]};
    for (std::size_t b = 0; b < bins; ++b) {
      const double share = capacity[l] > 0 && bin_s > 0 ? load[b * links + l] / (capacity[l] * bin_s) : 0;
      link.mean += share / double(bins);
      link.peak = std::max(link.peak, share);
      kind.over_time[b] += share;
    }
    kind.mean += link.mean;
    kind.peak = std::max(kind.peak, link.peak);
    const std::size_t arrow = names[l].find(" -> ");
    if (arrow == std::string::npos || link.kind == "scale_up" || link.kind == "pcie") continue;
    link.from = node(std::string_view(names[l]).substr(0, arrow));
    link.to = node(std::string_view(names[l]).substr(arrow + 4));
    drawn.push_back(std::move(link));
  }
  Json kinds_json = Json::array();
  for (auto& [name, kind] : by_kind) {
    for (double& share : kind.over_time) share /= double(kind.links);
    kinds_json.push_back({{"kind", name},
                          {"links", kind.links},
                          {"mean", kind.mean / double(kind.links)},
                          {"peak", kind.peak},
                          {"over_time", kind.over_time}});
  }
  return {{"bin_s", bin_s}, {"kinds", kinds_json}, {"drawing", Drawing(drawn).json()}};
}

}  // namespace workloads
