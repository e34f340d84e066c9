#include "workloads/studies/memory_gate.hpp"
#include <algorithm>
#include <fstream>
#include <limits>
#include <string>
#include "workloads/stopwatch.hpp"

namespace workloads {
namespace {

constexpr std::uint64_t unknown = std::numeric_limits<std::uint64_t>::max();

// The number of a file that holds one; "max" and a missing file are unknown.
std::uint64_t number_in(const char* path) {
  std::uint64_t value = 0;
  return std::ifstream(path) >> value ? value : unknown;
}

std::uint64_t of_the_machine() {
  std::ifstream file("/proc/meminfo");
  for (std::string word; file >> word;)
    if (std::uint64_t kib = 0; word == "MemAvailable:" && file >> kib) return kib << 10;
  return unknown;
}

std::uint64_t of_the_container(const char* limit, const char* used) {
  const std::uint64_t most = number_in(limit), now = number_in(used);
  return most == unknown || now == unknown ? unknown : most - std::min(now, most);
}

}  // namespace

std::uint64_t available_memory_bytes() {
  return std::min({of_the_machine(), of_the_container("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
                   of_the_container("/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.usage_in_bytes")});
}

void MemoryGate::enter() {
  std::unique_lock lock(access_);
  left_.wait(lock, [&] { return inside_ == 0 || available_memory_bytes() >= peak_rss_bytes(); });
  ++inside_;
}

void MemoryGate::leave() {
  const std::lock_guard lock(access_);
  --inside_;
  left_.notify_all();
}

}  // namespace workloads
