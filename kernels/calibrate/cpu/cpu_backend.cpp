#include "kernels/calibrate/cpu/cpu_backend.hpp"
#include <fmt/format.h>
#include <algorithm>
#include <cmath>
#include <ctime>
#include <functional>
#include <unordered_map>
#include "kernels/calibrate/cpu/attention.hpp"
#include "kernels/calibrate/cpu/blas.hpp"
#include "kernels/calibrate/cpu/buffer.hpp"
#include "kernels/calibrate/cpu/host_kernels.hpp"
#include "kernels/calibrate/cpu/host_machine.hpp"
#include "kernels/calibrate/cpu/mpi_ranks.hpp"

namespace kernels::calibrate::cpu {
namespace {

constexpr double part_of_memory = 0.5;                   // of what is free, for the buffers of one operation at all ranks of a host
constexpr int marks_tried = 100;                         // until the core was not lost between reading both clocks
constexpr double lost_part = 0.02, lost_seconds = 2e-6;  // without a core: a sample that lost more of both is thrown away

double seconds_of(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

// Buffers that an operation takes, in elements each.
std::vector<double> buffer_sizes(const Operation& operation) {
  if (const auto* product = std::get_if<Product>(&operation)) {
    const double m = double(product->shape.m), n = double(product->shape.n), k = double(product->shape.k),
                 batch = double(product->shape.batch);
    return {batch * m * k, batch * k * n, batch * m * n};
  }
  if (const auto* attention = std::get_if<Attention>(&operation)) return attention_buffers(attention->shape, attention->direction);
  if (const auto* pass = std::get_if<MemoryPass>(&operation))
    return std::vector<double>(arrays_of(pass->kernel), std::ceil(pass->bytes / sizeof(float) / accesses_of(pass->kernel)));
  if (const auto* collective = std::get_if<Collective>(&operation))
    return {collective->bytes / sizeof(float) + 1, collective->bytes / sizeof(float) + 1};
  if (const auto* message = std::get_if<Message>(&operation)) return {message->bytes / sizeof(float) + 1};
  return {};
}

class CpuBackend final : public OperationBackend {
 public:
  CpuBackend() { use_one_thread(); }

  Machine machine() const override {
    Machine made = describe_host(ranks_.ranks_of_host());
    made.ranks = ranks_.ranks();
    made.hosts = ranks_.hosts();
    made.facts.emplace_back("mpi", ranks_.library());
    return made;
  }
  int rank() const override { return ranks_.rank(); }
  int ranks() const override { return ranks_.ranks(); }

  std::string obstacle(const Operation& operation) const override {
    const auto* product = std::get_if<Product>(&operation);
    const auto* attention = std::get_if<Attention>(&operation);
    if ((product && product->shape.precision != Precision::fp32) || (attention && attention->precision != Precision::fp32))
      return "OpenBLAS has products of fp32 only.";
    if (attention && attention->fused) return "no library here has fused attention.";
    if (std::holds_alternative<Copy>(operation)) return "a CPU has no memory of its own to copy to.";
    double bytes = 0;
    for (const double elements : buffer_sizes(operation)) bytes += elements * sizeof(float);
    const double share = part_of_memory * free_memory() / ranks_.ranks_of_host();
    if (bytes > share)
      return fmt::format("its {:.3g} GB do not fit into a rank's share of the free memory, {:.3g} GB.", bytes / 1e9, share / 1e9);
    return mpi_obstacle(operation);
  }

  Prepared prepare(const Operation& operation) override {
    Task task;
    for (const double elements : buffer_sizes(operation)) task.buffers.emplace_back(static_cast<std::size_t>(elements), ++seed_);
    fill_in(task, operation);
    const Prepared id = next_++;
    tasks_.emplace(id, std::move(task));
    enqueue(id, Stream::communication);
    complete();
    return id;
  }
  void release(Prepared id) override {
    complete();
    tasks_.erase(id);
  }

  void enqueue(Prepared id, Stream stream) override {
    const Task& task = tasks_.at(id);
    if (task.run) {
      if (stream == Stream::communication) complete();
      poll();
      task.run();
      return;
    }
    // Its buffers must not be in use; messages are never waited for here, where their partner may do the same.
    if (task.waits && std::any_of(in_flight_.begin(), in_flight_.end(), [&](Prepared other) { return other == id; })) complete();
    ++communications_;
    in_flight_.push_back(id);
    requests_.push_back(task.start());
    if (stream == Stream::compute) complete();
  }
  void order(Stream earlier, Stream) override {
    if (earlier == Stream::communication) complete();
  }
  Mark mark(Stream stream) override {
    if (stream == Stream::communication) complete();
    Moment& now = marks_[next_mark_];
    now.communications = communications_;
    int tries = 0;
    do {
      now.before = host_seconds();
      now.on_core = seconds_of(CLOCK_THREAD_CPUTIME_ID);
      now.after = host_seconds();
    } while (now.after - now.before > lost_seconds && ++tries < marks_tried);
    return next_mark_++;
  }
  // Kernels between both count the time that they had the core; communication all time, as it takes two.
  double seconds_between(Mark first, Mark last) override {
    const Moment begin = marks_.extract(first).mapped(), end = marks_.extract(last).mapped();
    const double lost = end.after - begin.after - (end.on_core - begin.on_core);
    const bool kernels = begin.communications == end.communications;
    return end.before - begin.after - (kernels && lost > lost_seconds ? lost : 0);
  }
  void synchronize() override { complete(); }
  void flush_cache() override {
    for (const auto& entry : tasks_)
      for (const auto& buffer : entry.second.buffers) flush_from_cache(buffer.data(), buffer.size());
  }

  // The clock of a core cannot be read without rights; that another process had the core can.
  bool throttled() override {
    const double wall = host_seconds(), on_core = seconds_of(CLOCK_THREAD_CPUTIME_ID);
    const double passed = wall - wall_before_, lost = passed - (on_core - on_core_before_);
    const bool kernels = communications_before_ == communications_;
    wall_before_ = wall;
    on_core_before_ = on_core;
    communications_before_ = communications_;
    return !kernels && lost > std::max(lost_part * passed, lost_seconds);
  }

  double apart() override { return ranks_.apart(); }
  void meet() override { ranks_.meet(); }
  double largest(double value) override { return ranks_.largest(value); }
  std::int64_t agree(std::int64_t value) override { return ranks_.agree(value); }

 private:
  struct Task {
    std::vector<Buffer> buffers;         // their data stay where they are when the task moves
    std::function<void()> run;           // a kernel
    std::function<MPI_Request()> start;  // or communication
    bool waits = false;                  // for its own former run
  };

  struct Moment {
    double before = 0, on_core = 0, after = 0;
    std::uint64_t communications = 0;
  };

  void fill_in(Task& task, const Operation& operation) {
    std::vector<float*> all;
    for (const auto& buffer : task.buffers) all.push_back(buffer.data());
    if (const auto* product = std::get_if<Product>(&operation)) {
      task.run = [shape = product->shape, a = all[0], b = all[1], d = all[2]] { multiply(shape, a, b, d); };
    } else if (const auto* attention = std::get_if<Attention>(&operation)) {
      task.run = [shape = attention->shape, direction = attention->direction, all] { run_attention(shape, direction, all); };
    } else if (const auto* pass = std::get_if<MemoryPass>(&operation)) {
      task.run = [kernel = pass->kernel, all, count = task.buffers[0].size()] { run_pass(kernel, all, count); };
    } else if (const auto* collective = std::get_if<Collective>(&operation)) {
      ranks_.communicator(collective->members);
      task.start = [this, call = *collective, from = all[0], to = all[1]] { return ranks_.start(call, from, to); };
      task.waits = true;
    } else if (const auto* message = std::get_if<Message>(&operation)) {
      task.start = [this, call = *message, buffer = all[0]] { return ranks_.start(call, buffer); };
    } else {
      task.run = [] {};
    }
  }

  // MPI moves on in its calls only, so each kernel gives it one, as programs without a thread for it do.
  void poll() {
    int done = 0;
    if (!requests_.empty()) MPI_Testall(static_cast<int>(requests_.size()), requests_.data(), &done, MPI_STATUSES_IGNORE);
    if (done) requests_.clear(), in_flight_.clear();
  }
  void complete() {
    if (!requests_.empty()) MPI_Waitall(static_cast<int>(requests_.size()), requests_.data(), MPI_STATUSES_IGNORE);
    requests_.clear(), in_flight_.clear();
  }

  MpiRanks ranks_;
  std::unordered_map<Prepared, Task> tasks_;
  Prepared next_ = 0;
  unsigned seed_ = 0;
  std::vector<Prepared> in_flight_;
  std::vector<MPI_Request> requests_;  // of those
  std::unordered_map<Mark, Moment> marks_;
  Mark next_mark_ = 0;
  std::uint64_t communications_ = 0;  // so far
  double wall_before_ = 0, on_core_before_ = 0;
  std::uint64_t communications_before_ = 0;
};

}  // namespace

std::unique_ptr<OperationBackend> make_cpu_backend() { return std::make_unique<CpuBackend>(); }

}  // namespace kernels::calibrate::cpu
