#include <algorithm>
#include <limits>
#include "sim/error.hpp"
#include "sim/packet/closed_loop.hpp"

namespace sim {

FlowId ClosedLoop::start(const FlowSpec& spec) {
  if (free_flows_.empty()) {
    free_flows_.push_back(static_cast<std::uint32_t>(flows_.size()));
    flows_.emplace_back();
  }
  const std::uint32_t id = free_flows_.back();
  free_flows_.pop_back();
  const std::uint32_t round = flows_[id].round + 1;
  Flow& flow = flows_[id] = {};
  flow.alive = true;
  flow.round = round;
  ++unfinished_;
  if (spec.bytes.count() == 0 || spec.shares.empty()) {
    finish(id, now_ + spec.latency);
    return FlowId{id};
  }
  flow.links = static_cast<std::uint32_t>(spec.shares.size());
  flow.first = ways_.add(spec.shares, id);
  flow.bytes = spec.bytes.count();
  flow.ceiling = spec.ceiling.value();
  flow.weight = spec.weight;
  flow.packets = flow.to_end = static_cast<std::uint32_t>((flow.bytes + spec_.payload - 1) / spec_.payload);
  const auto& choices = fabric_.members[ways_.network_link(flow.first)];
  if (choices.size() > 1)
    throw InputError("network: end points with several first links are not supported yet with packets. Take routing ecmp.");
  flow.first_link = choices.front();
  for (std::uint32_t place = flow.first; !ways_.is_end(place); ++place) {
    const PacketLink& link = fabric_.links[fabric_.members[ways_.network_link(place)].front()];
    flow.return_time += link.delay + Bytes{spec_.acknowledgement} / link.capacity;
  }
  push(now_ + std::max(Time{}, spec.latency - ways_.latency(flow.first)), Kind::start, id, 0);
  return FlowId{id};
}

void ClosedLoop::begin(std::uint32_t id) {
  Flow& flow = flows_[id];
  Port& port = ports_[flow.first_link];
  if (port.sender == none) {
    port.sender = static_cast<std::uint32_t>(senders_.size());
    senders_.emplace_back();
  }
  flow.may_send = flow.progress = now_;
  const FlowPath path = path_of(flow);
  if (fair_) {
    std::vector<LinkShare> shares;
    for (std::uint32_t place = flow.first; !ways_.is_end(place); ++place) shares.push_back({LinkId{ways_.network_link(place)}});
    const double limit = flow.ceiling > 0 ? std::min(flow.ceiling, path.line_rate.value()) : path.line_rate.value();
    fair_->attach(FlowId{id}, shares, BytesPerSecond{limit}, flow.weight);
    flow.window = std::numeric_limits<double>::infinity();
  } else {
    apply(flow, spec_.congestion_control->start(id, path, now_));
  }
  offer(id);
  if (!is_lossless()) push(now_ + spec_.timeout, Kind::timeout, id, flow.round);
}

// The host's own links lead to the first of the network; the slower of them is the line rate.
FlowPath ClosedLoop::path_of(const Flow& flow) const {
  FlowPath path{.line_rate = BytesPerSecond{std::numeric_limits<double>::infinity()}, .packet = spec_.payload + spec_.header};
  bool leaves_host = false;
  for (std::uint32_t place = flow.first; !ways_.is_end(place); ++place, ++path.hops) {
    const PacketLink& link = fabric_.links[fabric_.members[ways_.network_link(place)].front()];
    path.round_trip += link.delay + Bytes{path.packet} / link.capacity;
    if (!leaves_host) path.line_rate = std::min(path.line_rate, link.capacity);
    leaves_host = leaves_host || !link.inside_host;
  }
  path.round_trip += flow.return_time;
  return path;
}

std::int64_t ClosedLoop::wire_size(const Flow& flow, std::uint32_t sequence) const {
  return std::min(spec_.payload, flow.bytes - spec_.payload * sequence) + spec_.header;
}

void ClosedLoop::apply(Flow& flow, const Allowance& allowance) {
  flow.rate = flow.ceiling > 0 ? std::min(allowance.rate, flow.ceiling) : allowance.rate;
  flow.window = allowance.window;
}

double ClosedLoop::fair_rate(std::uint32_t flow) {
  if (fair_->changed()) fair_->solve();
  return fair_->rate(FlowId{flow}).value();
}

// Puts a flow where it belongs: among those that may send now or later, or nowhere while its window is full.
void ClosedLoop::offer(std::uint32_t id) {
  Flow& flow = flows_[id];
  const bool window_open =
      flow.in_flight == 0 || static_cast<double>(flow.in_flight) + static_cast<double>(spec_.payload + spec_.header) <= flow.window;
  if (flow.queued || flow.next == flow.packets || !window_open) return;
  flow.queued = true;
  Port& port = ports_[flow.first_link];
  Sender& sender = senders_[port.sender];
  const Time free = std::max(now_, port.free);
  if (flow.may_send <= free)
    sender.ready.push_back(id);
  else
    sender.due.push({flow.may_send, id});
  arm(flow.first_link, std::max(free, flow.may_send));
}

// The next packet of the flow whose turn it is. False: there was none, or it may not be sent; the port is woken when that changes.
bool ClosedLoop::emit(std::uint32_t link) {
  Sender& sender = senders_[ports_[link].sender];
  for (; !sender.due.empty() && sender.due.top().at <= now_; sender.due.pop()) sender.ready.push_back(sender.due.top().flow);
  if (sender.ready.empty()) {
    if (!sender.due.empty()) arm(link, sender.due.top().at);
    return false;
  }
  const std::uint32_t id = sender.ready.front();
  Flow& flow = flows_[id];
  if (flow.ended) {  // meanwhile
    sender.ready.pop_front();
    flow.queued = false;
    release_if_over(id);
    return emit(link);
  }
  const std::int64_t size = wire_size(flow, flow.next);
  if (!may_transmit(link, size)) return false;
  sender.ready.pop_front();
  flow.queued = false;
  if (fair_)
    flow.rate = fair_rate(id);
  else
    apply(flow, spec_.congestion_control->before_packet(id, size, now_));
  const std::uint32_t number = new_packet();
  Packet& packet = packets_[number];
  packet.sent = now_;
  packet.flow = id;
  packet.place = flow.first;
  packet.sequence = flow.next++;
  packet.size = static_cast<std::uint32_t>(size) & ((1u << 24) - 1);
  flow.in_flight += size;
  ++flow.unanswered;
  flow.may_send = std::max(now_, flow.may_send) + Bytes{size} / BytesPerSecond{flow.rate};
  transmit(link, number);
  offer(id);
  return true;
}

void ClosedLoop::on_acknowledgement(std::uint32_t id, std::uint32_t number) {
  Flow& flow = flows_[id];
  const Packet packet = packets_[number];
  flow.in_flight = std::max<std::int64_t>(0, flow.in_flight - packet.size);
  --flow.unanswered;
  if (!is_lossless()) {
    if (packet.sequence >= flow.acknowledged && !packet.refused) {
      flow.acknowledged = packet.sequence + 1;
      flow.progress = now_;
    }
    if (packet.refused) {  // go back to the first one that is missing
      flow.next = std::min(flow.next, flow.expected);
      flow.in_flight = 0;
    }
  }
  if (!fair_ && !flow.ended) {
    Acknowledgement ack{.now = now_, .round_trip = now_ - packet.sent, .bytes = packet.size};
    ack.sequence = packet.sequence;
    ack.next = flow.next;
    ack.bytes_in_flight = flow.in_flight;
    ack.marked = packet.marked;
    if (!telemetry_.empty()) ack.hops = {telemetry_.data() + std::size_t{number} * most_hops, packet.hops};
    apply(flow, spec_.congestion_control->on_acknowledgement(id, ack));
  }
  free_packet(number);
  if (!flow.ended || is_lossless()) offer(id);
  release_if_over(id);
}

void ClosedLoop::on_timeout(std::uint32_t id, std::uint32_t round) {
  Flow& flow = flows_[id];
  if (!flow.alive || flow.round != round) return;
  if (flow.ended) return;
  if (now_ - flow.progress >= spec_.timeout) {
    flow.next = std::min(flow.next, flow.expected);
    flow.in_flight = 0;
    flow.progress = now_;
    flow.refused = false;
    offer(id);
  }
  push(flow.progress + spec_.timeout, Kind::timeout, id, round);
}

void ClosedLoop::finish(std::uint32_t id, Time at) {
  flows_[id].ended = true;
  completions_.push({at, id});
  if (flows_[id].links > 0 && fair_) fair_->detach(FlowId{id});
}

// Its number is free again when it was reported and nothing of it is under way any more.
void ClosedLoop::release_if_over(std::uint32_t id) {
  Flow& flow = flows_[id];
  if (!flow.alive || !flow.reported || flow.unanswered > 0 || flow.queued) return;
  if (flow.links > 0) ways_.remove(flow.first, flow.links);
  if (flow.links > 0 && !fair_) spec_.congestion_control->end(id);
  flow.alive = false;
  free_flows_.push_back(id);
}

}  // namespace sim
