#pragma once
#include <mpi.h>
#include <cstdint>
#include <map>
#include <string>
#include <vector>
#include "kernels/calibrate/operation.hpp"

// The ranks of a CPU cluster: one process of mpirun each, or this one alone.
namespace kernels::calibrate::cpu {

class MpiRanks {
 public:
  MpiRanks();  // starts MPI; throws sim::MachineError where a host has more ranks than cores
  ~MpiRanks();
  MpiRanks(const MpiRanks&) = delete;
  MpiRanks& operator=(const MpiRanks&) = delete;

  int rank() const { return rank_; }
  int ranks() const { return ranks_; }
  int hosts() const { return hosts_; }
  int ranks_of_host() const { return ranks_of_host_; }
  std::string library() const;  // "Open MPI v4.1.4"

  MPI_Comm communicator(const std::vector<int>& members);  // all ranks ask alike; null for ranks that are no members
  // Begins it; null for ranks that take no part.
  MPI_Request start(const Collective& collective, const float* from, float* to);
  MPI_Request start(const Message& message, float* buffer) const;

  double apart() const;  // OperationBackend::apart()

  void meet() const { MPI_Barrier(MPI_COMM_WORLD); }
  double largest(double value) const;
  std::int64_t agree(std::int64_t value) const;

 private:
  int rank_ = 0, ranks_ = 1, hosts_ = 1, rank_of_host_ = 0, ranks_of_host_ = 1;
  MPI_Comm host_ = MPI_COMM_NULL;
  MPI_Win window_ = MPI_WIN_NULL;
  std::uint32_t* line_ = nullptr;  // shared by the ranks of a host
  std::map<std::vector<int>, MPI_Comm> communicators_;
};

// Empty, or why MPI cannot carry so many bytes: counts are 32-bit, blocks are whole elements.
std::string mpi_obstacle(const Operation& operation);

}  // namespace kernels::calibrate::cpu
