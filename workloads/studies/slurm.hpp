#pragma once
#include <cstddef>
#include <string>
#include <vector>

// The one door to Slurm: its own commands, as a person would type them. Accounting (sacct) is not needed; many clusters have none.
namespace workloads::slurm {

struct Array {
  std::string job;      // "1234"
  std::string cluster;  // empty: the one we are on
};

// `options`: for sbatch, as in a shell; they win over those of the script. Throws sim::MachineError with sbatch's own words.
Array submit(const std::string& script, const std::string& options);

struct States {
  bool known = false;  // false: the controller does not answer
  std::size_t pending = 0, running = 0, cancelled = 0;
  std::vector<std::string> failed;  // "TIMEOUT", "NODE_FAIL", … of tasks that ended otherwise than well, each once
  bool ended() const { return known && pending + running == 0; }
};
States states(const Array& array);

}  // namespace workloads::slurm
