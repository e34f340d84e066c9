#include "sim/analytic_network.hpp"
#include <algorithm>

namespace sim {

AnalyticNetwork::AnalyticNetwork(std::span<const LinkSpec> links, FlowObserver* observer) : use_(links.size()), observer_(observer) {
  for (const LinkSpec& link : links) capacity_by_link_.push_back(link.capacity);
}

FlowId AnalyticNetwork::start(const FlowSpec& spec) {
  const FlowId id = flows_.add(spec);
  Flow& flow = flows_[id];
  flow.ceiling = flow.limit.value() > 0 ? flow.limit : BytesPerSecond{std::numeric_limits<double>::infinity()};
  for (const FlowLink& l : flow.links) flow.ceiling = std::min(flow.ceiling, capacity_by_link_[l.link.value()] / l.share);
  flow.rate = flow.ceiling;
  flow.settled = now_ + spec.latency;
  const bool instant = spec.bytes.count() == 0 || flow.links.empty();
  if (instant || flow.rate.value() > 0)
    finishes_.push({instant ? flow.settled : flow.settled + transfer_time(flow.remaining, flow.rate), id, flow.version});
  return id;
}

void AnalyticNetwork::set_capacity(LinkId link, BytesPerSecond capacity) { capacity_by_link_[link.value()] = capacity; }

Time AnalyticNetwork::next_event() { return finishes_.empty() ? never : finishes_.top().at; }

std::span<const FlowId> AnalyticNetwork::advance_to(Time t) {
  finished_.clear();
  std::vector<LinkShare> scratch;
  while (!finishes_.empty() && finishes_.top().at <= t) {
    const FinishEvent event = finishes_.top();
    finishes_.pop();
    Flow& flow = flows_[event.flow];
    carry(flow, flow.remaining, event.at, use_, scratch, observer_);
    flows_.remove(event.flow);
    finished_.push_back(event.flow);
  }
  now_ = t;
  std::sort(finished_.begin(), finished_.end());
  return finished_;
}

}  // namespace sim
