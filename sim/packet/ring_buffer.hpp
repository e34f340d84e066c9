#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

namespace sim {

// First in, first out, in one block that doubles when it is full.
template <class T>
class RingBuffer {
 public:
  bool empty() const { return first_ == end_; }
  std::size_t size() const { return end_ - first_; }
  const T& front() const { return items_[first_ & mask_]; }
  T& front() { return items_[first_ & mask_]; }
  const T& operator[](std::size_t i) const { return items_[(first_ + i) & mask_]; }  // from the front
  void pop_front() { ++first_; }
  void push_back(const T& item) {
    if (size() == capacity_) grow();
    items_[end_++ & mask_] = item;
  }
  template <class Visit>
  void for_each(Visit&& visit) {
    for (std::uint32_t i = first_; i != end_; ++i) visit(items_[i & mask_]);
  }
  void prefetch_front() const { prefetch<0>(first_); }
  void prefetch_back() const { prefetch<1>(end_); }
  // Behind all that are not after it: a few steps where items come nearly in order.
  void insert(const T& item) {
    push_back(item);
    std::uint32_t place = end_ - 1;
    for (; place != first_ && item < items_[(place - 1) & mask_]; --place) items_[place & mask_] = items_[(place - 1) & mask_];
    items_[place & mask_] = item;
  }

 private:
  template <int for_writing>
  void prefetch(std::uint32_t place) const {  // four lines
    if (capacity_ == 0) return;
    const char* item = reinterpret_cast<const char*>(&items_[place & mask_]);
    for (int line = 0; line < 4; ++line) __builtin_prefetch(item + 64 * line, for_writing);
  }
  void grow() {
    const std::uint32_t larger = capacity_ == 0 ? 16 : 2 * capacity_;
    auto items = std::make_unique_for_overwrite<T[]>(larger);
    const auto count = static_cast<std::uint32_t>(size());
    for (std::uint32_t i = 0; i < count; ++i) items[i] = items_[(first_ + i) & mask_];
    items_ = std::move(items);
    capacity_ = larger;
    mask_ = larger - 1;
    first_ = 0;
    end_ = count;
  }
  std::unique_ptr<T[]> items_;
  std::uint32_t capacity_ = 0, mask_ = 0, first_ = 0, end_ = 0;  // the last two only grow, modulo 2^32
};

}  // namespace sim
