#pragma once
#include <cstddef>
#include <functional>
#include <memory>

namespace sim {

// The one door to oneTBB. Runs body(0) … body(count-1) on up to `threads` threads (0: as many as
// the machine gives). Each body writes to its own slot, so the result does not depend on the
// number of threads. The first exception (by index of those thrown) reaches the caller.
void parallel_for(std::size_t count, int threads, const std::function<void(std::size_t)>& body);

// The same for many short loops one after the other: the threads stay at hand in between.
class Workers {
 public:
  explicit Workers(int threads);
  ~Workers();
  void for_each(std::size_t count, const std::function<void(std::size_t)>& body);

 private:
  struct Arena;
  std::unique_ptr<Arena> arena_;
};

}  // namespace sim
