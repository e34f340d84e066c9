#include "sim/parallel.hpp"
#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>
#include <exception>
#include <vector>

namespace sim {

void parallel_for(std::size_t count, int threads, const std::function<void(std::size_t)>& body) {
  std::vector<std::exception_ptr> failures(count);
  const auto guarded = [&](std::size_t i) {
    try {
      body(i);
    } catch (...) {
      failures[i] = std::current_exception();
    }
  };
  tbb::task_arena arena(threads > 0 ? threads : tbb::task_arena::automatic);
  arena.execute([&] { tbb::parallel_for(std::size_t{0}, count, guarded, tbb::simple_partitioner{}); });
  for (const auto& failure : failures)
    if (failure) std::rethrow_exception(failure);
}

}  // namespace sim
