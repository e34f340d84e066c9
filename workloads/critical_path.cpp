#include "workloads/critical_path.hpp"
#include <algorithm>
#include <map>
#include <string_view>
#include <utility>

namespace workloads {

CriticalPath::CriticalPath(const Plan& plan) : plan_(plan), names_(category_names.begin(), category_names.end()), nodes_(1) {
  std::map<std::string_view, Item> items;
  for (const Program& program : plan.programs) {
    auto& blocks = item_of_op_.emplace_back();
    for (const Block& block : program.blocks) {
      auto& ops = blocks.emplace_back();
      for (const Op& op : block.ops) {
        const auto [found, is_new] = items.try_emplace(op.name, static_cast<Item>(names_.size()));
        if (is_new) names_.emplace_back(op.name);
        ops.push_back(found->second);
      }
    }
  }
  open_.resize(plan.ranks.size() * names_.size());
  last_.resize(plan.ranks.size(), start);
}

const std::vector<CriticalPath::Item>& CriticalPath::items_of(std::uint32_t rank, const Block& block) const {
  const std::uint32_t program = plan_.ranks[rank].program;
  return item_of_op_[program][static_cast<std::size_t>(&block - plan_.programs[program].blocks.data())];
}

void CriticalPath::ran(std::uint32_t rank, const Block& block, std::uint32_t first, std::uint32_t last) {
  const std::vector<Item>& items = items_of(rank, block);
  std::int64_t* open = &open_[rank * names_.size()];
  for (std::uint32_t i = first; i < last; ++i) open[items[i]] += block.ops[i].device.ps();
}

void CriticalPath::ran(std::uint32_t rank, const Block& block, std::uint32_t op, sim::Time time) {
  open_[rank * names_.size() + items_of(rank, block)[op]] += time.ps();
}

void CriticalPath::spent(std::uint32_t rank, Category category, sim::Time time) {
  open_[rank * names_.size() + static_cast<std::size_t>(category)] += time.ps();
}

CriticalPath::Point CriticalPath::now(std::uint32_t rank) {
  std::int64_t* open = &open_[rank * names_.size()];
  const auto first = static_cast<std::uint32_t>(entries_.size());
  for (std::size_t i = 0; i < names_.size(); ++i)
    if (open[i] != 0) entries_.push_back({static_cast<Item>(i), std::exchange(open[i], 0)});
  if (entries_.size() == first) return last_[rank];
  nodes_.push_back({last_[rank], rank, first, static_cast<std::uint32_t>(entries_.size()) - first});
  return last_[rank] = static_cast<Point>(nodes_.size() - 1);
}

CriticalPath::Point CriticalPath::after(Point point, std::uint32_t rank, Category category, sim::Time time) {
  if (time == sim::Time{}) return point;
  nodes_.push_back({point, rank, static_cast<std::uint32_t>(entries_.size()), 1});
  entries_.push_back({static_cast<Item>(category), time.ps()});
  return static_cast<Point>(nodes_.size() - 1);
}

void CriticalPath::follow(std::uint32_t rank, Point point) {
  std::fill_n(open_.begin() + static_cast<std::ptrdiff_t>(rank * names_.size()), names_.size(), 0);
  last_[rank] = point;
}

std::vector<PathItem> CriticalPath::of(std::uint32_t rank, int steps) {
  std::map<std::pair<std::uint32_t, Item>, std::int64_t> sums;
  for (Point point = now(rank); point != start; point = nodes_[point].before) {
    const Node& node = nodes_[point];
    for (std::uint32_t e = node.first; e < node.first + node.count; ++e) sums[{node.rank, entries_[e].item}] += entries_[e].ps;
  }
  std::vector<PathItem> path;
  for (const auto& [key, ps] : sums)
    path.push_back({names_[key.second], plan_.ranks[key.first].number, 1e-12 * static_cast<double>(ps) / steps});
  std::stable_sort(path.begin(), path.end(), [](const PathItem& a, const PathItem& b) { return a.seconds > b.seconds; });
  return path;
}

}  // namespace workloads
