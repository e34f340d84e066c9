#include <cuda_runtime.h>
#include <fmt/format.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <new>
#include <vector>
#include "kernels/calibrate/cuda/check.hpp"
#include "kernels/calibrate/cuda/ranks.hpp"
#include "sim/error.hpp"

namespace kernels::calibrate::cuda {
namespace {

constexpr int most_ranks = 64;  // GPUs of one host
constexpr int looks_before_yield = 10000;
constexpr unsigned seconds_to_end = 10;  // for the others, once one process has ended badly

struct Shared {
  std::atomic<int> arrived;
  std::atomic<unsigned> meetings;
  std::array<double, most_ranks> values;
  std::int64_t agreed;
};
static_assert(std::atomic<int>::is_always_lock_free && std::atomic<unsigned>::is_always_lock_free, "they are shared by processes");

class LocalRanks final : public Ranks {
 public:
  LocalRanks(int rank, int ranks, Shared* shared) : shared_(shared) {
    rank_ = rank_of_host_ = rank;
    ranks_ = ranks_of_host_ = ranks;
  }
  // Looks again and again: a process that sleeps wakes tens of microseconds late, a tenth of a sample of collectives.
  void meet() override {
    if (ranks_ == 1) return;
    const unsigned meeting = shared_->meetings;
    if (++shared_->arrived == ranks_) {
      shared_->arrived = 0;
      ++shared_->meetings;
    }
    for (int looks = 0; shared_->meetings == meeting; ++looks)
      if (looks > looks_before_yield) sched_yield();
  }
  double largest(double value) override {
    if (ranks_ == 1) return value;
    shared_->values[static_cast<std::size_t>(rank_)] = value;
    meet();
    const double all = *std::max_element(shared_->values.begin(), shared_->values.begin() + ranks_);
    meet();  // all have read it
    return all;
  }
  std::int64_t agree(std::int64_t value) override {
    if (ranks_ == 1) return value;
    if (rank_ == 0) shared_->agreed = value;
    meet();
    const std::int64_t agreed = shared_->agreed;
    meet();
    return agreed;
  }

 private:
  Shared* shared_;
};

std::array<volatile pid_t, most_ranks> children;

void tell_children(int signal) {
  for (const pid_t child : children)
    if (child > 0) kill(child, signal);
}
void pass_on(int signal) { tell_children(signal == SIGALRM ? SIGKILL : signal); }

// Waits for all of them. When one ends badly the others may be waiting for it: they get a few seconds.
[[noreturn]] void supervise() {
  int code = 0;
  for (;;) {
    int status = 0;
    const pid_t ended = waitpid(-1, &status, 0);
    if (ended < 0 && errno == EINTR) continue;
    if (ended < 0) break;  // none is left
    for (auto& child : children)
      if (child == ended) child = 0;
    const int its_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    if (its_code != 0 && code == 0) {
      code = its_code;
      alarm(seconds_to_end);
    }
  }
  std::_Exit(code);
}

// Asked in a process of its own: CUDA does not survive a fork.
int count_devices() {
  int ends[2];
  if (pipe(ends) != 0) throw sim::MachineError("no pipe can be made: too many files are open. Close some programs.");
  const pid_t child = fork();
  if (child < 0) throw sim::MachineError("no process can be started. Close some programs.");
  int answer[2] = {0, cudaErrorUnknown};
  if (child == 0) {
    answer[1] = cudaGetDeviceCount(&answer[0]);
    const bool written = write(ends[1], answer, sizeof answer) == ssize_t{sizeof answer};
    std::_Exit(written ? 0 : 1);
  }
  close(ends[1]);
  const bool whole = read(ends[0], answer, sizeof answer) == ssize_t{sizeof answer};
  close(ends[0]);
  waitpid(child, nullptr, 0);
  check(whole ? static_cast<cudaError_t>(answer[1]) : cudaErrorUnknown, "cudaGetDeviceCount()");
  if (answer[0] == 0) check(cudaErrorNoDevice, "cudaGetDeviceCount()");
  return std::min(answer[0], most_ranks);
}

bool under_launcher() {
  for (const char* variable : {"OMPI_COMM_WORLD_SIZE", "PMIX_RANK", "PMI_RANK"})
    if (std::getenv(variable)) return true;
  if (const char* tasks = std::getenv("SLURM_STEP_NUM_TASKS"); tasks && std::atoi(tasks) > 1)
    throw sim::MachineError("srun started several processes that cannot find each other. Start them with srun --mpi=pmix, or by mpirun.");
  return false;
}

}  // namespace

std::unique_ptr<Ranks> fork_ranks(int ranks) {
  if (ranks == 1) return std::make_unique<LocalRanks>(0, 1, nullptr);
  void* memory = mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw sim::MachineError("no memory can be shared between processes. Check the limits of this shell.");
  auto* shared = new (memory) Shared{};
  // Signals wait until all children are known, so that none is missed.
  sigset_t all, before;
  sigfillset(&all);
  sigprocmask(SIG_BLOCK, &all, &before);
  const pid_t parent = getpid();
  for (int rank = 0; rank < ranks; ++rank) {
    const pid_t child = fork();
    if (child < 0) {
      tell_children(SIGKILL);
      throw sim::MachineError("no process can be started for each GPU. Close some programs.");
    }
    if (child == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      if (getppid() != parent) std::_Exit(1);
      sigprocmask(SIG_SETMASK, &before, nullptr);
      return std::make_unique<LocalRanks>(rank, ranks, shared);
    }
    children[static_cast<std::size_t>(rank)] = child;
  }
  for (const int signal : {SIGINT, SIGTERM, SIGALRM}) std::signal(signal, pass_on);
  sigprocmask(SIG_SETMASK, &before, nullptr);
  supervise();
}

std::unique_ptr<Ranks> start_ranks(int wanted) {
  if (under_launcher()) return make_mpi_ranks();
  const int devices = count_devices();
  return fork_ranks(wanted > 0 ? std::min(wanted, devices) : devices);
}

}  // namespace kernels::calibrate::cuda
