#include "sim/fluid_network.hpp"
#include <algorithm>

namespace sim {

FluidNetwork::FluidNetwork(std::span<const LinkSpec> links, FlowObserver* observer, int threads)
    : rates_(links, threads), limiting_since_(links.size(), never), use_(links.size()), observer_(observer) {}

FlowId FluidNetwork::start(const FlowSpec& spec) {
  const FlowId id = flows_.add(spec);
  Flow& flow = flows_[id];
  if (spec.bytes.count() == 0 || spec.shares.empty()) {
    flow.finish = flow.queued = now_ + spec.latency * spec.messages;
    finishes_.push({flow.finish, id, flow.life});
  } else if (spec.messages > 1) {
    ++trains_;
    flow.train = true;
    flow.wait = spec.latency;
    flow.begun = now_;
    activate(id);
  } else if (spec.latency == Time{}) {
    activate(id);
  } else {
    activations_.push({now_ + spec.latency, id, flow.life});
  }
  return id;
}

void FluidNetwork::cancel(FlowId id) { remove(id); }

void FluidNetwork::set_capacity(LinkId link, BytesPerSecond capacity) {
  rates_.flows_on(link, on_link_);
  for (const FlowId id : on_link_) rates_.detach(id);
  rates_.set_capacity(link, capacity);
  for (const FlowId id : on_link_) rates_.attach(id, flows_.shares(flows_[id]), flows_[id].limit, flows_[id].weight);
}

void FluidNetwork::reroute(FlowId id, std::span<const LinkShare> shares, BytesPerSecond ceiling) {
  Flow& flow = flows_[id];
  if (flow.active) {
    settle(flow, go_on(flow, now_ - flow.settled));
    rates_.detach(id);
  }
  flows_.set_shares(flow, shares);
  flow.limit = ceiling;
  if (flow.active) rates_.attach(id, flows_.shares(flow), flow.limit, flow.weight);
}

Time FluidNetwork::next_event() {
  solve();
  return std::min(next_finish(), activations_.next_time());
}

// Queued when the flow was faster (it comes again, later), or a second time, or by a flow that has ended.
bool FluidNetwork::out_of_date(const FlowEvent& event) const {
  const Flow& flow = flows_[event.flow];
  return event.life != flow.life || event.at != flow.queued || event.at != flow.finish;
}

Time FluidNetwork::next_finish() {
  while (!finishes_.empty() && out_of_date(finishes_.top())) {
    const FlowEvent event = finishes_.pop();
    Flow& flow = flows_[event.flow];
    if (event.life != flow.life || event.at != flow.queued) continue;
    flow.queued = flow.finish;
    if (flow.finish != never) finishes_.push({flow.finish, event.flow, flow.life});
  }
  return finishes_.next_time();
}

std::span<const FlowId> FluidNetwork::advance_to(Time t) {
  finished_.clear();
  for (Time next = next_event(); next <= t && next != never; next = next_event()) {
    now_ = next;
    while (activations_.next_time() == now_)
      if (const FlowEvent event = activations_.pop(); event.life == flows_[event.flow].life) activate(event.flow);
    while (next_finish() == now_) finish(finishes_.pop().flow);
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
    Flow by_now = flow;
    const double moved = go_on(by_now, now_ - flow.settled);
    const double bytes = flow.train ? flow.messages * flow.size - bytes_left(by_now) : moved;
    for (const LinkShare& s : flows_.shares(flow)) use[s.link.value()].bytes += bytes * s.share;
  }
  for (std::size_t i = 0; i < use.size(); ++i)
    if (limiting_since_[i] != never) use[i].limiting += now_ - limiting_since_[i];
  return use;
}

void FluidNetwork::activate(FlowId id) {
  Flow& flow = flows_[id];
  flow.active = true;
  flow.settled = now_;
  rates_.attach(id, flows_.shares(flow), flow.limit, flow.weight);
}

void FluidNetwork::finish(FlowId id) {
  Flow& flow = flows_[id];
  if (flow.train)
    carry(flows_.shares(flow), flow.messages * flow.size, flow.begun, now_, use_, observer_);
  else
    settle(flow, flow.remaining);
  remove(id);
  finished_.push_back(id);
}

void FluidNetwork::remove(FlowId id) {
  const Flow& flow = flows_[id];
  if (flow.active) rates_.detach(id);
  if (flow.train) --trains_;
  flows_.remove(id);
}

// The bytes of a train are counted when it ends.
void FluidNetwork::settle(Flow& flow, double bytes) {
  if (flow.active && !flow.train) carry(flows_.shares(flow), bytes, flow.settled, now_, use_, observer_);
  flow.settled = now_;
}

void FluidNetwork::count(std::span<const LinkShare> shares, double bytes, Time since) {
  carry(shares, bytes, since, now_, use_, observer_);
}

Pressure FluidNetwork::pressure(LinkId link) const {
  if (!rates_.is_tight(link)) return Pressure::none;
  return rates_.is_full(link) ? Pressure::full : Pressure::tight;
}

void FluidNetwork::take_crowded(std::vector<LinkId>& links) {
  links.clear();
  links.swap(crowded_);
}

void FluidNetwork::solve() {
  if (!rates_.changed()) return;
  ++solves_;
  rates_.solve();
  for (const FlowId id : rates_.solved_flows()) apply_rate(id);
  for (const LinkId id : rates_.solved_links()) mark_limiting(id);
  if (trains_ > 0)
    for (const LinkId id : rates_.solved_links()) mark_crowded(id);
}

void FluidNetwork::apply_rate(FlowId id) {
  Flow& flow = flows_[id];
  const BytesPerSecond rate = rates_.rate(id);
  if (rate == flow.rate) return;
  settle(flow, go_on(flow, now_ - flow.settled));
  flow.rate = rate;
  flow.finish = rate.value() > 0 ? now_ + time_left(flow, rate) : never;
  if (flow.finish >= flow.queued) return;  // the queued one comes first and is put right then
  flow.queued = flow.finish;
  finishes_.push({flow.finish, id, flow.life});
}

void FluidNetwork::mark_limiting(LinkId id) {
  Time& since = limiting_since_[id.value()];
  const bool limiting = rates_.limits_a_flow(id);
  if (limiting == (since != never)) return;
  if (!limiting) use_[id.value()].limiting += now_ - since;
  since = limiting ? now_ : never;
}

void FluidNetwork::mark_crowded(LinkId id) {
  if (!rates_.is_tight(id)) return;
  rates_.flows_on(id, on_link_);
  if (on_link_.size() > 1 && std::any_of(on_link_.begin(), on_link_.end(), [&](FlowId f) { return flows_[f].train; }))
    crowded_.push_back(id);
}

}  // namespace sim
