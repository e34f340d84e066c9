#include "sim/packet/closed_loop.hpp"
#include <bit>
#include <stdexcept>
#include <string>
#include <utility>
#include "sim/error.hpp"

namespace sim {

ClosedLoop::ClosedLoop(PacketFabric fabric, const ClosedLoopSpec& spec)
    : fabric_(std::move(fabric)),
      spec_(spec),
      ways_(fabric_),
      ports_(fabric_.links.size()),
      wires_(fabric_.links.size()),
      returned_(fabric_.links.size()),
      nodes_(fabric_.nodes),
      wake_at_(fabric_.nodes, never),
      links_of_(fabric_.nodes + 1),
      window_(never) {
  sort_links();
  const std::int64_t packet = spec_.payload + spec_.header;
  for (Node& node : nodes_) node.shared = spec_.buffer;
  for (std::size_t i = 0; i < ports_.size(); ++i) {
    const PacketLink& link = fabric_.links[i];
    Port& port = ports_[i];
    const auto bytes_in = [&](Time t) { return static_cast<std::int64_t>(t.in_seconds() * link.capacity.value()); };
    port.packet_time = Bytes{packet} / link.capacity;
    port.delay = link.delay;
    wires_[i].from = link.from;
    wires_[i].to = link.to;
    window_ = std::min(window_, std::max(link.delay, Time::picoseconds(1)));
    port.ecn_min = spec_.ecn_min > 0 ? spec_.ecn_min : bytes_in(spec_.ecn_min_time);
    port.ecn_max = spec_.ecn_max > 0 ? spec_.ecn_max : bytes_in(spec_.ecn_max_time);
    // What still comes after the buffer asked for a pause: both ways of the cable, a packet that was begun, and the one that was too much.
    const std::int64_t headroom = bytes_in(2 * link.delay) + 3 * packet;
    port.credit = spec_.buffer / static_cast<std::int64_t>(links_into(link.to).size());
    if (spec_.backpressure == Backpressure::pause_frames) nodes_[link.to].shared -= headroom;
    const bool fits = spec_.backpressure == Backpressure::credits ? port.credit >= 2 * packet : nodes_[link.to].shared > 0;
    if (!fits)
      throw InputError("cluster.fabric.packet: buffer of " + std::to_string(spec_.buffer) + " B is too small for " +
                       std::to_string(links_into(link.to).size()) + " lossless links of this length. Give more, or lossless: false.");
  }
  for (Node& node : nodes_)
    node.calm = spec_.backpressure == Backpressure::credits ? spec_.buffer : pause_threshold(node, node.shared - node.shared / 2);
  if (spec_.congestion_control) return;
  std::vector<LinkSpec> capacities;
  for (const auto& members : fabric_.members) {
    BytesPerSecond sum;
    for (const std::uint32_t member : members) sum = sum + fabric_.links[member].capacity;
    capacities.push_back({sum});
  }
  fair_ = std::make_unique<MaxMin>(capacities);
}

// Links by node, each time in the order of their numbers.
void ClosedLoop::sort_links() {
  for (const PacketLink& link : fabric_.links) {
    ++links_of_[link.to + 1].in;
    ++links_of_[link.from + 1].out;
  }
  for (std::size_t i = 1; i < links_of_.size(); ++i) {
    links_of_[i].in += links_of_[i - 1].in;
    links_of_[i].out += links_of_[i - 1].out;
  }
  in_links_.resize(fabric_.links.size());
  out_links_.resize(fabric_.links.size());
  std::vector<std::uint32_t> in(fabric_.nodes, 0), out(fabric_.nodes, 0);
  for (std::uint32_t i = 0; i < fabric_.links.size(); ++i) {
    const PacketLink& link = fabric_.links[i];
    in_links_[links_of_[link.to].in + in[link.to]++] = i;
    out_links_[links_of_[link.from].out + out[link.from]++] = i;
  }
}

std::span<const std::uint32_t> ClosedLoop::links_into(std::uint32_t node) const {
  return std::span(in_links_).subspan(links_of_[node].in, links_of_[node + 1].in - links_of_[node].in);
}
std::span<const std::uint32_t> ClosedLoop::links_from(std::uint32_t node) const {
  return std::span(out_links_).subspan(links_of_[node].out, links_of_[node + 1].out - links_of_[node].out);
}

void ClosedLoop::cancel(FlowId) { throw std::logic_error("ClosedLoop: packets that are on their way cannot be cancelled."); }

void ClosedLoop::set_capacity(LinkId, BytesPerSecond) {
  throw InputError("network: links that change during the run are not supported yet with packets. Take network fluid.");
}

void ClosedLoop::wake(std::uint32_t node, Time at) {
  if (wake_at_[node] <= at) return;
  wake_at_[node] = at;
  wakes_.push({at, node});
}

void ClosedLoop::post(std::uint32_t node, const Mail& mail) {
  nodes_[node].mail.insert(mail);
  wake(node, mail.event.at);
}

// All windows that end by then: flows that start later cannot touch them.
void ClosedLoop::run_until(Time t) {
  for (;;) {
    const Time begin = next_time();
    if (begin > t - window_) break;
    const Time end = begin + window_;
    while (timers_.next_time() < end) prepare(timers_.pop());
    if (fair_ && fair_->changed()) fair_->solve();
    awake_.clear();
    while (wakes_.next_time() < end) {
      const Wake wake = wakes_.pop();
      if (wake_at_[wake.node] != wake.at) continue;  // an earlier one took its place
      wake_at_[wake.node] = awake;
      awake_.push_back(wake.node);
    }
    std::sort(awake_.begin(), awake_.end());
    for (std::size_t i = 0; i < awake_.size(); ++i) {
      if (i + 1 < awake_.size()) prefetch(awake_[i + 1]);
      run_node(awake_[i], end);
    }
  }
}

void ClosedLoop::run_node(std::uint32_t number, Time end) {
  Node& node = nodes_[number];
  Time next = collect(number, end);
  for (const Event& input : inputs_) {
    if (sends_in_order(node)) send_in_order(number, input.at);
    now_ = input.at;
    handle(number, input);
  }
  if (sends_in_order(node)) send_in_order(number, end);
  for (const std::uint32_t link : links_from(number)) {
    send_until(link, end);
    next = std::min(next, ports_[link].armed);
  }
  if (!node.mail.empty()) next = std::min(next, node.mail.front().event.at);
  wake_at_[number] = never;
  if (next != never) wake(number, next);
}

// A node that sleeps has left the cache.
void ClosedLoop::prefetch(std::uint32_t node) const {
  __builtin_prefetch(&nodes_[node]);
  for (const std::uint32_t link : links_into(node)) __builtin_prefetch(&wires_[link]);
  for (const std::uint32_t link : links_from(node)) {
    __builtin_prefetch(&ports_[link]);
    __builtin_prefetch(&wires_[link]);
  }
}

// All that comes to the node before `end`, in order. When the first packet after it comes.
Time ClosedLoop::collect(std::uint32_t number, Time end) {
  inputs_.clear();
  const auto links = links_into(number);
  for (const std::uint32_t link : links) wires_[link].on_way.prefetch_front();
  for (const std::uint32_t link : links_from(number)) wires_[link].on_way.prefetch_back();
  const auto& mail = nodes_[number].mail;
  for (std::size_t i = 0; i < mail.size() && mail[i].event.at < end; ++i) inputs_.push_back(mail[i].event);
  const std::size_t letters = inputs_.size();
  Time next = never;
  for (const std::uint32_t link : links) {
    const auto& on_way = wires_[link].on_way;
    const std::size_t size = on_way.size();
    std::size_t i = 0;
    for (; i < size && on_way[i].at < end; ++i) {
      inputs_.push_back(event(on_way[i].at, Kind::arrival, link));
      ways_.prefetch(on_way[i].place + 1);
    }
    if (i < size) next = std::min(next, on_way[i].at);
  }
  if (inputs_.size() > letters) sort_inputs();
  return next;
}

// Times are spread evenly: into as many slots as there are inputs, then each a few places further.
void ClosedLoop::sort_inputs() {
  const std::size_t count = inputs_.size();
  if (count > 16) {
    std::int64_t first = inputs_[0].at.ps(), last = first;
    for (const Event& input : inputs_) {
      first = std::min(first, input.at.ps());
      last = std::max(last, input.at.ps());
    }
    const int bits = static_cast<int>(std::bit_width(static_cast<std::uint64_t>(last - first)));
    const int shift = std::max(0, bits - static_cast<int>(std::bit_width(count)));
    slots_.assign(static_cast<std::size_t>((last - first) >> shift) + 2, 0);
    const auto slot = [&](const Event& input) { return static_cast<std::size_t>((input.at.ps() - first) >> shift); };
    for (const Event& input : inputs_) ++slots_[slot(input) + 1];
    for (std::size_t i = 1; i < slots_.size(); ++i) slots_[i] += slots_[i - 1];
    unsorted_.swap(inputs_);
    inputs_.resize(count);
    for (const Event& input : unsorted_) inputs_[slots_[slot(input)]++] = input;
  }
  for (std::size_t i = 1; i < count; ++i) {
    const Event input = inputs_[i];
    std::size_t place = i;
    for (; place > 0 && input < inputs_[place - 1]; --place) inputs_[place] = inputs_[place - 1];
    inputs_[place] = input;
  }
}

void ClosedLoop::handle(std::uint32_t number, const Event& input) {
  const std::uint32_t entity = input.entity();
  if (input.kind() == Kind::arrival) return on_arrival(entity);
  const Mail mail = nodes_[number].mail.front();
  nodes_[number].mail.pop_front();
  if (input.kind() == Kind::pause) {
    send_until(entity, input.at);
    now_ = input.at;
    Port& port = ports_[entity];
    port.paused = (input.detail & 1) != 0;
    if (!port.paused) arm(entity, std::max(now_, port.free));
    return;
  }
  send_until(flows_[entity].first_link, input.at);
  now_ = input.at;
  if (input.kind() == Kind::start) return offer(entity);
  if (input.kind() == Kind::timeout) return on_timeout(entity, input.detail);
  on_acknowledgement(entity, mail);
}

void ClosedLoop::serve_when_armed(std::uint32_t link) {
  now_ = std::exchange(ports_[link].armed, never);
  serve(link);
}

// Of equal times the link of the lowest number first.
void ClosedLoop::send_in_order(std::uint32_t node, Time end) {
  const auto links = links_from(node);
  for (;;) {
    std::uint32_t first = none;
    for (const std::uint32_t link : links)
      if (ports_[link].armed < (first == none ? end : ports_[first].armed)) first = link;
    if (first == none) return;
    serve_when_armed(first);
  }
}

Time ClosedLoop::next_event() {
  const Time known = completions_.empty() ? never : completions_.top().at;
  if (wakes_.empty() && timers_.empty()) {
    if (known == never && unfinished_ > 0) explain_deadlock();
    return known;
  }
  return std::min(known, next_time() + window_);
}

std::span<const FlowId> ClosedLoop::advance_to(Time t) {
  finished_.clear();
  run_until(t);
  clock_ = t;
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
    if (held(link) && ports_[link].queue_bytes > 0) chain.push_back(link);
  std::string text = "stopped at " + std::to_string(clock_.in_seconds()) + " s: deadlock, packets wait for each other's buffers: ";
  while (!chain.empty()) {
    const std::uint32_t last = chain.back();
    std::uint32_t next = none;
    for (std::uint32_t link = 0; link < ports_.size() && next == none; ++link)
      if (fabric_.links[link].from == fabric_.links[last].to && held(link) && ports_[link].queue_bytes > 0) next = link;
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
