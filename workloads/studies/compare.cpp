#include "workloads/studies/compare.hpp"
#include <fmt/format.h>
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>
#include "sim/error.hpp"
#include "workloads/hdf5.hpp"
#include "workloads/quantity.hpp"
#include "workloads/run.hpp"
#include "workloads/scenario_reader.hpp"
#include "workloads/step_interval.hpp"
#include "workloads/studies/sweep_table.hpp"
#include "workloads/summary.hpp"

namespace workloads {
namespace {

using Json = nlohmann::ordered_json;

std::optional<double> number_at(const Json& summary, const std::string& path) {
  const Json::json_pointer pointer(path);
  if (!summary.contains(pointer) || !summary.at(pointer).is_number()) return {};
  return summary.at(pointer).get<double>();
}

ComparedFigure figure(const Json& a, const Json& b, std::string name, std::string unit, const std::string& path) {
  return {std::move(name), std::move(unit), number_at(a, path), number_at(b, path)};
}

// One for each key of a map of either.
std::vector<ComparedFigure> figures_of(const Json& a, const Json& b, const std::string& map, const std::string& unit) {
  std::vector<ComparedFigure> figures;
  for (const auto& [key, value] : a.at(Json::json_pointer(map)).items())
    if (value.is_number()) figures.push_back(figure(a, b, key, unit, map + "/" + key));
  return figures;
}

std::vector<ErrorCause> causes_of(const Json& summary) {
  std::vector<ErrorCause> causes;
  for (const Json& c : summary.at("error_causes")) causes.push_back({c.at("cause"), c.at("share"), c.at("sigma")});
  return causes;
}

std::vector<std::string> full_links_of(const Json& summary) {
  std::vector<std::string> links;
  for (const Json& link : summary.at("network_stats").at("full_links"))
    links.push_back(
        fmt::format("{}, {:.0f} % of the time", link.at("name").get<std::string>(), 100 * link.at("limiting_share").get<double>()));
  return links;
}

ComparedRun run_of(const Json& summary) {
  const double step = summary.at("step_time_s"), half = std::exp(ninety_percent * log_sigma(causes_of(summary)));
  return {summary.at("name"), step, number_at(summary, "/step_time_interval_s/0").value_or(step / half),
          number_at(summary, "/step_time_interval_s/1").value_or(step * half)};
}

Comparison compared(const Json& a, const Json& b) {
  Comparison c{.a = run_of(a), .b = run_of(b)};
  const double half = std::exp(ninety_percent * log_sigma_of_ratio(causes_of(a), causes_of(b)));
  c.ratio = c.b.step_time_s / c.a.step_time_s;
  c.low = c.ratio / half;
  c.high = c.ratio * half;
  c.figures = {figure(a, b, "gpus", "", "/gpus"),
               figure(a, b, "tokens_per_s", "", "/tokens_per_s"),
               figure(a, b, "mfu", "", "/mfu"),
               figure(a, b, "switches", "", "/bill_of_materials/switches/total"),
               figure(a, b, "optical_modules", "", "/bill_of_materials/optical_modules"),
               figure(a, b, "power_w", "W", "/bill_of_materials/power_w/total"),
               figure(a, b, "price_usd", "USD", "/bill_of_materials/price_usd/total")};
  c.breakdown = figures_of(a, b, "/breakdown_s", "s");
  std::ranges::stable_sort(c.breakdown, std::ranges::greater{},
                           [](const ComparedFigure& f) { return std::abs(f.difference().value_or(0)); });
  for (const std::string_view part : {"weights", "gradients", "optimizer", "activations", "buffers", "total"})
    c.memory.push_back(figure(a, b, std::string(part), "B", fmt::format("/memory_per_gpu_bytes/{}", part)));
  c.links = {figure(a, b, "max_link_utilization", "", "/network_stats/max_link_utilization"),
             figure(a, b, "mean_link_utilization", "", "/network_stats/mean_link_utilization"),
             figure(a, b, "full_link_count", "", "/network_stats/full_link_count"), figure(a, b, "bytes", "B", "/network_stats/bytes")};
  c.full_a = full_links_of(a);
  c.full_b = full_links_of(b);
  return c;
}

// "DIR/results.csv:12" -> its HDF5 and 12.
struct Row {
  std::string file;
  std::size_t point = 0;
};
std::optional<Row> row_named(const std::string& what) {
  const std::size_t colon = what.rfind(':');
  if (colon == std::string::npos) return {};
  std::filesystem::path file = what.substr(0, colon);
  const auto point = parse_integer(std::string_view(what).substr(colon + 1));
  if (!point || *point < 0 || (file.extension() != ".csv" && file.extension() != ".h5")) return {};
  return Row{file.replace_extension(".h5").string(), static_cast<std::size_t>(*point)};
}

Json json_of(const ComparedFigure& f) {
  const auto or_null = [](const std::optional<double>& value) { return value ? Json(*value) : Json(); };
  return {{"a", or_null(f.a)}, {"b", or_null(f.b)}, {"difference", or_null(f.difference())}, {"ratio", or_null(f.ratio())}};
}
Json json_of(const std::vector<ComparedFigure>& figures) {
  Json map = Json::object();
  for (const ComparedFigure& f : figures) map[f.name] = json_of(f);
  return map;
}
Json json_of(const ComparedRun& run, const std::vector<std::string>& full) {
  return {{"name", run.name}, {"step_time_s", run.step_time_s}, {"step_time_interval_s", {run.low_s, run.high_s}}, {"full_links", full}};
}

}  // namespace

Comparison compare(std::string_view summary_a, std::string_view summary_b) {
  try {
    return compared(Json::parse(summary_a), Json::parse(summary_b));
  } catch (const Json::exception& error) {
    throw sim::InputError(
        fmt::format("weftsim compare: a summary lacks what is compared ({}). Was it written by another version? "
                    "Simulate it again.",
                    error.what()));
  }
}

std::string summary_of(const std::string& what, int threads) {
  if (const auto row = row_named(what)) return read_point_summary(row->file, row->point);
  if (!what.ends_with(".h5")) return summary_json(run(read_scenario(what), {.threads = threads}));
  if (hdf5::has(what, "/points")) throw sim::InputError(fmt::format("{0}: holds a sweep. Say which point of it: {0}:0.", what));
  return hdf5::read_text(what, "/summary");
}

std::string comparison_json(const Comparison& c) {
  return Json{{"a", json_of(c.a, c.full_a)},
              {"b", json_of(c.b, c.full_b)},
              {"step_time_ratio", c.ratio},
              {"step_time_ratio_interval", {c.low, c.high}},
              {"figures", json_of(c.figures)},
              {"breakdown_s", json_of(c.breakdown)},
              {"memory_per_gpu_bytes", json_of(c.memory)},
              {"links", json_of(c.links)}}
      .dump(2);
}

}  // namespace workloads
