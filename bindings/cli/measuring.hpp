#pragma once
#include <functional>
#include <string>
#include <vector>
#include "bindings/cli/command.hpp"
#include "kernels/calibrate/operation_backend.hpp"  // Machine

// The programs that measure (weftsim-measure-cpu, weftsim-measure-cuda) as `calibrate` and `selfcheck` start them: `weftsim` itself
// links no BLAS, MPI or CUDA.
namespace cli {

class Measuring {
 public:
  // device: auto (a GPU, if one answers), cuda or cpu. ranks: processes, 0 for as many as there are GPUs, or two cores. Throws
  // sim::MachineError that says what is missing.
  Measuring(const std::string& device, int ranks);
  const kernels::calibrate::Machine& machine() const { return machine_; }

  enum class Ended : std::uint8_t { well, interrupted };
  // The worker with these arguments, its progress as a bar. Its other words go to standard error. Throws sim::MachineError or InputError
  // with the worker's own words where it fails.
  Ended run(std::vector<std::string> arguments, bool quiet) const;

 private:
  std::vector<std::string> command_;  // launcher and program
  kernels::calibrate::Machine machine_;
};

// "90", "90s", "5m", "1h" in seconds. Throws sim::InputError.
double seconds_in(const std::string& text, const std::string& option);
// The text of a file; throws sim::InputError.
std::string text_of(const std::string& path);

// A folder that goes away with it.
class WorkFolder {
 public:
  WorkFolder();
  ~WorkFolder();
  WorkFolder(const WorkFolder&) = delete;
  WorkFolder& operator=(const WorkFolder&) = delete;
  std::string path(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

}  // namespace cli
