#include "bindings/cli/fit_command.hpp"
#include <fmt/format.h>
#include "kernels/fit/fit_device_profile.hpp"

namespace cli {
namespace {

std::string residual_table(const kernels::DeviceProfile& profile) {
  std::string text =
      fmt::format("{}: error of time, predicted for measurements that were left out\n{:<26}{:>7}{:>10}{:>9}{:>9}{:>9}{:>9}\n", profile.name,
                  "what", "points", "mean %", "median %", "p90 %", "p95 %", "bias %");
  for (const auto& r : profile.residuals) {
    if (r.held_out == 0) continue;  // an assumption
    text += fmt::format("{:<26}{:>7}{:>10.1f}{:>9.1f}{:>9.1f}{:>9.1f}{:>+9.1f}\n", r.what, r.held_out, 100 * r.mean_abs_error,
                        100 * r.median_abs_error, 100 * r.p90_abs_error, 100 * r.p95_abs_error, 100 * r.bias);
  }
  return text;
}

class FitCommand final : public Command {
 public:
  void declare(Arguments& arguments) override {
    arguments.required_positional("DIR", directory_, "folder with gemm_*.csv, attention.csv, collectives.csv")
        .option("--device", "NAME", device_, "data sheet to fit for")
        .option("--out", "PROFILE.json", out_, "write the profile there");
  }
  ExitCode run(Console& console) override {
    const auto profile = kernels::fit::fit_device_profile(kernels::fit::read_fit_input(directory_, device_));
    const std::string json = kernels::to_json(profile);
    if (!out_.empty()) write_whole_file(out_, json);
    console.print(residual_table(profile));
    console.write_json(json);
    return ExitCode::done;
  }

 private:
  std::string directory_, device_ = "a100-sxm-80g", out_;
};

std::unique_ptr<Command> make_fit() { return std::make_unique<FitCommand>(); }

}  // namespace

const Verb fit_verb{"fit", "fit a device profile to tables of published measurements",
                    "weftsim fit tables --device a100-sxm-80g --out a100-sxm-80g.json", make_fit};

}  // namespace cli
