#include "sim/event_queue.hpp"
#include <fmt/format.h>
#include <queue>
#include "sim/random.hpp"
#include "tests/bench/report.hpp"

namespace bench {
namespace {
using namespace sim;

struct Event {
  Time at;
  std::uint64_t content;
  auto operator<=>(const Event&) const = default;
};

struct BinaryHeap {
  void push(const Event& event) { heap.push(event); }
  Event pop() {
    const Event event = heap.top();
    heap.pop();
    return event;
  }
  std::priority_queue<Event, std::vector<Event>, std::greater<>> heap;
};

// Hold model: n events are pending; take out the earliest, put it in again up to 1 ms later.
template <class Queue>
double million_holds_per_second(std::uint32_t pending) {
  constexpr std::uint32_t holds = 2'000'000;
  const Random random(1, 1);
  std::vector<Time> steps;  // drawn beforehand
  for (std::uint64_t i = 0; i < 1 << 16; ++i) steps.push_back(Time::picoseconds(static_cast<std::int64_t>(random.uniform(0, i) * 1e9)));
  std::size_t draw = 0;
  const auto step = [&] { return steps[draw++ & 0xffff]; };
  Queue queue;
  for (std::uint32_t i = 0; i < pending; ++i) queue.push(Event{step(), i});
  const auto hold = [&](std::uint32_t times) {
    for (std::uint32_t i = 0; i < times; ++i) {
      const Event event = queue.pop();
      queue.push(Event{event.at + step(), event.content});
    }
  };
  hold(2 * pending);  // until it is as it stays
  return holds / cpu_seconds([&] { hold(holds); }) / 1e6;
}
}  // namespace

void event_queue(Report& report) {
  for (const std::uint32_t pending : {1'000u, 10'000u, 100'000u, 1'000'000u}) {
    const std::string size = fmt::format("1e{} pending", fmt::formatted_size("{}", pending) - 1);
    if (report.wants("event queue"))
      report.add({"event queue: take one, put one", size, million_holds_per_second<EventQueue<Event>>(pending), "M/s"});
    if (report.wants("std::priority_queue"))
      report.add({"  std::priority_queue on the same", size, million_holds_per_second<BinaryHeap>(pending), "M/s"});
  }
}

}  // namespace bench
