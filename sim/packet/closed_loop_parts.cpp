#include <algorithm>
#include <numeric>
#include "sim/packet/closed_loop_part.hpp"
#include "sim/parallel.hpp"

// Which nodes one thread simulates.
namespace sim {

ClosedLoop::~ClosedLoop() = default;

ClosedLoop::Part::Part(ClosedLoop& loop, std::uint32_t number)
    : loop_(loop), number_(number), log_(loop.spec_.log), outboxes_(static_cast<std::size_t>(std::max(loop.spec_.threads, 1))) {}

// Neighbours stay together: a node is next to the lowest one that is reached from it over ever lower ones, so a leaf is beside its first
// host.
void ClosedLoop::make_parts() {
  std::vector<std::uint32_t> beside(fabric_.nodes);
  order_.resize(fabric_.nodes);
  for (std::uint32_t node = 0; node < fabric_.nodes; ++node) {
    beside[node] = order_[node] = node;
    for (const std::uint32_t link : links_into(node))
      if (const std::uint32_t other = fabric_.links[link].from; other < node) beside[node] = std::min(beside[node], beside[other]);
    for (const std::uint32_t link : links_from(node))
      if (const std::uint32_t other = fabric_.links[link].to; other < node) beside[node] = std::min(beside[node], beside[other]);
  }
  std::sort(order_.begin(), order_.end(),
            [&](std::uint32_t a, std::uint32_t b) { return std::pair(beside[a], a) < std::pair(beside[b], b); });
  const auto parts = static_cast<std::uint32_t>(std::max(spec_.threads, 1));
  for (std::uint32_t i = 0; i < parts; ++i) parts_.push_back(std::make_unique<Part>(*this, i));
  if (spec_.log) spec_.log->set_parts(parts);
  if (parts > 1) workers_ = std::make_unique<Workers>(spec_.threads);
  part_by_node_.resize(fabric_.nodes);
  share_out(parts_in_use_ = parts);
}

// As many packets in each of so many parts as were sent so far, and one more for each link. Between windows.
void ClosedLoop::share_out(std::uint32_t parts) {
  std::int64_t all = 0, before = 0;
  for (const Port& port : ports_) all += port.packets + 1;
  for (const auto& part : parts_) part->wakes_ = {};
  for (const std::uint32_t node : order_) {
    part_by_node_[node] = static_cast<std::uint32_t>(before * parts / (all + 1));
    for (const std::uint32_t link : links_from(node)) before += ports_[link].packets + 1;
    if (wake_at_[node] != never) part_of(node).wakes_.push({wake_at_[node], node});
  }
  for (std::size_t i = 0; i < ports_.size(); ++i)
    ports_[i].crosses = part_by_node_[fabric_.links[i].from] != part_by_node_[fabric_.links[i].to];
  for (const auto& part : parts_) part->find_next();
}

}  // namespace sim
