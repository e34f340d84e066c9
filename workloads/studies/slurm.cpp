#include "workloads/studies/slurm.hpp"
#include <fmt/format.h>
#include <algorithm>
#include <array>
#include <cctype>
#include <sstream>
#include "sim/error.hpp"
#include "workloads/shell.hpp"

namespace workloads::slurm {
namespace {

ShellAnswer ask(const std::string& command) {
  const auto answer = ask_shell(command);
  if (!answer) throw sim::MachineError("weftsim sweep: this machine starts no more programs.");
  return *answer;
}

// "1234" or "1234;cluster", on the last line; a site may print words above it.
Array array_of(const std::string& text) {
  const std::string line = text.substr(text.rfind('\n') + 1);
  const std::size_t end = line.find(';');
  Array array{line.substr(0, end), end == std::string::npos ? "" : line.substr(end + 1)};
  const bool number = !array.job.empty() && std::ranges::all_of(array.job, [](unsigned char c) { return std::isdigit(c); });
  if (!number) throw sim::MachineError(fmt::format("weftsim sweep: sbatch did not name a job, but said: {}", text));
  return array;
}

}  // namespace

Array submit(const std::string& script, const std::string& options) {
  const ShellAnswer answer = ask(fmt::format("sbatch --parsable {} {}", options, quoted(script)));
  if (answer.code == 127)
    throw sim::MachineError(
        "weftsim sweep: --slurm: this machine has no sbatch. Go to one that can submit to the cluster, or leave --slurm out.");
  if (answer.code != 0)
    throw sim::MachineError(fmt::format("weftsim sweep: --slurm: sbatch refused ({}). Change --sbatch or --shards.", answer.text));
  return array_of(answer.text);
}

States states(const Array& array) {
  const std::string cluster = array.cluster.empty() ? "" : "--clusters=" + quoted(array.cluster);
  const ShellAnswer answer = ask(fmt::format("squeue {} --jobs={} --array --noheader --states=all --format=%T", cluster, array.job));
  States states;
  const bool forgotten = answer.text.find("Invalid job id") != std::string::npos;  // ended some minutes ago
  states.known = answer.code == 0 || forgotten;
  if (!states.known || forgotten) return states;
  std::istringstream words(answer.text);
  for (std::string state; words >> state;) {
    if (state == "COMPLETED") continue;
    if (state == "CANCELLED")
      ++states.cancelled;
    else if (state == "PENDING" || state.starts_with("REQUEUE"))
      ++states.pending;
    else if (std::ranges::count(std::to_array<std::string_view>(
                                    {"FAILED", "TIMEOUT", "NODE_FAIL", "OUT_OF_MEMORY", "PREEMPTED", "BOOT_FAIL", "DEADLINE", "REVOKED"}),
                                state) == 0)
      ++states.running;
    else if (std::ranges::count(states.failed, state) == 0)
      states.failed.push_back(state);
  }
  return states;
}

}  // namespace workloads::slurm
