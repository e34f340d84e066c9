#include "sim/parallel.hpp"
#include <tbb/info.h>
#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>
#include <algorithm>
#include <exception>
#include <vector>

#if defined(__SANITIZE_THREAD__)
#include <sanitizer/tsan_interface.h>
#endif

namespace sim {
namespace {
// oneTBB as packaged is not instrumented: tell the thread sanitizer what its start and its end of a loop order.
void hand_over([[maybe_unused]] void* loop) {
#if defined(__SANITIZE_THREAD__)
  __tsan_release(loop);
#endif
}
void take_over([[maybe_unused]] void* loop) {
#if defined(__SANITIZE_THREAD__)
  __tsan_acquire(loop);
#endif
}
}  // namespace

struct Workers::Arena {
  tbb::task_arena arena;
};

Workers::Workers(int threads) {
  const int cores = tbb::info::default_concurrency();  // oneTBB gives no more, and would complain
  arena_ = std::make_unique<Arena>(tbb::task_arena(threads > 0 ? std::min(threads, cores) : cores));
}
Workers::~Workers() = default;

void parallel_for(std::size_t count, int threads, const std::function<void(std::size_t)>& body) { Workers(threads).for_each(count, body); }

void Workers::for_each(std::size_t count, const std::function<void(std::size_t)>& body) {
  std::vector<std::exception_ptr> failures(count);
  const auto guarded = [&](std::size_t i) {
    take_over(&failures);
    try {
      body(i);
    } catch (...) {
      failures[i] = std::current_exception();
    }
    hand_over(&failures);
  };
  hand_over(&failures);
  arena_->arena.execute([&] { tbb::parallel_for(std::size_t{0}, count, guarded, tbb::simple_partitioner{}); });
  take_over(&failures);
  for (const auto& failure : failures)
    if (failure) std::rethrow_exception(failure);
}

}  // namespace sim
