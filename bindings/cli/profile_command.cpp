#include "bindings/cli/profile_command.hpp"
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include "bindings/report/surface_svg.hpp"
#include "kernels/csv_table.hpp"
#include "kernels/operation_times.hpp"
#include "sim/error.hpp"

namespace cli {
namespace {

using kernels::DeviceProfile;
using kernels::OperationTimes;

// Operations by which two devices are compared: those of a large step.
struct Sample {
  std::string name;
  kernels::OperationTime time;
};

std::vector<Sample> samples_of(const OperationTimes& times) {
  std::vector<Sample> samples;
  for (const auto& table : times.profile().gemm)
    for (const std::int64_t side : {1024, 4096, 8192})
      samples.push_back(
          {fmt::format("{} product {}^3", name_of(table.precision), side), times.gemm({side, side, side, 1, table.precision})});
  samples.push_back(
      {"flash attention 1 x 4096 x 32 x 128, forward", times.flash_attention({1, 4096, 32, 32, 128, true}, kernels::Direction::forward)});
  samples.push_back({"element-wise, 1 GB", times.memory_bound(1e9)});
  samples.push_back({"all_reduce of 256 MiB, 8 ranks", times.scale_up_collective(kernels::CollectiveOp::all_reduce, 8, 268435456)});
  return samples;
}

std::string summary_of(const DeviceProfile& p) {
  std::string text =
      fmt::format("{}: {} ({})\n  {}\n", p.name, p.description, p.vendor,
                  p.calibrated ? "calibrated by measurements" : "NOT calibrated: from a data sheet and another device's behaviour");
  text += fmt::format("  {:<22}", "dense TFLOP/s");
  for (const auto precision : kernels::all_precisions)
    if (p.peak(precision) > 0) text += fmt::format("{} {:.4g}   ", name_of(precision), p.peak(precision) / 1e12);
  text += fmt::format("\n  {:<22}{:.1f} GiB, {:.4g} GB/s\n  {:<22}{:.4g} GB/s a direction\n", "memory", p.memory.capacity_bytes / 0x1p30,
                      p.memory.bandwidth_Bps / 1e9, "scale-up", p.scale_up.bandwidth_Bps / 1e9);
  for (const auto& table : p.gemm)
    text += fmt::format("  {:<22}{} x {} x {} points\n", fmt::format("products, {}", name_of(table.precision)), table.m.size(),
                        table.n.size(), table.k.size());
  return text;
}

std::string samples_text(const OperationTimes& times) {
  std::string text = "\n  operation                                        time          90 %: times\n";
  for (const auto& [name, time] : samples_of(times))
    text += fmt::format("  {:<46}{:>10.2f} us    {:.2f} .. {:.2f}{}\n", name, time.seconds * 1e6, time.low, time.high,
                        time.inside_measured_range ? "" : "  not measured");
  return text;
}

std::string residuals_text(const DeviceProfile& p) {
  std::string text =
      fmt::format("\n  {:<28}{:>9}{:>9}{:>10}{:>9}{:>9}\n", "error of held-out rows", "rows", "mean %", "median %", "p95 %", "sigma %");
  for (const auto& r : p.residuals)
    text += fmt::format("  {:<28}{:>9}{:>9.1f}{:>10.1f}{:>9.1f}{:>9.1f}\n", r.what, r.held_out, 100 * r.mean_abs_error,
                        100 * r.median_abs_error, 100 * r.p95_abs_error, 100 * r.sigma);
  text += "\n  sources\n";
  for (const auto& e : p.provenance) text += fmt::format("    {} ({}): {}\n", e.what, e.how, e.source);
  return text;
}

// Fields that differ, by path; long lists (points, corrections, tables) are compared by the times that they give.
nlohmann::ordered_json fields_that_differ(const DeviceProfile& a, const DeviceProfile& b) {
  nlohmann::json before = nlohmann::json::parse(to_json(a)), after = nlohmann::json::parse(to_json(b));
  for (auto* profile : {&before, &after}) {
    for (const char* list : {"provenance", "residuals"}) profile->erase(list);
    for (const char* part : {"attention", "scale_up", "network"})
      for (const char* list : {"points", "tables", "models", "sets", "transports"}) (*profile)[part].erase(list);
    for (auto& table : (*profile)["gemm"])
      for (const char* list : {"m", "n", "k", "correction"}) table.erase(list);
  }
  before = before.flatten(), after = after.flatten();
  nlohmann::ordered_json differing = nlohmann::ordered_json::array();
  for (const auto& [path, value] : before.items())
    if (!after.contains(path) || after[path] != value)
      differing.push_back({{"field", path}, {"a", value}, {"b", after.contains(path) ? after[path] : nlohmann::json()}});
  for (const auto& [path, value] : after.items())
    if (!before.contains(path)) differing.push_back({{"field", path}, {"a", nullptr}, {"b", value}});
  return differing;
}

class ProfileCommand final : public Command {
 public:
  void declare(Arguments& arguments) override {
    arguments.required_positional("show|diff|plot", action_, "what to do")
        .positionals("NAME|FILE", names_, "one profile, or two for diff; shipped names are in weftsim list")
        .option("--data", "DIR", data_, "plot: a folder with gemm_NAME.csv, whose points are drawn beside the surface")
        .option("-o,--out", "FILE.svg", out_, "plot: write the picture there");
  }
  ExitCode run(Console& console) override {
    if (action_ != "show" && action_ != "diff" && action_ != "plot")
      throw sim::InputError(fmt::format("profile: '{}' is no action. Write show, diff or plot.", action_));
    const std::size_t wanted = action_ == "diff" ? 2 : 1;
    if (names_.size() != wanted)
      throw sim::InputError(fmt::format("profile {}: {} profiles are given, {} wanted. Name them, as in 'weftsim profile {}'.", action_,
                                        names_.size(), wanted, action_ == "diff" ? "diff a100-sxm-80g h100-sxm" : action_ + " h100-sxm"));
    std::vector<OperationTimes> times;
    for (const auto& name : names_) times.emplace_back(kernels::load_device_profile(name));
    if (action_ == "show") show(times[0], console);
    if (action_ == "diff") diff(times[0], times[1], console);
    if (action_ == "plot") plot(times[0], console);
    return ExitCode::done;
  }

 private:
  static void show(const OperationTimes& times, Console& console) {
    console.print(summary_of(times.profile()) + samples_text(times) + residuals_text(times.profile()));
    console.write_json(to_json(times.profile()));
  }

  static void diff(const OperationTimes& a, const OperationTimes& b, Console& console) {
    nlohmann::ordered_json json{{"fields", fields_that_differ(a.profile(), b.profile())}, {"operations", nlohmann::ordered_json::array()}};
    std::string text;
    for (const auto& field : json["fields"])
      text += fmt::format("{:<44} {} -> {}\n", field["field"].get<std::string>(), field["a"].dump(), field["b"].dump());
    text += fmt::format("\n{:<46}{:>14}{:>14}{:>9}\n", "operation", a.profile().name, b.profile().name, "b / a");
    const auto in_b = samples_of(b);
    for (const auto& [name, time] : samples_of(a))
      for (const auto& other : in_b) {
        if (other.name != name) continue;
        text += fmt::format("{:<46}{:>11.2f} us{:>11.2f} us{:>9.3f}\n", name, time.seconds * 1e6, other.time.seconds * 1e6,
                            other.time.seconds / time.seconds);
        json["operations"].push_back({{"operation", name}, {"a_s", time.seconds}, {"b_s", other.time.seconds}});
      }
    console.print(text);
    console.write_json(json.dump(2) + "\n");
  }

  void plot(const OperationTimes& times, Console& console) const {
    if (out_.empty()) throw sim::InputError("profile plot: no file is given for the picture. Write -o FILE.svg.");
    const auto measured = data_.empty() ? std::vector<report::MeasuredGemm>{} : read_points(times.profile());
    write_whole_file(out_, report::surface_svg(times, measured));
    console.print(fmt::format("{}: {} measured points\n", out_, measured.size()));
    console.write_json(nlohmann::json{{"picture", out_}, {"measured_points", measured.size()}}.dump(2) + "\n");
  }

  std::vector<report::MeasuredGemm> read_points(const DeviceProfile& profile) const {
    const auto table = kernels::CsvTable::read(fmt::format("{}/gemm_{}.csv", data_, profile.name));
    const auto dtype = table.column("dtype"), m = table.column("m"), n = table.column("n"), k = table.column("k"),
               time = table.column("time_us");
    std::vector<report::MeasuredGemm> points;
    for (std::size_t row = 0; row < table.rows(); ++row)
      for (const auto precision : kernels::all_precisions)
        if (name_of(precision) == table.text(row, dtype))
          points.push_back(
              {{table.whole(row, m), table.whole(row, n), table.whole(row, k), 1, precision}, table.positive(row, time) * 1e-6});
    return points;
  }

  std::string action_, data_, out_;
  std::vector<std::string> names_;
};

std::unique_ptr<Command> make_profile() { return std::make_unique<ProfileCommand>(); }

}  // namespace

const Verb profile_verb{"profile", "show a device profile, compare two, or draw its fitted surface",
                        "weftsim profile plot h100-sxm -o h100.svg", make_profile};

}  // namespace cli
