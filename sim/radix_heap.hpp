#pragma once
#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <utility>
#include <vector>
#include "sim/units.hpp"

namespace sim {

// A priority queue for events that are never earlier than the last one taken out (simulated time does
// not run backwards): a radix heap on 64-bit picoseconds. Bucket b > 0 holds the events whose time differs from
// that of the last pop in bit b-1 and in none above; bucket 0 holds those of that very instant,
// as a binary heap by content. An event only ever moves to lower buckets: at most 64 cheap moves, 2 to 4 in practice.
// `Event` has a Time `at`, not negative; `Before` is a strict order by time first, then by content: equal
// times come out in that order, whatever the order in which they were pushed.
// An event earlier than the last pop is not lost: it comes out next.
template <class Event, class Before>
class RadixHeap {
 public:
  bool empty() const { return size_ == 0; }
  std::size_t size() const { return size_; }
  // Looking does not commit: an event before next_time() may still be pushed.
  Time next_time() const { return buckets_[0].empty() ? earliest_[lowest()] : buckets_[0].front().at; }

  // The event that comes next. Commits: what is pushed at an earlier time comes out before later ones, but slowly.
  const Event& top() {
    if (buckets_[0].empty()) refill();
    return buckets_[0].front();
  }

  void push(Event event) {
    ++size_;
    place(std::move(event));
  }

  Event pop() {
    if (buckets_[0].empty()) refill();
    auto& now = buckets_[0];
    if (now.size() > 1) std::pop_heap(now.begin(), now.end(), after);
    Event event = std::move(now.back());
    now.pop_back();
    --size_;
    return event;
  }

 private:
  static constexpr int bucket_count = 64;  // times are below 2^63
  static bool after(const Event& a, const Event& b) { return Before{}(b, a); }
  static std::array<Time, bucket_count> all_never() {
    std::array<Time, bucket_count> times;
    times.fill(never);
    return times;
  }
  int lowest() const { return occupied_ ? std::countr_zero(occupied_) : bucket_count - 1; }

  void place(Event event) {
    const std::int64_t at = event.at.ps();
    if (at <= last_) {
      buckets_[0].push_back(std::move(event));
      if (buckets_[0].size() > 1) std::push_heap(buckets_[0].begin(), buckets_[0].end(), after);
      return;
    }
    const int b = static_cast<int>(std::bit_width(static_cast<std::uint64_t>(at ^ last_)));
    earliest_[b] = std::min(earliest_[b], event.at);
    occupied_ |= std::uint64_t{1} << b;
    buckets_[b].push_back(std::move(event));
  }

  // The lowest occupied bucket is spread over those below it; its earliest events land in bucket 0.
  void refill() {
    const int b = lowest();
    last_ = earliest_[b].ps();
    earliest_[b] = never;
    occupied_ &= ~(std::uint64_t{1} << b);
    if (buckets_[b].size() == 1) {
      std::swap(buckets_[b], buckets_[0]);
      return;
    }
    std::swap(moving_, buckets_[b]);
    for (Event& event : moving_) place(std::move(event));
    moving_.clear();
    std::swap(moving_, buckets_[b]);
  }

  std::array<std::vector<Event>, bucket_count> buckets_;
  std::array<Time, bucket_count> earliest_ = all_never();
  std::uint64_t occupied_ = 0;  // bit b: bucket b > 0 is not empty
  std::int64_t last_ = 0;
  std::size_t size_ = 0;
  std::vector<Event> moving_;
};

}  // namespace sim
