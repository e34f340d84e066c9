#include <fmt/format.h>
#include <fmt/ranges.h>
#include <map>
#include <numeric>
#include <set>
#include "kernels/calibrate/fit/fit_journal.hpp"
#include "kernels/fit/numerics.hpp"
#include "sim/error.hpp"

namespace kernels::calibrate {
namespace {

// Of the device that the logs name, if `accelerator` does not say it.
std::string accelerator_of(const Logs& logs, const std::string& accelerator) {
  if (!accelerator.empty()) return accelerator;
  std::set<std::string> devices;
  for (const auto& row : logs.collectives)
    if (!row.gpu_type.empty()) devices.insert(row.gpu_type);
  const std::string sheet = devices.size() == 1 ? data_sheet_of(*devices.begin()) : std::string();
  if (!sheet.empty()) return sheet;
  throw sim::InputError(
      fmt::format("--from: the logs are of {}. Say which profile to start from, as in --accelerator h100-sxm (weftsim list).",
                  devices.empty()       ? "a device that they do not name"
                  : devices.size() == 1 ? fmt::format("'{}', of which no data sheet is shipped", *devices.begin())
                                        : fmt::format("{} kinds of devices", devices.size())));
}

// Rows of one operation that several files or runs have become their median.
class Merged {
 public:
  void add(const Operation& operation, double seconds) {
    times_.try_emplace(to_json(operation), operation, std::vector<double>{}).first->second.second.push_back(seconds);
  }
  std::vector<Sample> samples() const {
    std::vector<Sample> all;
    for (const auto& [key, entry] : times_) {
      const double seconds = fit::median(entry.second);
      all.push_back({.operation = entry.first,
                     .seconds = seconds,
                     .low = seconds,
                     .high = seconds,
                     .samples = static_cast<int>(entry.second.size())});
    }
    return all;
  }

 private:
  std::map<std::string, std::pair<Operation, std::vector<double>>> times_;
};

std::vector<int> members(int ranks) {
  std::vector<int> all(static_cast<std::size_t>(ranks));
  std::iota(all.begin(), all.end(), 0);
  return all;
}

}  // namespace

Calibration fit_logs(const Logs& logs, const std::string& accelerator, const std::string& name) {
  FitSettings settings{.name = name, .base = load_device_profile(accelerator_of(logs, accelerator)), .library = {}};
  const Platform platform = platform_named("cuda");
  settings.drift_sigma = platform.drift_sigma;
  settings.drift_source = platform.drift_source;
  settings.whole_machine = false;
  Merged merged;
  std::vector<fit::CollectiveRow> across_hosts;
  std::set<std::string> sources, versions;
  for (const auto& row : logs.collectives) {
    sources.insert(row.source);
    if (!row.nccl.empty()) versions.insert(row.nccl);
    if (row.hosts > 1)
      across_hosts.push_back(row);
    else if (row.op != CollectiveOp::send_receive)
      merged.add(Collective{row.op, members(row.ranks), row.bytes}, row.seconds);
  }
  for (const auto& product : logs.products) {
    sources.insert(product.source.substr(0, product.source.rfind(':')));
    merged.add(Product{product.shape}, product.seconds);
  }
  if (!versions.empty()) settings.library.nccl = *versions.rbegin();
  settings.source = fmt::format("{}", fmt::join(sources, "; "));
  return fit_journal({.machine = {}, .samples = merged.samples(), .beside = {}}, settings, std::move(across_hosts));
}

}  // namespace kernels::calibrate
