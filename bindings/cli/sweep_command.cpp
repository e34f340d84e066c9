#include "bindings/cli/sweep_command.hpp"
#include <fmt/format.h>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <span>
#include "bindings/cli/progress.hpp"
#include "sim/error.hpp"
#include "workloads/quantity.hpp"
#include "workloads/studies/sweep_run.hpp"
#include "workloads/studies/sweep_slurm.hpp"

namespace cli {
namespace {

using Json = nlohmann::ordered_json;
using Points = std::vector<workloads::ListedPoint>;

std::string values_of(const workloads::Sweep& sweep, std::size_t point) {
  const auto labels = sweep.labels(point);
  std::string text;
  for (std::size_t a = 0; a < labels.size(); ++a) text += fmt::format("{}{}={}", a ? ", " : "", sweep.axes()[a].name, labels[a]);
  return text;
}

// The first of them; all are in the tables and in the JSON.
std::string listed(const workloads::Sweep& sweep, std::string_view what, const Points& points) {
  constexpr std::size_t most = 20;
  std::string text;
  for (const auto& [point, reason] : std::span(points).first(std::min(most, points.size())))
    text += fmt::format("{} {} ({}): {}\n", what, point, values_of(sweep, point), reason);
  if (points.size() > most) text += fmt::format("{} and {} more\n", what, points.size() - most);
  return text;
}

std::string duration(double seconds) {
  if (seconds < 90) return fmt::format("{:.2g} s", seconds);
  return seconds < 5400 ? fmt::format("{:.0f} min", seconds / 60) : fmt::format("{:.1f} h", seconds / 3600);
}

class SweepCommand final : public Command {
 public:
  void declare(Arguments& arguments) override {
    arguments.positional("SWEEP", file_, "a sweep file (docs/sweeps.md); only --collect may do without")
        .option("--out", "DIR", options_.directory,
                "gets results.csv and results.h5; default: the file's name without ending, in this folder")
        .option("--jobs", "N", options_.jobs, "scenarios at once (0: as many as --threads); the results are the same for any number")
        .flag("--resume", options_.resume, "run only what DIR does not have yet, or what has changed since")
        .flag("--dry-run", dry_, "list the points and how long they would take, run none")
        .flag("--slurm", on_slurm_, "run as a job array of Slurm: submit it, follow it, make the tables. DIR on a file system of all nodes")
        .pass_on("--sbatch", "OPTIONS", slurm_.sbatch, "with --slurm: for sbatch, for example \"--partition=cpu --cpus-per-task=8\"")
        .option("--shards", "N", slurm_.shards, "with --slurm: tasks of the array (0: of about two minutes each)")
        .option("--retries", "N", slurm_.retries, "with --slurm: how often to submit again what tasks that failed have left")
        .option("--collect", "DIR", collect_, "make the tables of what DIR has so far, run none")
        .option("--shard", "FILE:N", shard_, "run only the points on line N (from 0) of FILE, make no tables: --collect does");
  }

  ExitCode run(Console& console) override {
    check();
    const GlobalOptions& global = console.options();
    if (global.seed_given) options_.seed = global.seed;
    if (options_.jobs == 0) options_.jobs = global.threads;
    if (!collect_.empty()) find_submitted();
    if (file_.empty()) throw sim::InputError("weftsim sweep: SWEEP is missing. See 'weftsim sweep --help'.");
    if (options_.directory.empty()) options_.directory = std::filesystem::path(file_).stem().string();
    const workloads::Sweep sweep = workloads::Sweep::from_file(file_);
    if (dry_) return estimate(sweep, console);
    if (!shard_.empty()) return run_shard(sweep);
    if (!collect_.empty()) return tell(sweep, workloads::collect_sweep(sweep, options_), console);
    return tell(sweep, simulate(sweep, !global.quiet), console);
  }

 private:
  void check() const {
    const auto refuse = [](const char* what) { throw sim::InputError(fmt::format("weftsim sweep: {}", what)); };
    if (options_.jobs < 0) refuse("--jobs: a negative number makes no sense. Write 0 for all there are.");
    if (slurm_.shards < 0 || slurm_.retries < 0) refuse("--shards, --retries: a negative number makes no sense. Write 0 or more.");
    if (!on_slurm_ && !slurm_.sbatch.empty()) refuse("--sbatch has no effect without --slurm. Add --slurm.");
    if (dry_ + on_slurm_ + !collect_.empty() + !shard_.empty() > 1) refuse("--dry-run, --slurm, --collect, --shard: give one of them.");
    if (!collect_.empty() && !options_.directory.empty()) refuse("--collect names the folder. Leave --out out.");
  }

  void find_submitted() {
    options_.directory = collect_;
    if (!std::filesystem::is_directory(collect_)) throw sim::InputError(fmt::format("{}: is no folder. Name that of a sweep.", collect_));
    const auto submitted = workloads::submitted_sweep(collect_);
    if (submitted && file_.empty()) file_ = submitted->file.string();
    if (submitted && !options_.seed) options_.seed = submitted->seed;
    if (file_.empty())
      throw sim::InputError(fmt::format("{0}: does not say which sweep it is of. Name it: weftsim sweep SWEEP --collect {0}", collect_));
  }

  // A task that is through is no failure, whatever its points came to: the tables say that.
  ExitCode run_shard(const workloads::Sweep& sweep) {
    const std::size_t colon = shard_.rfind(':');
    const auto number = workloads::parse_integer(std::string_view(shard_).substr(colon == std::string::npos ? shard_.size() : colon + 1));
    if (!number || *number < 0)
      throw sim::InputError(fmt::format("weftsim sweep: --shard: '{}' is no FILE:N. Write for example shards.txt:3.", shard_));
    const auto points = workloads::read_shard(shard_.substr(0, colon), static_cast<std::size_t>(*number));
    workloads::run_points(sweep, points, options_);
    return ExitCode::done;
  }

  ExitCode tell(const workloads::Sweep& sweep, const workloads::SweepOutcome& outcome, const Console& console) {
    const std::string missing = outcome.missing.empty() ? "" : fmt::format(", {} missing", outcome.missing.size());
    console.print(fmt::format("{}: {} points: {} ok, {} failed, {} invalid, {} excluded{}; {} were there before\n", sweep.name(),
                              sweep.size(), outcome.ok, outcome.failed.size(), outcome.invalid.size(), outcome.excluded.size(), missing,
                              outcome.reused));
    console.print(listed(sweep, "failed", outcome.failed) + listed(sweep, "invalid", outcome.invalid));
    console.print(fmt::format("wrote {0}/results.csv\n      {0}/results.h5\n", options_.directory));
    console.write_json(workloads::sweep_json(sweep, options_, outcome));
    return outcome.all_well() ? ExitCode::done : ExitCode::some_failed;
  }

  workloads::SweepOutcome simulate(const workloads::Sweep& sweep, bool with_bar) {
    ProgressBar bar(with_bar);
    const CtrlC ctrl_c;
    options_.progress = [&](double fraction) {
      bar.show(fraction);
      return !CtrlC::pressed();
    };
    if (!on_slurm_) return workloads::run_sweep(sweep, options_);
    slurm_.program = std::filesystem::read_symlink("/proc/self/exe").string();
    slurm_.file = file_;
    slurm_.say = [&](std::string_view what) {
      if (with_bar) fmt::print(stderr, "{}\n", what);
    };
    return workloads::run_sweep_on_slurm(sweep, options_, slurm_);
  }

  ExitCode estimate(const workloads::Sweep& sweep, const Console& console) {
    const workloads::SweepEstimate estimate = workloads::estimate_sweep(sweep, options_);
    std::vector<std::string> notes(sweep.size());
    for (const auto& [point, reason] : estimate.excluded) notes[point] = "excluded, " + reason;
    for (const auto& [point, reason] : estimate.invalid) notes[point] = "invalid, " + reason;
    Json points = Json::array();
    for (std::size_t p = 0; p < sweep.size(); ++p) {
      console.print(fmt::format("{:>6}  {}{}\n", p, values_of(sweep, p), notes[p].empty() ? "" : ": " + notes[p]));
      points.push_back({{"point", p}, {"axes", sweep.labels(p)}, {"runs", notes[p].empty()}, {"reason", notes[p]}});
    }
    console.print(fmt::format("{}: {} points: {} would run, in about {}; {} invalid, {} excluded\n", sweep.name(), sweep.size(),
                              estimate.runs, duration(estimate.seconds), estimate.invalid.size(), estimate.excluded.size()));
    console.write_json(Json{
        {"name", sweep.name()},
        {"points", std::move(points)},
        {"runs", estimate.runs},
        {"invalid", estimate.invalid.size()},
        {"excluded", estimate.excluded.size()},
        {"estimated_s",
         estimate.seconds}}.dump(2));
    return ExitCode::done;
  }

  std::string file_;
  std::string collect_, shard_;
  workloads::SweepOptions options_;
  workloads::SlurmOptions slurm_;
  bool dry_ = false, on_slurm_ = false;
};

std::unique_ptr<Command> make_sweep() { return std::make_unique<SweepCommand>(); }

}  // namespace

const Verb sweep_verb{"sweep", "simulate many scenarios: a base and what changes",
                      "weftsim sweep scenarios/sweeps/fabrics.yaml --out fabrics", make_sweep};

}  // namespace cli
