#include "sim/analytic_network.hpp"
#include <algorithm>
#include <limits>

namespace sim {

AnalyticNetwork::AnalyticNetwork(std::span<const LinkSpec> links, FlowObserver* observer) : use_(links.size()), observer_(observer) {
  for (const LinkSpec& link : links) capacity_by_link_.push_back(link.capacity);
}

FlowId AnalyticNetwork::start(const FlowSpec& spec) {
  const FlowId id = flows_.add(spec);
  Flow& flow = flows_[id];
  flow.rate =
      flow.limit;  // who gives it has looked at the links, where the shares are those of one flow and not of many that are simulated as one
  if (flow.limit.value() == 0) {
    flow.rate = BytesPerSecond{std::numeric_limits<double>::infinity()};
    for (const LinkShare& s : spec.shares) flow.rate = std::min(flow.rate, capacity_by_link_[s.link.value()] / s.share);
  }
  flow.settled = now_ + spec.latency;
  flow.wait = spec.latency;
  const bool instant = spec.bytes.count() == 0 || spec.shares.empty();
  if (instant || flow.rate.value() > 0)
    finishes_.push({instant ? now_ + spec.latency * spec.messages : now_ + time_left(flow, flow.rate), id, flow.life});
  return id;
}

void AnalyticNetwork::set_capacity(LinkId link, BytesPerSecond capacity) { capacity_by_link_[link.value()] = capacity; }

Time AnalyticNetwork::next_event() { return finishes_.empty() ? never : finishes_.top().at; }

std::span<const FlowId> AnalyticNetwork::advance_to(Time t) {
  finished_.clear();
  while (!finishes_.empty() && finishes_.top().at <= t) {
    const FlowEvent event = finishes_.top();
    finishes_.pop();
    const Flow& flow = flows_[event.flow];
    if (event.life != flow.life) continue;  // cancelled
    carry(flows_.shares(flow), bytes_left(flow), flow.settled, event.at, use_, observer_);
    flows_.remove(event.flow);
    finished_.push_back(event.flow);
  }
  now_ = t;
  std::sort(finished_.begin(), finished_.end());
  return finished_;
}

}  // namespace sim
