#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>
#include "kernels/device_profile.hpp"

// What the maker states of a device, from kernels/datasheets/NAME.json, each number with its source, and
// either which rows of published tables are this device's, or which measured device it is taken to be like.
namespace kernels {

// For weftsim fit.
struct MeasuredBy {
  std::string device;      // whose tables are used; its own name mostly
  std::string gemm_table;  // gemm_<this>.csv
  std::string gemm_source;
  std::vector<std::string> gpu_types;  // of collectives.csv and attention.csv
};

// Not measured: formulas and corrections of another device, at this one's peaks and bandwidths.
struct TakenFrom {
  std::string device;
  double sigma = 0;  // relative error (1 sigma) of times taken over so
  std::string source;
  double product_time = 1;  // of its matrix products, of what the rule says
};

struct DataSheet {
  DeviceProfile profile;  // what the maker states; products, attention and collectives are still empty
  std::optional<MeasuredBy> measured;
  std::optional<TakenFrom> like;
};

// Throws InputError with all problems of the text.
DataSheet parse_data_sheet(std::string_view json, const std::string& file);
bool is_data_sheet(std::string_view json);  // by its schema; false for what is no JSON
// A shipped one. Throws InputError with the names that are known.
DataSheet load_data_sheet(std::string_view device);
std::vector<std::string> data_sheet_names();
// The uncalibrated profile of a device that no one has measured; `like` is the profile of sheet.like->device.
DeviceProfile uncalibrated_profile(const DataSheet& sheet, const DeviceProfile& like);

}  // namespace kernels
