#pragma once
#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <functional>
#include <type_traits>
#include <utility>
#include <vector>
#include "sim/units.hpp"

namespace sim {

// Events by time; equal times by content: never by address, thread or order of arrival. `Event` is small (16 bytes run
// fastest), with a Time `at`, not negative, and a strict order that begins with `at`; what else belongs to it lies elsewhere.
//
// A radix heap on 64-bit picoseconds, for simulated time does not run backwards. Events up to `reached_` are the window, sorted,
// and those pushed after it was sorted, `late_`, a binary heap. A later event lies in the bucket named by the highest digit in
// which its time differs from `reached_`, and by its value there. An event moves to lower digits only: two or three cheap moves.
// An event before the last pop is not lost: it comes out next.
template <class Event>
class EventQueue {
 public:
  bool empty() const { return size_ == 0; }
  std::size_t size() const { return size_; }
  // Never, when empty. Looking does not commit: an event before next_time() may still be pushed.
  Time next_time() const {
    if (!window_.empty() || !late_.empty()) return next().at;
    if (earliest_filed_ == unknown) earliest_filed_ = earliest_of(buckets_[lowest_bucket()]);
    return earliest_filed_;
  }

  void push(const Event& event) {
    ++size_;
    const std::int64_t at = event.at.ps();
    if (at > reached_) {
      earliest_filed_ = std::min(earliest_filed_, event.at);
      file(event, highest_digit(at ^ reached_));
    } else {
      late_.push_back(event);
      std::push_heap(late_.begin(), late_.end(), std::greater<>{});
    }
  }

  // The event that comes next. Commits: what is pushed before its time still comes out in order, but more slowly.
  const Event& top() {
    if (window_.empty() && late_.empty()) refill();
    return next();
  }

  Event pop() {
    if (window_.empty() && late_.empty()) refill();
    const bool late = late_first();
    if (late) std::pop_heap(late_.begin(), late_.end(), std::greater<>{});
    std::vector<Event>& from = late ? late_ : window_;
    const Event event = from.back();
    from.pop_back();
    --size_;
    return event;
  }

 private:
  static_assert(std::is_trivially_copyable_v<Event>);
  static constexpr unsigned digit_bits = 6;  // the values of a digit are the bits of a word
  static constexpr unsigned values = 1u << digit_bits;
  static constexpr unsigned digits = 62 / digit_bits + 1;            // times are below 2^63
  static constexpr std::uint32_t block_size = 1024 / sizeof(Event);  // events; a bucket of one block is sorted as it is
  static constexpr std::uint32_t none = ~0u;
  static constexpr Time unknown = Time::picoseconds(-1);  // before every event: stays until someone asks

  struct Block {
    std::uint32_t next = none;  // the one filled before
    std::array<Event, block_size> events;
  };
  struct Bucket {
    std::uint32_t block = none;  // the one being filled
    std::uint32_t used = block_size;
  };

  static unsigned highest_digit(std::int64_t difference) {
    return (63 - static_cast<unsigned>(std::countl_zero(static_cast<std::uint64_t>(difference)))) / digit_bits;
  }
  unsigned lowest_bucket() const {
    const auto digit = static_cast<unsigned>(std::countr_zero(digits_in_use_));
    return digit * values + static_cast<unsigned>(std::countr_zero(values_in_use_[digit]));
  }
  bool late_first() const { return window_.empty() || (!late_.empty() && late_.front() < window_.back()); }
  const Event& next() const { return late_first() ? late_.front() : window_.back(); }

  template <class Visit>
  void for_each(const Bucket& bucket, Visit&& visit) const {
    std::uint32_t used = bucket.used;
    for (std::uint32_t block = bucket.block; block != none; block = blocks_[block].next, used = block_size)
      for (std::uint32_t i = 0; i < used; ++i) visit(blocks_[block].events[i]);
  }
  Time earliest_of(const Bucket& bucket) const {
    Time earliest = never;
    for_each(bucket, [&](const Event& event) { earliest = std::min(earliest, event.at); });
    return earliest;
  }
  std::int64_t difference_within(const Bucket& bucket) const {  // the bits of time that are not the same in all events
    const std::int64_t first = blocks_[bucket.block].events[0].at.ps();
    std::int64_t difference = 0;
    for_each(bucket, [&](const Event& event) { difference |= event.at.ps() ^ first; });
    return difference;
  }

  void file(const Event& event, unsigned digit) {
    const unsigned value = static_cast<unsigned>(event.at.ps() >> (digit * digit_bits)) % values;
    digits_in_use_ |= 1u << digit;
    values_in_use_[digit] |= std::uint64_t{1} << value;
    Bucket& bucket = buckets_[digit * values + value];
    if (bucket.used == block_size) bucket = {new_block(bucket.block), 0};
    blocks_[bucket.block].events[bucket.used++] = event;
  }
  std::uint32_t new_block(std::uint32_t next) {
    if (free_ == none) {
      free_ = static_cast<std::uint32_t>(blocks_.size());
      blocks_.emplace_back();
    }
    return std::exchange(free_, std::exchange(blocks_[free_].next, next));
  }
  void free_blocks(std::uint32_t block) {
    while (block != none) free_ = std::exchange(block, std::exchange(blocks_[block].next, free_));
  }

  // Spreads the lowest bucket over lower digits until its first part is one block or one instant: the next window.
  void refill() {
    for (bool found = false; !found;) {
      const unsigned lowest = lowest_bucket(), digit = lowest / values;
      const Bucket bucket = std::exchange(buckets_[lowest], {});
      values_in_use_[digit] &= values_in_use_[digit] - 1;
      if (values_in_use_[digit] == 0) digits_in_use_ &= digits_in_use_ - 1;
      const Block& block = blocks_[bucket.block];
      const bool few = block.next == none;
      const std::int64_t difference = few ? (std::int64_t{1} << (digit * digit_bits)) - 1 : difference_within(bucket);
      found = few || difference == 0;
      if (found) {
        reached_ = block.events[0].at.ps() | difference;  // the last instant of the bucket
        for_each(bucket, [&](const Event& event) { window_.push_back(event); });
      } else {
        for_each(bucket, [&, lower = highest_digit(difference)](Event event) { file(event, lower); });
      }
      free_blocks(bucket.block);
    }
    earliest_filed_ = digits_in_use_ ? unknown : never;
    sort_window();
  }

  // Mostly few events: straight insertion, for them a quarter faster than std::sort.
  void sort_window() {
    if (window_.size() > block_size) return std::sort(window_.begin(), window_.end(), std::greater<>{});
    for (auto unsorted = window_.begin(); unsorted != window_.end(); ++unsorted) {
      const Event event = *unsorted;
      auto place = unsorted;
      for (; place != window_.begin() && *(place - 1) < event; --place) *place = *(place - 1);
      *place = event;
    }
  }

  std::vector<Event> window_, late_;  // the window comes out from the back
  std::array<Bucket, digits * values> buckets_;
  std::array<std::uint64_t, digits> values_in_use_{};  // bit v: some event has value v there
  std::uint32_t digits_in_use_ = 0;
  std::uint32_t free_ = none;  // blocks to use again
  std::vector<Block> blocks_;
  std::int64_t reached_ = 0;
  mutable Time earliest_filed_ = never;  // in the buckets
  std::size_t size_ = 0;
};

}  // namespace sim
