#pragma once
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>
#include "workloads/studies/sweep_run.hpp"

// A sweep as a job array of an existing Slurm. Each task of the array is `weftsim sweep … --shard`, which appends records to a file of
// its own in DIR/records; DIR has to be on a file system that all nodes see. Whatever ends a task, a node or the one who follows: what
// has a record is done, and the rest is shared out again. Files in DIR/slurm:
//   array.json     the sweep, its seed, and the array that was submitted last
//   1/, 2/, …      of each array: shards.txt (the points of a shard a line), array.sh, and what task N printed, N.log
namespace workloads {

struct SlurmOptions {
  std::string program;         // weftsim itself, where the nodes see it
  std::filesystem::path file;  // the sweep
  std::string sbatch;          // options for it, as in a shell
  int shards = 0;              // 0: of some minutes each
  int retries = 2;             // arrays for what earlier ones did not finish
  std::function<void(std::string_view)> say;
};

// Shares out what has no record, submits, follows until all has, and writes the tables. With `resume`, follows the array that is still
// there from before. Throws Interrupted when options.progress says so; the array goes on.
SweepOutcome run_sweep_on_slurm(const Sweep& sweep, const SweepOptions& options, const SlurmOptions& slurm);

// Line `shard` of a file of shards (from 0). Throws sim::InputError.
std::vector<std::size_t> read_shard(const std::string& file, std::size_t shard);

// What a folder belongs to; nothing where no array was ever submitted. Throws sim::InputError.
struct SubmittedSweep {
  std::filesystem::path file;
  std::optional<std::uint64_t> seed;
};
std::optional<SubmittedSweep> submitted_sweep(const std::string& directory);

}  // namespace workloads
