#include "sim/fluid_network.hpp"
#include <algorithm>
#include <cmath>
#include <limits>

namespace sim {
namespace {
// Sums of ceilings drift by roundings; a link is tight only when clearly asked for more than it has.
constexpr double slack_tolerance = 1 + 1e-9;
// Rates lie on a grid of 1/64 B/s, so that the order in which equal shares were subtracted does not
// show: a folded network (one flow of share 5) and the whole one (five flows) get the same rates.
double on_grid(double rate) { return rate < 1e15 ? std::nearbyint(rate * 64) / 64 : rate; }
}  // namespace

FluidNetwork::FluidNetwork(std::span<const LinkSpec> links, FlowObserver* observer)
    : links_(links.size()), use_(links.size()), observer_(observer) {
  for (std::size_t i = 0; i < links.size(); ++i) links_[i].capacity = links[i].capacity;
}

FlowId FluidNetwork::start(const FlowSpec& spec) {
  const FlowId id = flows_.add(spec);
  new_rate_.resize(flows_.size());
  stamp_.resize(flows_.size());
  if (spec.bytes.count() == 0 || spec.shares.empty()) {
    finishes_.push({now_ + spec.latency, id, flows_[id].version});
  } else if (spec.latency == Time{}) {
    activate(id);
  } else {
    activations_.push({now_ + spec.latency, id});
  }
  return id;
}

void FluidNetwork::set_capacity(LinkId link, BytesPerSecond capacity) {
  Link& l = links_[link.value()];
  l.capacity = capacity;
  const std::vector<LinkFlow> on_it = l.flows;
  for (const LinkFlow& entry : on_it) {
    detach(entry.flow);
    attach(entry.flow);
    seed_flows_.push_back(entry.flow);
  }
}

Time FluidNetwork::next_event() {
  solve();
  return next_timed_event();
}

Time FluidNetwork::next_timed_event() {
  while (!finishes_.empty() && flows_[finishes_.top().flow].version != finishes_.top().version) finishes_.pop();
  const Time finish = finishes_.empty() ? never : finishes_.top().at;
  const Time activation = activations_.empty() ? never : activations_.top().first;
  return std::min(finish, activation);
}

std::span<const FlowId> FluidNetwork::advance_to(Time t) {
  finished_.clear();
  for (Time next = next_event(); next <= t && next != never; next = next_event()) {
    now_ = next;
    while (next_timed_event() == now_) {
      if (!activations_.empty() && activations_.top().first == now_) {
        const FlowId id = activations_.top().second;
        activations_.pop();
        activate(id);
      } else {
        const FlowId id = finishes_.top().flow;
        finishes_.pop();
        finish(id);
      }
    }
  }
  now_ = t;
  std::sort(finished_.begin(), finished_.end());
  return finished_;
}

BytesPerSecond FluidNetwork::rate(FlowId flow) {
  solve();
  return flows_[flow].rate;
}

std::vector<LinkUse> FluidNetwork::link_use() const {
  std::vector<LinkUse> use = use_;
  for (std::uint32_t i = 0; i < flows_.size(); ++i) {  // what has been carried since the last rate change
    const Flow& flow = flows_[FlowId{i}];
    if (!flow.active) continue;
    const double bytes = std::min(flow.remaining, flow.rate.value() * (now_ - flow.settled).in_seconds());
    for (const FlowLink& l : flow.links) use[l.link.value()].bytes += bytes * l.share;
  }
  for (std::size_t i = 0; i < links_.size(); ++i)
    if (links_[i].limiting_since != never) use[i].limiting += now_ - links_[i].limiting_since;
  return use;
}

void FluidNetwork::activate(FlowId id) {
  Flow& flow = flows_[id];
  flow.active = true;
  flow.settled = now_;
  attach(id);
  seed_flows_.push_back(id);
}

void FluidNetwork::finish(FlowId id) {
  Flow& flow = flows_[id];
  settle(flow, flow.remaining);
  if (flow.active) detach(id);
  flow.active = false;
  flows_.remove(id);
  finished_.push_back(id);
}

void FluidNetwork::set_ceiling(Flow& flow) {
  flow.ceiling = flow.limit;
  if (flow.limit.value() > 0) return;
  flow.ceiling = BytesPerSecond{std::numeric_limits<double>::infinity()};
  for (const FlowLink& l : flow.links) flow.ceiling = std::min(flow.ceiling, links_[l.link.value()].capacity / l.share);
}

void FluidNetwork::attach(FlowId id) {
  Flow& flow = flows_[id];
  set_ceiling(flow);
  for (std::uint32_t entry = 0; entry < flow.links.size(); ++entry) {
    FlowLink& l = flow.links[entry];
    Link& link = links_[l.link.value()];
    l.place = static_cast<std::uint32_t>(link.flows.size());
    link.flows.push_back({id, entry});
    link.demand += flow.ceiling.value() * l.share;
    seed(l.link);
  }
}

void FluidNetwork::detach(FlowId id) {
  Flow& flow = flows_[id];
  for (const FlowLink& l : flow.links) {
    Link& link = links_[l.link.value()];
    const LinkFlow moved = link.flows.back();
    link.flows[l.place] = moved;
    flows_[moved.flow].links[moved.entry].place = l.place;
    link.flows.pop_back();
    link.demand = link.flows.empty() ? 0 : link.demand - flow.ceiling.value() * l.share;
    seed(l.link);
  }
}

// Before or after a change: a link that is not slack passes it on to the flows it carries.
void FluidNetwork::seed(LinkId id) {
  Link& link = links_[id.value()];
  const bool was_tight = link.tight;
  link.tight = link.demand > link.capacity.value() * slack_tolerance;
  if ((was_tight || link.tight) && !link.seeded) {
    link.seeded = true;
    seed_links_.push_back(id);
  }
}

void FluidNetwork::settle(Flow& flow, double bytes) {
  if (flow.active) carry(flow, bytes, now_, use_, scratch_, observer_);
  flow.remaining -= bytes;
  flow.settled = now_;
}

// Max-min by progressive filling of what has changed since the last call:
// 1. collect the flows and tight links that the changes reach;
// 2. raise all rates together; the link (or the flow's own ceiling) that runs out first fixes its flows;
// 3. give the new rates to the flows whose rate has changed.
void FluidNetwork::solve() {
  if (seed_flows_.empty() && seed_links_.empty()) return;
  ++solves_;
  ++solve_number_;
  collect_component();
  share_out();
  for (const FlowId id : component_flows_) apply_rate(id, BytesPerSecond{new_rate_[id.value()]});
}

void FluidNetwork::collect_component() {
  component_flows_.clear();
  component_links_.clear();
  const auto add_flow = [&](FlowId id) {
    if (!flows_[id].active || stamp_[id.value()] == solve_number_) return;
    stamp_[id.value()] = solve_number_;
    component_flows_.push_back(id);
  };
  const auto add_link = [&](LinkId id) {
    Link& link = links_[id.value()];
    if (link.visited) return;
    link.visited = true;
    component_links_.push_back(id);
    for (const LinkFlow& entry : link.flows) add_flow(entry.flow);
  };
  for (const FlowId id : seed_flows_) add_flow(id);
  for (const LinkId id : seed_links_) {
    links_[id.value()].seeded = false;
    add_link(id);
  }
  for (std::size_t i = 0; i < component_flows_.size(); ++i)
    for (const FlowLink& l : flows_[component_flows_[i]].links)
      if (links_[l.link.value()].tight) add_link(l.link);
  seed_flows_.clear();
  seed_links_.clear();
}

void FluidNetwork::share_out() {
  using Level = std::pair<double, LinkId>;
  std::vector<Level> levels;
  for (const FlowId id : component_flows_) new_rate_[id.value()] = -1;
  for (const LinkId id : component_links_) {
    Link& link = links_[id.value()];
    link.visited = false;
    link.residual = link.capacity.value();
    link.weight = 0;
    for (const LinkFlow& entry : link.flows) link.weight += flows_[entry.flow].links[entry.entry].share;
    if (link.tight) levels.push_back({link.residual / link.weight, id});
  }
  std::priority_queue<Level, std::vector<Level>, std::greater<>> filling(std::greater<>{}, std::move(levels));
  std::vector<std::pair<double, FlowId>> ceilings;
  for (const FlowId id : component_flows_) ceilings.push_back({flows_[id].ceiling.value(), id});
  std::sort(ceilings.begin(), ceilings.end());
  auto ceiling = ceilings.begin();
  while (true) {
    while (ceiling != ceilings.end() && new_rate_[ceiling->second.value()] >= 0) ++ceiling;
    if (ceiling == ceilings.end()) break;
    if (filling.empty() || ceiling->first <= filling.top().first) {
      fix(ceiling->second, ceiling->first);
      continue;
    }
    const auto [level, id] = filling.top();
    filling.pop();
    Link& link = links_[id.value()];
    if (link.weight < 1e-12) continue;  // all its flows are fixed
    const double now_at = std::max(0.0, link.residual) / link.weight;
    if (now_at > level) {               // flows fixed below its level have left it more
      filling.push({now_at, id});
      continue;
    }
    for (const LinkFlow& entry : link.flows)
      if (new_rate_[entry.flow.value()] < 0) fix(entry.flow, level);
  }
  for (const LinkId id : component_links_) mark_limiting(id);
}

void FluidNetwork::fix(FlowId id, double rate) {
  new_rate_[id.value()] = on_grid(rate);
  for (const FlowLink& l : flows_[id].links) {
    Link& link = links_[l.link.value()];
    link.residual -= rate * l.share;
    link.weight -= l.share;
  }
}

void FluidNetwork::apply_rate(FlowId id, BytesPerSecond rate) {
  Flow& flow = flows_[id];
  if (rate == flow.rate) return;
  settle(flow, std::min(flow.remaining, flow.rate.value() * (now_ - flow.settled).in_seconds()));
  flow.rate = rate;
  ++flow.version;
  if (rate.value() > 0) finishes_.push({now_ + transfer_time(flow.remaining, rate), id, flow.version});
}

// A full link with a flow below its ceiling; the flow may be as limited elsewhere.
void FluidNetwork::mark_limiting(LinkId id) {
  Link& link = links_[id.value()];
  const bool full = link.tight && link.residual <= link.capacity.value() * (slack_tolerance - 1);
  const bool limiting = full && std::any_of(link.flows.begin(), link.flows.end(), [&](const LinkFlow& entry) {
    return new_rate_[entry.flow.value()] * slack_tolerance < flows_[entry.flow].ceiling.value();
  });
  if (limiting == (link.limiting_since != never)) return;
  if (!limiting) use_[id.value()].limiting += now_ - link.limiting_since;
  link.limiting_since = limiting ? now_ : never;
}

}  // namespace sim
