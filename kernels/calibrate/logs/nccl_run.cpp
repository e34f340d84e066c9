#include "kernels/calibrate/logs/nccl_run.hpp"
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <limits>
#include "sim/error.hpp"

namespace kernels::calibrate {
namespace {

// Names of tests without "_perf", what they do to data, and busbw / algbw for n ranks (nccl-tests, doc/PERFORMANCE.md).
struct Test {
  std::string_view name;
  CollectiveOp op;
  bool reduces, has_root;
  double (*factor)(double n);
};
constexpr auto one = [](double) { return 1.0; };
constexpr auto others = [](double n) { return (n - 1) / n; };
constexpr Test tests[] = {
    {"all_reduce", CollectiveOp::all_reduce, true, false, [](double n) { return 2 * (n - 1) / n; }},
    {"all_gather", CollectiveOp::all_gather, false, false, others},
    {"reduce_scatter", CollectiveOp::reduce_scatter, true, false, others},
    {"broadcast", CollectiveOp::broadcast, false, true, one},
    {"alltoall", CollectiveOp::all_to_all, false, false, others},
    {"sendrecv", CollectiveOp::send_receive, false, false, one},
    {"reduce", CollectiveOp::reduce, true, true, one},
    {"gather", CollectiveOp::gather, false, true, others},
    {"scatter", CollectiveOp::scatter, false, true, others},
};

bool agree(Printed printed, double low, double high) {
  constexpr double slack = 1e-6;  // of the recomputation itself
  return printed.value + printed.digit >= low * (1 - slack) && printed.value - printed.digit <= high * (1 + slack);
}

// Whether the bandwidths are those of so many bytes in such a time.
bool agrees(const NcclRow& row, Printed printed, double factor) {
  const double least = row.time_us.value - row.time_us.digit, most = row.time_us.value + row.time_us.digit;
  const double per_us = factor * row.bytes / 1e3;  // GB/s is 1e3 bytes a microsecond
  return agree(printed, per_us / most, least > 0 ? per_us / least : std::numeric_limits<double>::infinity());
}

bool fits(const Test& test, const NcclRun& run, double ranks) {
  for (const NcclRow& row : run.rows) {
    // Those two are never checked in place; sendrecv prints the operator that it does not use.
    const bool moves = test.op == CollectiveOp::send_receive || test.op == CollectiveOp::all_to_all;
    if (moves ? row.in_place_checked : row.out_of_place_checked && !row.in_place_checked) return false;
    const bool reduces = !row.redop.empty() && row.redop != "none";
    if (test.op != CollectiveOp::send_receive && reduces != test.reduces) return false;
    if ((row.root && *row.root >= 0) != test.has_root) return false;
    if (!agrees(row, row.bus_GBps, test.factor(ranks))) return false;
  }
  return true;
}

const Test* named_test(std::string_view name) {
  if (name.ends_with("_perf")) name.remove_suffix(5);
  for (const Test& test : tests)
    if (test.name == name) return &test;
  return nullptr;
}

const Test* find_test(const NcclRun& run, const LogOptions& options, double ranks, Logs& logs) {
  std::vector<std::string_view> names_of_all;
  if (!run.test.empty()) {
    if (const Test* test = named_test(run.test)) return test;
    const int line = run.rows.front().line;
    if (!run.test.starts_with("hypercube")) {
      for (const Test& test : tests) names_of_all.push_back(test.name);
      throw sim::InputError(fmt::format("{}:{}: the test '{}' is not known (known: {}). Give the output as it was printed.", run.file, line,
                                        run.test, fmt::join(names_of_all, ", ")));
    }
    logs.notes.push_back(fmt::format("{}:{}: rows of {} are left out: the model has no such operation.", run.file, line, run.test));
    return nullptr;
  }
  std::vector<const Test*> possible;
  std::vector<std::string_view> names;
  for (const Test& test : tests)
    if (fits(test, run, ranks) && (!options.op || *options.op == test.op)) {
      possible.push_back(&test);
      names.push_back(test.name);
    }
  // Operations with the same bandwidths are told apart by the name of the file, the longest that is in it.
  const std::string name = std::filesystem::path(run.file).filename().string();
  const Test* by_name = nullptr;
  if (possible.size() > 1)
    for (const Test* test : possible)
      if (name.find(test->name) != std::string::npos && (!by_name || test->name.size() > by_name->name.size())) by_name = test;
  if (by_name) possible = {by_name};
  if (possible.size() != 1)
    throw sim::InputError(
        fmt::format("{}:{}: the log does not name its test, and its bandwidths are those of {}. Keep the line '# Collective test starting: "
                    "…', or name the operation.",
                    run.file, run.rows.front().line, names.empty() ? "none that is known" : fmt::format("{}", fmt::join(names, " or "))));
  if (!options.op)
    logs.notes.push_back(fmt::format("{}:{}: the log does not name its test; by {} it is {}.", run.file, run.rows.front().line,
                                     by_name ? "the file's name" : "its bandwidths", possible.front()->name));
  return possible.front();
}

}  // namespace

std::optional<Printed> parse_printed(std::string_view text) {
  Printed made;
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, made.value);
  if (error != std::errc() || at != end || !std::isfinite(made.value) || made.value < 0) return std::nullopt;
  const std::size_t exponent = text.find_first_of("eE"), point = text.find('.');
  int power = 0;
  if (exponent != std::string_view::npos) {
    const bool plus = text[exponent + 1] == '+';
    std::from_chars(text.data() + exponent + 1 + plus, end, power);
  }
  const std::size_t last = std::min(exponent, text.size());
  if (point < last) power -= static_cast<int>(last - point - 1);
  made.digit = std::pow(10.0, power);
  return made;
}

void NcclRun::add_rank(int line, int rank, int group, const std::string& host, const std::string& name) {
  Group& of = groups[group];
  if (!of.ranks.insert(rank).second)
    throw sim::InputError(fmt::format("{}:{}: rank {} is listed twice. Give the output of one run as it was printed.", file, line, rank));
  of.hosts.insert(host);
  if (device.empty()) device = name;
  if (device != name)
    throw sim::InputError(
        fmt::format("{}:{}: rank {} is a {}, others are a {}. A profile is of one device; run the test on GPUs of one type.", file, line,
                    rank, name, device));
}

std::string nccl_version(double code) {
  if (!(code >= 1000 && code < 1e7) || code != std::floor(code)) return "";
  const int number = static_cast<int>(code), major = number < 10000 ? 1000 : 10000;  // since 2.9 with two digits for the minor
  return fmt::format("{}.{}.{}", number / major, number % major / 100, number % 100);
}

void append(const NcclRun& run, const LogOptions& options, Logs& logs) {
  if (run.rows.empty()) throw sim::InputError(fmt::format("{}: a run in it has no measurements. Give the whole output.", run.file));
  const int line = run.rows.front().line;
  if (run.groups.empty())
    throw sim::InputError(
        fmt::format("{}:{}: no lines '# Rank …' before the table say how many ranks there are. Give the whole output.", run.file, line));
  const NcclRun::Group& group = run.groups.begin()->second;
  for (const auto& [id, other] : run.groups)
    if (other.ranks.size() != group.ranks.size() || other.hosts.size() != group.hosts.size())
      throw sim::InputError(fmt::format("{}:{}: groups {} and {} differ in their ranks or hosts. Split into equal groups.", run.file, line,
                                        run.groups.begin()->first, id));
  const int ranks = static_cast<int>(group.ranks.size());
  if (ranks < 2) {
    logs.notes.push_back(fmt::format("{}:{}: a run of one rank is left out.", run.file, line));
    return;
  }
  const Test* test = find_test(run, options, ranks, logs);
  if (!test) return;
  for (const NcclRow& row : run.rows)
    if (row.time_us.value <= 0 || !agrees(row, row.algorithm_GBps, 1))
      throw sim::InputError(fmt::format("{}:{}: {} bytes in {} us are not {} GB/s. The row is garbled; give the output as it was printed.",
                                        run.file, row.line, row.bytes, row.time_us.value, row.algorithm_GBps.value));
  if (options.op && *options.op != test->op)
    throw sim::InputError(fmt::format("{}:{}: the log is of {}, not of {}. Leave the option out.", run.file, line, test->name,
                                      kernels::name_of(*options.op)));
  int empty = 0;
  for (const NcclRow& row : run.rows) {
    if (!agrees(row, row.bus_GBps, test->factor(ranks)))
      throw sim::InputError(
          fmt::format("{}:{}: {} of {} bytes among {} ranks in {} us has a bus bandwidth of {:.4g} GB/s, not {}. Give the output of one "
                      "run as it was printed.",
                      run.file, row.line, test->name, row.bytes, ranks, row.time_us.value,
                      test->factor(ranks) * row.bytes / row.time_us.value / 1e3, row.bus_GBps.value));
    if (row.bytes == 0) {
      ++empty;
      continue;
    }
    logs.collectives.push_back({.source = run.file,
                                .network = options.network,
                                .gpu_type = run.device,
                                .nccl = run.nccl,
                                .op = test->op,
                                .ranks = ranks,
                                .hosts = static_cast<int>(group.hosts.size()),
                                .bytes = row.bytes,
                                .seconds = row.time_us.value * 1e-6});
    logs.lines.push_back(row.line);
  }
  if (empty > 0) logs.notes.push_back(fmt::format("{}:{}: {} rows of zero bytes are left out.", run.file, line, empty));
}

}  // namespace kernels::calibrate
