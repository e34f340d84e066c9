#pragma once
#include <string>
#include <string_view>
#include <vector>
#include "kernels/device_profile.hpp"

namespace kernels::fit {

// What the maker states of a device, the assumptions that no table covers, and which rows of published
// tables are this device's. From kernels/datasheets/, each number with its source.
struct DataSheet {
  DeviceProfile profile;    // without points and residuals
  std::string measured_on;  // the device whose table is used; its own name mostly
  std::string gemm_table;   // gemm_<this>.csv
  std::string gemm_source;
  std::vector<std::string> gpu_types;  // of collectives.csv and attention.csv
};

// Throws InputError with the names that are known.
DataSheet load_data_sheet(std::string_view device);
std::vector<std::string> data_sheet_names();

}  // namespace kernels::fit
