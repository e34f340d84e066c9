#pragma once
#include <string>
#include <string_view>
#include <vector>
#include "kernels/calibrate/operation_backend.hpp"  // Machine
#include "kernels/device_profile.hpp"

// What a calibration cannot measure: platforms.json, each number with its source.
namespace kernels::calibrate {

struct Platform {
  std::string name;        // Machine::platform
  double drift_sigma = 0;  // of all operations alike, between a calibration and what it is used for
  std::string drift_source;
  double backward_flops = 0, backward_rate = 0;  // of attention
  std::string attention_source;
};
Platform platform_named(std::string_view name);
std::string data_sheet_of(std::string_view device);  // as its driver calls it; empty: none is shipped

// What is known of a machine before anything was measured: of a known device its shipped profile, else names and sizes.
DeviceProfile base_profile(const Machine& machine);
std::string fact_of(const Machine& machine, std::string_view name);  // empty: not stated

}  // namespace kernels::calibrate
