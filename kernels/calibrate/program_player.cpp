#include "kernels/calibrate/program_player.hpp"
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <mutex>
#include <thread>
#include "kernels/calibrate/journal.hpp"  // to_json(Machine)
#include "kernels/calibrate/median.hpp"
#include "sim/error.hpp"

namespace kernels::calibrate {
namespace {

// Ends the process when nothing has moved for too long; its launcher ends the other ranks.
class Watchdog {
 public:
  Watchdog(double patience_seconds, std::function<std::string()> where)
      : where_(std::move(where)), thread_([this, patience_seconds] { watch(std::chrono::duration<double>(patience_seconds)); }) {}
  ~Watchdog() {
    {
      const std::lock_guard lock(mutex_);
      finished_ = true;
    }
    wake_.notify_one();
    thread_.join();
  }
  void moved() { moves_.fetch_add(1, std::memory_order_relaxed); }

 private:
  void watch(std::chrono::duration<double> patience) {
    std::unique_lock lock(mutex_);
    for (std::uint64_t before = moves_ - 1; before != moves_;) {
      before = moves_;
      if (wake_.wait_for(lock, patience, [&] { return finished_; })) return;
    }
    fmt::print(
        stderr,
        "weftsim-measure: nothing has moved for {:.0f} s: {}. Give the ranks cores of their own, or look for what stopped another one.\n",
        patience.count(), where_());
    std::fflush(nullptr);
    std::_Exit(4);
  }

  std::function<std::string()> where_;
  std::atomic<std::uint64_t> moves_ = 0;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool finished_ = false;
  std::thread thread_;
};

class Player {
 public:
  Player(const Program& program, OperationBackend& backend, double patience_seconds)
      : program_(program),
        backend_(backend),
        steps_(program.programs[static_cast<std::size_t>(backend.rank())]),
        watchdog_(patience_seconds, [this] { return where(); }) {
    for (const auto& operation : program_.operations) prepare(operation);
  }
  ~Player() {
    for (const Prepared prepared : prepared_) backend_.release(prepared);
  }
  Player(const Player&) = delete;
  Player& operator=(const Player&) = delete;

  ProgramResult play() {
    ProgramResult result;
    for (int i = 0; i < program_.warm_up; ++i) step();
    while (result.step_seconds.size() < static_cast<std::size_t>(program_.repeats)) {
      backend_.throttled();
      const double seconds = backend_.largest(step());
      const bool throttled = backend_.largest(backend_.throttled() ? 1 : 0) > 0;
      if (throttled && result.throttled < program_.repeats)
        ++result.throttled;
      else
        result.step_seconds.push_back(seconds);
    }
    double in_kernels = 0;
    const double seconds = step(&in_kernels);
    for (int rank = 0; rank < backend_.ranks(); ++rank) {
      const auto of_rank = [&](double value) { return backend_.largest(rank == backend_.rank() ? value : 0); };
      const double compute = of_rank(in_kernels);
      result.ranks.push_back({.compute = compute, .waiting = of_rank(seconds - in_kernels)});
    }
    return result;
  }

 private:
  void prepare(const Operation& operation) {
    const std::string why = backend_.obstacle(operation);
    if (backend_.largest(why.empty() ? 0 : 1) > 0)
      throw sim::InputError(
          fmt::format("{} cannot be run here: {} Leave it out.", describe(operation), why.empty() ? "another rank cannot." : why));
    prepared_.push_back(backend_.prepare(operation));
    watchdog_.moved();
  }

  bool takes_part(const Operation& operation) const {
    const auto who = participants(operation);
    return who.empty() || std::find(who.begin(), who.end(), backend_.rank()) != who.end();
  }

  // Seconds of one step at this rank; `in_kernels`: also those of its kernels.
  double step(double* in_kernels = nullptr) {
    std::vector<std::pair<Mark, Mark>> kernels;
    backend_.synchronize();
    backend_.meet();
    const Mark start = backend_.mark(Stream::compute);
    for (at_ = 0; at_ < steps_.size(); ++at_) {
      if (const auto* run = std::get_if<Run>(&steps_[at_])) {
        const Operation& operation = program_.operations[run->operation];
        if (!takes_part(operation)) continue;
        const bool timed = in_kernels && run->stream == Stream::compute && participants(operation).empty();
        const Mark first = timed ? backend_.mark(Stream::compute) : Mark{};
        backend_.enqueue(prepared_[run->operation], run->stream);
        if (timed) kernels.emplace_back(first, backend_.mark(Stream::compute));
      } else if (const auto* order = std::get_if<Order>(&steps_[at_])) {
        backend_.order(order->earlier, order->later);
      } else {
        backend_.synchronize();
      }
      watchdog_.moved();
    }
    backend_.order(Stream::communication, Stream::compute);
    const double seconds = backend_.seconds_between(start, backend_.mark(Stream::compute));
    for (const auto& [first, last] : kernels) *in_kernels += backend_.seconds_between(first, last);
    return seconds;
  }

  std::string where() const {
    const std::size_t at = at_;
    const auto* run = at < steps_.size() ? std::get_if<Run>(&steps_[at]) : nullptr;
    return fmt::format("rank {} is at step {} of {}{}", backend_.rank(), at, steps_.size(),
                       run ? ", " + describe(program_.operations[run->operation]) : "");
  }

  const Program& program_;
  OperationBackend& backend_;
  const std::vector<ProgramStep>& steps_;
  std::vector<Prepared> prepared_;
  std::atomic<std::size_t> at_ = 0;
  Watchdog watchdog_;
};

}  // namespace

ProgramResult play(const Program& program, OperationBackend& backend, double patience_seconds) {
  return Player(program, backend, patience_seconds).play();
}

std::string to_json(const ProgramResult& result, const Machine& machine) {
  const MedianInterval interval = median_interval(result.step_seconds);
  std::vector<std::string> ranks;
  for (const auto& rank : result.ranks) ranks.push_back(fmt::format(R"({{"compute":{},"waiting":{}}})", rank.compute, rank.waiting));
  return fmt::format(
      "{{\"schema\":\"weftsim-program-result/"
      "1\",\"machine\":{},\n\"step_seconds\":[{}],\n\"median\":{},\"low\":{},\"high\":{},\"throttled\":{},\n\"ranks\":[{}]}}\n",
      to_json(machine), fmt::join(result.step_seconds, ","), interval.median, interval.low, interval.high, result.throttled,
      fmt::join(ranks, ","));
}

}  // namespace kernels::calibrate
