#pragma once
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>
#include "workloads/collective/collective_run.hpp"

namespace workloads::collective {

// As nccl-tests prints it: 13 columns, all other lines begin with #. Out of place and in place are alike here; #wrong is N/A.
std::string nccl_text(const CollectiveTable& table);
// The JSON of `weftsim collective` (docs/collectives.md).
nlohmann::ordered_json collective_json(const CollectiveTable& table);

struct MeasuredPoint {
  double bytes = 0, time_s = 0, busbw_GBps = 0;
  std::string set;
};
// The rows of a table of measurements (docs/validation.md) for this operation, ranks, hosts and accelerator.
std::vector<MeasuredPoint> read_measured(const std::string& path, const CollectiveTable& table, const std::string& accelerator);

}  // namespace workloads::collective
