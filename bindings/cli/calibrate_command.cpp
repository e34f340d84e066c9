#include "bindings/cli/calibrate_command.hpp"
#include <fmt/format.h>
#include <algorithm>
#include <filesystem>
#include "bindings/cli/comparison_text.hpp"
#include "bindings/cli/measuring.hpp"
#include "kernels/calibrate/fit/fit_journal.hpp"
#include "kernels/calibrate/plan_of_operations.hpp"
#include "kernels/collectives/algorithm.hpp"  // op_names, op_named
#include "sim/error.hpp"

namespace cli {
namespace {

using namespace kernels::calibrate;

constexpr std::string_view usual_budget_cpu = "75s", usual_budget_cuda = "5m";

std::string text_of(const std::vector<Planned>& plan) {
  std::string text;
  for (const Planned& planned : plan) text += to_line(planned);
  return text;
}

// profile.json -> profile.samples.jsonl
std::string beside(const std::string& profile, const char* ending) {
  return std::filesystem::path(profile).replace_extension(ending).string();
}

std::string counts_text(const Journal& journal) {
  int measured = 0, skipped = 0, throttled = 0, outliers = 0;
  for (const Sample& sample : journal.samples) {
    ++(sample.skipped.empty() ? measured : skipped);
    throttled += sample.throttled;
    outliers += sample.outliers;
  }
  return fmt::format("{} operations measured, {} skipped; {} samples thrown away as throttled, {} outliers\n", measured, skipped, throttled,
                     outliers);
}

class CalibrateCommand final : public Command {
 public:
  void declare(Arguments& arguments) override {
    arguments.choice("--device", device_, {"auto", "cuda", "cpu"}, "what to measure: a GPU if there is one, else the CPU (default)")
        .option("--ranks", "N", ranks_, "processes: one a GPU, or one a core (default: all GPUs, or 2 cores)")
        .option("--budget", "5m", budget_,
                fmt::format("how long to measure (default {} on a CPU, {} on GPUs)", usual_budget_cpu, usual_budget_cuda))
        .option("--out", "PROFILE.json", out_,
                "the profile; beside it PROFILE.samples.jsonl, where an interrupted calibration goes on, and PROFILE.software.json")
        .list("--from", "LOG", from_, "nothing is measured: nccl-tests logs (text or JSON), products (CSV), or a PROFILE.samples.jsonl")
        .positionals("LOG", more_logs_, "further ones of --from")
        .option("--accelerator", "NAME", accelerator_, "--from logs: the profile that they complete (default: of the GPU that they name)")
        .option("--network", "TEXT", network_, "collectives across hosts: their NICs, as in '8x400G InfiniBand'")
        .choice("--op", op_, kernels::collectives::op_names(), "--from logs that do not say their operation")
        .option("--plan", "PLAN.jsonl", plan_,
                "only write what would be measured, for a worker under a launcher of yours (docs/calibration.md)");
  }

  ExitCode run(Console& console) override {
    if (from_.empty() && !more_logs_.empty())
      throw sim::InputError(fmt::format("calibrate: '{}' is no option. To read logs, write --from before them.", more_logs_.front()));
    from_.insert(from_.end(), more_logs_.begin(), more_logs_.end());
    if (!from_.empty()) return from_files(console);
    const Measuring measuring(device_, plan_.empty() ? ranks_ : 0);  // a plan is for ranks that are elsewhere
    const double budget = seconds_in(!budget_.empty()                        ? budget_
                                     : measuring.machine().platform == "cpu" ? std::string(usual_budget_cpu)
                                                                             : std::string(usual_budget_cuda),
                                     "--budget");
    console.print(machine_text(measuring.machine()));
    if (!plan_.empty()) {
      Machine machine = measuring.machine();
      if (ranks_ > 0) machine.ranks = ranks_;
      write_whole_file(plan_, text_of(plan_of_calibration(machine, budget)));
      return ExitCode::done;
    }
    const std::string journal_file = beside(out_, ".samples.jsonl");
    if (std::filesystem::exists(journal_file))
      console.warn(fmt::format("{} is there: what it holds is not measured again. Remove it to begin anew.", journal_file));
    const WorkFolder folder;
    write_whole_file(folder.path("plan.jsonl"), text_of(plan_of_calibration(measuring.machine(), budget)));
    if (measuring.run({"--plan", folder.path("plan.jsonl"), "--journal", journal_file, "--budget", fmt::format("{}", budget), "--rounds",
                       "3", "--progress"},
                      console.options().quiet) == Measuring::Ended::interrupted) {
      console.warn(fmt::format("interrupted; what was measured is in {}. The same command goes on from there.", journal_file));
      return ExitCode::interrupted;
    }
    fit_samples(journal_file, console);
    return ExitCode::done;
  }

 private:
  std::string name() const { return std::filesystem::path(out_).stem().string(); }

  ExitCode from_files(Console& console) {
    const auto is_journal = [](const std::string& path) { return path.ends_with(".jsonl"); };
    if (from_.size() == 1 && is_journal(from_.front())) {
      fit_samples(from_.front(), console);
      return ExitCode::done;
    }
    if (std::any_of(from_.begin(), from_.end(), is_journal))
      throw sim::InputError("--from: a .jsonl holds the samples of one machine. Give it alone, or logs of other tools.");
    LogOptions options{.op = {}, .network = network_};
    if (!op_.empty()) options.op = kernels::collectives::op_named(op_);
    const Logs logs = read_logs(from_, options);
    for (const std::string& note : logs.notes) console.warn(note);
    const Calibration calibration = fit_logs(logs, accelerator_, name());
    nlohmann::ordered_json json{
        {"device", calibration.profile.description}, {"provenance", {{"from", from_}, {"network", network_}}}, {"profile", out_}};
    report(calibration, std::move(json), fmt::format("{} collectives and {} products\n", logs.collectives.size(), logs.products.size()),
           console);
    return ExitCode::done;
  }

  void fit_samples(const std::string& path, const Console& console) const {
    const Journal journal = read_journal(path);
    FitSettings settings = settings_of(journal.machine, name());
    settings.network = network_;
    const Calibration calibration = fit_journal(journal, settings);
    const std::string software = beside(out_, ".software.json");
    write_whole_file(software, software_json(calibration.costs, name() + " bare", settings.source));
    nlohmann::ordered_json json = machine_json(journal.machine);
    json["profile"] = out_;
    json["software"] = software;
    json["samples"] = path;
    json["skipped"] = nlohmann::ordered_json::array();
    for (const Sample& sample : journal.samples)
      if (!sample.skipped.empty()) json["skipped"].push_back({{"what", describe(sample.operation)}, {"reason", sample.skipped}});
    report(calibration, std::move(json), counts_text(journal), console);
    console.print(fmt::format("Next: weftsim selfcheck --profile {}\n", out_));
  }

  void report(const Calibration& calibration, nlohmann::ordered_json json, const std::string& counts, const Console& console) const {
    write_whole_file(out_, to_json(calibration.profile));
    console.print(
        fmt::format("{}\nEach fifth predicted from the others:\n{}\n{}: the profile.\n", counts, errors_text(calibration.rows), out_));
    json["errors"] = errors_json(calibration.rows);
    json["rows"] = rows_json(calibration.rows);
    console.write_json(json.dump(2) + "\n");
  }

  std::string device_ = "auto", budget_, out_ = "this-machine.json", accelerator_, network_, op_, plan_;
  std::vector<std::string> from_, more_logs_;
  int ranks_ = 0;
};

std::unique_ptr<Command> make_calibrate() { return std::make_unique<CalibrateCommand>(); }

}  // namespace

const Verb calibrate_verb{"calibrate", "measure the attached hardware, and make its device profile",
                          "weftsim calibrate --device cpu --budget 60s --out laptop.json", make_calibrate};

}  // namespace cli
