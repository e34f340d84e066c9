#pragma once
#include <cstdint>
#include <memory>

namespace kernels::calibrate::cuda {

// The processes, one a GPU, and what they tell each other beside NCCL. All call alike.
class Ranks {
 public:
  virtual ~Ranks() = default;
  int rank() const { return rank_; }
  int ranks() const { return ranks_; }
  int hosts() const { return hosts_; }
  int rank_of_host() const { return rank_of_host_; }
  int ranks_of_host() const { return ranks_of_host_; }
  virtual void meet() = 0;
  virtual double largest(double value) = 0;
  virtual std::int64_t agree(std::int64_t value) = 0;  // rank 0's

 protected:
  int rank_ = 0, ranks_ = 1, hosts_ = 1, rank_of_host_ = 0, ranks_of_host_ = 1;
};

// Under mpirun or srun the processes that it started. Else one for each visible GPU, or the `wanted` first ones, forked here: then this
// returns in those only, and the process that called ends with their exit code. CUDA must not have been called before.
std::unique_ptr<Ranks> start_ranks(int wanted);
std::unique_ptr<Ranks> fork_ranks(int ranks);  // the second way
std::unique_ptr<Ranks> make_mpi_ranks();       // the first; throws sim::MachineError where it was built without MPI

}  // namespace kernels::calibrate::cuda
