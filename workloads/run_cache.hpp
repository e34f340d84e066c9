#pragma once
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include "kernels/operation_times.hpp"
#include "kernels/software_profile.hpp"

namespace workloads {

// What the runs of one process share: profiles, and the times looked up in them. Any number of threads may use it; a run
// gives the same result with and without.
class RunCache {
 public:
  kernels::OperationTimes operation_times(const std::string& accelerator,
                                          const kernels::NcclSettings& nccl = {});  // copies share their look-ups
  kernels::SoftwareProfile software(const std::string& name_or_path);
  // In place of what would be loaded.
  void put(const std::string& accelerator, kernels::OperationTimes times);
  void put(const std::string& software, kernels::SoftwareProfile profile);

 private:
  std::map<std::pair<std::string, kernels::NcclSettings>, kernels::OperationTimes> devices_;
  std::map<std::string, kernels::SoftwareProfile> software_;
  std::mutex access_;
};

}  // namespace workloads
