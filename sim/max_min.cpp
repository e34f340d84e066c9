#include "sim/max_min.hpp"
#include <algorithm>
#include <cmath>
#include <functional>

namespace sim {
namespace {
constexpr double levels_per_byte = 4096;
constexpr double highest_level = 0x1p60;  // 2.8e14 B/s: what is faster takes no time anyway
// Coefficients count in this unit, a number of many divisors: shares 1/k of every k up to 16 (and
// many above) are exact, others right to 1e-12.
constexpr double coefficient_unit = 1048576.0 * 27 * 25 * 7 * 11 * 13;
// Rates lie on a grid of 1/64 B/s; the roundings of the levels stay far below it.
constexpr double rate_grid = 64;
// Levels that differ by less (1/64 B/s) may be one level, told apart by rounding down.
constexpr std::int64_t tie_width = 64;

// Steps of flows come after those of links at the same level.
constexpr std::uint64_t first_flow = std::uint64_t{1} << 32;

std::int64_t to_level(double bytes_per_second) {
  return static_cast<std::int64_t>(std::min(bytes_per_second * levels_per_byte, highest_level));
}
}  // namespace

MaxMin::MaxMin(std::span<const LinkSpec> links) : links_(links.size()) {
  for (std::size_t i = 0; i < links.size(); ++i) set_capacity(LinkId{static_cast<std::uint32_t>(i)}, links[i].capacity);
}

void MaxMin::set_capacity(LinkId link, BytesPerSecond capacity) {
  Link& l = links_[link.value()];
  const Load before = l.capacity;
  l.capacity = static_cast<Load>(to_level(capacity.value())) * static_cast<std::int64_t>(coefficient_unit);
  l.left += l.capacity - before;
  seed(link);
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
    link.rising += c.coefficient;
    seed(c.link);
  }
  seed_flows_.push_back(id);
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
    if (share.rises()) link.rising -= c.coefficient;
    else link.left += static_cast<Load>(share.level) * c.coefficient;
    seed(c.link);
  }
  share.level = 0;
  share.before = keeps;
}

// Before or after a change: only a link that is or was tight passes it on.
void MaxMin::seed(LinkId id) {
  Link& link = links_[id.value()];
  const bool was_tight = link.tight;
  link.tight = link.demand > link.capacity;
  if ((was_tight || link.tight) && !link.seeded) {
    link.seeded = true;
    seed_links_.push_back(id);
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

// 1. New flows rise from zero; the links of flows that came or went are touched by the change, and
//    the flows that such a link held rise again.
// 2. A common level is raised. A touched link that becomes full fixes its rising flows there; a flow that reaches its ceiling is fixed.
// 3. A flow that rises past its former level touches the rest of its links; one that is fixed below it, those that hold others.
//    That is never too late: a link that holds a flow is full at or above that flow's level.
// Before and after: every attached flow is kept and no link is touched.
void MaxMin::solve() {
  freed_.clear();
  touched_.clear();
  for (const FlowId id : seed_flows_) {
    if (!shares_[id.value()].is_new()) continue;
    freed_.push_back(id);
    push_ceiling(id);
  }
  for (const LinkId id : seed_links_) {
    links_[id.value()].seeded = false;
    touch(id);
  }
  seed_flows_.clear();
  seed_links_.clear();
  while (!steps_.empty()) {
    const Step step = pop();
    const auto id = static_cast<std::uint32_t>(step.what);
    if (step.what >= first_flow) reach_flow(FlowId{id}, step.level);
    else reach_link(LinkId{id}, step.level);
  }
  for (const FlowId id : freed_) shares_[id.value()].before = keeps;
  for (const LinkId id : touched_) links_[id.value()].touched = false;
}

void MaxMin::push(Level level, LinkId link) { push({level, link.value()}); }
void MaxMin::push(Level level, FlowId flow) { push({level, first_flow | flow.value()}); }

// A tight link that is no wider than the flow's ceiling holds the flow at or below it anyway.
void MaxMin::push_ceiling(FlowId id) {
  const Share& share = shares_[id.value()];
  for (const Crossing& c : crossings(share)) {
    const Link& link = links_[c.link.value()];
    if (link.tight && (static_cast<Load>(share.ceiling) + 1) * c.coefficient > link.capacity) return;
  }
  push(share.ceiling, id);
}

void MaxMin::push(Step step) {
  steps_.push_back(step);
  std::push_heap(steps_.begin(), steps_.end(), std::greater<>{});
}

MaxMin::Step MaxMin::pop() {
  std::pop_heap(steps_.begin(), steps_.end(), std::greater<>{});
  const Step step = steps_.back();
  steps_.pop_back();
  return step;
}

// From now on the link's level is open; the flows that it held rise.
void MaxMin::touch(LinkId id) {
  Link& link = links_[id.value()];
  if (link.touched) return;
  link.touched = true;
  touched_.push_back(id);
  link.queued = unlimited;
  held_.clear();
  if (link.level != unlimited)
    for (const Member& m : link.members) {
      const Share& share = shares_[m.flow.value()];
      if (share.is_kept() && share.level >= link.level - tie_width) held_.push_back(m.flow);
    }
  link.level = unlimited;
  for (const FlowId flow : held_) release(flow);
  queue(id);
}

// Where the link becomes full, as things stand. Flows that are fixed lower later only raise that.
void MaxMin::queue(LinkId id) {
  Link& link = links_[id.value()];
  if (!link.tight || link.rising == 0) return;
  const auto level = static_cast<Level>(std::max<Load>(link.left, 0) / link.rising);
  if (level >= link.queued) return;
  link.queued = level;
  push(level, id);
}

void MaxMin::release(FlowId id) {
  Share& share = shares_[id.value()];
  const Level before = share.level;
  share.before = before;
  share.level = none;
  freed_.push_back(id);
  bool untouched = false;
  for (const Crossing& c : crossings(share)) {
    Link& link = links_[c.link.value()];
    link.left += static_cast<Load>(before) * c.coefficient;
    link.rising += c.coefficient;
    if (link.touched) queue(c.link);
    else untouched |= link.tight;
  }
  if (untouched) push(before, id);
  else push_ceiling(id);
}

void MaxMin::fix(FlowId id, Level level) {
  Share& share = shares_[id.value()];
  share.level = level;
  for (const Crossing& c : crossings(share)) {
    Link& link = links_[c.link.value()];
    const bool was_full = is_full(link, link.left - static_cast<Load>(share.before) * c.coefficient);
    link.left -= static_cast<Load>(level) * c.coefficient;
    link.rising -= c.coefficient;
    if (!link.touched && level != share.before && (was_full || link.level != unlimited)) touch(c.link);
  }
}

void MaxMin::reach_flow(FlowId id, Level level) {
  const Share& share = shares_[id.value()];
  if (!share.rises()) return;
  if (level >= share.ceiling) return fix(id, share.ceiling);
  for (const Crossing& c : crossings(share)) {  // held where it was by a link that no change has reached
    const Link& link = links_[c.link.value()];
    if (!link.touched && link.level == level) return fix(id, level);
  }
  for (const Crossing& c : crossings(share))
    if (links_[c.link.value()].tight) touch(c.link);
  push_ceiling(id);
}

void MaxMin::reach_link(LinkId id, Level level) {
  Link& link = links_[id.value()];
  if (level != link.queued) return;  // queued lower since
  link.queued = unlimited;
  if (link.rising == 0) return;
  if (static_cast<Level>(std::max<Load>(link.left, 0) / link.rising) > level || release_higher(id, level)) return queue(id);
  link.level = std::min(link.level, level);
  for (std::size_t i = 0; i < link.members.size() && link.rising > 0; ++i)
    if (shares_[link.members[i].flow.value()].rises()) fix(link.members[i].flow, level);
}

// Flows that are kept above the level at which the link is full now have to share with the rising ones. Flows
// at that very level are as much held by this link as by their own: `level` is where it is full
// with them among the rising, which rounding may have put lower.
bool MaxMin::release_higher(LinkId id, Level& level) {
  const Link& link = links_[id.value()];
  ties_.clear();
  for (const Member& m : link.members) {
    const Share& share = shares_[m.flow.value()];
    if (!share.rises() && share.level >= level - tie_width) ties_.push_back({share.level, m.coefficient, m.flow});
  }
  if (ties_.empty()) return false;
  std::sort(ties_.begin(), ties_.end(), [](const Tie& a, const Tie& b) { return a.level > b.level; });
  Load left = std::max<Load>(link.left, 0);
  Load rising = link.rising;
  for (std::size_t i = 0, end = 0; i < ties_.size(); i = end) {
    Load with_left = left, with_rising = rising;
    for (; end < ties_.size() && ties_[end].level == ties_[i].level; ++end) {
      with_left += static_cast<Load>(ties_[end].level) * ties_[end].coefficient;
      with_rising += ties_[end].coefficient;
    }
    if (with_left / with_rising > ties_[i].level) break;
    left = with_left;
    rising = with_rising;
  }
  level = static_cast<Level>(left / rising);
  bool released = false;
  for (const Tie& tie : ties_)
    if (tie.level > level && shares_[tie.flow.value()].is_kept()) {
      release(tie.flow);
      released = true;
    }
  return released;
}

}  // namespace sim
