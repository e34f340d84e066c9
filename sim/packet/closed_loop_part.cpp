#include "sim/packet/closed_loop_part.hpp"
#include <algorithm>
#include <bit>
#include <utility>

// What the nodes of a part do in a window.
namespace sim {

void ClosedLoop::Part::wake(std::uint32_t node, Time at) {
  if (wake_at_[node] <= at) return;
  wake_at_[node] = at;
  wakes_.push({at, node});
}

// A packet that is on its link reaches the other end after this window.
void ClosedLoop::Part::put_on(std::uint32_t link, const Packet& packet) {
  Wire& wire = wires_[link];
  const bool first = wire.on_way.empty();  // otherwise it will wake for an earlier one
  wire.on_way.push_back(packet);
  if (first) wake(wire.to, packet.at);
}

void ClosedLoop::Part::post(std::uint32_t node, const Mail& mail) {
  if (const std::uint32_t part = loop_.parts_in_use_ > 1 ? loop_.part_by_node_[node] : number_; part != number_) {
    outboxes_[part].letters.push_back({node, mail});
    return;
  }
  nodes_[node].mail.insert(mail);
  wake(node, mail.event.at);
}

void ClosedLoop::Part::run_window(Time end) {
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

// Credits that come back while their link waits for them wake it.
void ClosedLoop::Part::take_in() {
  for (const auto& from : loop_.parts_) {
    Outbox& box = from->outboxes_[number_];
    for (const Passing& passing : box.packets) put_on(passing.link, passing.packet);
    for (const Letter& letter : box.letters) post(letter.node, letter.mail);
    for (const Returned& returned : box.credits) {
      returned_[returned.link].push_back(returned.credit);
      if (!ports_[returned.link].waiting) continue;
      arm(returned.link, std::max(ports_[returned.link].free, returned_[returned.link].front().first));
      wake(fabric_.links[returned.link].from, ports_[returned.link].armed);
    }
    box.packets.clear();
    box.letters.clear();
    box.credits.clear();
  }
  find_next();
}

void ClosedLoop::Part::find_next() {
  while (!wakes_.empty() && wake_at_[wakes_.top().node] != wakes_.top().at) wakes_.pop();
  next_ = wakes_.next_time();
}

void ClosedLoop::Part::run_node(std::uint32_t number, Time end) {
  Node& node = nodes_[number];
  Time next = collect(number, end);
  for (const Event& input : inputs_) {
    if (sends_in_order(node)) send_in_order(number, input.at);
    now_ = input.at;
    handle(number, input);
  }
  if (sends_in_order(node)) send_in_order(number, end);
  for (const std::uint32_t link : loop_.links_from(number)) {
    send_until(link, end);
    next = std::min(next, ports_[link].armed);
  }
  if (!node.mail.empty()) next = std::min(next, node.mail.front().event.at);
  wake_at_[number] = never;
  if (next != never) wake(number, next);
}

// A node that sleeps has left the cache.
void ClosedLoop::Part::prefetch(std::uint32_t node) const {
  __builtin_prefetch(&nodes_[node]);
  for (const std::uint32_t link : loop_.links_into(node)) __builtin_prefetch(&wires_[link]);
  for (const std::uint32_t link : loop_.links_from(node)) {
    __builtin_prefetch(&ports_[link]);
    __builtin_prefetch(&wires_[link]);
  }
}

// All that comes to the node before `end`, in order. When the first packet after it comes.
Time ClosedLoop::Part::collect(std::uint32_t number, Time end) {
  inputs_.clear();
  const auto links = loop_.links_into(number);
  for (const std::uint32_t link : links) wires_[link].on_way.prefetch_front();
  for (const std::uint32_t link : loop_.links_from(number)) wires_[link].on_way.prefetch_back();
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
void ClosedLoop::Part::sort_inputs() {
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

void ClosedLoop::Part::handle(std::uint32_t number, const Event& input) {
  const std::uint32_t entity = input.entity();
  if (input.kind() == Kind::arrival) return on_arrival(entity);
  const Mail mail = nodes_[number].mail.front();
  nodes_[number].mail.pop_front();
  if (input.kind() == Kind::pause) {
    send_until(entity, input.at);
    now_ = input.at;
    Port& port = ports_[entity];
    port.paused = (input.detail & 1) != 0 && !port.down;
    note_pause(entity, port.paused);
    if (!port.paused) arm(entity, std::max(now_, port.free));
    return;
  }
  send_until(flows_[entity].first_link, input.at);
  now_ = input.at;
  if (input.kind() == Kind::start) return offer(entity);
  if (input.kind() == Kind::timeout) return on_timeout(entity, input.detail);
  on_acknowledgement(entity, mail);
}

void ClosedLoop::Part::serve_when_armed(std::uint32_t link) {
  now_ = std::exchange(ports_[link].armed, never);
  serve(link);
}

// Of equal times the link of the lowest number first.
void ClosedLoop::Part::send_in_order(std::uint32_t node, Time end) {
  const auto links = loop_.links_from(node);
  for (;;) {
    std::uint32_t first = none;
    for (const std::uint32_t link : links)
      if (ports_[link].armed < (first == none ? end : ports_[first].armed)) first = link;
    if (first == none) return;
    serve_when_armed(first);
  }
}

}  // namespace sim
