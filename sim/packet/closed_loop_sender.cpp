#include <algorithm>
#include <limits>
#include "sim/error.hpp"
#include "sim/packet/closed_loop_part.hpp"

namespace sim {

FlowId ClosedLoop::start(const FlowSpec& spec) {
  if (free_flows_.empty()) {
    free_flows_.push_back(static_cast<std::uint32_t>(flows_.size()));
    flows_.emplace_back();
    receivers_.emplace_back();
    if (spec_.log) streams_.emplace_back();
  }
  const std::uint32_t id = free_flows_.back();
  free_flows_.pop_back();
  const std::uint32_t round = flows_[id].round + 1;
  Flow& flow = flows_[id] = {};
  Receiver& receiver = receivers_[id] = {};
  flow.alive = true;
  flow.round = round;
  ++unfinished_;
  if (spec.bytes.count() == 0 || spec.shares.empty()) {
    finish(id, clock_ + spec.latency);
    return FlowId{id};
  }
  flow.bytes = spec.bytes.count();
  flow.ceiling = spec.ceiling.value();
  flow.weight = spec.weight;
  flow.packets = receiver.to_end = static_cast<std::uint32_t>((flow.bytes + spec_.payload - 1) / spec_.payload);
  set_way(id, spec.shares);
  judge_way(id);
  if (spec_.log) streams_[id] = spec_.log->stream(spec.label, receiver.node, fabric_.links[last_link(id)].to);
  timers_.push(event(clock_ + std::max(Time{}, spec.latency - ways_.latency(flow.first)), Kind::start, id, round));
  return FlowId{id};
}

void ClosedLoop::set_way(std::uint32_t id, std::span<const LinkShare> shares) {
  Flow& flow = flows_[id];
  Receiver& receiver = receivers_[id];
  flow.first = ways_.add(shares, id);
  flow.links = 0;
  while (!ways_.is_end(flow.first + flow.links)) ++flow.links;
  const auto& choices = ways_.links(ways_.network_link(flow.first));
  if (choices.size() > 1)
    throw InputError("network: end points with several first links are not supported yet with packets. Take routing ecmp.");
  flow.first_link = choices.front();
  receiver.node = fabric_.links[flow.first_link].from;
  if (Port& port = ports_[flow.first_link]; port.sender == none) {
    port.sender = static_cast<std::uint32_t>(senders_.size());
    senders_.emplace_back();
  }
  const auto& last = ways_.links(ways_.network_link(flow.first + flow.links - 1));
  const auto part_before = [&](std::uint32_t link) { return part_by_node_[fabric_.links[link].from]; };
  if (!std::all_of(last.begin(), last.end(), [&](std::uint32_t link) { return part_before(link) == part_before(last.front()); }))
    share_out(parts_in_use_ = 1);  // its receiver hears from several
  receiver.return_time = {};
  for (std::uint32_t place = flow.first; !ways_.is_end(place); ++place) {
    const std::uint32_t link = ways_.links(ways_.network_link(place)).front();
    receiver.return_time += fabric_.links[link].delay + Bytes{spec_.acknowledgement} / whole_[link];
  }
}

std::uint32_t ClosedLoop::last_link(std::uint32_t id) const {
  return ways_.links(ways_.network_link(flows_[id].first + flows_[id].links - 1)).front();
}

// Before the window in which a flow starts or a timeout comes. Max-min rates hold for a window.
void ClosedLoop::prepare(const Event& timer) {
  const std::uint32_t id = timer.entity();
  const std::uint32_t node = receivers_[id].node;
  if (timer.kind() == Kind::timeout) {
    if (!flows_[id].alive || flows_[id].round != timer.detail) return;
    return part_of(node).post(node, {timer});
  }
  Flow& flow = flows_[id];
  if (flow.round != timer.detail || flow.cancelled) return;
  forget_steady_state();
  flow.may_send = flow.progress = timer.at;
  if (fair_) {
    take_fair_share(id);
    flow.window = std::numeric_limits<double>::infinity();
  } else {
    apply(flow, spec_.congestion_control->start(id, path_of(id), timer.at));
  }
  flow.started = true;
  part_of(node).post(node, {timer});
  if (!is_lossless()) timers_.push(event(timer.at + spec_.timeout, Kind::timeout, id, flow.round));
}

// The host's own links lead to the first of the network; the slower of them is the line rate.
FlowPath ClosedLoop::path_of(std::uint32_t flow) const {
  FlowPath path{.line_rate = BytesPerSecond{std::numeric_limits<double>::infinity()}, .packet = spec_.payload + spec_.header};
  bool leaves_host = false;
  for (std::uint32_t place = flows_[flow].first; !ways_.is_end(place); ++place, ++path.hops) {
    const PacketLink& link = fabric_.links[ways_.links(ways_.network_link(place)).front()];
    const BytesPerSecond capacity = whole_[ways_.links(ways_.network_link(place)).front()];
    path.round_trip += link.delay + Bytes{path.packet} / capacity;
    if (!leaves_host) path.line_rate = std::min(path.line_rate, capacity);
    leaves_host = leaves_host || !link.inside_host;
  }
  path.round_trip += receivers_[flow].return_time;
  return path;
}

std::int64_t ClosedLoop::Part::wire_size(const Flow& flow, std::uint32_t sequence) const {
  return std::min(spec_.payload, flow.bytes - spec_.payload * sequence) + spec_.header;
}

void ClosedLoop::apply(Flow& flow, const Allowance& allowance) {
  flow.rate = flow.ceiling > 0 ? std::min(allowance.rate, flow.ceiling) : allowance.rate;
  flow.window = allowance.window;
}

// Puts a flow where it belongs: among those that may send now or later, or nowhere while its window is full.
void ClosedLoop::Part::offer(std::uint32_t id) {
  Flow& flow = flows_[id];
  const bool window_open =
      flow.in_flight == 0 || static_cast<double>(flow.in_flight) + static_cast<double>(spec_.payload + spec_.header) <= flow.window;
  if (flow.queued || flow.stalled || (flow.next == flow.packets && !flow.sends_again) || !window_open) return;
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
bool ClosedLoop::Part::emit(std::uint32_t link) {
  Sender& sender = senders_[ports_[link].sender];
  for (; !sender.due.empty() && sender.due.top().at <= now_; sender.due.pop()) sender.ready.push_back(sender.due.top().flow);
  if (sender.ready.empty()) {
    if (!sender.due.empty()) arm(link, sender.due.top().at);
    return false;
  }
  const std::uint32_t id = sender.ready.front();
  Flow& flow = flows_[id];
  if (flow.acknowledged == flow.packets) {  // meanwhile
    sender.ready.pop_front();
    flow.queued = false;
    note_if_over(id);
    return emit(link);
  }
  if (flow.stalled || flow.first_link != link) [[unlikely]] {  // meanwhile, too
    sender.ready.pop_front();
    flow.queued = false;
    offer(id);
    return emit(link);
  }
  const std::uint32_t sequence = flow.sends_again ? loop_.missing_.find(id)->second.again.back() : flow.next;
  const std::int64_t size = wire_size(flow, sequence);
  if (!may_transmit(link, size)) return false;
  sender.ready.pop_front();
  flow.queued = false;
  if (const auto& fair = loop_.fair_)
    flow.rate = fair->rate(FlowId{id}).value();
  else
    apply(flow, spec_.congestion_control->before_packet(id, size, now_));
  take_sequence(id);
  Packet packet{.sent = now_, .place = flow.first, .sequence = sequence};
  packet.size = static_cast<std::uint32_t>(size) & ((1u << 30) - 1);
  if (spec_.congestion_control && spec_.congestion_control->wants_telemetry()) packet.record = new_telemetry();
  flow.in_flight += size;
  ++flow.unanswered;
  const bool paced = loop_.fair_ && is_lossless();  // catches up on what waiting for its turn has cost
  flow.may_send = (paced ? flow.may_send : std::max(now_, flow.may_send)) + Bytes{size} / BytesPerSecond{flow.rate};
  if (paced && flow.next == flow.packets && !flow.sends_again) sent_.push_back(id);
  transmit(link, packet);
  offer(id);
  return true;
}

std::uint32_t ClosedLoop::Part::new_telemetry() {
  if (free_telemetry_.empty()) {
    const std::uint32_t number = loop_.telemetry_blocks_++;
    if (number >= loop_.telemetry_.size()) throw SimulationError("network: too many packets under way for telemetry.");
    loop_.telemetry_[number] = std::make_unique<Telemetry[]>(block);
    for (std::uint32_t i = 0; i < block; ++i) free_telemetry_.push_back(number * block + i);
  }
  const std::uint32_t record = free_telemetry_.back();
  free_telemetry_.pop_back();
  telemetry(record).size = 0;
  return record;
}

void ClosedLoop::Part::on_acknowledgement(std::uint32_t id, const Mail& mail) {
  Flow& flow = flows_[id];
  flow.in_flight = std::max<std::int64_t>(0, flow.in_flight - mail.size);
  --flow.unanswered;
  if (mail.refused) {  // go back to the first one that is missing
    flow.next = std::min(flow.next, mail.event.detail);
    flow.in_flight = 0;
  } else if (!is_lossless() && mail.event.detail >= flow.acknowledged) {
    flow.acknowledged = mail.event.detail + 1;
    flow.progress = now_;
  }
  if (!loop_.fair_) {
    Acknowledgement ack{.now = now_, .round_trip = now_ - mail.sent, .bytes = mail.size};
    ack.sequence = mail.event.detail;
    ack.next = flow.next;
    ack.bytes_in_flight = flow.in_flight;
    ack.marked = mail.marked;
    if (mail.record != none) ack.hops = {telemetry(mail.record).hops.data(), telemetry(mail.record).size};
    apply(flow, spec_.congestion_control->on_acknowledgement(id, ack));
  }
  if (mail.record != none) free_telemetry_.push_back(mail.record);
  offer(id);
  note_if_over(id);
}

void ClosedLoop::Part::note_if_over(std::uint32_t id) {
  const Flow& flow = flows_[id];
  if (flow.reported && flow.unanswered == 0 && !flow.queued) over_.push_back(id);
}

void ClosedLoop::Part::on_timeout(std::uint32_t id, std::uint32_t round) {
  Flow& flow = flows_[id];
  if (!flow.alive || flow.round != round || flow.acknowledged == flow.packets) return;
  if (is_lossless()) return send_again(id);
  if (now_ - flow.progress >= spec_.timeout) {
    flow.next = std::min(flow.next, flow.acknowledged);
    flow.in_flight = 0;
    flow.progress = now_;
    offer(id);
  }
  timers_.push_back(event(std::max(flow.progress + spec_.timeout, now_ + window_), Kind::timeout, id, round));
}

void ClosedLoop::finish(std::uint32_t id, Time at) {
  forget_steady_state();
  Flow& flow = flows_[id];
  if (flow.cancelled) return;
  completions_.push({at, id});
  if (flow.stalled) --stalled_;
  flow.stalled = false;
  leave_fair_share(id);
}

// Its number is free again when it was reported and nothing of it is under way any more.
void ClosedLoop::release_if_over(std::uint32_t id) {
  Flow& flow = flows_[id];
  if (!flow.alive || !flow.reported || flow.unanswered > 0 || flow.queued) return;
  if (flow.links > 0) ways_.remove(flow.first, flow.links);
  if (const auto old = old_ways_.find(id); old != old_ways_.end()) {
    for (const auto& [first, links] : old->second) ways_.remove(first, links);
    old_ways_.erase(old);
  }
  missing_.erase(id);
  if (flow.links > 0 && !fair_) spec_.congestion_control->end(id);
  flow.alive = false;
  free_flows_.push_back(id);
}

}  // namespace sim
