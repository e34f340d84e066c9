#include "bindings/cli/sweep_command.hpp"
#include <fmt/format.h>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <span>
#include "bindings/cli/progress.hpp"
#include "sim/error.hpp"
#include "workloads/studies/sweep_run.hpp"

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
    arguments.required_positional("SWEEP", file_, "a sweep file (docs/sweeps.md)")
        .option("--out", "DIR", options_.directory,
                "gets results.csv and results.h5; default: the file's name without ending, in this folder")
        .option("--jobs", "N", options_.jobs, "scenarios at once (0: as many as --threads); the results are the same for any number")
        .flag("--resume", options_.resume, "run only what DIR does not have yet, or what has changed since")
        .flag("--dry-run", dry_, "list the points and how long they would take, run none");
  }

  ExitCode run(Console& console) override {
    const workloads::Sweep sweep = workloads::Sweep::from_file(file_);
    const GlobalOptions& global = console.options();
    if (options_.jobs < 0) throw sim::InputError("weftsim sweep: --jobs: a negative number makes no sense. Write 0 for all there are.");
    if (options_.directory.empty()) options_.directory = std::filesystem::path(file_).stem().string();
    if (options_.jobs == 0) options_.jobs = global.threads;
    if (global.seed_given) options_.seed = global.seed;
    return dry_ ? estimate(sweep, console) : execute(sweep, console);
  }

 private:
  ExitCode execute(const workloads::Sweep& sweep, const Console& console) {
    const workloads::SweepOutcome outcome = simulate(sweep, !console.options().quiet);
    console.print(fmt::format("{}: {} points: {} ok, {} failed, {} invalid, {} excluded; {} were there before\n", sweep.name(),
                              sweep.size(), outcome.ok, outcome.failed.size(), outcome.invalid.size(), outcome.excluded.size(),
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
    return workloads::run_sweep(sweep, options_);
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
  workloads::SweepOptions options_;
  bool dry_ = false;
};

std::unique_ptr<Command> make_sweep() { return std::make_unique<SweepCommand>(); }

}  // namespace

const Verb sweep_verb{"sweep", "simulate many scenarios: a base and what changes",
                      "weftsim sweep scenarios/sweeps/fabrics.yaml --out fabrics", make_sweep};

}  // namespace cli
