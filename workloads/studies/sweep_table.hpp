#pragma once
#include <array>
#include <functional>
#include <string>
#include <string_view>
#include "workloads/studies/sweep.hpp"

// What a sweep leaves behind: DIR/results.csv and DIR/results.h5 (docs/sweeps.md), a row a point in the order of the sweep.
namespace workloads {

enum class PointStatus : std::uint8_t { ok, failed, invalid, missing };
inline constexpr std::array<std::string_view, 4> point_status_names = {"ok", "failed", "invalid", "missing"};

struct SweepRow {
  PointStatus status = PointStatus::ok;
  std::string reason;   // of what is not ok
  std::string summary;  // of what is: the JSON of `weftsim run`, without the times of the simulation itself
};

// The columns beside those of the axes, which come after `point`.
inline constexpr auto result_columns =
    std::to_array<std::string_view>({"point", "status", "reason", "step_time_s", "low_s", "high_s", "tokens_per_s", "mfu", "memory_bytes",
                                     "max_link_utilization", "switches", "modules", "power_w", "price_usd", "signature"});

// Equal rows make equal files, byte by byte. Each appears whole or not at all; throws sim::MachineError.
void write_results(const std::string& directory, const Sweep& sweep, const std::function<SweepRow(std::size_t)>& row);
void remove_results(const std::string& directory);  // before a sweep goes on: they would be out of date

// The summary of one point of a finished sweep. Throws sim::InputError when there is none, with the reason.
std::string read_point_summary(const std::string& results_h5, std::size_t point);

}  // namespace workloads
