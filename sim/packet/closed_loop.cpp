#include "sim/packet/closed_loop.hpp"
#include <algorithm>
#include <stdexcept>
#include <string>
#include <utility>
#include "sim/error.hpp"
#include "sim/random.hpp"

namespace sim {

ClosedLoop::ClosedLoop(PacketFabric fabric, const ClosedLoopSpec& spec)
    : fabric_(std::move(fabric)),
      spec_(spec),
      ways_(fabric_),
      ports_(fabric_.links.size()),
      returned_(fabric_.links.size()),
      nodes_(fabric_.nodes),
      soonest_(never) {
  std::vector<std::int64_t> links_into(fabric_.nodes, 0);
  for (const PacketLink& link : fabric_.links) ++links_into[link.to];
  const std::int64_t packet = spec_.payload + spec_.header;
  for (Node& node : nodes_) node.shared = spec_.buffer;
  for (std::size_t i = 0; i < ports_.size(); ++i) {
    const PacketLink& link = fabric_.links[i];
    Port& port = ports_[i];
    const auto bytes_in = [&](Time t) { return static_cast<std::int64_t>(t.in_seconds() * link.capacity.value()); };
    port.packet_time = Bytes{packet} / link.capacity;
    port.delay = link.delay;
    port.to = link.to;
    soonest_ = std::min(soonest_, link.delay);
    port.ecn_min = spec_.ecn_min > 0 ? spec_.ecn_min : bytes_in(spec_.ecn_min_time);
    port.ecn_max = spec_.ecn_max > 0 ? spec_.ecn_max : bytes_in(spec_.ecn_max_time);
    // What still comes after the buffer asked for a pause: both ways of the cable, a packet that was begun, and the one that was too much.
    const std::int64_t headroom = bytes_in(2 * link.delay) + 3 * packet;
    port.credit = spec_.buffer / links_into[link.to];
    if (spec_.backpressure == Backpressure::pause_frames) nodes_[link.to].shared -= headroom;
    const bool fits = spec_.backpressure == Backpressure::credits ? port.credit >= 2 * packet : nodes_[link.to].shared > 0;
    if (!fits)
      throw InputError("cluster.fabric.packet: buffer of " + std::to_string(spec_.buffer) + " B is too small for " +
                       std::to_string(links_into[link.to]) + " lossless links of this length. Give more, or lossless: false.");
  }
  soonest_ = ports_.empty() || !is_lossless() ? Time{} : soonest_ + Time::picoseconds(1);
  if (spec_.congestion_control) return;
  std::vector<LinkSpec> capacities;
  for (const auto& members : fabric_.members) {
    BytesPerSecond sum;
    for (const std::uint32_t member : members) sum = sum + fabric_.links[member].capacity;
    capacities.push_back({sum});
  }
  fair_ = std::make_unique<MaxMin>(capacities);
}

void ClosedLoop::cancel(FlowId) { throw std::logic_error("ClosedLoop: packets that are on their way cannot be cancelled."); }

void ClosedLoop::set_capacity(LinkId, BytesPerSecond) {
  throw InputError("network: links that change during the run are not supported yet with packets. Take network fluid.");
}

void ClosedLoop::handle(const Event& event) {
  const std::uint32_t entity = event.what & ((1u << 29) - 1);
  switch (static_cast<Kind>(event.what >> 29)) {
    case Kind::arrival:
      return on_arrival(entity, event.detail);
    case Kind::port:
      if (ports_[entity].armed != now_) return;  // an earlier one took its place
      ports_[entity].armed = never;
      return serve(entity);
    case Kind::acknowledgement:
      return on_acknowledgement(entity, event.detail);
    case Kind::pause:
      ports_[entity].paused = event.detail != 0;
      if (!ports_[entity].paused) arm(entity, std::max(now_, ports_[entity].free));
      return;
    case Kind::start:
      return begin(entity);
    case Kind::timeout:
      return on_timeout(entity, event.detail);
  }
}

void ClosedLoop::on_arrival(std::uint32_t link, std::uint32_t number) {
  Packet& packet = packets_[number];
  if (ways_.is_end(packet.place + 1)) {
    if (spec_.backpressure == Backpressure::credits) returned_[link].push_back({now_ + ports_[link].delay, std::int64_t{packet.size}});
    if (ports_[link].waiting) arm(link, std::max(ports_[link].free, returned_[link].front().first));
    return deliver(number);
  }
  ++packet.place;
  const std::uint32_t out = link_to_take(packet.place, ports_[link].to);
  if (!admit(link, out, packet)) {
    ++counts_.drops;
    const std::uint32_t flow = packet.flow;
    free_packet(number);
    --flows_[flow].unanswered;
    return release_if_over(flow);
  }
  packet.from = link;
  packet.next = none;
  Port& port = ports_[out];
  if (port.head == none)
    port.head = number;
  else
    packets_[port.tail].next = number;
  port.tail = number;
  port.queue_bytes += packet.size;
  counts_.max_queue_bytes = std::max(counts_.max_queue_bytes, port.queue_bytes);
  serve(out);
}

// Sends what the link may send now; comes again when it is free.
void ClosedLoop::serve(std::uint32_t link) {
  Port& port = ports_[link];
  if (port.paused) return;
  if (port.free > now_) return arm(link, port.free);
  const std::uint32_t head = port.head;
  if (head != none && may_transmit(link, packets_[head].size)) {
    port.head = packets_[head].next;
    if (port.head == none) port.tail = none;
    port.queue_bytes -= packets_[head].size;
    release_buffer(packets_[head].from, packets_[head].size);
    transmit(link, head);
  } else if (head == none && port.sender != none) {
    if (!emit(link)) return;
  }
  if (port.free > now_ && (port.head != none || port.sender != none)) arm(link, port.free);
}

void ClosedLoop::arm(std::uint32_t link, Time at) {
  if (ports_[link].armed <= at) return;
  ports_[link].armed = at;
  push(at, Kind::port, link, 0);
}

// With credits: whether the far end has room. If not, the port is woken when more comes back.
bool ClosedLoop::may_transmit(std::uint32_t link, std::int64_t size) {
  if (spec_.backpressure != Backpressure::credits) return true;
  Port& port = ports_[link];
  auto& returned = returned_[link];
  for (; !returned.empty() && returned.front().first <= now_; returned.pop_front()) port.credit += returned.front().second;
  const bool waited = std::exchange(port.waiting, port.credit < size);
  if (!port.waiting) return true;
  if (!waited) ++counts_.pauses;
  if (!returned.empty()) arm(link, returned.front().first);
  return false;
}

void ClosedLoop::transmit(std::uint32_t link, std::uint32_t number) {
  Port& port = ports_[link];
  Packet& packet = packets_[number];
  port.free = now_ + (packet.size == spec_.payload + spec_.header ? port.packet_time : Bytes{packet.size} / fabric_.links[link].capacity);
  ++port.packets;
  port.bytes += packet.size;
  ++counts_.packet_hops;
  if (spec_.backpressure == Backpressure::credits) port.credit -= packet.size;
  if (spec_.congestion_control) mark(link, number);
  const Time arrival = port.free + port.delay;
  push(arrival, Kind::arrival, link, number);
  if (!is_lossless() || !ways_.is_end(packet.place + 1)) return;
  Flow& flow = flows_[packet.flow];
  flow.end = std::max(flow.end, arrival);
  if (--flow.to_end == 0) finish(packet.flow, flow.end);
}

void ClosedLoop::mark(std::uint32_t link, std::uint32_t number) {
  const Port& port = ports_[link];
  Packet& packet = packets_[number];
  if (!telemetry_.empty() && packet.hops < most_hops) {
    telemetry_[std::size_t{number} * most_hops + packet.hops] = {now_, port.bytes, port.queue_bytes, fabric_.links[link].capacity};
    packet.hops = (packet.hops + 1u) & 63u;
  }
  if (port.queue_bytes == 0 || port.queue_bytes <= port.ecn_min || packet.marked) return;
  const double share =
      spec_.ecn_share * static_cast<double>(port.queue_bytes - port.ecn_min) / static_cast<double>(port.ecn_max - port.ecn_min);
  const bool marked =
      port.queue_bytes >= port.ecn_max || Random(spec_.seed, 0x6d61726b).uniform(link, static_cast<std::uint64_t>(port.packets)) < share;
  packet.marked = marked;
  counts_.marks += marked;
}

std::int64_t ClosedLoop::pause_threshold(const Node& node) const {
  const auto free = static_cast<double>(std::max<std::int64_t>(0, node.shared - node.used));
  const auto share = static_cast<std::int64_t>(free * spec_.buffer_share);
  return spec_.xoff > 0 ? std::min(spec_.xoff, std::max<std::int64_t>(0, node.shared - node.used)) : share;
}

// Room for a packet in the node between two links; pauses the first one if it fills it too much.
bool ClosedLoop::admit(std::uint32_t in_link, std::uint32_t out_link, const Packet& packet) {
  Port& in = ports_[in_link];
  Node& node = nodes_[in.to];
  const bool full = node.used + packet.size > spec_.buffer;
  if (!is_lossless()) {
    const auto free = static_cast<double>(spec_.buffer - node.used);
    if (full || static_cast<double>(ports_[out_link].queue_bytes + packet.size) > spec_.buffer_share * free) return false;
  } else if (full) {
    return false;
  }
  node.used += packet.size;
  in.buffered += packet.size;
  if (spec_.backpressure == Backpressure::pause_frames && !in.pausing && in.buffered > pause_threshold(node)) {
    in.pausing = true;
    ++counts_.pauses;
    push(now_ + in.delay, Kind::pause, in_link, 1);
  }
  return true;
}

void ClosedLoop::release_buffer(std::uint32_t in_link, std::int64_t size) {
  Port& in = ports_[in_link];
  Node& node = nodes_[in.to];
  const Time heard = now_ + in.delay;
  node.used -= size;
  in.buffered -= size;
  if (spec_.backpressure == Backpressure::credits) {
    returned_[in_link].push_back({heard, size});
    if (in.waiting) arm(in_link, std::max(in.free, returned_[in_link].front().first));
  }
  if (!in.pausing) return;
  const std::int64_t threshold = pause_threshold(node);
  const std::int64_t xon = spec_.xon > 0 ? std::min(spec_.xon, threshold) : threshold - 2 * (spec_.payload + spec_.header);
  if (in.buffered > std::max<std::int64_t>(xon, 0)) return;
  in.pausing = false;
  push(heard, Kind::pause, in_link, 0);
}

// At the receiver. In order it counts; out of order only where nothing is lost, as there every packet comes once.
void ClosedLoop::deliver(std::uint32_t number) {
  Packet& packet = packets_[number];
  Flow& flow = flows_[packet.flow];
  if (!is_lossless()) {
    const bool in_order = packet.sequence == flow.expected;
    packet.refused = packet.sequence > flow.expected && !flow.refused;
    const bool silent = packet.sequence > flow.expected && flow.refused;
    if (packet.refused) flow.refused = true;
    if (in_order) {
      ++flow.expected;
      flow.refused = false;
      if (flow.expected == flow.packets && !flow.ended) finish(packet.flow, now_);
    }
    if (silent) {
      const std::uint32_t id = packet.flow;
      free_packet(number);
      --flow.unanswered;
      return release_if_over(id);
    }
  }
  push(now_ + flow.return_time, Kind::acknowledgement, packet.flow, number);
}

std::uint32_t ClosedLoop::link_to_take(std::uint32_t place, std::uint32_t node) {
  const std::uint32_t network_link = ways_.network_link(place);
  if (const std::uint32_t only = ways_.only_member(network_link); only != none) [[likely]]
    return only;
  const auto choices = ways_.members(network_link, node);
  std::uint32_t& turn = ports_[choices.front()].turn;
  turn = (turn + 1) % static_cast<std::uint32_t>(choices.size());
  std::uint32_t best = choices[turn];
  if (spec_.choice == PacketChoice::in_turn) return best;
  const auto load = [&](std::uint32_t link) {
    const Port& port = ports_[link];
    const double waiting = static_cast<double>(port.queue_bytes) / fabric_.links[link].capacity.value();
    return waiting + (port.free > now_ ? (port.free - now_).in_seconds() : 0) + (port.paused ? 1 : 0);
  };
  for (std::size_t i = 1; i < choices.size(); ++i)  // equal ones in turn
    if (const std::uint32_t other = choices[(turn + i) % choices.size()]; load(other) < load(best)) best = other;
  return best;
}

std::uint32_t ClosedLoop::new_packet() {
  if (free_packets_ == none) {
    packets_.emplace_back();
    if (spec_.congestion_control && spec_.congestion_control->wants_telemetry()) telemetry_.resize(packets_.size() * most_hops);
    return static_cast<std::uint32_t>(packets_.size() - 1);
  }
  const std::uint32_t number = free_packets_;
  free_packets_ = packets_[number].next;
  packets_[number] = {};
  return number;
}

void ClosedLoop::free_packet(std::uint32_t number) {
  packets_[number].next = free_packets_;
  free_packets_ = number;
}

Time ClosedLoop::next_event() {
  const Time known = completions_.empty() ? never : completions_.top().at;
  if (events_.empty()) {
    if (known == never && unfinished_ > 0) explain_deadlock();
    return known;
  }
  // What has not entered its last link by then takes a transmission and a delay more.
  return std::min(known, events_.next_time() + soonest_);
}

std::span<const FlowId> ClosedLoop::advance_to(Time t) {
  finished_.clear();
  while (!events_.empty() && events_.next_time() <= t) {
    const Event event = events_.pop();
    now_ = event.at;
    handle(event);
  }
  now_ = t;
  for (; !completions_.empty() && completions_.top().at <= t; completions_.pop()) {
    const std::uint32_t flow = completions_.top().flow;
    flows_[flow].reported = true;
    --unfinished_;
    finished_.push_back(FlowId{flow});
  }
  for (const FlowId flow : finished_) release_if_over(flow.value());
  std::sort(finished_.begin(), finished_.end());
  return finished_;
}

std::vector<LinkUse> ClosedLoop::link_use() const {
  std::vector<LinkUse> use(fabric_.members.size());
  for (std::size_t i = 0; i < use.size(); ++i)
    for (const std::uint32_t member : fabric_.members[i]) use[i].bytes += static_cast<double>(ports_[member].bytes);
  return use;
}

// Follows from a link that must not send to the one that its packets wait for, until one comes twice.
void ClosedLoop::explain_deadlock() const {
  const auto held = [&](std::uint32_t link) { return ports_[link].paused || ports_[link].waiting; };
  std::vector<std::uint32_t> chain;
  for (std::uint32_t link = 0; link < ports_.size() && chain.empty(); ++link)
    if (held(link) && ports_[link].head != none) chain.push_back(link);
  std::string text = "stopped at " + std::to_string(now_.in_seconds()) + " s: deadlock, packets wait for each other's buffers: ";
  while (!chain.empty()) {
    const std::uint32_t last = chain.back();
    std::uint32_t next = none;
    for (std::uint32_t link = 0; link < ports_.size() && next == none; ++link)
      if (fabric_.links[link].from == fabric_.links[last].to && held(link) && ports_[link].head != none) next = link;
    const auto seen = std::find(chain.begin(), chain.end(), next);
    if (next == none || seen != chain.end()) {
      for (auto at = next == none ? chain.begin() : seen; at != chain.end(); ++at) text += "link " + std::to_string(*at) + " waits for ";
      if (next != none) text += "link " + std::to_string(next);
      break;
    }
    chain.push_back(next);
  }
  throw SimulationError(text + ". Take routes without circles, or lossless: false.");
}

}  // namespace sim
