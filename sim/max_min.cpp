#include "sim/max_min.hpp"
#include <algorithm>
#include <cmath>
#include <limits>

namespace sim {
namespace {
constexpr double levels_per_byte = 4096;
constexpr double highest_level = 0x1p60;  // 2.8e14 B/s: what is faster takes no time anyway
// Coefficients count in this unit, a number of many divisors: shares 1/k of every k up to 16 (and
// many above) are exact, others right to 1e-12.
constexpr double coefficient_unit = 1048576.0 * 27 * 25 * 7 * 11 * 13;
// Rates lie on a grid of 1/64 B/s; the roundings of the levels stay far below it.
constexpr double rate_grid = 64;

std::int64_t to_level(double bytes_per_second) {
  return static_cast<std::int64_t>(std::min(bytes_per_second * levels_per_byte, highest_level));
}
}  // namespace

MaxMin::MaxMin(std::span<const LinkSpec> links, int threads) : links_(links.size()), threads_(threads) {
  for (std::size_t i = 0; i < links.size(); ++i) set_capacity(LinkId{static_cast<std::uint32_t>(i)}, links[i].capacity);
}

void MaxMin::set_capacity(LinkId link, BytesPerSecond capacity) {
  Link& l = links_[link.value()];
  l.capacity = static_cast<Load>(to_level(capacity.value())) * static_cast<std::int64_t>(coefficient_unit);
  recount(l);
  update_tightness(link);
}

void MaxMin::flows_on(LinkId link, std::vector<FlowId>& flows) const {
  flows.clear();
  for (const Member& m : links_[link.value()].members) flows.push_back(m.flow);
}

void MaxMin::make_room(FlowId id, std::size_t count) {
  std::uint32_t& room = room_[id.value()];
  if (free_blocks_.size() <= std::max<std::size_t>(room, count)) free_blocks_.resize(std::max<std::size_t>(room, count) + 1);
  if (room != count) {
    if (room > 0) free_blocks_[room].push_back(shares_[id.value()].first);
    auto& free = free_blocks_[count];
    if (free.empty()) {
      free.push_back(static_cast<std::uint32_t>(crossings_.size()));
      crossings_.resize(crossings_.size() + count);
    }
    shares_[id.value()].first = free.back();
    free.pop_back();
    room = static_cast<std::uint32_t>(count);
  }
  shares_[id.value()].count = room;
}

void MaxMin::attach(FlowId id, std::span<const LinkShare> shares, BytesPerSecond limit, double weight) {
  if (shares_.size() <= id.value()) {
    shares_.resize(id.value() + 1);
    weight_.resize(id.value() + 1);
    room_.resize(id.value() + 1, 0);
  }
  Share& share = shares_[id.value()];
  make_room(id, shares.size());
  share.level = share.before = none;
  weight_[id.value()] = weight;
  const bool limited = limit.value() > 0;
  share.ceiling = to_level(limited ? limit.value() / weight : std::numeric_limits<double>::infinity());
  const std::span<Crossing> path = crossings(share);
  for (std::size_t i = 0; i < shares.size(); ++i) {
    const auto coefficient = std::max<std::int64_t>(1, std::llround(shares[i].share * weight * coefficient_unit));
    path[i] = {shares[i].link, 0, coefficient};
    if (!limited) share.ceiling = static_cast<Level>(std::min<Load>(share.ceiling, links_[shares[i].link.value()].capacity / coefficient));
  }
  for (std::uint32_t entry = 0; entry < path.size(); ++entry) {
    Crossing& c = path[entry];
    Link& link = links_[c.link.value()];
    c.place = static_cast<std::uint32_t>(link.members.size());
    link.members.push_back({id, entry, c.coefficient});
    link.demand += static_cast<Load>(share.ceiling) * c.coefficient;
    if (link.tight) link.rising += c.coefficient;
    update_tightness(c.link);
  }
  seed_flows_.push_back(id);
  ++attached_;
}

void MaxMin::detach(FlowId id) {
  Share& share = shares_[id.value()];
  for (const Crossing& c : crossings(share)) {
    Link& link = links_[c.link.value()];
    const Member moved = link.members.back();
    link.members[c.place] = moved;
    crossings_[shares_[moved.flow.value()].first + moved.entry].place = c.place;
    link.members.pop_back();
    link.demand -= static_cast<Load>(share.ceiling) * c.coefficient;
    if (link.tight && share.rises())
      link.rising -= c.coefficient;
    else if (link.tight)
      link.left += static_cast<Load>(share.level) * c.coefficient;
    update_tightness(c.link);
  }
  share.level = 0;
  share.before = keeps;
  share.count = 0;
  --attached_;
}

// Before or after a change: only a link that is or was tight passes it on.
void MaxMin::update_tightness(LinkId id) {
  Link& link = links_[id.value()];
  const bool was_tight = link.tight;
  link.tight = link.demand > link.capacity;
  if (link.tight && !was_tight) recount(link);
  if ((was_tight || link.tight) && !link.seeded) {
    link.seeded = true;
    seed_links_.push_back(id);
  }
}

void MaxMin::recount(Link& link) {
  link.left = link.capacity;
  link.rising = 0;
  for (const Member& m : link.members) {
    const Share& share = shares_[m.flow.value()];
    if (share.rises())
      link.rising += m.coefficient;
    else
      link.left -= static_cast<Load>(share.level) * m.coefficient;
  }
}

BytesPerSecond MaxMin::rate(FlowId flow) const {
  const Share& share = shares_[flow.value()];
  const double weight = weight_[flow.value()];
  if (weight == 1) return BytesPerSecond{static_cast<double>((share.level + 32) >> 6) / rate_grid};
  return BytesPerSecond{std::nearbyint(static_cast<double>(share.level) * weight / levels_per_byte * rate_grid) / rate_grid};
}

bool MaxMin::limits_a_flow(LinkId id) const {
  const Link& link = links_[id.value()];
  if (!link.tight || !is_full(link, link.left)) return false;
  return std::any_of(link.members.begin(), link.members.end(), [&](const Member& m) {
    const Share& share = shares_[m.flow.value()];
    return share.level < share.ceiling - share.ceiling / 1'000'000'000;
  });
}

}  // namespace sim
