#include "workloads/quantity.hpp"
#include <array>
#include <charconv>
#include <cmath>
#include <fmt/format.h>
#include <span>

namespace workloads {
namespace {

struct Unit {
  std::string_view name;
  double factor;
};

constexpr double ki = 1024.0, mi = ki * ki, gi = ki * mi, ti = ki * gi;

// Factors of bit rates carry the division by 8: the value is bytes per second.
constexpr Unit bandwidth_units[] = {{"Gb/s", 1e9 / 8}, {"GB/s", 1e9},      {"Tb/s", 1e12 / 8}, {"TB/s", 1e12}, {"Mb/s", 1e6 / 8},
                                    {"MB/s", 1e6},     {"kb/s", 1e3 / 8},  {"KB/s", 1e3},      {"kB/s", 1e3},  {"b/s", 1.0 / 8},
                                    {"B/s", 1},        {"KiB/s", ki},      {"MiB/s", mi},      {"GiB/s", gi},  {"TiB/s", ti},
                                    {"Gbps", 1e9 / 8}, {"Tbps", 1e12 / 8}, {"Mbps", 1e6 / 8}};
constexpr Unit time_units[] = {{"ns", 1e3}, {"us", 1e6}, {"ms", 1e9}, {"s", 1e12}, {"ps", 1}};  // picoseconds
constexpr Unit byte_units[] = {{"B", 1},     {"KB", 1e3}, {"kB", 1e3}, {"MB", 1e6}, {"GB", 1e9},
                               {"TB", 1e12}, {"KiB", ki}, {"MiB", mi}, {"GiB", gi}, {"TiB", ti}};

struct Kind {
  std::string_view what;  // "a bandwidth"
  std::span<const Unit> units;
  std::string_view first, second;  // units to propose
  std::string_view why_unit;       // why a bare number is not enough
  double largest;                  // of the value in its base unit
};

constexpr Kind bandwidth_kind{"a bandwidth", bandwidth_units, "GB/s", "Gb/s", "GB/s and Gb/s differ by 8", 1e18};
// sim::Time holds 2^63 ps = 106 days.
constexpr Kind time_kind{"a time", time_units, "ns", "us", "ns and us differ by 1000", 9e18};
constexpr Kind bytes_kind{"a size", byte_units, "GB", "GiB", "GB is 10^9 and GiB is 2^30 bytes", 9e18};

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

std::string known_units(const Kind& kind) {
  std::string names;
  for (std::size_t i = 0; i < std::min<std::size_t>(kind.units.size(), 6); ++i) names += (i ? ", " : "") + std::string(kind.units[i].name);
  return names;
}

bool same_but_case(std::string_view a, std::string_view b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return (x | 0x20) == (y | 0x20); });
}

std::string unknown_unit(const Kind& kind, std::string_view text, std::string_view unit) {
  std::string advice;
  for (const Unit& known : kind.units) {
    if (same_but_case(known.name, unit)) advice += (advice.empty() ? " Did you mean '" : " or '") + std::string(known.name) + "'";
  }
  return fmt::format("'{}' has the unknown unit '{}' (known: {}, …).{}", text, unit, known_units(kind), advice.empty() ? "" : advice + "?");
}

Parsed<double> parse(const Kind& kind, std::string_view raw) {
  const std::string_view text = trimmed(raw);
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string_view unit = trimmed(text.substr(static_cast<std::size_t>(end - text.data())));
  if (error == std::errc::result_out_of_range) return {{}, fmt::format("'{}' is out of range.", text)};
  if (error != std::errc{} || !std::isfinite(number)) {
    return {{}, fmt::format("'{}' is not {}. Write a number and a unit, for example '400 {}'.", text, kind.what, kind.first)};
  }
  if (unit.empty()) {
    return {{}, fmt::format("'{0}' has no unit ({1}). Write '{0} {2}' or '{0} {3}'.", text, kind.why_unit, kind.first, kind.second)};
  }
  for (const Unit& known : kind.units) {
    if (known.name != unit) continue;
    const double value = number * known.factor;
    if (number < 0) return {{}, fmt::format("'{}' is negative.", text)};
    if (!(value <= kind.largest)) return {{}, fmt::format("'{}' is out of range.", text)};
    return {value, {}};
  }
  return {{}, unknown_unit(kind, text, unit)};
}

// Shortest decimal of value / unit, in the first unit in which it is at least 1 and reads back exactly.
std::string print(std::span<const Unit> units, const Kind& kind, double value) {
  std::string best;
  for (const Unit& unit : units) {
    if (value / unit.factor < 1 && value != 0) continue;
    std::string text = fmt::format("{} {}", to_text(value / unit.factor), unit.name);
    if (parse(kind, text).value == value && (best.empty() || text.size() < best.size())) best = std::move(text);
  }
  return best;
}

}  // namespace

Parsed<sim::BytesPerSecond> parse_bandwidth(std::string_view text) {
  const auto [value, problem] = parse(bandwidth_kind, text);
  if (!value) return {{}, problem};
  return {sim::BytesPerSecond{*value}, {}};
}

Parsed<sim::Time> parse_time(std::string_view text) {
  const auto [value, problem] = parse(time_kind, text);
  if (!value) return {{}, problem};
  return {sim::Time::picoseconds(std::llround(*value)), {}};
}

Parsed<sim::Bytes> parse_bytes(std::string_view text) {
  const auto [value, problem] = parse(bytes_kind, text);
  if (!value) return {{}, problem};
  return {sim::Bytes{std::llround(*value)}, {}};
}

std::optional<double> parse_number(std::string_view text) {
  const bool digit_first = !text.empty() && (text[0] == '-' || text[0] == '.' || (text[0] >= '0' && text[0] <= '9'));
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (!digit_first || error != std::errc{} || end != text.data() + text.size() || !std::isfinite(value)) return {};
  return value;
}

std::optional<std::int64_t> parse_integer(std::string_view text) {
  const std::string_view digits = text.starts_with('-') ? text.substr(1) : text;
  if (digits.size() > 1 && digits[0] == '0') return {};  // octal in YAML 1.1, decimal in 1.2: refused rather than guessed
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return {};
  return value;
}

std::string to_text(double value) {
  char buffer[32];
  const auto result = std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::general);
  if (std::string text(buffer, result.ptr); text.find('e') == std::string::npos) return text;
  return fmt::format("{}", value);
}

std::string to_text(sim::BytesPerSecond value, BandwidthUnit unit) {
  static constexpr Unit as_bits[] = {{"Gb/s", 1e9 / 8}, {"Mb/s", 1e6 / 8}, {"kb/s", 1e3 / 8}, {"b/s", 1.0 / 8}};
  static constexpr Unit as_bytes[] = {{"GB/s", 1e9}, {"MB/s", 1e6}, {"KB/s", 1e3}};
  std::string text =
      unit == BandwidthUnit::bits ? print(as_bits, bandwidth_kind, value.value()) : print(as_bytes, bandwidth_kind, value.value());
  return text.empty() ? to_text(value.value()) + " B/s" : text;
}

std::string to_text(sim::Time value) {
  // Exact in integers: the largest unit that divides the value, else the next smaller ones.
  static constexpr std::pair<std::string_view, std::int64_t> units[] = {
      {"s", 1'000'000'000'000}, {"ms", 1'000'000'000}, {"us", 1'000'000}, {"ns", 1'000}, {"ps", 1}};
  if (value.ps() == 0) return "0 ns";
  for (const auto& [name, factor] : units) {
    if (value.ps() % factor == 0) return fmt::format("{} {}", value.ps() / factor, name);
  }
  return {};
}

std::string to_text(sim::Bytes value) {
  static constexpr std::pair<std::string_view, std::int64_t> units[] = {{"GiB", 1 << 30},      {"MiB", 1 << 20},  {"KiB", 1 << 10},
                                                                        {"GB", 1'000'000'000}, {"MB", 1'000'000}, {"kB", 1000}};
  for (const auto& [name, factor] : units)
    if (value.count() > 0 && value.count() % factor == 0) return fmt::format("{} {}", value.count() / factor, name);
  return fmt::format("{} B", value.count());
}

}  // namespace workloads
