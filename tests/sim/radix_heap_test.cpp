#include "sim/radix_heap.hpp"
#include <gmock/gmock.h>
#include <queue>
#include "sim/event_queue.hpp"
#include "sim/random.hpp"

namespace {
using namespace sim;
using namespace sim::literals;

struct Event {
  Time at;
  std::uint32_t content = 0;
  auto operator<=>(const Event&) const = default;
};
using Heap = RadixHeap<Event, std::less<>>;

// Random pushes never before the last pop, steps from 0 ps to hours, many ties, and now and then
// something that empties the heap: pop for pop what std::priority_queue gives.
TEST(RadixHeap, agrees_with_a_binary_heap_on_random_monotone_sequences) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    const Random random(seed, 3);
    std::uint64_t draw = 0;
    Heap heap;
    std::priority_queue<Event, std::vector<Event>, std::greater<>> reference;
    Time now;
    for (int i = 0; i < 1'000; ++i) {
      for (std::uint64_t n = random.bits(0, draw++) % 4; n > 0; --n) {
        const std::uint64_t bits = random.bits(0, draw++);
        const Event event{now + Time::picoseconds(static_cast<std::int64_t>((bits >> 12) >> (bits % 53))),
                          static_cast<std::uint32_t>(bits >> 32) % 4};
        heap.push(event);
        reference.push(event);
      }
      ASSERT_EQ(heap.size(), reference.size());
      ASSERT_EQ(heap.next_time(), reference.empty() ? never : reference.top().at);
      for (std::uint64_t n = random.bits(0, draw++) % 5; n > 0 && !reference.empty(); --n) {
        ASSERT_EQ(heap.pop(), reference.top());
        now = reference.top().at;
        reference.pop();
      }
    }
  }
}

// Equal times come out by content, whatever the order in which they came in, before and after the first pop.
TEST(RadixHeap, ties_come_out_by_content) {
  Heap heap;
  for (const std::uint32_t content : {5u, 1u, 3u}) heap.push({7_ns, content});
  EXPECT_EQ(heap.pop().content, 1u);
  heap.push({7_ns, 4});
  heap.push({7_ns, 2});
  for (const std::uint32_t content : {2u, 3u, 4u, 5u}) EXPECT_EQ(heap.pop().content, content);
}

// Looking at the next time does not forbid an earlier event; one in the past is not lost either.
TEST(RadixHeap, earlier_event_after_a_look_comes_out_first) {
  Heap heap;
  heap.push({100_ns});
  EXPECT_EQ(heap.next_time(), 100_ns);
  heap.push({50_ns});
  EXPECT_EQ(heap.pop().at, 50_ns);
  heap.push({20_ns});
  EXPECT_EQ(heap.next_time(), 20_ns);
  EXPECT_EQ(heap.pop().at, 20_ns);
  EXPECT_EQ(heap.pop().at, 100_ns);
  EXPECT_EQ(heap.next_time(), never);
}

// "Never" can be waited for as well.
TEST(RadixHeap, holds_the_latest_time_there_is) {
  Heap heap;
  heap.push({never, 1});
  heap.push({1_ns, 2});
  EXPECT_EQ(heap.pop().content, 2u);
  EXPECT_EQ(heap.pop().content, 1u);
  EXPECT_TRUE(heap.empty());
}
}  // namespace
