// A device with a scripted clock: each operation takes what the test says, and nothing else takes time.
// Several ranks are threads of one test.
#pragma once
#include <algorithm>
#include <barrier>
#include <functional>
#include <map>
#include <thread>
#include <vector>
#include "kernels/calibrate/operation_backend.hpp"

namespace weftsim::test {

using namespace kernels::calibrate;

struct Script {
  // Seconds of the n-th run of an operation at a rank.
  std::function<double(const Operation& operation, int rank, int run)> seconds = [](const Operation&, int, int) { return 1e-3; };
  std::function<bool(int rank, int sample)> throttled = [](int, int) { return false; };
  std::function<std::string(const Operation& operation, int rank)> obstacle = [](const Operation&, int) { return std::string(); };
  std::function<double(int call)> apart = [](int) { return 0.0; };
  double flush_seconds = 1e-4;
  Machine machine{.device = "a clock", .platform = "fake"};
};

class FakeRanks {
 public:
  FakeRanks(int ranks, Script script)
      : ranks_(ranks), script_(std::move(script)), all_here_(ranks), values_(static_cast<std::size_t>(ranks)) {
    script_.machine.ranks = ranks;
  }
  // Calls each(backend) at every rank; what rank 0 returns.
  template <class Each>
  auto run(Each each);

 private:
  friend class FakeBackend;
  int ranks_;
  Script script_;
  std::barrier<> all_here_;
  std::int64_t agreed_ = 0;
  std::vector<double> values_;
};

class FakeBackend final : public OperationBackend {
 public:
  FakeBackend(FakeRanks& all, int rank) : all_(all), rank_(rank) {}

  Machine machine() const override { return all_.script_.machine; }
  int rank() const override { return rank_; }
  int ranks() const override { return all_.ranks_; }
  std::string obstacle(const Operation& operation) const override { return all_.script_.obstacle(operation, rank_); }
  Prepared prepare(const Operation& operation) override {
    operations_[next_] = operation;
    return next_++;
  }
  void release(Prepared operation) override { operations_.erase(operation); }
  void enqueue(Prepared prepared, Stream stream) override {
    const Operation& operation = operations_.at(prepared);
    log.push_back(to_json(operation));
    at(stream) += all_.script_.seconds(operation, rank_, runs_++);
  }
  void order(Stream earlier, Stream later) override { at(later) = std::max(at(later), at(earlier)); }
  Mark mark(Stream stream) override {
    marks_.push_back(at(stream));
    return static_cast<Mark>(marks_.size() - 1);
  }
  double seconds_between(Mark first, Mark last) override { return marks_.at(last) - marks_.at(first); }
  void synchronize() override { at(Stream::compute) = at(Stream::communication) = host_seconds(); }
  void flush_cache() override { at(Stream::compute) += all_.script_.flush_seconds; }
  bool throttled() override { return all_.script_.throttled(rank_, asked_++ / 2); }  // once before a sample, once after it
  double apart() override { return all_.script_.apart(asked_apart_++); }
  double host_seconds() override { return std::max(at(Stream::compute), at(Stream::communication)); }

  void meet() override {
    const double latest = largest(host_seconds());
    at(Stream::compute) = at(Stream::communication) = latest;
  }
  double largest(double value) override {
    all_.values_[static_cast<std::size_t>(rank_)] = value;
    all_.all_here_.arrive_and_wait();
    const double most = *std::max_element(all_.values_.begin(), all_.values_.end());
    all_.all_here_.arrive_and_wait();
    return most;
  }
  std::int64_t agree(std::int64_t value) override {
    if (rank_ == 0) all_.agreed_ = value;
    all_.all_here_.arrive_and_wait();
    const std::int64_t agreed = all_.agreed_;
    all_.all_here_.arrive_and_wait();
    return agreed;
  }

  std::vector<std::string> log;  // what ran

 private:
  double& at(Stream stream) { return clocks_[static_cast<std::size_t>(stream)]; }

  FakeRanks& all_;
  int rank_;
  std::map<Prepared, Operation> operations_;
  Prepared next_ = 0;
  std::vector<double> marks_;
  double clocks_[2] = {};
  int runs_ = 0, asked_ = 0, asked_apart_ = 0;
};

template <class Each>
auto FakeRanks::run(Each each) {
  std::vector<std::thread> others;
  for (int rank = 1; rank < ranks_; ++rank) {
    others.emplace_back([&, rank] {
      FakeBackend backend(*this, rank);
      each(backend);
    });
  }
  FakeBackend backend(*this, 0);
  auto result = each(backend);
  for (auto& other : others) other.join();
  return result;
}

// Deterministic noise: the n-th of a sequence, uniform in -1 to 1.
inline double noise(int n) {
  std::uint64_t x = static_cast<std::uint64_t>(n) + 0x9E3779B97F4A7C15u;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
  return static_cast<double>((x ^ (x >> 31)) >> 11) * 0x1p-52 - 1;
}

}  // namespace weftsim::test
