#include "kernels/calibrate/cpu/mpi_ranks.hpp"
#include <fmt/format.h>
#include <sched.h>
#include <unistd.h>
#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <cstdlib>
#include <limits>
#include "sim/error.hpp"

namespace kernels::calibrate::cpu {
namespace {

// Bytes move as floats where they can: what only moves may have any size.
bool are_floats(double bytes) { return std::fmod(bytes, sizeof(float)) == 0; }
double elements(double bytes) { return are_floats(bytes) ? bytes / sizeof(float) : bytes; }
int count_of(double bytes) { return static_cast<int>(elements(bytes)); }
MPI_Datatype type_of(double bytes) { return are_floats(bytes) ? MPI_FLOAT : MPI_BYTE; }

// Two ranks count a line up in turns, from zero. The median of some tries: another process may have the core during one.
double seconds_of_line(std::uint32_t& shared, bool first) {
  constexpr std::uint32_t tries = 9, trips = 50;
  const std::atomic_ref line(shared);
  std::uint32_t count = first ? 0 : 1;
  std::array<double, tries> seconds{};
  for (double& one : seconds) {
    const double start = MPI_Wtime();
    for (std::uint32_t trip = 0; trip < trips; ++trip, count += 2) {
      while (line.load() != count) {}
      line.store(count + 1);
    }
    one = (MPI_Wtime() - start) / trips;
  }
  std::nth_element(seconds.begin(), seconds.begin() + tries / 2, seconds.end());
  return seconds[tries / 2];
}

}  // namespace

MpiRanks::MpiRanks() {
  setenv("OMPI_MCA_ess_singleton_isolated", "1", 0);  // alone: without a daemon of Open MPI
  MPI_Init(nullptr, nullptr);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank_);
  MPI_Comm_size(MPI_COMM_WORLD, &ranks_);
  MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, rank_, MPI_INFO_NULL, &host_);
  MPI_Comm_rank(host_, &rank_of_host_);
  MPI_Comm_size(host_, &ranks_of_host_);
  const int first = rank_of_host_ == 0;
  MPI_Allreduce(&first, &hosts_, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
  const long cores = sysconf(_SC_NPROCESSORS_ONLN);
  const bool too_many = largest(ranks_of_host_ > cores ? 1 : 0) > 0;
  if (too_many) {
    MPI_Finalize();
    if (rank_ != 0) std::_Exit(4);  // rank 0 says why
    throw sim::MachineError(
        fmt::format("{} ranks share {} cores here, and would wait for each other instead of for the hardware. Start at most one a core.",
                    ranks_of_host_, cores));
  }
  constexpr MPI_Aint page = 4096;
  MPI_Aint size = 0;
  int unit = 0;
  MPI_Win_allocate_shared(first ? page : 0, 1, MPI_INFO_NULL, host_, &line_, &window_);
  MPI_Win_shared_query(window_, 0, &size, &unit, &line_);
}

MpiRanks::~MpiRanks() {
  for (auto& [members, communicator] : communicators_)
    if (communicator != MPI_COMM_NULL) MPI_Comm_free(&communicator);
  MPI_Win_free(&window_);
  MPI_Comm_free(&host_);
  MPI_Finalize();
}

std::string MpiRanks::library() const {
  char text[MPI_MAX_LIBRARY_VERSION_STRING];
  int length = 0;
  MPI_Get_library_version(text, &length);
  const std::string all(text, static_cast<std::size_t>(length));
  return all.substr(0, all.find_first_of(std::string(",\n\0", 3)));
}

MPI_Comm MpiRanks::communicator(const std::vector<int>& members) {
  const auto [at, is_new] = communicators_.try_emplace(members, MPI_COMM_NULL);
  if (is_new) {
    const bool member = std::binary_search(members.begin(), members.end(), rank_);
    MPI_Comm_split(MPI_COMM_WORLD, member ? 0 : MPI_UNDEFINED, rank_, &at->second);
  }
  return at->second;
}

MPI_Request MpiRanks::start(const Collective& collective, const float* from, float* to) {
  const MPI_Comm members = communicator(collective.members);
  MPI_Request request = MPI_REQUEST_NULL;
  if (members == MPI_COMM_NULL) return request;
  const double bytes = bytes_of_call(collective);
  const int count = count_of(bytes);
  const MPI_Datatype type = type_of(bytes);
  switch (collective.op) {
    case CollectiveOp::all_reduce:
      MPI_Iallreduce(from, to, count, type, MPI_SUM, members, &request);
      break;
    case CollectiveOp::all_gather:
      MPI_Iallgather(from, count, type, to, count, type, members, &request);
      break;
    case CollectiveOp::reduce_scatter:
      MPI_Ireduce_scatter_block(from, to, count, type, MPI_SUM, members, &request);
      break;
    case CollectiveOp::broadcast:
      MPI_Ibcast(to, count, type, 0, members, &request);
      break;
    case CollectiveOp::all_to_all:
      MPI_Ialltoall(from, count, type, to, count, type, members, &request);
      break;
    default:
      throw std::logic_error("a collective without a call");  // read_operation() takes no other
  }
  return request;
}

MPI_Request MpiRanks::start(const Message& message, float* buffer) const {
  MPI_Request request = MPI_REQUEST_NULL;
  const int count = count_of(message.bytes);
  const MPI_Datatype type = type_of(message.bytes);
  if (rank_ == message.source) MPI_Isend(buffer, count, type, message.destination, 0, MPI_COMM_WORLD, &request);
  if (rank_ == message.destination) MPI_Irecv(buffer, count, type, message.source, 0, MPI_COMM_WORLD, &request);
  return request;
}

// Pair by pair, while the others wait.
double MpiRanks::apart() const {
  double longest = 0;
  for (int pair = 0; pair + 1 < ranks_of_host_; ++pair) {
    if (rank_of_host_ == 0) *line_ = 0;
    MPI_Barrier(host_);
    if (rank_of_host_ == pair || rank_of_host_ == pair + 1) longest = std::max(longest, seconds_of_line(*line_, rank_of_host_ == pair));
    MPI_Barrier(host_);
  }
  return largest(longest);
}

double MpiRanks::largest(double value) const {
  double all = value;
  MPI_Allreduce(&value, &all, 1, MPI_DOUBLE, MPI_MAX, MPI_COMM_WORLD);
  return all;
}

std::int64_t MpiRanks::agree(std::int64_t value) const {
  MPI_Bcast(&value, 1, MPI_INT64_T, 0, MPI_COMM_WORLD);
  return value;
}

std::string mpi_obstacle(const Operation& operation) {
  if (const std::string problem = size_obstacle(operation); !problem.empty()) return problem;
  const auto* collective = std::get_if<Collective>(&operation);
  const auto* message = std::get_if<Message>(&operation);
  const double bytes = collective ? bytes_of_call(*collective) : message ? message->bytes : 0;
  if (elements(bytes) > std::numeric_limits<int>::max())
    return fmt::format("one call of MPI takes fewer than {} elements.", elements(bytes));
  return "";
}

}  // namespace kernels::calibrate::cpu
