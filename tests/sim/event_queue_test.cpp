#include "sim/event_queue.hpp"
#include <gmock/gmock.h>
#include <queue>
#include "sim/random.hpp"

namespace {
using namespace sim;
using namespace sim::literals;

struct Event {
  Time at;
  std::uint32_t content = 0;
  auto operator<=>(const Event&) const = default;
};

class RandomDraws {
 public:
  explicit RandomDraws(std::uint64_t seed) : random_(seed, 3) {}
  std::uint64_t bits() { return random_.bits(0, next_++); }
  std::uint64_t below(std::uint64_t n) { return bits() % n; }
  Time step() {  // 0 ps to hours, of any order of magnitude
    const std::uint64_t b = bits();
    return Time::picoseconds(static_cast<std::int64_t>((b >> 12) >> (b % 53)));
  }

 private:
  Random random_;
  std::uint64_t next_ = 0;
};

// Random pushes at the present instant and after it, by ones and by bursts, spread, at one instant or at the end of time, and
// now and then something that empties the queue: pop for pop what std::priority_queue gives. Looking or not makes no difference.
TEST(EventQueue, agrees_with_a_binary_heap_on_random_sequences) {
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    RandomDraws draw(seed);
    EventQueue<Event> queue;
    std::priority_queue<Event, std::vector<Event>, std::greater<>> reference;
    const std::uint64_t burst = seed % 4 ? 4 : 500;
    Time now;
    for (int i = 0; i < 500; ++i) {
      const bool together = draw.below(8) == 0;
      const Time step = draw.step();
      for (std::uint64_t n = draw.below(burst); n > 0; --n) {
        const Time at = draw.below(100) == 0 ? never : now + (together ? step : draw.step());
        const Event event{at, static_cast<std::uint32_t>(draw.below(4))};
        queue.push(event);
        reference.push(event);
      }
      ASSERT_EQ(queue.size(), reference.size());
      if (draw.below(2)) {
        ASSERT_EQ(queue.next_time(), reference.empty() ? never : reference.top().at);
      }
      for (std::uint64_t n = draw.below(burst + 1); n > 0 && !reference.empty(); --n) {
        if (draw.below(2)) {
          ASSERT_EQ(queue.top(), reference.top());
        }
        ASSERT_EQ(queue.pop(), reference.top());
        if (reference.top().at != never) now = reference.top().at;
        reference.pop();
      }
    }
  }
}

// The hold model of 100,000 events fills many blocks of a bucket, and spreads them again.
TEST(EventQueue, agrees_with_a_binary_heap_on_many_events) {
  RandomDraws draw(1);
  EventQueue<Event> queue;
  std::priority_queue<Event, std::vector<Event>, std::greater<>> reference;
  for (std::uint32_t i = 0; i < 500'000; ++i) {
    const Time now = reference.empty() ? Time{} : reference.top().at;
    if (i >= 100'000) {
      ASSERT_EQ(queue.pop(), reference.top());
      reference.pop();
    }
    const Event event{now + Time::picoseconds(static_cast<std::int64_t>(draw.below(1'000'000'000))), i};
    queue.push(event);
    reference.push(event);
  }
  for (; !reference.empty(); reference.pop()) ASSERT_EQ(queue.pop(), reference.top());
  EXPECT_TRUE(queue.empty());
}

// Equal times come out by content, whatever the order in which they came in, before and after the first pop.
TEST(EventQueue, ties_come_out_by_content) {
  EventQueue<Event> queue;
  for (const std::uint32_t content : {5u, 1u, 3u}) queue.push({7_ns, content});
  EXPECT_EQ(queue.pop().content, 1u);
  queue.push({7_ns, 4});
  queue.push({7_ns, 2});
  for (const std::uint32_t content : {2u, 3u, 4u, 5u}) EXPECT_EQ(queue.pop().content, content);
}

// Looking at the next time does not forbid an earlier event; one in the past is not lost either.
TEST(EventQueue, earlier_event_after_a_look_comes_out_first) {
  EventQueue<Event> queue;
  queue.push({100_ns});
  EXPECT_EQ(queue.next_time(), 100_ns);
  queue.push({50_ns});
  EXPECT_EQ(queue.next_time(), 50_ns);
  EXPECT_EQ(queue.pop().at, 50_ns);
  queue.push({20_ns});
  EXPECT_EQ(queue.next_time(), 20_ns);
  EXPECT_EQ(queue.pop().at, 20_ns);
  EXPECT_EQ(queue.pop().at, 100_ns);
  EXPECT_EQ(queue.next_time(), never);
}

// "Never" can be waited for as well.
TEST(EventQueue, holds_the_latest_time_there_is) {
  EventQueue<Event> queue;
  queue.push({never, 1});
  queue.push({1_ns, 2});
  EXPECT_EQ(queue.pop().content, 2u);
  EXPECT_EQ(queue.pop().content, 1u);
  EXPECT_TRUE(queue.empty());
}
}  // namespace
