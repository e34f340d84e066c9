#include "workloads/run_cache.hpp"

namespace workloads {

kernels::OperationTimes RunCache::operation_times(const std::string& accelerator, const kernels::NcclSettings& nccl) {
  const std::lock_guard lock(access_);
  if (const auto found = devices_.find({accelerator, nccl}); found != devices_.end()) return found->second;
  return devices_.emplace(std::pair(accelerator, nccl), kernels::OperationTimes(kernels::load_device_profile(accelerator), nccl))
      .first->second;
}

kernels::SoftwareProfile RunCache::software(const std::string& name_or_path) {
  const std::lock_guard lock(access_);
  if (const auto found = software_.find(name_or_path); found != software_.end()) return found->second;
  return software_.emplace(name_or_path, kernels::load_software_profile(name_or_path)).first->second;
}

void RunCache::put(const std::string& accelerator, kernels::OperationTimes times) {
  const std::lock_guard lock(access_);
  devices_.insert_or_assign({accelerator, times.nccl()}, std::move(times));
}

void RunCache::put(const std::string& software, kernels::SoftwareProfile profile) {
  const std::lock_guard lock(access_);
  software_.insert_or_assign(software, std::move(profile));
}

}  // namespace workloads
