#include "workloads/studies/sweep_table.hpp"
#include <fmt/format.h>
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>
#include <nlohmann/json.hpp>
#include "sim/error.hpp"
#include "workloads/hdf5.hpp"
#include "workloads/version.hpp"
#include "workloads/whole_file.hpp"

namespace workloads {
namespace {

using Json = nlohmann::json;

// A number of the summary and its column.
struct Figure {
  std::string_view column, units, path;
};
constexpr auto figures = std::to_array<Figure>({{"step_time_s", "s", "/step_time_s"},
                                                {"low_s", "s", "/step_time_interval_s/0"},
                                                {"high_s", "s", "/step_time_interval_s/1"},
                                                {"tokens_per_s", "1/s", "/tokens_per_s"},
                                                {"mfu", "1", "/mfu"},
                                                {"memory_bytes", "B", "/memory_per_gpu_bytes/total"},
                                                {"max_link_utilization", "1", "/network_stats/max_link_utilization"},
                                                {"switches", "1", "/bill_of_materials/switches/total"},
                                                {"modules", "1", "/bill_of_materials/optical_modules"},
                                                {"power_w", "W", "/bill_of_materials/power_w/total"},
                                                {"price_usd", "USD", "/bill_of_materials/price_usd/total"}});
constexpr std::size_t figures_from = 3;  // in result_columns
static_assert(std::ranges::equal(figures, std::span(result_columns).subspan(figures_from, figures.size()), {}, &Figure::column));

struct Cells {
  std::array<Json, figures.size()> values;  // null: not known
  std::string signature;
};

Cells cells_of(const SweepRow& row) {
  Cells cells;
  if (row.summary.empty()) return cells;
  const Json summary = Json::parse(row.summary);
  for (std::size_t f = 0; f < figures.size(); ++f) {
    const Json::json_pointer path{std::string(figures[f].path)};
    if (summary.contains(path)) cells.values[f] = summary.at(path);
  }
  cells.signature = summary.at("signature").get<std::string>();
  return cells;
}

std::string csv_text(std::string_view text) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) return std::string(text);
  std::string out = "\"";
  for (const char c : text) out += c == '"' ? "\"\"" : std::string(1, c);
  return out + '"';
}

std::string csv_head(const Sweep& sweep) {
  std::string line = "point";
  for (const SweepAxis& axis : sweep.axes()) line += "," + csv_text(axis.name);
  for (const std::string_view column : std::span(result_columns).subspan(1)) line += fmt::format(",{}", column);
  return line + "\n";
}

std::string csv_line(const Sweep& sweep, std::size_t point, const SweepRow& row, const Cells& cells) {
  std::string line = fmt::format("{}", point);
  for (const std::string& label : sweep.labels(point)) line += "," + csv_text(label);
  line += fmt::format(",{},{}", point_status_names[std::size_t(row.status)], csv_text(row.reason));
  for (const Json& figure : cells.values) line += figure.is_null() ? "," : "," + figure.dump();
  return line + "," + cells.signature + "\n";
}

// Columns of equal length, written as they come.
class ResultsFile {
 public:
  ResultsFile(const std::string& path, const Sweep& sweep, std::size_t longest_reason, std::size_t longest_summary)
      : path_(path),
        file_(hdf5::create_file(path + ".partial")),
        points_(hdf5::create_group(file_.id(), "points")),
        axes_group_(hdf5::create_group(points_.id(), "axes")),
        point_(points_.id(), "point", "1"),
        status_(points_.id(), "status", "1"),
        reason_(points_.id(), "reason", longest_reason),
        summary_(points_.id(), "summary", longest_summary),
        signature_(points_.id(), "signature", 16) {
    hdf5::set_attribute(file_.id(), "schema", "weftsim-sweep/1");
    hdf5::set_attribute(file_.id(), "weftsim_version", version);
    hdf5::set_attribute(file_.id(), "sweep_yaml", sweep.source());
    hdf5::set_attribute(status_.id(), "labels", std::vector<std::string>(point_status_names.begin(), point_status_names.end()));
    std::vector<std::string> names;
    for (const SweepAxis& axis : sweep.axes()) names.push_back(axis.name);
    if (!names.empty()) hdf5::set_attribute(axes_group_.id(), "order", names);
    for (const SweepAxis& axis : sweep.axes())
      axes_.emplace_back(axes_group_.id(), axis.name, std::ranges::max(axis.labels, {}, &std::string::size).size());
    for (const Figure& figure : figures) figures_.emplace_back(points_.id(), std::string(figure.column), figure.units);
  }

  void add(std::size_t point, const std::vector<std::string>& labels, const SweepRow& row, const Cells& cells) {
    point_.push(static_cast<std::int64_t>(point));
    status_.push(static_cast<std::uint8_t>(row.status));
    reason_.push(row.reason);
    summary_.push(row.summary);
    signature_.push(cells.signature);
    for (std::size_t a = 0; a < axes_.size(); ++a) axes_[a].push(labels[a]);
    for (std::size_t f = 0; f < figures_.size(); ++f)
      figures_[f].push(cells.values[f].is_null() ? std::numeric_limits<double>::quiet_NaN() : cells.values[f].get<double>());
  }

  void finish() {
    point_.append();
    status_.append();
    reason_.append();
    summary_.append();
    signature_.append();
    for (auto& axis : axes_) axis.append();
    for (auto& figure : figures_) figure.append();
    hdf5::checked(H5Fflush(file_.id(), H5F_SCOPE_GLOBAL), path_);
  }

 private:
  std::string path_;
  hdf5::Handle file_, points_, axes_group_;
  hdf5::Column<std::int64_t> point_;
  hdf5::Column<std::uint8_t> status_;
  hdf5::TextColumn reason_, summary_, signature_;
  std::vector<hdf5::TextColumn> axes_;
  std::vector<hdf5::Column<double>> figures_;
};

}  // namespace

void write_results(const std::string& directory, const Sweep& sweep, const std::function<SweepRow(std::size_t)>& row) {
  std::string csv = csv_head(sweep);
  std::size_t longest_reason = 1, longest_summary = 1;
  for (std::size_t p = 0; p < sweep.size(); ++p) {
    const SweepRow r = row(p);
    csv += csv_line(sweep, p, r, cells_of(r));
    longest_reason = std::max(longest_reason, r.reason.size());
    longest_summary = std::max(longest_summary, r.summary.size());
  }
  const std::string path = directory + "/results.h5";
  {
    ResultsFile file(path, sweep, longest_reason, longest_summary);
    for (std::size_t p = 0; p < sweep.size(); ++p) {
      const SweepRow r = row(p);
      file.add(p, sweep.labels(p), r, cells_of(r));
    }
    file.finish();
  }
  rename_whole(path + ".partial", path);
  write_whole_file(directory + "/results.csv", csv);
}

void remove_results(const std::string& directory) {
  for (const char* stale : {"/results.csv", "/results.h5"}) {
    std::error_code ignored;
    std::filesystem::remove(directory + stale, ignored);
  }
}

std::string read_point_summary(const std::string& results_h5, std::size_t point) {
  std::string summary = hdf5::read_text(results_h5, "/points/summary", point);
  if (summary.empty())
    throw sim::InputError(
        fmt::format("{}: point {} has no result: {}", results_h5, point, hdf5::read_text(results_h5, "/points/reason", point)));
  return summary;
}

}  // namespace workloads
