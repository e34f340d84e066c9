#include "tests/bench/report.hpp"
#include <fmt/format.h>
#include <malloc.h>
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>
#include "kernels/csv_table.hpp"
#include "workloads/version.hpp"

namespace bench {
namespace {

// Three significant digits, thousands apart: "1.24", "63.0", "6,812,463".
std::string readable(double value) {
  const int decimals = value == 0 ? 0 : std::clamp(2 - static_cast<int>(std::floor(std::log10(std::abs(value)))), 0, 4);
  std::string text = fmt::format("{:.{}f}", value, decimals);
  for (std::size_t end = std::min(text.find('.'), text.size()); end > 3; end -= 3) text.insert(end - 3, ",");
  return text;
}

std::string output_of(const char* command) {
  std::string text(256, '\0');
  FILE* pipe = popen(command, "r");
  if (!pipe) return {};
  text.resize(std::fread(text.data(), 1, text.size(), pipe));
  pclose(pipe);
  return text.substr(0, text.find('\n'));
}

std::string processor() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);)
    if (line.starts_with("model name")) return line.substr(line.find(':') + 2);
  return "unknown";
}

bool more_is_better(const std::string& unit) { return unit.ends_with("/s") || unit == "times"; }
}  // namespace

double allocated() {
  const auto info = mallinfo2();
  return static_cast<double>(info.uordblks + info.hblkhd);
}

Report::Report(std::string filter) : filter_(std::move(filter)) {
  const auto table = kernels::CsvTable::read(WEFTSIM_SOURCE_DIR "/tests/bench/figures.csv");
  for (std::size_t row = 0; row < table.rows(); ++row)
    figures_.push_back({table.text(row, 0), table.text(row, 1), table.text(row, 2), table.number(row, 3)});
  fmt::print("{:<40} {:<22} {:>12} {:<11} {}\n", "what", "size", "value", "unit",
             "beside it (times as good); sources: tests/bench/figures.csv");
}

void Report::add(Row row) {
  fmt::print("{:<40} {:<22} {:>12} {:<11} {}\n", row.what, row.size, readable(row.value), row.unit, beside(row));
  std::fflush(stdout);
  rows_.push_back(std::move(row));
}

void Report::say(const std::string& text) {
  fmt::print("  {}\n", text);
  std::fflush(stdout);
}

std::string Report::beside(const Row& row) const {
  std::string text;
  for (const Figure& f : figures_) {
    if (f.what != row.what || f.size != row.size) continue;
    const double better = more_is_better(row.unit) ? row.value / f.value : f.value / row.value;
    text += fmt::format("{}{} {} ({}x)", text.empty() ? "" : ", ", f.kind, readable(f.value), readable(better));
  }
  return text;
}

void Report::write_json(const std::filesystem::path& path) const {
  nlohmann::ordered_json json = {
      {"version", workloads::version}, {"commit", output_of("git -C '" WEFTSIM_SOURCE_DIR "' describe --always --dirty 2>/dev/null")},
      {"machine", processor()},        {"cores", std::thread::hardware_concurrency()},
      {"compiler", __VERSION__},       {"rows", nlohmann::ordered_json::array()}};
  for (const Row& row : rows_) json["rows"].push_back({{"what", row.what}, {"size", row.size}, {"value", row.value}, {"unit", row.unit}});
  std::ofstream(path) << json.dump(1) << '\n';
}

}  // namespace bench
