#pragma once
#include <cstdint>
#include <tuple>
#include <utility>
#include "sim/radix_heap.hpp"
#include "sim/units.hpp"

namespace sim {

// Events in time order. Ties at one instant are broken by content, first the kind, then the entity,
// then the order in which that entity posted: never by address, thread or order of arrival.
template <class Payload>
class EventQueue {
 public:
  struct Event {
    Time at;
    std::uint32_t kind = 0;
    std::uint32_t entity = 0;
    std::uint64_t sequence = 0;
    Payload payload;
  };

  void push(Time at, std::uint32_t kind, std::uint32_t entity, std::uint64_t sequence, Payload payload) {
    events_.push({at, kind, entity, sequence, std::move(payload)});
  }
  bool empty() const { return events_.empty(); }
  std::size_t size() const { return events_.size(); }
  Time next_time() const { return events_.next_time(); }
  Event pop() { return events_.pop(); }

 private:
  struct Before {
    bool operator()(const Event& a, const Event& b) const {
      return std::tie(a.at, a.kind, a.entity, a.sequence) < std::tie(b.at, b.kind, b.entity, b.sequence);
    }
  };
  RadixHeap<Event, Before> events_;
};

}  // namespace sim
