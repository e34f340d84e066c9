#include <algorithm>
#include <functional>
#include <utility>
#include "sim/max_min.hpp"
#include "sim/parallel.hpp"

// How MaxMin solves; what it keeps between solves is in max_min.cpp.
namespace sim {
namespace {
// Levels that differ by less (1/64 B/s) may be one level, told apart by rounding down.
constexpr std::int64_t tie_width = 64;
// Steps of flows come after those of links at the same level.
constexpr std::uint64_t first_flow = std::uint64_t{1} << 32;
// Below so many flows a thread costs more than it brings.
constexpr std::size_t flows_worth_a_thread = 2048;
}  // namespace

// Before and after: every attached flow is kept and no link is touched.
void MaxMin::solve() {
  filling_.freed.clear();
  filling_.touched.clear();
  const bool most_change = seed_flows_.size() >= 64 && seed_flows_.size() * 8 > attached_;
  if (most_change)
    solve_all();
  else
    solve_changes();
  seed_flows_.clear();
  seed_links_.clear();
  for (const FlowId id : filling_.freed) shares_[id.value()].before = keeps;
  for (const LinkId id : filling_.touched) links_[id.value()].touched = links_[id.value()].seeded = false;
}

// 1. New flows rise from zero; the links of flows that came or went are touched by the change, and
//    the flows that such a link held rise again.
// 2. A common level is raised. A touched link that becomes full fixes its rising flows there; a flow that reaches its ceiling is fixed.
// 3. A flow that rises past its former level touches the rest of its links; one that is fixed below it, those that hold others.
//    That is never too late: a link that holds a flow is full at or above that flow's level.
void MaxMin::solve_changes() {
  for (const FlowId id : seed_flows_) {
    if (!shares_[id.value()].is_new()) continue;
    filling_.freed.push_back(id);
    push_ceiling(filling_, id);
  }
  for (const LinkId id : seed_links_) touch(filling_, id);
  fill(filling_);
}

// Everything rises from zero: cheaper when most has changed, and its parts can be filled by several threads.
void MaxMin::solve_all() {
  for (const LinkId id : seed_links_) open(id);
  for (std::uint32_t i = 0; i < shares_.size(); ++i) {
    Share& share = shares_[i];
    if (share.count == 0) continue;
    if (share.is_kept()) share.before = share.level;
    share.level = none;
    filling_.freed.push_back(FlowId{i});
    for (const Crossing& c : crossings(share)) {
      Link& link = links_[c.link.value()];
      if (!link.tight) continue;
      open(c.link);
      link.rising += c.coefficient;
    }
  }
  if (threads_ == 1 || filling_.freed.size() < 2 * flows_worth_a_thread) return fill_from_zero(filling_);
  split_into_parts();
  parallel_for(parts_.size(), threads_, [&](std::size_t i) { fill_from_zero(parts_[i]); });
}

void MaxMin::open(LinkId id) {
  Link& link = links_[id.value()];
  if (link.touched) return;
  link.touched = true;
  link.left = link.capacity;
  link.rising = 0;
  link.level = link.queued = unlimited;
  filling_.touched.push_back(id);
}

// Flows that share a tight link, directly or by way of others, are one component. Each part gets whole
// components: the one with the fewest flows so far gets the next, by the order of their first flow.
void MaxMin::split_into_parts() {
  leader_.resize(links_.size());
  part_of_.assign(links_.size(), 0);
  for (const LinkId id : filling_.touched) leader_[id.value()] = id.value();
  const auto leader = [&](std::uint32_t link) {
    while (leader_[link] != link) link = leader_[link] = leader_[leader_[link]];
    return link;
  };
  const auto first_tight = [&](FlowId id) -> const Crossing* {
    const Crossing* first = nullptr;
    for (const Crossing& c : crossings(shares_[id.value()])) {
      if (!links_[c.link.value()].tight) continue;
      if (first)
        leader_[leader(c.link.value())] = leader(first->link.value());
      else
        first = &c;
    }
    return first;
  };
  std::vector<std::uint32_t> size(links_.size());  // of components, by leader
  for (const FlowId id : filling_.freed) first_tight(id);
  for (const FlowId id : filling_.freed)
    if (const Crossing* c = first_tight(id)) ++size[leader(c->link.value())];

  const auto most = static_cast<std::size_t>(threads_ > 0 ? threads_ : 64) * 4;
  parts_.resize(std::min(most, filling_.freed.size() / flows_worth_a_thread));
  for (Filling& part : parts_) part.freed.clear(), part.touched.clear();
  std::vector<std::size_t> load(parts_.size());
  const auto lightest = [&](std::size_t flows) {
    const auto part = static_cast<std::uint32_t>(std::min_element(load.begin(), load.end()) - load.begin());
    load[part] += flows;
    return part;
  };
  constexpr std::uint32_t placed = 0;
  for (const FlowId id : filling_.freed) {
    const Crossing* c = first_tight(id);
    if (!c) {
      parts_[lightest(1)].freed.push_back(id);
      continue;
    }
    const std::uint32_t component = leader(c->link.value());
    if (size[component] != placed) part_of_[component] = lightest(std::exchange(size[component], placed));
    parts_[part_of_[component]].freed.push_back(id);
  }
  for (const LinkId id : filling_.touched) parts_[part_of_[leader(id.value())]].touched.push_back(id);
}

void MaxMin::fill_from_zero(Filling& filling) {
  for (const FlowId id : filling.freed) push_ceiling(filling, id);
  for (const LinkId id : filling.touched) queue(filling, id);
  fill(filling);
}

void MaxMin::fill(Filling& filling) {
  auto& steps = filling.steps;
  while (!steps.empty()) {
    std::pop_heap(steps.begin(), steps.end(), std::greater<>{});
    const Step step = steps.back();
    steps.pop_back();
    const auto id = static_cast<std::uint32_t>(step.what);
    if (step.what >= first_flow)
      reach_flow(filling, FlowId{id}, step.level);
    else
      reach_link(filling, LinkId{id}, step.level);
  }
}

void MaxMin::push(Filling& filling, Step step) {
  filling.steps.push_back(step);
  std::push_heap(filling.steps.begin(), filling.steps.end(), std::greater<>{});
}

// A tight link that is no wider than the flow's ceiling holds the flow at or below it anyway.
bool MaxMin::needs_ceiling(const Share& share) {
  return std::none_of(crossings(share).begin(), crossings(share).end(), [&](const Crossing& c) {
    const Link& link = links_[c.link.value()];
    return link.tight && (static_cast<Load>(share.ceiling) + 1) * c.coefficient > link.capacity;
  });
}

void MaxMin::push_ceiling(Filling& filling, FlowId id) {
  const Share& share = shares_[id.value()];
  if (needs_ceiling(share)) push(filling, {share.ceiling, first_flow | id.value()});
}

// From now on the link's level is open; the flows that it held rise.
void MaxMin::touch(Filling& filling, LinkId id) {
  Link& link = links_[id.value()];
  if (link.touched) return;
  link.touched = true;
  filling.touched.push_back(id);
  link.queued = unlimited;
  filling.held.clear();
  if (link.level != unlimited)
    for (const Member& m : link.members) {
      const Share& share = shares_[m.flow.value()];
      if (share.is_kept() && share.level >= link.level - tie_width) filling.held.push_back(m.flow);
    }
  link.level = unlimited;
  for (const FlowId flow : filling.held) release(filling, flow);
  queue(filling, id);
}

// Where the link becomes full, as things stand. Flows that are fixed lower later only raise that.
void MaxMin::queue(Filling& filling, LinkId id) {
  Link& link = links_[id.value()];
  if (!link.tight || link.rising == 0) return;
  const auto level = static_cast<Level>(std::max<Load>(link.left, 0) / link.rising);
  if (level >= link.queued) return;
  link.queued = level;
  push(filling, {level, id.value()});
}

void MaxMin::release(Filling& filling, FlowId id) {
  Share& share = shares_[id.value()];
  const Level before = share.level;
  share.before = before;
  share.level = none;
  filling.freed.push_back(id);
  bool untouched = false;
  for (const Crossing& c : crossings(share)) {
    Link& link = links_[c.link.value()];
    if (!link.tight) continue;
    link.left += static_cast<Load>(before) * c.coefficient;
    link.rising += c.coefficient;
    if (link.touched)
      queue(filling, c.link);
    else
      untouched = true;
  }
  if (untouched)
    push(filling, {before, first_flow | id.value()});
  else
    push_ceiling(filling, id);
}

void MaxMin::fix(Filling& filling, FlowId id, Level level) {
  Share& share = shares_[id.value()];
  share.level = level;
  for (const Crossing& c : crossings(share)) {
    Link& link = links_[c.link.value()];
    if (!link.tight) continue;
    const bool was_full = is_full(link, link.left - static_cast<Load>(share.before) * c.coefficient);
    link.left -= static_cast<Load>(level) * c.coefficient;
    link.rising -= c.coefficient;
    if (!link.touched && level != share.before && (was_full || link.level != unlimited)) touch(filling, c.link);
  }
}

void MaxMin::reach_flow(Filling& filling, FlowId id, Level level) {
  const Share& share = shares_[id.value()];
  if (!share.rises()) return;
  if (level >= share.ceiling) return fix(filling, id, share.ceiling);
  for (const Crossing& c : crossings(share)) {  // held where it was by a link that no change has reached
    const Link& link = links_[c.link.value()];
    if (!link.touched && link.level == level) return fix(filling, id, level);
  }
  for (const Crossing& c : crossings(share))
    if (links_[c.link.value()].tight) touch(filling, c.link);
  push_ceiling(filling, id);
}

void MaxMin::reach_link(Filling& filling, LinkId id, Level level) {
  Link& link = links_[id.value()];
  if (level != link.queued) return;  // queued lower since
  link.queued = unlimited;
  if (link.rising == 0) return;
  if (static_cast<Level>(std::max<Load>(link.left, 0) / link.rising) > level || release_higher(filling, id, level))
    return queue(filling, id);
  link.level = std::min(link.level, level);
  for (std::size_t i = 0; i < link.members.size() && link.rising > 0; ++i)
    if (shares_[link.members[i].flow.value()].rises()) fix(filling, link.members[i].flow, level);
}

// Flows that are kept above the level at which the link is full now have to share with the rising ones. Flows
// at that very level are as much held by this link as by their own: `level` is where it is full
// with them among the rising, which rounding may have put lower.
bool MaxMin::release_higher(Filling& filling, LinkId id, Level& level) {
  const Link& link = links_[id.value()];
  filling.ties.clear();
  for (const Member& m : link.members) {
    const Share& share = shares_[m.flow.value()];
    if (!share.rises() && share.level >= level - tie_width) filling.ties.push_back({share.level, m.coefficient, m.flow});
  }
  if (filling.ties.empty()) return false;
  std::sort(filling.ties.begin(), filling.ties.end(), [](const Tie& a, const Tie& b) { return a.level > b.level; });
  Load left = std::max<Load>(link.left, 0);
  Load rising = link.rising;
  for (std::size_t i = 0, end = 0; i < filling.ties.size(); i = end) {
    Load with_left = left, with_rising = rising;
    for (; end < filling.ties.size() && filling.ties[end].level == filling.ties[i].level; ++end) {
      with_left += static_cast<Load>(filling.ties[end].level) * filling.ties[end].coefficient;
      with_rising += filling.ties[end].coefficient;
    }
    if (with_left / with_rising > filling.ties[i].level) break;
    left = with_left;
    rising = with_rising;
  }
  level = static_cast<Level>(left / rising);
  bool released = false;
  for (const Tie& tie : filling.ties)
    if (tie.level > level && shares_[tie.flow.value()].is_kept()) {
      release(filling, tie.flow);
      released = true;
    }
  return released;
}

}  // namespace sim
