#pragma once
#include <cstddef>
#include <vector>

namespace sim {

// First in, first out, in one block that doubles when it is full.
template <class T>
class RingBuffer {
 public:
  bool empty() const { return first_ == end_; }
  std::size_t size() const { return end_ - first_; }
  const T& front() const { return items_[first_ & mask_]; }
  T& front() { return items_[first_ & mask_]; }
  void pop_front() { ++first_; }
  void push_back(const T& item) {
    if (size() == items_.size()) grow();
    items_[end_++ & mask_] = item;
  }

 private:
  void grow() {
    std::vector<T> larger(items_.empty() ? 16 : 2 * items_.size());
    const std::size_t count = size();
    for (std::size_t i = 0; i < count; ++i) larger[i] = items_[(first_ + i) & mask_];
    items_.swap(larger);
    mask_ = items_.size() - 1;
    first_ = 0;
    end_ = count;
  }
  std::vector<T> items_;
  std::size_t mask_ = 0, first_ = 0, end_ = 0;
};

}  // namespace sim
