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
// not run backwards): a radix heap on 64-bit picoseconds. `last_` is a time that pops have about reached.
// An event lies in the bucket named by the highest digit in which its time differs from `last_`, and by its value there;
// `now_` holds those up to `last_`, as a binary heap. Events move to lower digits only: two to four cheap moves.
// `Event` has a Time `at`, not negative; `Before` is a strict order by time first, then by content: equal
// times come out in that order, whatever the order in which they were pushed.
// An event earlier than the last pop is not lost: it comes out next.
template <class Event, class Before>
class RadixHeap {
 public:
  bool empty() const { return size_ == 0; }
  std::size_t size() const { return size_; }
  // Looking does not commit: an event before next_time() may still be pushed.
  Time next_time() const {
    if (!now_.empty()) return now_.front().at;
    return digits_in_use_ ? earliest_[lowest()] : never;
  }

  void push(Event event) {
    ++size_;
    place(std::move(event));
  }

  // The event that comes next. Commits: what is pushed before its time still comes out in order, but more slowly.
  const Event& top() {
    if (now_.empty()) refill();
    return now_.front();
  }

  Event pop() {
    if (now_.empty()) refill();
    if (now_.size() > 1) std::pop_heap(now_.begin(), now_.end(), after);
    Event event = std::move(now_.back());
    now_.pop_back();
    --size_;
    return event;
  }

 private:
  static constexpr unsigned digit_bits = 5;
  static constexpr unsigned values = 1u << digit_bits;
  static constexpr unsigned digits = 63 / digit_bits + 1;  // times are below 2^63
  static constexpr std::size_t few_events = 16;            // so few go to `now_` as they are

  static bool after(const Event& a, const Event& b) { return Before{}(b, a); }
  static std::array<Time, digits * values> all_never() {
    std::array<Time, digits * values> times;
    times.fill(never);
    return times;
  }
  unsigned lowest() const {
    const auto digit = static_cast<unsigned>(std::countr_zero(digits_in_use_));
    return digit * values + static_cast<unsigned>(std::countr_zero(values_in_use_[digit]));
  }

  void place(Event event) {
    const std::int64_t at = event.at.ps();
    if (at <= last_) {
      now_.push_back(std::move(event));
      if (now_.size() > 1) std::push_heap(now_.begin(), now_.end(), after);
      return;
    }
    const unsigned digit = (63 - static_cast<unsigned>(std::countl_zero(static_cast<std::uint64_t>(at ^ last_)))) / digit_bits;
    const unsigned value = static_cast<unsigned>(at >> (digit * digit_bits)) % values;
    const unsigned bucket = digit * values + value;
    digits_in_use_ |= 1u << digit;
    values_in_use_[digit] |= 1u << value;
    earliest_[bucket] = std::min(earliest_[bucket], event.at);
    buckets_[bucket].push_back(std::move(event));
  }

  // The earliest bucket is spread over lower digits, its earliest events into `now_`; or, if it is small, becomes `now_`.
  void refill() {
    const unsigned bucket = lowest(), digit = bucket / values;
    const bool few = buckets_[bucket].size() <= few_events;
    last_ = earliest_[bucket].ps();
    if (few) last_ |= (std::int64_t{1} << (digit * digit_bits)) - 1;  // the end of the bucket
    earliest_[bucket] = never;
    values_in_use_[digit] &= ~(1u << bucket % values);
    if (values_in_use_[digit] == 0) digits_in_use_ &= ~(1u << digit);
    std::swap(few ? now_ : moving_, buckets_[bucket]);
    if (few) return std::make_heap(now_.begin(), now_.end(), after);
    for (Event& event : moving_) place(std::move(event));
    moving_.clear();
    std::swap(moving_, buckets_[bucket]);
  }

  std::vector<Event> now_;
  std::array<std::vector<Event>, digits * values> buckets_;
  std::array<Time, digits* values> earliest_ = all_never();
  std::array<std::uint32_t, digits> values_in_use_{};  // bit v: some event has value v there
  std::uint32_t digits_in_use_ = 0;
  std::int64_t last_ = 0;
  std::size_t size_ = 0;
  std::vector<Event> moving_;
};

}  // namespace sim
