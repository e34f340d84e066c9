#include "bindings/cli/run_command.hpp"
#include <fmt/format.h>
#include <filesystem>
#include <memory>
#include <optional>
#include "bindings/cli/progress.hpp"
#include "bindings/cli/summary_text.hpp"
#include "bindings/cli/window_option.hpp"
#include "bindings/report/queues_svg.hpp"
#include "bindings/report/timeline_svg.hpp"
#include "sim/error.hpp"
#include "workloads/plan_builder.hpp"  // pipeline_ranks
#include "workloads/run.hpp"
#include "workloads/scenario_reader.hpp"
#include "workloads/studies/sensitivity.hpp"
#include "workloads/summary.hpp"
#include "workloads/trace_file.hpp"
#include "workloads/version.hpp"

namespace cli {
namespace {

constexpr std::string_view built_in = "quick";

workloads::TraceLevel level_named(const std::string& name) {
  if (name == "summary") return workloads::TraceLevel::summary;
  if (name == "ops") return workloads::TraceLevel::ops;
  return name == "full" ? workloads::TraceLevel::full : workloads::TraceLevel::none;
}

class RunCommand final : public Command {
 public:
  void declare(Arguments& arguments) override {
    arguments.positional("SCENARIO", scenario_, "a scenario file, or the name of a shipped one; none: a built-in example")
        .option("--out", "RUN.h5", out_, "write the trace as HDF5 (docs/trace.md)")
        .choice("--trace", level_, {"none", "summary", "ops", "full"},
                "what the trace holds: summary and links, every pass and message, or every kernel")
        .flag("--uncompressed", uncompressed_, "do not compress the rows of the trace: quicker, and some fifty times as large")
        .option("--timeline", "F.svg", timeline_, "draw the pipeline of the last step")
        .option("--queues", "F.svg", queues_, "draw queues, pauses and rates over time (network packet)")
        .option("--window", "\"1 ms..2 ms\"", window_, "only what begins then goes as packets, the rest as a fluid (network packet)")
        .option("--network", "NAME", network_, "analytic, fluid or packet, instead of the scenario's")
        .list("--set", "a.b.c=value", overrides_, "change one key of the scenario; may be repeated")
        .flag("--no-fold", no_fold_, "simulate every rank, also those that provably do the same")
        .flag("--sensitivity", sensitivity_, "also say how the step time follows bandwidths, latencies and efficiencies")
        .flag("--exact", exact_, "simulate every message of a collective, also while no other flow is on its links");
  }

  ExitCode run(Console& console) override {
    const workloads::Scenario scenario = read(console.options());
    for (const std::string& warning : scenario.warnings) console.warn(warning);
    if (!queues_.empty() && scenario.network != "packet")
      throw sim::InputError("weftsim run: --queues draws those of packets. Add --network packet, or leave it out.");
    if (out_.empty() && !level_.empty() && level_ != "none") console.warn("--trace has no effect without --out RUN.h5.");
    std::optional<report::TimelineRecorder> recorder;
    std::unique_ptr<workloads::TraceFile> file = open_trace(scenario);
    const bool records = level_named(level_) >= workloads::TraceLevel::ops;  // the picture needs passes, also where the file wants none
    if (!timeline_.empty()) recorder.emplace(workloads::pipeline_ranks(scenario.jobs.front()), records ? file.get() : nullptr);
    const workloads::Result result = simulate(scenario, recorder ? static_cast<sim::TraceSink*>(&*recorder) : file.get(), console);
    const std::string json = workloads::summary_json(result);
    if (file) {
      file->write_ranks(result.ranks);
      file->write_links(result.links, result.link_load);
      if (result.network_stats.packets) file->write_packets(result.queues, result.rates);
      file->finish(json);
    }
    if (recorder) write_whole_file(timeline_, picture(scenario, result, *recorder));
    if (!queues_.empty()) write_whole_file(queues_, report::queues_svg(result.name, workloads::packet_series(result.queues, result.rates)));
    console.print(summary_text(result, files(console.options())));
    for (std::size_t i = scenario.warnings.size(); i < result.warnings.size(); ++i) console.warn(result.warnings[i]);
    console.write_json(json);
    return ExitCode::done;
  }

 private:
  workloads::Scenario read(const GlobalOptions& options) {
    workloads::ReadOptions read_options{.overrides = overrides_};
    if (!network_.empty()) read_options.overrides.push_back("network=" + network_);
    if (!window_.empty()) add_window(window_, read_options.overrides);
    workloads::Scenario scenario =
        scenario_.empty() ? workloads::read_shipped_scenario(built_in, read_options) : workloads::read_scenario(scenario_, read_options);
    if (options.seed_given) scenario.seed = options.seed;
    return scenario;
  }

  std::unique_ptr<workloads::TraceFile> open_trace(const workloads::Scenario& scenario) {
    if (out_.empty()) return nullptr;
    if (level_.empty()) level_ = "ops";
    return std::make_unique<workloads::TraceFile>(out_, workloads::TraceHeader{std::string(workloads::version), scenario.source_yaml,
                                                                               scenario.network, scenario.seed, !uncompressed_});
  }

  // Wrong input found only now (a fabric that cannot be wired, a profile that is missing) leaves nothing behind.
  workloads::Result simulate(const workloads::Scenario& scenario, sim::TraceSink* trace, const Console& console) {
    ProgressBar bar(!console.options().quiet);
    const CtrlC ctrl_c;
    workloads::RunOptions options{.threads = console.options().threads,
                                  .fold = !no_fold_,
                                  .exact = exact_,
                                  .trace_level = level_named(level_),
                                  .critical_path = true,
                                  .trace = trace};
    if (!timeline_.empty()) options.trace_level = std::max(options.trace_level, workloads::TraceLevel::ops);
    if (!queues_.empty()) options.trace_level = std::max(options.trace_level, workloads::TraceLevel::summary);
    options.progress = [&](double fraction) {
      bar.show(fraction);
      return !CtrlC::pressed();
    };
    options.notice = [&](const std::string& text) { console.warn(text); };
    try {
      workloads::Result result = workloads::run(scenario, options);
      if (sensitivity_) result.sensitivity = workloads::sensitivity(scenario, options);
      return result;
    } catch (const sim::InputError&) {
      std::error_code ignored;
      if (!out_.empty()) std::filesystem::remove(out_ + ".partial", ignored);
      throw;
    }
  }

  // The last step: the first may have started with cold hosts.
  static std::string picture(const workloads::Scenario& scenario, const workloads::Result& result,
                             const report::TimelineRecorder& recorder) {
    const workloads::JobResult& job = result.jobs.front();
    sim::Time to = scenario.jobs.front().start;
    for (const double step : job.steps_s) to += sim::Time::seconds(step);
    const sim::Time from = to - sim::Time::seconds(job.steps_s.back());
    const double bubble = job.breakdown_s[static_cast<std::size_t>(workloads::Category::pp_bubble)] / job.step_time_s;
    return report::timeline_svg(recorder.boxes(),
                                {.title = result.name, .ranks = recorder.ranks(), .from = from, .to = to, .bubble_share = bubble});
  }

  std::vector<std::string> files(const GlobalOptions& options) const {
    std::vector<std::string> written;
    for (const std::string& file : {out_, timeline_, queues_, options.json})
      if (!file.empty() && file != "-") written.push_back(file);
    return written;
  }

  std::string scenario_, out_, level_, timeline_, queues_, network_, window_;
  std::vector<std::string> overrides_;
  bool uncompressed_ = false, no_fold_ = false, exact_ = false, sensitivity_ = false;
};

std::unique_ptr<Command> make_run() { return std::make_unique<RunCommand>(); }

}  // namespace

const Verb run_verb{"run", "simulate the training step of a scenario",
                    "weftsim run scenarios/sc21-145b.yaml --out run.h5 --timeline run.svg", make_run};

}  // namespace cli
