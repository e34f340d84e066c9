#include "bindings/cli/selfcheck_command.hpp"
#include <fmt/format.h>
#include <algorithm>
#include <filesystem>
#include <map>
#include "bindings/cli/comparison_text.hpp"
#include "bindings/cli/measuring.hpp"
#include "kernels/calibrate/fit/predict.hpp"
#include "kernels/calibrate/plan_of_operations.hpp"
#include "kernels/fit/numerics.hpp"  // median
#include "sim/error.hpp"
#include "topology/fabric.hpp"
#include "workloads/plan_builder.hpp"
#include "workloads/run.hpp"
#include "workloads/run_cache.hpp"
#include "workloads/selfcheck/step_program.hpp"
#include "workloads/selfcheck/step_scenarios.hpp"

namespace cli {
namespace {

using namespace kernels::calibrate;

constexpr int warm_up_steps = 2, fewest_steps = 5, most_steps = 100;
constexpr int rounds = 3, most_rounds = 8;  // the further ones are of what was measured while ranks were elsewhere
constexpr double operations_part = 0.5;     // of the budget; the steps take the rest
constexpr double least_inside = 0.7;        // of the rows, in their 90 % interval

class SelfcheckCommand final : public Command {
 public:
  void declare(Arguments& arguments) override {
    arguments.choice("--device", device_, {"auto", "cuda", "cpu"}, "what to run on: a GPU if there is one, else the CPU (default)")
        .option("--ranks", "N", ranks_, "processes: one a GPU, or one a core (default: all GPUs, or 2 cores)")
        .option("--profile", "PROFILE.json", profile_, "what to predict from, made here by weftsim calibrate")
        .option("--software", "F.json", software_, "what bare loops cost (default: PROFILE.software.json if it is there, else bare)")
        .option("--budget", "60s", budget_, "about how long to run")
        .option("--tolerance", "0.15", tolerance_, "the median error that passes");
  }

  ExitCode run(Console& console) override {
    const double budget = seconds_in(budget_, "--budget");
    if (software_.empty()) {
      const std::string made = std::filesystem::path(profile_).replace_extension(".software.json").string();
      software_ = std::filesystem::exists(made) ? made : "bare";
    }
    const kernels::OperationTimes times(kernels::load_device_profile(profile_));
    const Measuring measuring(device_, ranks_);
    console.print(machine_text(measuring.machine()));
    if (times.profile().description != measuring.machine().device)
      console.warn(
          fmt::format("{} was made on '{}', and this is '{}'.", profile_, times.profile().description, measuring.machine().device));
    std::vector<ComparedRow> rows = run_operations(measuring, times, budget * operations_part, console);
    const std::size_t operations = rows.size();
    run_steps(measuring, times, budget * (1 - operations_part), rows, console);
    console.print("\nOperations that were not calibrated:\n" + rows_text({rows.begin(), rows.begin() + std::ptrdiff_t(operations)}) +
                  "\nTraining steps, really run:\n" + rows_text({rows.begin() + std::ptrdiff_t(operations), rows.end()}) + "\n" +
                  errors_text(rows));
    return judge(measuring, rows, console);
  }

 private:
  struct Timed {
    Operation operation;
    std::vector<double> seconds{};  // of each round
    double elsewhere = 0;           // Sample::apart of a round that does not count
  };

  // In rounds: where a machine is slow for some seconds, that is not all that is seen of an operation. Collectives count where ranks
  // are as far apart as they were when calibrated; a hypervisor may have moved them, so that takes further rounds.
  static std::vector<Timed> timed_operations(const Measuring& measuring, double budget, double apart, const Console& console) {
    const WorkFolder folder;
    std::vector<Timed> all;
    for (const Planned& planned : plan_of_selfcheck(measuring.machine(), budget)) all.push_back({std::get<Operation>(planned)});
    for (int round = 0; round < most_rounds; ++round) {
      std::string plan;
      std::map<std::string, Timed*> due;
      for (Timed& timed : all) {
        if (round >= rounds && (timed.elsewhere == 0 || timed.seconds.size() >= rounds)) continue;
        plan += to_line(Planned(timed.operation));
        due.emplace(to_json(timed.operation), &timed);
      }
      if (due.empty()) break;
      write_whole_file(folder.path("plan.jsonl"), plan);
      const std::string journal = folder.path(fmt::format("samples{}.jsonl", round));
      const double share = budget / rounds * static_cast<double>(due.size()) / static_cast<double>(all.size());
      run_worker(measuring, {"--plan", folder.path("plan.jsonl"), "--journal", journal, "--budget", fmt::format("{}", share), "--progress"},
                 console);
      for (const Sample& sample : read_journal(journal, apart).samples) {
        Timed& timed = *due.at(to_json(sample.operation));
        if (sample.skipped.empty())
          timed.seconds.push_back(sample.seconds);
        else
          timed.elsewhere = sample.apart;
      }
    }
    return all;
  }

  std::vector<ComparedRow> run_operations(const Measuring& measuring, const kernels::OperationTimes& times, double budget,
                                          const Console& console) const {
    const std::string calibrated = std::filesystem::path(profile_).replace_extension(".samples.jsonl").string();
    const double apart = std::filesystem::exists(calibrated) ? read_journal(calibrated).apart : 0;
    const LoopFactors factors = factors_in(kernels::load_software_profile(software_));
    std::vector<ComparedRow> rows;
    std::vector<double> elsewhere;
    for (const Timed& timed : timed_operations(measuring, budget, apart, console)) {
      if (timed.seconds.empty() && timed.elsewhere > 0) elsewhere.push_back(timed.elsewhere);
      if (timed.seconds.empty()) continue;
      if (const auto time = predict(timed.operation, times, factors))
        rows.push_back(compared(timed.operation, kernels::fit::median(timed.seconds), *time));
    }
    if (!elsewhere.empty())
      console.warn(
          fmt::format("{} collectives are left out: a cache line takes {:.0f} ns from rank to rank and back, and took {:.0f} ns when they "
                      "were calibrated. The ranks' cores were moved; start it again.",
                      elsewhere.size(), 1e9 * kernels::fit::median(elsewhere), 1e9 * apart));
    std::stable_sort(rows.begin(), rows.end(), [](const auto& a, const auto& b) { return a.kind < b.kind; });
    return rows;
  }

  // The program has the bytes that the loops of bare.json move, the simulation what they cost here.
  void run_steps(const Measuring& measuring, const kernels::OperationTimes& times, double budget, std::vector<ComparedRow>& rows,
                 const Console& console) const {
    const WorkFolder folder;
    workloads::RunCache cache;
    const auto scenarios =
        workloads::selfcheck::step_scenarios(times.profile(), profile_, software_, measuring.machine().platform, measuring.machine().ranks);
    for (const workloads::Scenario& scenario : scenarios) {
      const workloads::JobResult step = workloads::run(scenario, {.cache = &cache}).jobs.front();
      const double share = budget / static_cast<double>(scenarios.size()) / step.step_time_s;
      const int steps = static_cast<int>(std::clamp(share, double{fewest_steps}, double{most_steps}));
      const workloads::SoftwareByName bare{{scenario.jobs.front().software, kernels::load_software_profile("bare")}};
      const workloads::Plan plan = workloads::build_plan(scenario, topology::Fabric(scenario.cluster), times, bare);
      write_whole_file(folder.path("program.json"),
                       workloads::selfcheck::to_json(workloads::selfcheck::step_program(plan, warm_up_steps, steps)));
      run_worker(measuring, {"--program", folder.path("program.json"), "--out", folder.path("result.json")}, console);
      const auto result = nlohmann::json::parse(text_of(folder.path("result.json")));
      rows.push_back({"training step", scenario.name, result.at("median").get<double>(), step.step_time_s,
                      step.interval_low_s / step.step_time_s, step.interval_high_s / step.step_time_s});
    }
  }

  static void run_worker(const Measuring& measuring, std::vector<std::string> arguments, const Console& console) {
    if (measuring.run(std::move(arguments), console.options().quiet) == Measuring::Ended::interrupted) throw workloads::Interrupted();
  }

  ExitCode judge(const Measuring& measuring, const std::vector<ComparedRow>& rows, const Console& console) const {
    const ErrorStatistics all = error_statistics(rows).back();
    const bool passes = all.median_abs_error <= tolerance_ && all.inside_interval >= least_inside;
    console.print(
        fmt::format("\n{}: median error {:.1f} % (tolerance {:.0f} %), {:.0f} % of {} rows in their 90 % interval (at least {:.0f} %)\n",
                    passes ? "within tolerance" : "OUTSIDE the tolerance", 100 * all.median_abs_error, 100 * tolerance_,
                    100 * all.inside_interval, all.n, 100 * least_inside));
    nlohmann::ordered_json json = machine_json(measuring.machine());
    json["profile"] = profile_;
    json["software"] = software_;
    json["tolerance"] = tolerance_;
    json["within_tolerance"] = passes;
    json["errors"] = errors_json(rows);
    json["rows"] = rows_json(rows);
    console.write_json(json.dump(2) + "\n");
    return passes ? ExitCode::done : ExitCode::some_failed;
  }

  std::string device_ = "auto", profile_ = "this-machine.json", software_, budget_ = "60s";
  int ranks_ = 0;
  double tolerance_ = 0.15;
};

std::unique_ptr<Command> make_selfcheck() { return std::make_unique<SelfcheckCommand>(); }

}  // namespace

const Verb selfcheck_verb{"selfcheck", "run what was not calibrated, and real training steps, beside their predictions",
                          "weftsim selfcheck --profile laptop.json", make_selfcheck};

}  // namespace cli
