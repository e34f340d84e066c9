#include "sim/packet/mixed_network.hpp"
#include <algorithm>
#include <cmath>
#include <utility>

namespace sim {
namespace {
constexpr Bytes without_end{1'000'000'000'000'000};  // 1 PB: hours on any link
constexpr double worth_telling = 1e-3;               // of a link's capacity
constexpr double least_left = 1e-3;                  // of it, for packets
}  // namespace

MixedNetwork::MixedNetwork(std::span<const LinkSpec> links, std::unique_ptr<ClosedLoop> packets, Choice as_packets, int threads)
    : fluid_(make_network("fluid", links, nullptr, threads)),
      packets_(std::move(packets)),
      as_packets_(std::move(as_packets)),
      crossing_(links.size()),
      shadows_carried_(links.size()) {
  for (const LinkSpec& link : links) capacity_.push_back(link.capacity);
  left_ = capacity_;
}

std::uint32_t MixedNetwork::new_flow() {
  if (free_.empty()) {
    free_.push_back(static_cast<std::uint32_t>(flows_.size()));
    flows_.emplace_back();
  }
  const std::uint32_t flow = free_.back();
  free_.pop_back();
  return flow;
}

void MixedNetwork::cross(const Flow& flow, int more) {
  for (const LinkShare& s : flow.shares) crossing_[s.link.value()] += static_cast<std::uint32_t>(more);
}

void MixedNetwork::own(std::vector<std::uint32_t>& owners, FlowId id, std::uint32_t flow) {
  if (owners.size() <= id.value()) owners.resize(id.value() + 1, none);
  owners[id.value()] = flow;
}

FlowId MixedNetwork::start(const FlowSpec& spec) {
  const std::uint32_t number = new_flow();
  Flow& flow = flows_[number] = {};
  flow.in_packets = spec.bytes.count() > 0 && !spec.shares.empty() && spec.messages == 1 && as_packets_(spec, now());
  flow.shares.assign(spec.shares.begin(), spec.shares.end());
  FlowSpec in_fluid = spec;
  if (flow.in_packets) {
    in_fluid.bytes = without_end;
    flow.packets = packets_->start(spec);
    own(of_packets_, flow.packets, number);
    under_way_.push_back(number);
    cross(flow, 1);
  }
  flow.fluid = fluid_->start(in_fluid);
  own(of_fluid_, flow.fluid, number);
  changed_ = true;
  return FlowId{number};
}

void MixedNetwork::cancel(FlowId id) {
  Flow& flow = flows_[id.value()];
  leave_fluid(flow);
  changed_ = true;
  free_.push_back(id.value());
  if (!flow.in_packets) return;
  packets_->cancel(flow.packets);
  cross(flow, -1);
  std::erase(under_way_, id.value());
}

void MixedNetwork::set_capacity(LinkId link, BytesPerSecond capacity) {
  fluid_->set_capacity(link, capacity);
  packets_->set_capacity(link, capacity);
  capacity_[link.value()] = left_[link.value()] = capacity;
  changed_ = true;
}

void MixedNetwork::reroute(FlowId id, std::span<const LinkShare> shares, BytesPerSecond ceiling) {
  Flow& flow = flows_[id.value()];
  fluid_->reroute(flow.fluid, shares, ceiling);
  changed_ = true;
  if (flow.in_packets) {
    packets_->reroute(flow.packets, shares, ceiling);
    cross(flow, -1);
  }
  flow.shares.assign(shares.begin(), shares.end());
  if (flow.in_packets) cross(flow, 1);
}

BytesPerSecond MixedNetwork::rate(FlowId id) {
  const Flow& flow = flows_[id.value()];
  return flow.in_packets ? packets_->rate(flow.packets) : fluid_->rate(flow.fluid);
}

Time MixedNetwork::next_event() {
  fluid_event_ = fluid_->next_event();  // solves
  if (std::exchange(changed_, false)) share_links();
  return std::min(under_way_.empty() ? never : packets_->next_event(), fluid_event_);
}

// Tells packets of what the fluid flows leave of the links that they cross.
void MixedNetwork::share_links() {
  for (std::uint32_t link = 0; link < crossing_.size(); ++link) {
    if (crossing_[link] == 0 || capacity_[link] == BytesPerSecond{}) continue;
    fluid_->flows_on(LinkId{link}, on_link_);
    const double shadows = static_cast<double>(crossing_[link]), whole = capacity_[link].value();
    double taken = 0;
    if (static_cast<double>(on_link_.size()) > shadows || left_[link] != capacity_[link])
      for (const FlowId id : on_link_)
        if (const Flow& flow = flows_[of_fluid_[id.value()]]; !flow.in_packets)
          for (const LinkShare& s : flow.shares)
            if (s.link.value() == link) taken += fluid_->rate(id).value() * s.share;
    const double left = std::max(whole - taken, least_left * whole);
    if (std::abs(left - left_[link].value()) <= worth_telling * whole) continue;
    left_[link] = BytesPerSecond{left};
    packets_->set_capacity(LinkId{link}, left_[link]);
  }
}

// What shadows carry is carried by packets.
void MixedNetwork::settle(Time t) {
  const double seconds = (t - now()).in_seconds();
  if (seconds <= 0) return;
  for (const std::uint32_t number : under_way_) {
    const double bytes = fluid_->rate(flows_[number].fluid).value() * seconds;
    for (const LinkShare& s : flows_[number].shares) shadows_carried_[s.link.value()] += bytes * s.share;
  }
}

std::span<const FlowId> MixedNetwork::advance_to(Time t) {
  finished_.clear();
  for (Time next = next_event(); next < t; next = next_event()) go_to(next);
  go_to(t);
  std::sort(finished_.begin(), finished_.end());
  return finished_;
}

// No further than to the next event.
void MixedNetwork::go_to(Time t) {
  settle(t);
  changed_ = changed_ || t >= fluid_event_;  // a latency has passed, or more
  for (const FlowId id : fluid_->advance_to(t)) end(of_fluid_[id.value()]);
  for (const FlowId id : packets_->advance_to(t)) end(of_packets_[id.value()]);
}

// What it has carried counts up to the last change of its rate or way: this is one.
void MixedNetwork::leave_fluid(const Flow& flow) {
  fluid_->reroute(flow.fluid, flow.shares, {});
  fluid_->cancel(flow.fluid);
}

void MixedNetwork::end(std::uint32_t number) {
  Flow& flow = flows_[number];
  changed_ = true;
  finished_.push_back(FlowId{number});
  free_.push_back(number);
  if (!flow.in_packets) return;
  leave_fluid(flow);
  cross(flow, -1);
  std::erase(under_way_, number);
}

std::vector<LinkUse> MixedNetwork::link_use() const {
  std::vector<LinkUse> use = fluid_->link_use();
  const std::vector<LinkUse> packets = packets_->link_use();
  for (std::size_t link = 0; link < use.size(); ++link)
    use[link].bytes = std::max(0.0, use[link].bytes - shadows_carried_[link]) + packets[link].bytes;
  return use;
}

}  // namespace sim
