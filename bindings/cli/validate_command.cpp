#include "bindings/cli/validate_command.hpp"
#include <fmt/format.h>
#include <map>
#include "bindings/cli/progress.hpp"
#include "bindings/report/validation_svg.hpp"
#include "sim/error.hpp"
#include "workloads/studies/validate.hpp"

namespace cli {
namespace {

using workloads::Validation;

std::string rows_text(const Validation& validation) {
  std::string text = fmt::format("{:<16} {:>11} {:>11} {:>8}   {}\n", "row", "predicted", "measured", "error", "90 % interval");
  for (const workloads::ValidationRow& row : validation.rows)
    text += fmt::format("{:<16} {:>9.3f} s {:>9.3f} s {:>+7.1f} %   {:.2f} .. {:.2f} s{}\n", row.id, row.predicted, row.measured,
                        100 * row.error(), row.low, row.high, row.inside() ? "" : "  outside");
  return text;
}

std::string sets_text(const Validation& validation) {
  std::string text =
      fmt::format("{:<44} {:>6} {:>8} {:>8} {:>8} {:>8} {:>8} {:>8}\n", "set", "rows", "median", "mean", "signed", "p90", "max", "inside");
  const auto line = [&](std::string_view name, const workloads::ErrorStatistics& s) {
    text += fmt::format("{:<44.44} {:>6} {:>6.1f} % {:>6.1f} % {:>+6.1f} % {:>6.1f} % {:>6.1f} % {:>6.0f} %\n", name, s.n,
                        100 * s.median_abs_error, 100 * s.mean_abs_error, 100 * s.mean_error, 100 * s.p90_abs_error, 100 * s.max_abs_error,
                        100 * s.inside_interval);
  };
  for (const auto& [set, statistics] : validation.by_set()) line(set, statistics);
  for (const auto& [gpu, statistics] : validation.by_gpu()) line(gpu, statistics);
  for (const auto& [size, statistics] : validation.by_model_size()) line(size, statistics);
  line("mean over sets", validation.over_sets());
  return text;
}

std::string held_out_text(const Validation& validation) {
  if (validation.held_out.empty()) return {};
  std::string text = fmt::format(
      "\ncollectives predicted by fits that did not see them: exp(mean |log|) - 1\n{:<14} {:<26} {:<12} {:<9} {:>6} {:>8} {:>8}   {}\n",
      "device", "operation", "size", "unseen", "rows", "error", "signed", "logs differ by");
  for (const workloads::HeldOutSet& s : validation.held_out)
    text += fmt::format("{:<14} {:<26} {:<12} {:<9} {:>6} {:>6.1f} % {:>+6.1f} %   {}\n", s.device, s.operation, s.size, s.unseen, s.n,
                        100 * s.geometric_error, 100 * s.bias, s.spread > 0 ? fmt::format("{:.1f} %", 100 * s.spread) : "");
  return text + "\n";
}

std::string skipped_text(const Validation& validation) {
  std::map<std::string, int> count;
  for (const workloads::SkippedRow& row : validation.skipped) ++count[row.reason];
  std::string text;
  for (const auto& [reason, n] : count) text += fmt::format("skipped {:>6}: {}\n", n, reason);
  return text;
}

class ValidateCommand final : public Command {
 public:
  void declare(Arguments& arguments) override {
    arguments
        .option("--data", "DIR", options_.data,
                "a folder with training.csv, collectives.csv, gemm_*.csv or attention.csv instead of what is shipped")
        .option("--only", "GLOB", options_.only, "only rows whose id, set or table (training, collectives, …) matches")
        .option("--table", "F.csv", table_, "write the errors by set, GPU and model size")
        .option("--plot", "F.svg", plot_, "draw predicted against measured step times")
        .option("--tolerance", "X", tolerance_, "the median error that is still good; else the exit code is 5");
  }
  ExitCode run(Console& console) override {
    options_.threads = console.options().threads;
    ProgressBar bar(!console.options().quiet);
    const CtrlC ctrl_c;
    options_.progress = [&](double fraction) {
      bar.show(fraction);
      return !CtrlC::pressed();
    };
    const Validation validation = workloads::validate(options_);
    constexpr std::size_t listed = 40;  // more are a table of sets, and all are in the JSON
    if (validation.rows.size() <= listed) console.print(rows_text(validation) + "\n");
    console.print(sets_text(validation) + held_out_text(validation) + skipped_text(validation));
    console.write_json(workloads::validation_json(validation) + "\n");
    if (!table_.empty()) write_whole_file(table_, workloads::validation_table(validation));
    if (!plot_.empty()) write_whole_file(plot_, picture(validation));
    if (validation.rows.empty()) throw sim::InputError("--only, --data: no row is left that can be predicted. See the reasons above.");
    return validation.within(tolerance_) ? ExitCode::done : ExitCode::some_failed;
  }

 private:
  static std::string picture(const Validation& validation) {
    std::vector<report::ValidationPoint> points;
    for (const workloads::ValidationRow& row : validation.rows)
      if (row.quantity == "step_time_s") points.push_back({row.set, row.id, row.predicted, row.measured});
    return report::validation_svg("Published training steps, predicted again", points);
  }

  workloads::ValidateOptions options_;
  std::string table_, plot_;
  double tolerance_ = 0.1;
};

std::unique_ptr<Command> make_validate() { return std::make_unique<ValidateCommand>(); }

}  // namespace

const Verb validate_verb{"validate", "predict published measurements again and print the errors", "weftsim validate --only 'sc21-1*'",
                         make_validate};

}  // namespace cli
