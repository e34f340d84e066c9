#include "kernels/calibrate/logs/read_logs.hpp"
#include <fmt/format.h>
#include <fmt/ranges.h>
#include "kernels/calibrate/logs/nccl_run.hpp"
#include "kernels/csv_table.hpp"
#include "kernels/strict_json.hpp"
#include "sim/error.hpp"

namespace kernels::calibrate {
namespace {

constexpr std::size_t largest_log = std::size_t{64} << 20;

Precision precision_of(const CsvTable& table, std::size_t row, std::size_t column) {
  const std::string name = table.text(row, column);
  std::vector<std::string_view> known;
  for (const Precision precision : all_precisions) {
    if (name_of(precision) == name) return precision;
    known.push_back(name_of(precision));
  }
  throw sim::InputError(
      fmt::format("{}: column 'dtype': '{}' is not known (known: {}). Write one of them.", table.place(row), name, fmt::join(known, ", ")));
}

void read_products(std::string text, const std::string& file, Logs& logs) {
  const CsvTable table(std::move(text), file);
  if (!table.has("time_us") && table.has("time"))
    throw sim::InputError(fmt::format("{}:1: column 'time' has no unit. Give microseconds, and name it 'time_us'.", file));
  const auto dtype = table.column("dtype"), m = table.column("m"), n = table.column("n"), k = table.column("k"),
             time = table.column("time_us");
  if (table.rows() == 0) throw sim::InputError(fmt::format("{}:1: the table has no rows. Give one a product.", file));
  for (std::size_t row = 0; row < table.rows(); ++row)
    logs.products.push_back({.source = table.place(row),
                             .shape = {.m = table.whole(row, m),
                                       .n = table.whole(row, n),
                                       .k = table.whole(row, k),
                                       .precision = precision_of(table, row, dtype)},
                             .seconds = table.positive(row, time) * 1e-6});
}

// The first line that says anything.
std::string_view first_line(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(" \t\r\n"), text.size()));
  return text.substr(0, text.find_first_of("\r\n"));
}

}  // namespace

Logs read_logs(const std::vector<std::string>& paths, const LogOptions& options) {
  Logs logs;
  for (const std::string& path : paths) {
    std::string text = read_file(path, largest_log);
    const std::string_view first = first_line(text);
    if (first.starts_with('{')) {
      append(read_nccl_json(text, path), options, logs);
    } else if (path.ends_with(".csv") || first.find("dtype,") != std::string_view::npos) {
      read_products(std::move(text), path, logs);
    } else {
      for (const NcclRun& run : read_nccl_text(text, path)) append(run, options, logs);
    }
  }
  return logs;
}

}  // namespace kernels::calibrate
