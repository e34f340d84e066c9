#pragma once
#include <chrono>
#include <cstdint>

namespace workloads {

// What the simulation itself costs, from its making: for summaries, never for results.
class Stopwatch {
 public:
  Stopwatch();
  double wall_s() const;
  double cpu_s() const;  // of the whole process: all threads

 private:
  std::chrono::steady_clock::time_point wall_start_;
  double cpu_start_;
};

std::uint64_t peak_rss_bytes();  // of the process so far

}  // namespace workloads
