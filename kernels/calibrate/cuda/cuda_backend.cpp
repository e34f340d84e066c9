#include "kernels/calibrate/cuda/cuda_backend.hpp"
#include <fmt/format.h>
#include <unistd.h>
#include <array>
#include <cstdlib>
#include <optional>
#include <unordered_map>
#include "kernels/calibrate/cuda/lt_product.hpp"
#include "kernels/calibrate/cuda/nccl_ranks.hpp"
#include "kernels/calibrate/cuda/nvml.hpp"
#include "kernels/calibrate/cuda/tasks.hpp"
#include "sim/error.hpp"

namespace kernels::calibrate::cuda {
namespace {

constexpr double part_of_host_memory = 0.5;  // for pinned buffers of all ranks

// Ranks of a host take its GPUs in order; a launcher may instead show each rank one GPU only.
int take_device(const Ranks& ranks) {
  int count = 0;
  WEFTSIM_CHECK(cudaGetDeviceCount(&count));
  if (count > 1 && ranks.ranks_of_host() > count)
    throw sim::MachineError(fmt::format("{} ranks were started on a host with {} GPUs. Start one a GPU.", ranks.ranks_of_host(), count));
  const int device = ranks.rank_of_host() % count;
  WEFTSIM_CHECK(cudaSetDevice(device));
  return device;
}

std::string bus_of(int device) {
  char text[32] = "";
  WEFTSIM_CHECK(cudaDeviceGetPCIBusId(text, sizeof text, device));
  return text;
}

class CudaBackend final : public OperationBackend {
 public:
  explicit CudaBackend(int wanted) : ranks_(start_ranks(wanted)), device_(take_device(*ranks_)), nvml_(bus_of(device_)), nccl_(*ranks_) {
    cublasLtHandle_t handle = nullptr;
    WEFTSIM_CHECK(cublasLtCreate(&handle));
    blas_.reset(handle);
    for (auto& stream : streams_) stream = make_stream();
    for (auto& workspace : workspaces_) workspace = allocate(workspace_bytes);
    flushed_bytes_ = 2 * static_cast<std::size_t>(attribute(cudaDevAttrL2CacheSize));
    flushed_ = allocate(flushed_bytes_);
    for (const double kind : {double(attribute(cudaDevAttrMultiProcessorCount)), memory_clock_Bps()})
      if (largest(kind) != -largest(-kind))
        throw sim::MachineError("the ranks have GPUs of different types. Measure those of one type at a time (CUDA_VISIBLE_DEVICES).");
    if (largest(rank() % ranks_->ranks_of_host() == ranks_->rank_of_host() ? 0 : 1) > 0)
      throw sim::MachineError("the ranks of a host do not follow each other. Start as many on each host, host by host (srun -m block).");
  }
  ~CudaBackend() override { cudaDeviceSynchronize(); }

  Machine machine() const override {
    cudaDeviceProp properties{};
    WEFTSIM_CHECK(cudaGetDeviceProperties(&properties, device_));
    int runtime = 0;
    WEFTSIM_CHECK(cudaRuntimeGetVersion(&runtime));
    Machine made{.device = properties.name, .platform = "cuda"};
    made.facts = {{"driver", nvml_.driver()},
                  {"cuda", fmt::format("{}.{}", runtime / 1000, runtime % 1000 / 10)},
                  {"cublas", fmt::format("{}", cublasLtGetVersion())},
                  {"nccl", nccl_version()},
                  {"most_clock", fmt::format("{} MHz", nvml_.most_clock_MHz())},
                  {"power_limit", fmt::format("{} W", nvml_.power_limit_mW() / 1000)}};
    for (const char* name : {"NCCL_ALGO", "NCCL_PROTO", "NCCL_P2P_DISABLE", "NCCL_NVLS_ENABLE", "NVIDIA_TF32_OVERRIDE"})
      if (const char* value = std::getenv(name)) made.facts.emplace_back(name, value);
    if (!nvml_.works()) made.facts.emplace_back("warning", "NVML is missing: samples of a slowed GPU are not thrown away");
    made.ranks = ranks();
    made.hosts = ranks_->hosts();
    made.multiprocessors = properties.multiProcessorCount;
    made.memory_bytes = static_cast<double>(properties.totalGlobalMem);
    made.memory_clock_Bps = memory_clock_Bps();
    return made;
  }
  int rank() const override { return ranks_->rank(); }
  int ranks() const override { return ranks_->ranks(); }

  std::string obstacle(const Operation& operation) const override {
    if (std::string why = task_obstacle(operation, blas_.get(), device_); !why.empty()) return why;
    if (const double bytes = device_bytes(operation); bytes > part_of_memory * free_bytes())
      return fmt::format("its {:.3g} GB do not fit into the free memory of the device.", bytes / 1e9);
    const double on_host = static_cast<double>(sysconf(_SC_AVPHYS_PAGES)) * static_cast<double>(sysconf(_SC_PAGESIZE));
    if (const auto* copy = std::get_if<Copy>(&operation);
        copy && copy->way != CopyWay::peer && copy->bytes > part_of_host_memory * on_host / ranks_->ranks_of_host())
      return fmt::format("its {:.3g} GB do not fit into a rank's share of the host's memory.", copy->bytes / 1e9);
    return size_obstacle(operation);
  }

  Prepared prepare(const Operation& operation) override {
    synchronize();  // NCCL makes communicators on idle streams
    Kept made{operation, make_task(operation, blas_.get(), device_, seed_ += 16)};
    if (const auto* collective = std::get_if<Collective>(&operation)) nccl_.make_communicator(collective->members);
    if (std::holds_alternative<Message>(operation)) nccl_.start();
    const Prepared id = next_++;
    prepared_.emplace(id, std::move(made));
    enqueue(id, prepared_.at(id).task.run ? Stream::compute : Stream::communication);
    synchronize();
    return id;
  }
  void release(Prepared id) override {
    synchronize();
    prepared_.erase(id);
  }

  void enqueue(Prepared id, Stream stream) override {
    const auto& [operation, task] = prepared_.at(id);
    const auto at = static_cast<std::size_t>(stream);
    if (const auto* message = std::get_if<Message>(&operation)) {
      if (rank() == message->source || rank() == message->destination) messages_[at].push_back({*message, task.buffers[0].get()});
      return;
    }
    send_messages(stream);
    if (const auto* collective = std::get_if<Collective>(&operation)) {
      nccl_.enqueue(*collective, task.buffers[0].get(), task.buffers[1].get(), handle(stream));
    } else {
      task.run(handle(stream), workspaces_[at].get());
      WEFTSIM_CHECK(cudaPeekAtLastError());  // of a kernel's launch
    }
  }
  void order(Stream earlier, Stream later) override {
    send_messages(earlier);
    send_messages(later);
    if (earlier == later) return;
    EventHandle event = events_.take();
    WEFTSIM_CHECK(cudaEventRecord(event.get(), handle(earlier)));
    WEFTSIM_CHECK(cudaStreamWaitEvent(handle(later), event.get(), 0));
    events_.give_back(std::move(event));  // the stream waits for what was recorded by now
  }
  Mark mark(Stream stream) override {
    send_messages(stream);
    EventHandle event = events_.take();
    WEFTSIM_CHECK(cudaEventRecord(event.get(), handle(stream)));
    marks_.emplace(next_mark_, std::move(event));
    return next_mark_++;
  }
  double seconds_between(Mark first, Mark last) override {
    EventHandle begin = std::move(marks_.extract(first).mapped()), end = std::move(marks_.extract(last).mapped());
    WEFTSIM_CHECK(cudaEventSynchronize(begin.get()));
    WEFTSIM_CHECK(cudaEventSynchronize(end.get()));
    float milliseconds = 0;
    WEFTSIM_CHECK(cudaEventElapsedTime(&milliseconds, begin.get(), end.get()));
    events_.give_back(std::move(begin));
    events_.give_back(std::move(end));
    return 1e-3 * static_cast<double>(milliseconds);
  }
  void synchronize() override {
    for (const Stream stream : {Stream::compute, Stream::communication}) send_messages(stream);
    for (const auto& stream : streams_) WEFTSIM_CHECK(cudaStreamSynchronize(stream.get()));
  }
  void flush_cache() override { WEFTSIM_CHECK(cudaMemsetAsync(flushed_.get(), 0, flushed_bytes_, handle(Stream::compute))); }
  bool throttled() override { return nvml_.slowed(); }

  void meet() override { ranks_->meet(); }
  double largest(double value) override { return ranks_->largest(value); }
  std::int64_t agree(std::int64_t value) override { return ranks_->agree(value); }

 private:
  struct Kept {
    Operation operation;
    Task task;
  };

  cudaStream_t handle(Stream stream) const { return streams_[static_cast<std::size_t>(stream)].get(); }
  int attribute(cudaDeviceAttr which) const {
    int value = 0;
    WEFTSIM_CHECK(cudaDeviceGetAttribute(&value, which, device_));
    return value;
  }
  double memory_clock_Bps() const {  // kHz, two transfers a clock, bits
    return 2e3 * attribute(cudaDevAttrMemoryClockRate) * attribute(cudaDevAttrGlobalMemoryBusWidth) / 8;
  }
  // Those that wait go out as one group, in which none waits for another.
  void send_messages(Stream stream) {
    auto& waiting = messages_[static_cast<std::size_t>(stream)];
    if (waiting.empty()) return;
    nccl_.enqueue(waiting, handle(stream));
    waiting.clear();
  }

  std::unique_ptr<Ranks> ranks_;
  int device_;
  Nvml nvml_;
  NcclRanks nccl_;
  std::unique_ptr<void, DestroyHandle<cublasLtHandle_t, cublasLtDestroy>> blas_;
  std::array<StreamHandle, 2> streams_;
  std::array<Memory, 2> workspaces_;
  Memory flushed_;
  std::size_t flushed_bytes_ = 0;
  EventPool events_;
  std::array<std::vector<NcclRanks::Queued>, 2> messages_;
  std::unordered_map<Prepared, Kept> prepared_;
  Prepared next_ = 0;
  unsigned seed_ = 0;
  std::unordered_map<Mark, EventHandle> marks_;
  Mark next_mark_ = 0;
};

}  // namespace

std::unique_ptr<OperationBackend> make_cuda_backend(int ranks) { return std::make_unique<CudaBackend>(ranks); }

}  // namespace kernels::calibrate::cuda
