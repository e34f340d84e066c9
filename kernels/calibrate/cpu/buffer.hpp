#pragma once
#include <cstdlib>
#include <memory>
#include <new>
#include "kernels/calibrate/cpu/host_kernels.hpp"

namespace kernels::calibrate::cpu {

// Random numbers, in memory of this core's: who writes first gets the page.
class Buffer {
 public:
  Buffer(std::size_t count, unsigned seed) : count_(count) {
    constexpr std::size_t page = 4096;
    data_.reset(static_cast<float*>(std::aligned_alloc(page, (count * sizeof(float) + page) / page * page)));
    if (!data_) throw std::bad_alloc();
    fill_with_random_numbers(data(), count, seed);
  }
  float* data() const { return data_.get(); }
  std::size_t size() const { return count_; }

 private:
  struct Free {
    void operator()(float* data) const { std::free(data); }
  };
  std::unique_ptr<float, Free> data_;
  std::size_t count_;
};

}  // namespace kernels::calibrate::cpu
