#include "workloads/studies/held_out.hpp"
#include <fmt/format.h>
#include <algorithm>
#include <cmath>
#include <map>
#include <tuple>
#include "kernels/data_sheet.hpp"
#include "kernels/fit/fit_device_profile.hpp"
#include "sim/error.hpp"

namespace workloads {
namespace {

using kernels::fit::CollectiveRow;
using kernels::fit::HeldOut;

constexpr double mebibyte = 1 << 20;

std::vector<HeldOut> fit_and_predict(const kernels::CsvTable& table, const kernels::DataSheet& sheet) {
  kernels::DeviceProfile profile = sheet.profile;
  try {
    std::vector<HeldOut> all = kernels::fit::fit_scale_up(table, sheet, profile);
    const std::vector<HeldOut> across = kernels::fit::fit_network(table, sheet, profile);
    all.insert(all.end(), across.begin(), across.end());
    return all;
  } catch (const sim::InputError&) {
    return {};  // too few rows of this device
  }
}

using Point = std::tuple<kernels::CollectiveOp, int, int, double>;
Point point_of(const CollectiveRow& row) { return {row.op, row.ranks, row.hosts, row.bytes}; }

// exp(mean |log(time / median)|) - 1 of equal points that several logs hold: what no prediction can go below.
double spread(const std::vector<const HeldOut*>& rows) {
  std::map<Point, std::map<std::string, double>> by_point;
  for (const HeldOut* h : rows) by_point[point_of(h->row)][h->row.source] = std::log(h->row.seconds);
  double sum = 0;
  int count = 0;
  for (const auto& [point, by_source] : by_point) {
    if (by_source.size() < 2) continue;
    std::vector<double> logs;
    for (const auto& [source, log] : by_source) logs.push_back(log);
    std::nth_element(logs.begin(), logs.begin() + std::ptrdiff_t(logs.size() / 2), logs.end());
    for (const double log : logs) sum += std::abs(log - logs[logs.size() / 2]);
    count += static_cast<int>(logs.size());
  }
  return count == 0 ? 0 : std::expm1(sum / count);
}

}  // namespace

std::vector<HeldOutSet> held_out_collectives(const kernels::CsvTable& table) {
  std::vector<HeldOutSet> sets;
  for (const auto& device : kernels::shipped_device_profiles()) {
    const kernels::DataSheet sheet = kernels::load_data_sheet(device);
    if (!sheet.measured) continue;
    const std::vector<HeldOut> all = fit_and_predict(table, sheet);
    std::map<std::tuple<bool, std::string_view, bool, kernels::CollectiveOp>, std::vector<const HeldOut*>> groups;
    for (const HeldOut& h : all) groups[{h.row.hosts > 1, h.unseen, h.row.bytes < mebibyte, h.row.op}].push_back(&h);
    for (const auto& [key, rows] : groups) {
      const auto& [across, unseen, small, op] = key;
      HeldOutSet set{.device = device,
                     .operation = std::string(kernels::name_of(op)) + (across ? " across hosts" : ""),
                     .size = small ? "below 1 MiB" : "from 1 MiB",
                     .unseen = std::string(unseen),
                     .n = static_cast<int>(rows.size()),
                     .spread = spread(rows)};
      for (const HeldOut* h : rows) {
        set.geometric_error += std::abs(h->log()) / set.n;
        set.bias += h->log() / set.n;
      }
      set.geometric_error = std::expm1(set.geometric_error);
      set.bias = std::expm1(set.bias);
      sets.push_back(std::move(set));
    }
  }
  return sets;
}

}  // namespace workloads
