#pragma once
#include <string>

namespace kernels::calibrate::cuda {

// Clocks and power of one GPU by the driver's NVML, loaded when the program runs; without it nothing is known.
class Nvml {
 public:
  explicit Nvml(const std::string& bus);  // "0000:17:00.0"
  ~Nvml();
  Nvml(const Nvml&) = delete;
  Nvml& operator=(const Nvml&) = delete;

  bool works() const { return device_ != nullptr; }
  std::string driver() const;
  unsigned most_clock_MHz() const;  // of the multiprocessors
  unsigned power_limit_mW() const;
  // By the driver's word: too hot, or slowed to half its clock or less by the hardware. A GPU at its power limit is not: so it trains.
  bool slowed() const;

 private:
  void* library_ = nullptr;
  void* device_ = nullptr;
};

}  // namespace kernels::calibrate::cuda
