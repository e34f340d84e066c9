#include "workloads/studies/sweep_slurm.hpp"
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <algorithm>
#include <chrono>
#include <cmath>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <numeric>
#include <thread>
#include "sim/error.hpp"
#include "workloads/quantity.hpp"
#include "workloads/run.hpp"  // Interrupted
#include "workloads/scenario_text.hpp"
#include "workloads/shell.hpp"
#include "workloads/studies/slurm.hpp"
#include "workloads/studies/sweep_cost.hpp"
#include "workloads/studies/sweep_records.hpp"
#include "workloads/whole_file.hpp"

namespace workloads {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;
using std::chrono::milliseconds;

constexpr double shard_s = 120;            // long beside the start of a task (some tenths of a second), short beside a lost node
constexpr std::size_t most_shards = 1000;  // MaxArraySize of a Slurm that was not told otherwise
constexpr milliseconds first_pause{500}, longest_pause{15'000}, look_at_records{1'000}, look_at_ctrl_c{100};

// Lines in DIR/records: as they grow, without reading anything twice.
class RecordCount {
 public:
  explicit RecordCount(const std::string& directory) : folder_(directory + "/records") { lines(); }
  std::size_t lines() {
    std::error_code ignored;
    for (const fs::directory_entry& entry : fs::directory_iterator(folder_, ignored)) {
      std::ifstream file(entry.path(), std::ios::binary);
      std::uint64_t& seen = seen_[entry.path().string()];
      file.seekg(static_cast<std::streamoff>(seen));
      for (std::array<char, 65536> part{}; file.read(part.data(), part.size()), file.gcount() > 0;) {
        seen += static_cast<std::uint64_t>(file.gcount());
        lines_ += static_cast<std::size_t>(std::count(part.data(), part.data() + file.gcount(), '\n'));
      }
    }
    return lines_;
  }

 private:
  std::string folder_;
  std::map<std::string, std::uint64_t> seen_;  // bytes of each file
  std::size_t lines_ = 0;
};

class SlurmRun {
 public:
  SlurmRun(const Sweep& sweep, const SweepOptions& options, const SlurmOptions& slurm)
      : sweep_(sweep), options_(options), slurm_(slurm), folder_(fs::absolute(options.directory) / "slurm") {}

  SweepOutcome execute() {
    std::vector<std::size_t> missing = points_to_run(sweep_, options_);
    const SweepRecords lock(options_.directory, "local");
    const std::optional<slurm::Array> array = options_.resume ? submitted_array() : std::nullopt;
    options_.resume = true;  // from here on the records are ours
    remove_results(options_.directory);
    if (array && !missing.empty() && !slurm::states(*array).ended()) {
      slurm_.say(fmt::format("array {} is still at work", array->job));
      if (!follow(*array, missing.size())) return collect_sweep(sweep_, options_);
      missing = points_to_run(sweep_, options_);
    }
    for (int again = 0; !missing.empty() && again <= slurm_.retries; ++again) {
      if (again > 0) slurm_.say(fmt::format("{} points are missing; once more ({} of {})", missing.size(), again, slurm_.retries));
      if (!follow(submit(missing), missing.size())) break;
      missing = points_to_run(sweep_, options_);
    }
    return collect_sweep(sweep_, options_);
  }

 private:
  std::optional<slurm::Array> submitted_array() const {
    const fs::path file = folder_ / "array.json";
    if (!fs::exists(file)) return {};
    const Json json = Json::parse(read_text_file(file.string()), nullptr, false);
    if (!json.is_object() || !json.contains("job")) return {};
    return slurm::Array{json.value("job", ""), json.value("cluster", "")};
  }

  slurm::Array submit(const std::vector<std::size_t>& points) {
    const std::vector<double> costs = costs_of(sweep_, points, options_);
    const double all = std::accumulate(costs.begin(), costs.end(), 0.0);
    const std::size_t wanted =
        slurm_.shards > 0 ? std::size_t(slurm_.shards) : std::min(most_shards, std::size_t(std::ceil(all / shard_s)));
    const auto shares = share_out(costs, std::max<std::size_t>(wanted, 1));
    const fs::path folder = next_folder();
    std::string lines;
    for (const auto& share : shares) {
      std::vector<std::size_t> named;
      for (const std::size_t i : share) named.push_back(points[i]);
      lines += fmt::format("{}\n", fmt::join(named, " "));
    }
    write_whole_file((folder / "shards.txt").string(), lines);
    const std::string script = (folder / "array.sh").string();
    write_whole_file(script, script_of(folder, shares.size()));
    const slurm::Array array = slurm::submit(script, slurm_.sbatch);
    const Json seed = options_.seed ? Json(*options_.seed) : Json();
    write_whole_file((folder_ / "array.json").string(), Json{{"sweep", fs::absolute(slurm_.file).string()},
                                                             {"seed", seed},
                                                             {"job", array.job},
                                                             {"cluster", array.cluster},
                                                             {"folder", folder.string()}}
                                                                .dump(2) +
                                                            "\n");
    slurm_.say(fmt::format("array {}: {} points in {} shards of about {:.2g} s", array.job, points.size(), shares.size(),
                           all / double(shares.size())));
    return array;
  }

  fs::path next_folder() const {
    for (int number = 1;; ++number) {
      fs::path folder = folder_ / std::to_string(number);
      std::error_code error;
      fs::create_directories(folder_, error);
      if (fs::create_directory(folder, error)) return folder;
      if (error) throw sim::MachineError(fmt::format("{}: cannot be made ({}).", folder.string(), error.message()));
    }
  }

  // A requeued task finds what it had done in the records.
  std::string script_of(const fs::path& folder, std::size_t shards) const {
    const auto path = [](const fs::path& p) { return quoted(fs::absolute(p).string()); };
    std::string name;
    for (const char c : sweep_.name()) name += std::isalnum(static_cast<unsigned char>(c)) || c == '.' || c == '_' ? c : '-';
    return fmt::format(
        "#!/bin/sh\n"
        "#SBATCH --job-name=weftsim-{}\n"
        "#SBATCH --array=0-{}\n"
        "#SBATCH --requeue\n"
        "#SBATCH --open-mode=append\n"
        "#SBATCH --output=\"{}/%a.log\"\n"
        "exec {} sweep {} --out {} --shard {}:\"$SLURM_ARRAY_TASK_ID\" --jobs \"${{SLURM_CPUS_PER_TASK:-1}}\"{} --quiet\n",
        name, shards - 1, folder.string(), path(slurm_.program), path(slurm_.file), path(options_.directory), path(folder / "shards.txt"),
        options_.seed ? fmt::format(" --seed {}", *options_.seed) : "");
  }

  // Until the array has ended; false: someone has cancelled it.
  bool follow(const slurm::Array& array, std::size_t points) {
    RecordCount records(options_.directory);
    const std::size_t before = records.lines();
    milliseconds pause = first_pause;
    for (;; pause = std::min(pause + pause / 2, longest_pause)) {
      const slurm::States states = slurm::states(array);
      if (states.ended()) {
        if (!states.failed.empty())
          slurm_.say(fmt::format("array {}: some tasks ended with {}", array.job, fmt::join(states.failed, ", ")));
        if (states.cancelled > 0) slurm_.say(fmt::format("array {} was cancelled", array.job));
        return states.cancelled == 0;
      }
      for (milliseconds waited{0}; waited < pause; waited += look_at_ctrl_c) {
        if (waited % look_at_records == milliseconds{0}) done_ = double(records.lines() - before) / double(points);
        if (options_.progress && !options_.progress(std::min(done_, 1.0))) {
          slurm_.say(
              fmt::format("array {0} goes on. --resume --slurm follows it again, --collect {1} makes the tables, scancel {0} ends it",
                          array.job, options_.directory));
          throw Interrupted{};
        }
        std::this_thread::sleep_for(look_at_ctrl_c);
      }
    }
  }

  const Sweep& sweep_;
  SweepOptions options_;
  const SlurmOptions& slurm_;
  fs::path folder_;
  double done_ = 0;
};

}  // namespace

SweepOutcome run_sweep_on_slurm(const Sweep& sweep, const SweepOptions& options, const SlurmOptions& slurm) {
  return SlurmRun(sweep, options, slurm).execute();
}

std::vector<std::size_t> read_shard(const std::string& file, std::size_t shard) {
  std::ifstream text(file);
  if (!text) throw sim::InputError(fmt::format("{}: no such file of shards. Its lines list the points of a shard each.", file));
  std::string line;
  for (std::size_t number = 0; std::getline(text, line); ++number) {
    if (number != shard) continue;
    std::vector<std::size_t> points;
    std::istringstream words(line);
    for (std::string word; words >> word;) {
      const auto point = parse_integer(word);
      if (!point || *point < 0)
        throw sim::InputError(fmt::format("{}:{}: '{}' is no point. Write their numbers, with spaces between.", file, shard + 1, word));
      points.push_back(static_cast<std::size_t>(*point));
    }
    return points;
  }
  throw sim::InputError(fmt::format("{}: has no shard {}. They are its lines, from 0.", file, shard));
}

std::optional<SubmittedSweep> submitted_sweep(const std::string& directory) {
  const std::string file = directory + "/slurm/array.json";
  if (!fs::exists(file)) return {};
  const Json json = Json::parse(read_text_file(file), nullptr, false);
  if (!json.is_object() || !json.contains("sweep") || !json["sweep"].is_string())
    throw sim::InputError(
        fmt::format("{}: does not say which sweep was submitted. Name it: weftsim sweep SWEEP --collect {}", file, directory));
  SubmittedSweep submitted{.file = json["sweep"].get<std::string>()};
  if (json.contains("seed") && json["seed"].is_number_unsigned()) submitted.seed = json["seed"].get<std::uint64_t>();
  return submitted;
}

}  // namespace workloads
