#pragma once
#include <string_view>
#include "kernels/device_profile.hpp"
#include "kernels/strict_json.hpp"

// What the readers of device profiles and data sheets share, and what reader and writer must agree on.
namespace kernels {

inline constexpr std::string_view device_schema_name = "weftsim-device/";
inline constexpr int device_schema_version = 2;
inline constexpr std::string_view tile_names[] = {"256x128", "128x128", "256x64", "128x64", "64x64"};

void read_names(JsonObject& top, DeviceProfile& profile);     // name, description, vendor
void read_hardware(JsonObject& top, DeviceProfile& profile);  // multiprocessors, peaks, memory

}  // namespace kernels
