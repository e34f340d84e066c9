#include "workloads/stopwatch.hpp"
#include <sys/resource.h>

namespace workloads {
namespace {

rusage usage() {
  rusage u{};
  getrusage(RUSAGE_SELF, &u);
  return u;
}

double cpu_seconds() {
  const auto seconds = [](const timeval& t) { return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec); };
  const rusage u = usage();
  return seconds(u.ru_utime) + seconds(u.ru_stime);
}

}  // namespace

Stopwatch::Stopwatch() : wall_start_(std::chrono::steady_clock::now()), cpu_start_(cpu_seconds()) {}
double Stopwatch::wall_s() const { return std::chrono::duration<double>(std::chrono::steady_clock::now() - wall_start_).count(); }
double Stopwatch::cpu_s() const { return cpu_seconds() - cpu_start_; }

std::uint64_t peak_rss_bytes() { return static_cast<std::uint64_t>(usage().ru_maxrss) * 1024; }

}  // namespace workloads
