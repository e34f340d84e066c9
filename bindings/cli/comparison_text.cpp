#include "bindings/cli/comparison_text.hpp"
#include <fmt/format.h>

namespace cli {
namespace {

std::string time_text(double seconds) {
  if (seconds < 1e-3) return fmt::format("{:.2f} us", seconds * 1e6);
  if (seconds < 1) return fmt::format("{:.2f} ms", seconds * 1e3);
  return fmt::format("{:.3f} s", seconds);
}

}  // namespace

std::string rows_text(const std::vector<ComparedRow>& rows) {
  std::string text = fmt::format("{:<52}{:>12}{:>12}{:>9}   {:<24}\n", "", "measured", "predicted", "error", "90 % interval");
  for (const ComparedRow& row : rows)
    text += fmt::format("{:<52}{:>12}{:>12}{:>+8.1f}%   {} .. {}{}\n", row.what, time_text(row.measured), time_text(row.predicted),
                        100 * row.error(), time_text(row.low * row.predicted), time_text(row.high * row.predicted),
                        row.inside_interval() ? "" : "  outside");
  return text;
}

std::string errors_text(const std::vector<ComparedRow>& rows) {
  std::string text = fmt::format("{:<28}{:>6}{:>10}{:>9}{:>9}{:>9}{:>12}\n", "error of time", "rows", "median %", "mean %", "p90 %",
                                 "bias %", "in interval");
  for (const auto& s : kernels::calibrate::error_statistics(rows))
    text += fmt::format("{:<28}{:>6}{:>10.1f}{:>9.1f}{:>9.1f}{:>+9.1f}{:>11.0f}%\n", s.kind, s.n, 100 * s.median_abs_error,
                        100 * s.mean_abs_error, 100 * s.p90_abs_error, 100 * s.bias, 100 * s.inside_interval);
  return text;
}

nlohmann::ordered_json rows_json(const std::vector<ComparedRow>& rows) {
  auto json = nlohmann::ordered_json::array();
  for (const ComparedRow& row : rows)
    json.push_back({{"kind", row.kind},
                    {"what", row.what},
                    {"predicted", row.predicted},
                    {"measured", row.measured},
                    {"error", row.error()},
                    {"interval", {row.low * row.predicted, row.high * row.predicted}},
                    {"inside_interval", row.inside_interval()}});
  return json;
}

nlohmann::ordered_json errors_json(const std::vector<ComparedRow>& rows) {
  auto json = nlohmann::ordered_json::object();
  for (const auto& s : kernels::calibrate::error_statistics(rows))
    json[s.kind] = {{"n", s.n},
                    {"median_abs_error", s.median_abs_error},
                    {"mean_abs_error", s.mean_abs_error},
                    {"p90_abs_error", s.p90_abs_error},
                    {"bias", s.bias},
                    {"inside_interval", s.inside_interval}};
  return json;
}

nlohmann::ordered_json machine_json(const kernels::calibrate::Machine& machine) {
  nlohmann::ordered_json provenance{{"ranks", machine.ranks}, {"hosts", machine.hosts}};
  for (const auto& [name, value] : machine.facts) provenance[name] = value;
  return {{"device", machine.device}, {"platform", machine.platform}, {"provenance", provenance}};
}

std::string machine_text(const kernels::calibrate::Machine& machine) {
  std::string text = fmt::format("{}, {} rank{} on {} host{}\n", machine.device, machine.ranks, machine.ranks == 1 ? "" : "s",
                                 machine.hosts, machine.hosts == 1 ? "" : "s");
  for (const auto& [name, value] : machine.facts) text += fmt::format("  {:<20} {}\n", name, value);
  return text;
}

}  // namespace cli
