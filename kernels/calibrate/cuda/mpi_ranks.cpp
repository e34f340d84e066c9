#include <cstdlib>
#include "kernels/calibrate/cuda/ranks.hpp"
#include "sim/error.hpp"
#ifdef WEFTSIM_WITH_MPI
#include <mpi.h>
#endif

namespace kernels::calibrate::cuda {
#ifdef WEFTSIM_WITH_MPI
namespace {

class MpiRanks final : public Ranks {
 public:
  MpiRanks() {
    MPI_Init(nullptr, nullptr);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank_);
    MPI_Comm_size(MPI_COMM_WORLD, &ranks_);
    for (const char* variable : {"SLURM_STEP_NUM_TASKS", "OMPI_COMM_WORLD_SIZE"})
      if (const char* started = std::getenv(variable); started && ranks_ == 1 && std::atoi(started) > 1)
        throw sim::MachineError("MPI does not know its launcher: each process is alone. Use the mpirun or the srun --mpi=… of this MPI.");
    MPI_Comm host;
    MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, rank_, MPI_INFO_NULL, &host);
    MPI_Comm_rank(host, &rank_of_host_);
    MPI_Comm_size(host, &ranks_of_host_);
    MPI_Comm_free(&host);
    const int first = rank_of_host_ == 0;
    MPI_Allreduce(&first, &hosts_, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
  }
  ~MpiRanks() override { MPI_Finalize(); }
  void meet() override { MPI_Barrier(MPI_COMM_WORLD); }
  double largest(double value) override {
    double all = value;
    MPI_Allreduce(&value, &all, 1, MPI_DOUBLE, MPI_MAX, MPI_COMM_WORLD);
    return all;
  }
  std::int64_t agree(std::int64_t value) override {
    MPI_Bcast(&value, 1, MPI_INT64_T, 0, MPI_COMM_WORLD);
    return value;
  }
};

}  // namespace

std::unique_ptr<Ranks> make_mpi_ranks() { return std::make_unique<MpiRanks>(); }
#else
std::unique_ptr<Ranks> make_mpi_ranks() {
  throw sim::MachineError(
      "started by mpirun or srun, but built without MPI. Install MPI (libopenmpi-dev), build again; or start it alone.");
}
#endif

}  // namespace kernels::calibrate::cuda
